//! Settings from a file: the table `[session]` of a TOML file opens a store.
//!
//! There is a key for every option of `turnkeep_store_options` but those that are callbacks, under the same name, where 0
//! means the default as it does there; and six keys under the names that others have used before.

use super::{Store, StoreOptions, TokenizerChoice};
use crate::error::{During, Error, Kind, Result};
use crate::model::Durability;
use crate::storage::sqlite::{IN_MEMORY, PlainFile};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// What `compress_messages = true` stands for: below that it does not pay.
const WORTH_COMPRESSING: u64 = 1024;

/// A megabyte of `max_session_size`.
const MEGABYTE: u64 = 1 << 20;

#[derive(Default)]
struct Settings {
    options: StoreOptions,
    in_memory: Option<bool>,
    storage_path: Option<String>,
}

type Set = fn(&mut Settings, &Value<'_>) -> Result<()>;

const KEYS: &[(&str, Set)] = &[
    ("backend", |settings, value| {
        settings.in_memory = Some(value.one_of(&[("sqlite", false), ("memory", true)])?);
        Ok(())
    }),
    ("storage_path", |settings, value| {
        settings.storage_path = Some(value.text()?.to_owned());
        Ok(())
    }),
    ("autosave_interval", |settings, value| {
        // Off: what is deferred is written by flush and close only.
        settings.options.autosave = match value.whole(u32::MAX.into())? {
            0 => Duration::MAX,
            seconds => Duration::from_secs(seconds),
        };
        Ok(())
    }),
    ("max_session_size", |settings, value| {
        let bytes = value.whole(u64::MAX / MEGABYTE / 2)? * MEGABYTE;
        settings.options.max_session_bytes = (bytes > 0).then_some(bytes);
        Ok(())
    }),
    ("compress_messages", |settings, value| {
        settings.options.compress_min_bytes = if value.flag()? { WORTH_COMPRESSING } else { 0 };
        Ok(())
    }),
    ("connection_pool_size", set_readers),
    ("durability", |settings, value| {
        settings.options.durability = value.one_of(&[
            ("disk", Durability::Disk),
            ("os", Durability::Os),
            ("deferred", Durability::Deferred),
        ])?;
        Ok(())
    }),
    ("autosave_ms", |settings, value| {
        let millis = value.whole(u32::MAX.into())?;
        unless_zero(millis, |millis| {
            settings.options.autosave = Duration::from_millis(millis)
        })
    }),
    ("cache_sessions", |settings, value| {
        let count = value.whole(i64::MAX as u64)?;
        unless_zero(count, |count| settings.options.cache_sessions = to_usize(count))
    }),
    ("cache_bytes", |settings, value| {
        let bytes = value.whole(i64::MAX as u64)?;
        unless_zero(bytes, |bytes| settings.options.cache_bytes = to_usize(bytes))
    }),
    ("window_tokens", |settings, value| {
        let tokens = value.whole(i64::MAX as u64)?;
        unless_zero(tokens, |tokens| settings.options.window_tokens = tokens)
    }),
    ("busy_timeout_ms", |settings, value| {
        let millis = value.whole(u32::MAX.into())?;
        unless_zero(millis, |millis| {
            settings.options.busy_timeout = Duration::from_millis(millis)
        })
    }),
    ("readers", set_readers),
    ("exclusive", |settings, value| {
        settings.options.exclusive = value.flag()?;
        Ok(())
    }),
    ("read_only", |settings, value| {
        settings.options.read_only = value.flag()?;
        Ok(())
    }),
    ("must_exist", |settings, value| {
        settings.options.must_exist = value.flag()?;
        Ok(())
    }),
    ("tokenizer", |settings, value| {
        settings.options.tokenizer = TokenizerChoice::Named(value.text()?.to_owned());
        Ok(())
    }),
    ("max_session_bytes", |settings, value| {
        let bytes = value.whole(i64::MAX as u64)?;
        settings.options.max_session_bytes = (bytes > 0).then_some(bytes);
        Ok(())
    }),
    ("compress_min_bytes", |settings, value| {
        settings.options.compress_min_bytes = value.whole(i64::MAX as u64)?;
        Ok(())
    }),
    ("compression_level", |settings, value| {
        let level = value.whole(i32::MAX as u64)?;
        unless_zero(level, |level| settings.options.compression_level = level as i32)
    }),
    ("expire_after_ms", |settings, value| {
        settings.options.expire_after = millis_or_never(value.whole(i64::MAX as u64)?);
        Ok(())
    }),
    ("expire_sliding", |settings, value| {
        settings.options.expire_sliding = value.flag()?;
        Ok(())
    }),
    ("cleanup_interval_ms", |settings, value| {
        settings.options.cleanup_interval = millis_or_never(value.whole(u32::MAX.into())?);
        Ok(())
    }),
    ("event_log_rows", |settings, value| {
        settings.options.event_log_rows = value.whole(i64::MAX as u64)?;
        Ok(())
    }),
    ("no_search", |settings, value| {
        settings.options.no_search = value.flag()?;
        Ok(())
    }),
];

/// Two names for one thing: only one of them may be given.
const SAME: [(&str, &str); 4] = [
    ("autosave_interval", "autosave_ms"),
    ("max_session_size", "max_session_bytes"),
    ("compress_messages", "compress_min_bytes"),
    ("connection_pool_size", "readers"),
];

fn set_readers(settings: &mut Settings, value: &Value<'_>) -> Result<()> {
    let count = value.whole(u32::MAX.into())?;
    unless_zero(count, |count| settings.options.readers = to_usize(count))
}

fn unless_zero(number: u64, set: impl FnOnce(u64)) -> Result<()> {
    if number != 0 {
        set(number);
    }
    Ok(())
}

fn millis_or_never(millis: u64) -> Option<Duration> {
    (millis > 0).then_some(Duration::from_millis(millis))
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Settings take a few hundred bytes; what is longer is another file, or a device that never ends.
const MOST_BYTES: u64 = 1 << 20;

impl Store {
    /// Opens a store as the table `[session]` of a TOML file says.
    pub fn open_config(path: &str) -> Result<Self> {
        let open = || {
            let file = Path::new(path);
            // To open and close it would drop the store's locks.
            let _claimed = PlainFile::claim(file).ok_or_else(|| {
                Error::invalid("this is a store that is open in this process, or a file of one; it holds no settings")
            })?;
            let unreadable = |error: std::io::Error| match error.kind() {
                std::io::ErrorKind::NotFound => Error::new(Kind::NotFound, "there is no such file"),
                _ => Error::new(Kind::Storage, format!("the file cannot be read: {error}")),
            };
            let mut text = Vec::new();
            File::open(file)
                .and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut text))
                .map_err(unreadable)?;
            if text.len() as u64 > MOST_BYTES {
                return Err(Error::new(
                    Kind::TooLarge,
                    format!("the file has more than {MOST_BYTES} bytes: it holds no settings"),
                ));
            }
            let text = String::from_utf8(text).map_err(|error| {
                Error::new(Kind::Encoding, format!("the file is not UTF-8: {}", error.utf8_error()))
            })?;
            let folder = file.parent().unwrap_or(Path::new(""));
            StoreOptions::from_toml(&text, folder)
        };
        let (location, options) = open().during(|| format!("read settings '{path}'"))?;
        Self::open(&location, options).during(|| format!("open the store of settings '{path}'"))
    }
}

impl StoreOptions {
    /// Where a store is and how to open it, from the table `[session]` of a TOML text. A path that is not absolute begins at
    /// `folder`.
    pub fn from_toml(text: &str, folder: &Path) -> Result<(String, Self)> {
        let document = DeTable::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            Error::invalid(format!("line {line} is not TOML: {}", error.message()))
        })?;
        let table = document
            .get_ref()
            .iter()
            .find(|(name, _)| name.get_ref() == "session")
            .and_then(|(_, value)| value.get_ref().as_table())
            .ok_or_else(|| Error::invalid("there is no table [session]"))?;
        let mut settings = Settings::default();
        for (name, value) in table {
            let value = Value {
                name: name.get_ref(),
                line: line_of(text, name.span().start),
                value: value.get_ref(),
            };
            let (_, set) = KEYS
                .iter()
                .find(|(known, _)| *known == value.name)
                .ok_or_else(|| value.unknown())?;
            set(&mut settings, &value)?;
        }
        let is_given = |wanted: &str| table.keys().any(|name| name.get_ref() == wanted);
        if let Some((one, other)) = SAME.iter().find(|(one, other)| is_given(one) && is_given(other)) {
            return Err(Error::invalid(format!(
                "{one} and {other} are both given, and are about the same; give one"
            )));
        }
        Ok((settings.location(folder)?, settings.options))
    }
}

impl Settings {
    fn location(&self, folder: &Path) -> Result<String> {
        match (self.in_memory, &self.storage_path) {
            (Some(true), None) => Ok(IN_MEMORY.to_owned()),
            (Some(true), Some(_)) => Err(Error::invalid(
                "backend is \"memory\" and storage_path is given, which it has no use for; leave one out",
            )),
            (_, None) => Err(Error::invalid(
                "storage_path is missing: give the path of the store's file, or backend = \"memory\"",
            )),
            (None, Some(path)) if path == IN_MEMORY => Ok(IN_MEMORY.to_owned()),
            (_, Some(path)) => place(path, folder)?
                .into_os_string()
                .into_string()
                .map_err(|path| Error::new(Kind::Encoding, format!("the path {} is not UTF-8", path.display()))),
        }
    }
}

/// A path as a settings file means it.
fn place(path: &str, folder: &Path) -> Result<PathBuf> {
    if path.is_empty() {
        return Err(Error::invalid(
            "storage_path is empty; give the path of the store's file",
        ));
    }
    let below_home = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => Some(rest),
        _ => None,
    };
    match below_home {
        None => Ok(folder.join(path)),
        Some(rest) => std::env::home_dir()
            .filter(|home| !home.as_os_str().is_empty())
            .map(|home| home.join(rest.trim_start_matches(['/', std::path::MAIN_SEPARATOR])))
            .ok_or_else(|| Error::invalid(format!("storage_path is '{path}', and HOME is not set"))),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// A key with its value.
struct Value<'a> {
    name: &'a str,
    line: usize,
    value: &'a DeValue<'a>,
}

impl Value<'_> {
    fn wrong(&self, wanted: &str) -> Error {
        Error::invalid(format!(
            "{} in line {} is {}; it must be {wanted}",
            self.name,
            self.line,
            match self.value {
                DeValue::String(text) => format!("\"{text}\""),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Float(number) => number.to_string(),
                other => format!("of type {}", other.type_str()),
            }
        ))
    }

    fn unknown(&self) -> Error {
        let nearest = KEYS
            .iter()
            .map(|(name, _)| *name)
            .min_by_key(|name| distance(name, self.name))
            .unwrap_or_default();
        Error::invalid(format!(
            "there is no setting '{}' (line {}); did you mean {nearest}?",
            self.name, self.line
        ))
    }

    fn text(&self) -> Result<&str> {
        self.value.as_str().ok_or_else(|| self.wrong("a text in quotes"))
    }

    fn flag(&self) -> Result<bool> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    fn whole(&self, most: u64) -> Result<u64> {
        self.value
            .as_integer()
            .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|number| *number <= most)
            .ok_or_else(|| self.wrong(&format!("a whole number from 0 to {most}")))
    }

    fn one_of<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T> {
        let text = self.value.as_str();
        let chosen = choices.iter().find(|(name, _)| Some(*name) == text);
        chosen.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.wrong(&names.join(" or "))
        })
    }
}

/// How many letters must be put in, taken out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut next = vec![index + 1];
        for ((changed, above), wanted) in row.iter().zip(row.iter().skip(1)).zip(&other) {
            let left = next.last().copied().unwrap_or_default();
            next.push((changed + usize::from(letter != *wanted)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

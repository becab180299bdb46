//! A source to import: a file, or the files of a folder or an archive, read from front to back in bounded memory.

use crate::error::{During, Error, Kind, Result};
use crate::storage::sqlite::PlainFile;
use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use zip::ZipArchive;

/// The longest line, and the longest conversation in a format that keeps one in one piece: what must stand in memory at once.
pub(crate) const MOST_BYTES_OF_ONE: usize = 48 << 20;

/// A source.
pub(crate) struct Input {
    path: PathBuf,
    location: String,
    read: Rc<Cell<u64>>,
    total: Cell<u64>,
    _claimed: PlainFile,
}

/// Whether a file of a folder or an archive is one to read, by its name without the folders it is in.
pub(crate) type Wanted = fn(&str) -> bool;

/// Takes a file of a source: its name, "" where it is the source itself, and its bytes without a byte order mark.
pub(crate) type TakePart<'a> = dyn FnMut(&str, &mut dyn BufRead) -> Result<()> + 'a;

/// What a zip archive begins with.
pub(crate) const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

const BUFFER_BYTES: usize = 256 << 10;

/// The deepest folder that is looked into.
const MOST_FOLDERS: usize = 16;

/// What is read at once: of an archive this may become a thousand times as much before the progress goes on.
const MOST_BYTES_AT_ONCE: usize = 16 << 10;

/// Counts what was read, so that a progress can be told.
struct Counted<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(MOST_BYTES_AT_ONCE);
        let count = self.inner.read(into.get_mut(..most).unwrap_or_default())?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        self.inner.seek(position)
    }
}

impl Input {
    /// A file or a folder that is there.
    pub(crate) fn open(location: &str) -> Result<Self> {
        let path = PathBuf::from(location);
        let meta = path.metadata().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => Kind::NotFound,
                _ => Kind::Storage,
            };
            Error::new(kind, format!("{location} cannot be read: {error}"))
        })?;
        if !meta.is_file() && !meta.is_dir() {
            return Err(Error::invalid(format!(
                "{location} is a pipe or a device, which may never end; put it into a file and import that"
            )));
        }
        // Before any of it is opened: see there.
        let claimed = PlainFile::claim(&path).ok_or_else(|| {
            Error::new(
                Kind::Mismatch,
                format!("{location} is a Turnkeep store; back it up, or export it and import that"),
            )
        })?;
        Ok(Self {
            path,
            location: location.to_owned(),
            read: Rc::default(),
            total: Cell::new(meta.len()),
            _claimed: claimed,
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where it is, for messages.
    pub(crate) fn location(&self) -> &str {
        &self.location
    }

    /// How many bytes were read, and of how many.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (self.read.get().min(self.total.get()), self.total.get())
    }

    /// Its bytes, from the front, without a byte order mark.
    pub(crate) fn bytes(&self) -> Result<impl BufRead + 'static> {
        self.read.set(0);
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, self.counted(&self.path)?);
        self.skip_mark(&mut reader)?;
        Ok(reader)
    }

    fn counted(&self, path: &Path) -> Result<Counted<File>> {
        Ok(Counted {
            inner: File::open(path).map_err(|error| self.unreadable(&error))?,
            read: Rc::clone(&self.read),
        })
    }

    fn skip_mark(&self, reader: &mut dyn BufRead) -> Result<()> {
        let begin = reader.fill_buf().map_err(|error| self.unreadable(&error))?;
        if begin.starts_with(b"\xFF\xFE") || begin.starts_with(b"\xFE\xFF") {
            return Err(Error::new(
                Kind::Encoding,
                format!("{} is UTF-16; save it as UTF-8 and import that", self.location),
            ));
        }
        if begin.starts_with(b"\xEF\xBB\xBF") {
            reader.consume(3);
        }
        Ok(())
    }

    /// Hands over the file, or each file of a folder or a zip archive that is wanted, in the order of their names.
    pub(crate) fn each_part(&self, wanted: Option<Wanted>, take: &mut TakePart<'_>) -> Result<()> {
        let wanted = wanted.unwrap_or(|_| false);
        if self.path.is_dir() {
            return self.each_of_folder(wanted, take);
        }
        let mut reader = self.bytes()?;
        let begin = reader.fill_buf().map_err(|error| self.unreadable(&error))?;
        if begin.starts_with(ZIP_MAGIC) {
            return self.each_of_archive(wanted, take);
        }
        take("", &mut reader)
    }

    fn each_of_folder(&self, wanted: Wanted, take: &mut TakePart<'_>) -> Result<()> {
        let mut found = Vec::new();
        self.find(&self.path, wanted, 0, &mut found)?;
        found.sort();
        self.check_found(found.len(), "folder")?;
        self.read.set(0);
        let bytes = found
            .iter()
            .filter_map(|path| path.metadata().ok())
            .map(|meta| meta.len());
        self.total.set(bytes.sum());
        for path in found {
            let mut reader = BufReader::with_capacity(BUFFER_BYTES, self.counted(&path)?);
            self.skip_mark(&mut reader)?;
            let name = path.strip_prefix(&self.path).unwrap_or(&path).to_string_lossy();
            let name = shown(&name);
            take(&name, &mut reader).during(|| &name)?;
        }
        Ok(())
    }

    /// Links are not followed: they may lead anywhere, also in a circle.
    fn find(&self, folder: &Path, wanted: Wanted, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
        if depth > MOST_FOLDERS {
            return Ok(());
        }
        let entries = folder.read_dir().map_err(|error| self.unreadable(&error))?;
        for entry in entries {
            let entry = entry.map_err(|error| self.unreadable(&error))?;
            let kind = entry.file_type().map_err(|error| self.unreadable(&error))?;
            if kind.is_dir() {
                self.find(&entry.path(), wanted, depth + 1, found)?;
            } else if kind.is_file() && is_wanted(&entry.file_name().to_string_lossy(), wanted) {
                found.push(entry.path());
            }
        }
        Ok(())
    }

    /// The names in an archive choose what is read, and never become paths of this machine.
    fn each_of_archive(&self, wanted: Wanted, take: &mut TakePart<'_>) -> Result<()> {
        self.read.set(0);
        let file = BufReader::with_capacity(BUFFER_BYTES, self.counted(&self.path)?);
        let mut archive = ZipArchive::new(file).map_err(|error| self.bad_archive("", &error))?;
        let mut found: Vec<(String, usize)> = (0..archive.len())
            .filter_map(|index| {
                let name = archive.name_for_index(index)?.ok()?;
                (!name.ends_with('/') && is_wanted(&name, wanted)).then(|| (name.into_owned(), index))
            })
            .collect();
        found.sort();
        self.check_found(found.len(), "zip archive")?;
        for (name, index) in found {
            let name = shown(&name);
            let member = archive
                .by_index(index)
                .map_err(|error| self.bad_archive(&name, &error))?;
            let mut reader = BufReader::with_capacity(BUFFER_BYTES, member);
            self.skip_mark(&mut reader)?;
            take(&name, &mut reader).during(|| &name)?;
        }
        Ok(())
    }

    fn check_found(&self, count: usize, what: &str) -> Result<()> {
        if count > 0 {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "{} is a {what} without what this format keeps in one: conversations.json, conversations-000.json and so on of \
             ChatGPT and Claude, the .jsonl files of the llama.cpp web UI; for other formats name the file itself",
            self.location
        )))
    }

    fn bad_archive(&self, member: &str, error: &zip::result::ZipError) -> Error {
        let of = if member.is_empty() {
            String::new()
        } else {
            format!("{member} in ")
        };
        let kind = match error {
            zip::result::ZipError::UnsupportedArchive(_) => Kind::Unsupported,
            _ => Kind::Invalid,
        };
        Error::new(
            kind,
            format!("{of}the zip archive {} cannot be read: {error}", self.location),
        )
    }

    /// Its lines, each at most so long.
    pub(crate) fn lines(&self, most_bytes: usize) -> Result<Lines> {
        Ok(Lines {
            reader: Box::new(self.bytes()?),
            line: Vec::new(),
            number: 0,
            most_bytes,
            location: self.location.clone(),
        })
    }

    pub(crate) fn unreadable(&self, error: &std::io::Error) -> Error {
        Error::new(Kind::Storage, format!("{} cannot be read: {error}", self.location))
    }
}

/// Whether a file is wanted: not the shadows that macOS adds to archives.
fn is_wanted(path: &str, wanted: Wanted) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    !path.starts_with("__MACOSX/") && !name.starts_with("._") && wanted(name)
}

/// A name from elsewhere, for messages.
fn shown(name: &str) -> String {
    const MOST_CHARS: usize = 120;
    let harmless = name.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c });
    harmless.take(MOST_CHARS).collect()
}

/// The lines of a source.
pub(crate) struct Lines {
    reader: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
    most_bytes: usize,
    location: String,
}

impl Lines {
    /// The next line that is not empty, without its end, and its number from 1; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        loop {
            self.line.clear();
            let most = self.most_bytes as u64 + 1;
            let count = (&mut self.reader)
                .take(most)
                .read_until(b'\n', &mut self.line)
                .map_err(|error| Error::new(Kind::Storage, format!("{} cannot be read: {error}", self.location)))?;
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if count as u64 == most && !self.line.ends_with(b"\n") {
                return Err(Error::new(
                    Kind::TooLarge,
                    format!(
                        "line {} of {} is longer than {} bytes",
                        self.number, self.location, self.most_bytes
                    ),
                ));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some((self.number, self.line.trim_ascii())))
    }
}

//! JSON from elsewhere, read strictly: no key twice, no more levels than any later reader goes down, and errors that say
//! where.
//!
//! A value keeps the order of its keys, so that what is kept of it as text stands there as it stood in the source.

pub(crate) mod stream;

use super::input::MOST_BYTES_OF_ONE;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Number, Value};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt::{self, Write as _};

/// How many levels a value may have: more is what serde_json refuses.
const MOST_LEVELS: u64 = 127;

/// How many bytes a conversation may take in memory. Text takes as many as in the file; short messages take many more.
pub(crate) const MOST_BYTES_IN_MEMORY: usize = 2 * MOST_BYTES_OF_ONE;

/// What is said of a conversation that takes more.
pub(crate) fn takes_too_much_memory() -> String {
    format!(
        "it would take more than {} MiB of memory, the most for one conversation; split it into several",
        MOST_BYTES_IN_MEMORY >> 20
    )
}

/// What so many bytes take where they are kept: each piece has a header, and none is shorter than 32 bytes.
pub(crate) const fn bytes_on_heap(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    let whole = (bytes + 8).next_multiple_of(16);
    if whole < 32 { 32 } else { whole }
}

/// What an array or object takes besides its elements, and an entry besides its key and its value.
const PIECE: usize = 16;
const ENTRY: usize = size_of::<String>();

/// So many keys of an object are compared one by one; more are looked up.
const FEW_KEYS: usize = 16;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// What an object has under a key; `None` also for null, and where this is no object.
    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        let found = self.entries().iter().find(|(name, _)| name == key)?;
        Some(&found.1).filter(|value| **value != Json::Null)
    }

    /// Whether an object has a key, if only with null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries().iter().any(|(name, _)| name == key)
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text under a key; `None` also where it is no string.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// The elements of an array; none of anything else.
    pub(crate) fn items(&self) -> &[Json] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The elements of the array under a key.
    pub(crate) fn items_of(&self, key: &str) -> &[Json] {
        self.get(key).map_or(&[], Self::items)
    }

    /// The keys and values of an object; none of anything else.
    pub(crate) fn entries(&self) -> &[(String, Json)] {
        match self {
            Self::Object(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    /// Whether it says nothing: null, and what is empty or false.
    pub(crate) fn says_nothing(&self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => true,
            Self::Text(text) => text.is_empty(),
            Self::Array(items) => items.is_empty(),
            Self::Object(entries) => entries.is_empty(),
            Self::Bool(true) | Self::Number(_) => false,
        }
    }

    /// An id: a string, or a number as some programs have it.
    pub(crate) fn id(&self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64(),
            _ => None,
        }
    }

    /// What it takes in memory.
    pub(crate) fn bytes_in_memory(&self) -> usize {
        let inside = match self {
            Self::Null | Self::Bool(_) | Self::Number(_) => 0,
            Self::Text(text) => bytes_on_heap(text.len()),
            Self::Array(items) => PIECE + items.iter().map(Self::bytes_in_memory).sum::<usize>(),
            Self::Object(entries) => {
                let entry =
                    |(key, value): &(String, Self)| ENTRY + bytes_on_heap(key.len()) + value.bytes_in_memory();
                PIECE + entries.iter().map(entry).sum::<usize>()
            }
        };
        size_of::<Self>() + inside
    }

    /// Takes what an object has under a key out of it.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Self> {
        let Self::Object(entries) = self else { return None };
        let at = entries.iter().position(|(name, _)| name == key)?;
        Some(entries.remove(at).1)
    }

    /// What it is, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

impl fmt::Display for Json {
    /// In one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl serde::Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Value::Object(map) => Self::Object(map.iter().map(|(key, value)| (key.clone(), value.into())).collect()),
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Json {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

/// Where a text begins in its source, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Position {
    pub(crate) const FIRST: Self = Self { line: 1, column: 1 };
}

/// Why a text is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Where it is and what it is.
    pub(crate) reason: String,
    /// It is well-formed, so what stands around it can be read.
    pub(crate) is_well_formed: bool,
}

/// Reads a value that is known whole.
pub(crate) fn parse(text: &[u8], begin: Position) -> Result<Json, Wrong> {
    let text = std::str::from_utf8(text).map_err(|error| not_utf8(text, error.valid_up_to(), begin))?;
    if let Some(at) = text.find('\0') {
        return Err(nul(text.as_bytes(), at, begin));
    }
    let reading = Reading::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict(&reading).deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| reading.wrong(&error, begin))
}

/// What a store keeps as JSON. It was checked when it came in, if less strictly: of a key that stands there twice the last
/// counts.
pub(crate) fn kept(text: &str) -> Json {
    parse(text.as_bytes(), Position::FIRST).unwrap_or_else(|_| {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        Json::from(&value)
    })
}

fn not_utf8(text: &[u8], at: usize, begin: Position) -> Wrong {
    let byte = text.get(at).copied().unwrap_or_default();
    Wrong {
        reason: format!(
            "{}: it is not UTF-8 (byte 0x{byte:02X}); save it as UTF-8",
            place_of(text, at, begin)
        ),
        is_well_formed: true,
    }
}

/// JSON has no NUL anywhere but as an escape.
fn nul(text: &[u8], at: usize, begin: Position) -> Wrong {
    Wrong {
        reason: format!(
            "{}: there is a NUL byte; if it is UTF-16, save it as UTF-8",
            place_of(text, at, begin)
        ),
        is_well_formed: false,
    }
}

fn place_of(text: &[u8], at: usize, begin: Position) -> String {
    let before = text.get(..at).unwrap_or_default();
    let lines = before.iter().filter(|byte| **byte == b'\n').count() as u64;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() as u64 + 1;
    placed(lines + 1, column, begin)
}

fn placed(line: u64, column: u64, begin: Position) -> String {
    let column = if line == 1 { begin.column + column - 1 } else { column };
    format!("line {}, column {column}", begin.line + line - 1)
}

/// What is known while a value is being read.
struct Reading {
    /// The way from the error to the root.
    trail: RefCell<Vec<Step>>,
    room: Cell<usize>,
}

enum Step {
    Key(String),
    Index(usize),
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            trail: RefCell::default(),
            room: Cell::new(MOST_BYTES_IN_MEMORY),
        }
    }
}

impl Reading {
    fn take<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.room.get().checked_sub(bytes);
        self.room.set(left.ok_or_else(|| E::custom(takes_too_much_memory()))?);
        Ok(())
    }

    fn wrong(&self, error: &serde_json::Error, begin: Position) -> Wrong {
        let text = error.to_string();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let position = placed(error.line().max(1) as u64, error.column().max(1) as u64, begin);
        // These are wrong values in the right place.
        let is_well_formed = error.is_data() || what.contains("hex escape") || what.contains("number out of range");
        Wrong {
            reason: format!("{position}{}: {what}", self.path()),
            is_well_formed,
        }
    }

    /// Where in the value, as ` (messages[3].content)`.
    fn path(&self) -> String {
        const MOST_CHARS: usize = 200;
        let mut path = String::new();
        for step in self.trail.borrow().iter().rev() {
            let _always = match step {
                Step::Key(key) if path.is_empty() => write!(path, "{key}"),
                Step::Key(key) => write!(path, ".{key}"),
                Step::Index(index) => write!(path, "[{index}]"),
            };
        }
        if path.is_empty() {
            return path;
        }
        let short: String = path.chars().take(MOST_CHARS).collect();
        let more = if short.len() < path.len() { "..." } else { "" };
        format!(" ({short}{more})")
    }
}

#[derive(Clone, Copy)]
struct Strict<'a>(&'a Reading);

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        let number = Number::from_f64(value);
        number
            .map(Json::Number)
            .ok_or_else(|| E::custom("a number that is none"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json, E> {
        self.0.take(bytes_on_heap(text.len()))?;
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<Json, E> {
        self.0.take(bytes_on_heap(text.len()))?;
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        self.0.take(PIECE)?;
        loop {
            let item = items.next_element_seed(self).inspect_err(|_| {
                self.0.trail.borrow_mut().push(Step::Index(array.len()));
            })?;
            let Some(item) = item else {
                array.shrink_to_fit();
                return Ok(Json::Array(array));
            };
            self.0.take(size_of::<Json>())?;
            array.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries: Vec<(String, Json)> = Vec::new();
        let mut keys = Keys::default();
        self.0.take(PIECE)?;
        while let Some(key) = map.next_key::<String>()? {
            let noted = keys.bytes_of(&key);
            self.0
                .take(size_of::<(String, Json)>() + bytes_on_heap(key.len()) + noted)?;
            if !keys.are_new(&entries, &key) {
                self.0.trail.borrow_mut().push(Step::Key(key));
                return Err(A::Error::custom("the key stands there twice"));
            }
            match map.next_value_seed(self) {
                Ok(value) => entries.push((key, value)),
                Err(error) => {
                    self.0.trail.borrow_mut().push(Step::Key(key));
                    return Err(error);
                }
            }
        }
        entries.shrink_to_fit();
        Ok(Json::Object(entries))
    }
}

/// The keys of an object that was read so far, where they are many.
#[derive(Default)]
struct Keys(HashSet<String>);

impl Keys {
    /// What noting a key takes.
    fn bytes_of(&self, key: &str) -> usize {
        if self.0.is_empty() {
            return 0;
        }
        2 * size_of::<String>() + bytes_on_heap(key.len())
    }

    fn are_new(&mut self, entries: &[(String, Json)], key: &str) -> bool {
        if entries.len() < FEW_KEYS {
            return entries.iter().all(|(name, _)| name != key);
        }
        if self.0.is_empty() {
            self.0.extend(entries.iter().map(|(name, _)| name.clone()));
        }
        self.0.insert(key.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> Wrong {
        parse(text.as_bytes(), Position { line: 7, column: 3 }).unwrap_err()
    }

    #[test]
    fn a_value_keeps_the_order_of_its_keys() {
        let text = r#"{"b":1,"a":[true,null,-2.5,"ä\n"],"c":{}}"#;
        assert_eq!(parse(text.as_bytes(), Position::FIRST).unwrap().to_string(), text);
    }

    #[test]
    fn a_key_that_stands_there_twice_is_refused_with_its_place() {
        let wrong = wrong("{\"messages\":[{\"role\":\"user\",\n\"role\":\"user\"}]}");
        assert!(wrong.is_well_formed);
        assert!(wrong.reason.starts_with("line 8, column "), "{}", wrong.reason);
        assert!(wrong.reason.contains("(messages[0].role)"), "{}", wrong.reason);
        assert!(wrong.reason.contains("twice"), "{}", wrong.reason);
    }

    #[test]
    fn a_key_that_stands_there_twice_is_found_among_many() {
        let many: Vec<String> = (0..1000).map(|n| format!("\"k{n}\":{n}")).collect();
        assert!(parse(format!("{{{}}}", many.join(",")).as_bytes(), Position::FIRST).is_ok());
        let wrong = wrong(&format!("{{{},\"k500\":0}}", many.join(",")));
        assert!(wrong.reason.contains("(k500)"), "{}", wrong.reason);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for (text, expected) in [
            ("{\"a\":NaN}", "expected value"),
            ("{\"a\":Infinity}", "expected value"),
            ("{\"a\":\"\\ud800\"}", "hex escape"),
            ("{\"a\":\"\\udc00x\"}", "hex escape"),
            ("{\"a\":1e999}", "out of range"),
            ("{\"a\":01}", "invalid number"),
            ("{'a':1}", "key must be a string"),
            ("{\"a\":\"\u{1}\"}", "control character"),
            ("{\"a\":1} x", "trailing"),
            ("{\"a\":1,}", "trailing comma"),
            ("", "EOF"),
        ] {
            let wrong = wrong(text);
            assert!(wrong.reason.contains(expected), "{text}: {}", wrong.reason);
            assert!(wrong.reason.starts_with("line 7"), "{text}: {}", wrong.reason);
        }
        assert!(wrong("{\"a\":\"\\ud800\"}").is_well_formed);
        assert!(!wrong("{\"a\":NaN}").is_well_formed);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_told_with_their_place() {
        let wrong = parse(b"{\n\"a\":\"\xff\"}", Position::FIRST).unwrap_err();
        assert!(
            wrong
                .reason
                .starts_with("line 2, column 6: it is not UTF-8 (byte 0xFF)"),
            "{}",
            wrong.reason
        );
    }

    #[test]
    fn a_hundred_and_twenty_seven_levels_are_read_and_a_million_are_refused() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(127).as_bytes(), Position::FIRST).is_ok());
        assert!(parse(nested(128).as_bytes(), Position::FIRST).is_err());
        assert!(parse(nested(1_000_000).as_bytes(), Position::FIRST).is_err());
    }

    #[test]
    fn a_value_that_would_fill_memory_is_refused() {
        let text = format!("[{}[]]", "[],".repeat(8 << 20));
        let wrong = parse(text.as_bytes(), Position::FIRST).unwrap_err();
        assert!(wrong.reason.contains("more than 96 MiB of memory"), "{}", wrong.reason);
    }
}

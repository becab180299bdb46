//! Which format a source is, by what stands in it: the beginning of a file, the keys of its first object, the columns of a
//! table. What is read for that is one conversation at most.

use super::input::{Input, MOST_BYTES_OF_ONE};
use super::{Format, csv, databases, llama_cpp};
use crate::error::{During, Error, Result};
use std::io::{BufRead, Read};

/// The longest first line that is looked at for the header of a table.
const MOST_BYTES_OF_HEADER: u64 = 64 << 10;

/// The format of a source.
pub(crate) fn detect(input: &Input) -> Result<Format> {
    detected(input).during(|| "find out its format")
}

fn detected(input: &Input) -> Result<Format> {
    // First of all: if it is a store that this process has open, SQLite alone can look at it without taking away its locks.
    if let Some(format) = databases::detect(input.path())? {
        return Ok(format);
    }
    let mut found = None;
    let wanted = |name: &str| super::chatgpt::is_wanted(name) || llama_cpp::is_wanted(name);
    input.each_part(Some(wanted), &mut |_, reader| {
        if found.is_none() {
            found = Some(of_text(reader)?);
        }
        Ok(())
    })?;
    found.ok_or_else(|| unknown("empty"))
}

fn of_text(reader: &mut dyn BufRead) -> Result<Format> {
    let begin = reader.fill_buf().map_err(|error| unread(&error))?;
    let first = begin.iter().find(|byte| !byte.is_ascii_whitespace()).copied();
    match first {
        None => Err(unknown("empty")),
        _ if begin.iter().take(4).any(|byte| *byte == 0) => {
            Err(unknown("UTF-16, or no text; save it as UTF-8 if it is text"))
        }
        Some(b'{' | b'[') => of_json(reader),
        _ => of_table(reader),
    }
}

fn of_table(reader: &mut dyn BufRead) -> Result<Format> {
    let mut line = Vec::new();
    let mut header = reader.take(MOST_BYTES_OF_HEADER);
    header.read_until(b'\n', &mut line).map_err(|error| unread(&error))?;
    let line = String::from_utf8_lossy(&line);
    match csv::delimiter_of_header(line.trim()) {
        Some(_) => Ok(Format::Csv),
        None if line.trim_start().to_ascii_lowercase().starts_with("<!doctype") => {
            Err(unknown("an HTML page, which is written to be read"))
        }
        None => Err(unknown(
            "neither JSON, nor a table with the columns role and content, nor a database",
        )),
    }
}

fn of_json(reader: &mut dyn BufRead) -> Result<Format> {
    let mut keys = Keys::default();
    let mut left = MOST_BYTES_OF_ONE;
    while left > 0 && !keys.is_done() {
        let available = reader.fill_buf().map_err(|error| unread(&error))?;
        if available.is_empty() {
            break;
        }
        let length = available.len().min(left);
        keys.feed(available.get(..length).unwrap_or_default());
        left -= length;
        reader.consume(length);
    }
    keys.format()
}

fn unread(error: &std::io::Error) -> Error {
    Error::new(crate::error::Kind::Storage, format!("it cannot be read: {error}"))
}

fn unknown(what: &str) -> Error {
    let names: Vec<&str> = Format::ALL
        .into_iter()
        .filter(|format| format.can_be_imported())
        .map(Format::name)
        .collect();
    Error::invalid(format!(
        "it is {what}; what can be imported is {}; name the format if it is one of these",
        names.join(", ")
    ))
}

/// The keys of the first object, and its type if it says one; of nothing that lies deeper.
#[derive(Default)]
struct Keys {
    levels: usize,
    /// On which level the object's keys are.
    of_level: usize,
    in_string: bool,
    escaped: bool,
    text: Vec<u8>,
    /// A string was read that is a key if a colon follows.
    last: Option<String>,
    /// The key whose value comes.
    key: String,
    found: Vec<String>,
    kind: String,
    done: bool,
    is_wrong: bool,
}

/// Longer strings are neither a key nor a type that matters.
const MOST_BYTES_OF_KEY: usize = 64;

/// So many keys are enough to know any format.
const MOST_KEYS: usize = 256;

impl Keys {
    fn is_done(&self) -> bool {
        self.done
    }

    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.done {
                return;
            }
            if self.in_string {
                self.string(*byte);
            } else {
                self.mark(*byte);
            }
        }
    }

    fn string(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                self.last = String::from_utf8(std::mem::take(&mut self.text)).ok();
                return;
            }
            _ => {}
        }
        if self.is_here() && self.text.len() <= MOST_BYTES_OF_KEY {
            self.text.push(byte);
        }
    }

    fn is_here(&self) -> bool {
        self.of_level > 0 && self.levels == self.of_level
    }

    fn mark(&mut self, byte: u8) {
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => {
                self.levels += 1;
                if self.of_level == 0 && byte == b'{' {
                    self.of_level = self.levels;
                }
                // An array of arrays, or of what is no object, is none of ours.
                self.is_wrong |= self.of_level == 0 && self.levels > 1;
                self.done |= self.is_wrong;
            }
            b'}' | b']' => {
                self.end_of_value();
                self.done |= self.levels <= self.of_level || self.of_level == 0;
                self.levels = self.levels.saturating_sub(1);
            }
            b':' if self.is_here() => {
                self.key = self.last.take().unwrap_or_default();
                self.found.push(self.key.clone());
                self.done |= self.found.len() >= MOST_KEYS;
            }
            b',' => self.end_of_value(),
            _ => {}
        }
    }

    fn end_of_value(&mut self) {
        if self.is_here()
            && self.key == "type"
            && let Some(kind) = self.last.take()
        {
            self.kind = kind;
        }
        self.last = None;
        if self.is_here() {
            self.key.clear();
        }
    }

    fn has(&self, key: &str) -> bool {
        self.found.iter().any(|found| found == key)
    }

    fn format(&self) -> Result<Format> {
        let has = |key| self.has(key);
        Ok(match self.kind.as_str() {
            "turnkeep" => Format::Turnkeep,
            "session" if has("id") => Format::LlamaCpp,
            _ if has("mapping") => Format::ChatGpt,
            _ if has("chat_messages") => Format::Claude,
            _ if has("conversation_history") || has("max_context_tokens") => Format::GemmaSessions,
            _ if has("messages") && (has("conv") || has("lastModified") || has("currNode")) => Format::LlamaCpp,
            _ if has("messages") => Format::OpenAi,
            _ if has("conversations") => Format::ShareGpt,
            _ if has("role") && has("content") => {
                return Err(unknown(
                    "JSON of messages; put those of a conversation into an object: {\"messages\":[...]}, which is openai",
                ));
            }
            _ if self.found.is_empty() => return Err(unknown("JSON without a conversation")),
            _ => {
                let keys: Vec<&str> = self.found.iter().map(String::as_str).take(8).collect();
                return Err(unknown(&format!(
                    "JSON with the keys {}, which is no format that is known here",
                    keys.join(", ")
                )));
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn of(text: &str) -> std::result::Result<&'static str, String> {
        let results: Vec<_> = [1, 3, 4096]
            .into_iter()
            .map(|buffer| of_text(&mut BufReader::with_capacity(buffer, text.as_bytes())))
            .collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        let [first, ..] = results.as_slice() else { panic!() };
        first
            .clone()
            .map(Format::name)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_format_is_known_by_what_stands_in_it() {
        for (text, format) in [
            ("{\"type\":\"turnkeep\",\"version\":1}\n", "turnkeep"),
            (
                "{\"messages\":[{\"role\":\"user\",\"mapping\":1}],\"id\":\"x\"}\n{}",
                "openai",
            ),
            ("[ {\"id\":1,\"conversations\":[{\"messages\":1}]} ]", "sharegpt"),
            ("session_id,role,content\r\nx", "csv"),
            ("role;content", "csv"),
            ("[{\"session_id\":\"a\",\"conversation_history\":[]}]", "gemma-sessions"),
            (
                "{\"type\":\"session\",\"harness\":\"llama.app\",\"id\":\"x\"}\n{\"type\":\"message\"}",
                "llama-cpp",
            ),
            ("{\n \"conv\": {\"id\":\"x\"},\n \"messages\": []\n}", "llama-cpp"),
            ("{\"id\":\"x\",\"lastModified\":1,\"messages\":[]}", "llama-cpp"),
            (
                "[{\"title\":\"x\\\"\",\"create_time\":1.5,\"mapping\":{\"messages\":{}}}",
                "chatgpt",
            ),
            ("[{\"uuid\":\"x\",\"name\":\"type\",\"chat_messages\":[]}]", "claude"),
        ] {
            assert_eq!(of(text), Ok(format), "{text}");
        }
    }

    #[test]
    fn what_is_unknown_is_told_with_what_can_be_imported() {
        for (text, expected) in [
            ("", "it is empty"),
            ("[]", "without a conversation"),
            ("{}", "without a conversation"),
            ("[[{\"messages\":[]}]]", "without a conversation"),
            ("[1,2]", "without a conversation"),
            ("[{\"role\":\"user\",\"content\":\"x\"}]", "{\"messages\":[...]}"),
            ("{\"a\":{\"messages\":[]},\"b\":[\"mapping\"]}", "the keys a, b"),
            ("hello\n", "neither JSON"),
            ("<!DOCTYPE html>", "an HTML page"),
            ("\0{", "UTF-16"),
        ] {
            let error = of(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(error.contains("openai, sharegpt"), "{text}: {error}");
        }
    }
}

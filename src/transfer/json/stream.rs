//! The conversations of a JSON file, one after the other: the elements of an array, the lines of JSON Lines, or the one
//! value that there is. What stands in memory is one of them, whatever the size of the file.

use super::{Json, MOST_LEVELS, Position, parse};
use crate::error::{Error, Kind, Result};
use crate::transfer::input::{Input, MOST_BYTES_OF_ONE, Wanted};
use crate::transfer::taker::Taker;
use std::io::BufRead;

/// A value of a source, or why it is none although the source goes on behind it.
pub(crate) struct Found {
    /// Where it stands, for people.
    pub(crate) place: String,
    /// The value, or what is wrong with it.
    pub(crate) value: std::result::Result<Json, String>,
}

/// Hands over each conversation of a source with its place, where a value is one. What is no value is reported.
pub(crate) fn each_conversation(
    input: &Input,
    wanted: Option<Wanted>,
    taker: &mut Taker<'_>,
    take: fn(Json, String, &mut Taker<'_>) -> Result<()>,
) -> Result<()> {
    each(input, wanted, taker, &mut |found, taker| match found.value {
        Ok(value) => take(value, found.place, taker),
        Err(reason) => {
            taker.fail("", found.place, reason);
            Ok(())
        }
    })
}

/// Hands over each value of a source. Of a folder or an archive these are the values of the files that are wanted.
pub(crate) fn each(
    input: &Input,
    wanted: Option<Wanted>,
    taker: &mut Taker<'_>,
    take: &mut dyn FnMut(Found, &mut Taker<'_>) -> Result<()>,
) -> Result<()> {
    input.each_part(wanted, &mut |part, reader| {
        let mut values = Values::open(reader, &mut || taker.went_on(input.progress()))?;
        while let Some(mut found) = values.next(&mut || taker.went_on(input.progress()))? {
            if !part.is_empty() {
                found.place = format!("{part}, {}", found.place);
            }
            take(found, taker)?;
            taker.went_on(input.progress())?;
        }
        Ok(())
    })
}

/// Is told that the reading went on inside a value, which may be long; an error stops it.
pub(crate) type WentOn<'a> = dyn FnMut() -> Result<()> + 'a;

/// After so many bytes that is told.
const BYTES_BETWEEN: usize = 1 << 20;

/// The values of a reader.
pub(crate) struct Values<R> {
    reader: R,
    shape: Shape,
    /// Where the next byte stands.
    at: Position,
    buffer: Vec<u8>,
    count: u64,
    good: u64,
    first_wrong: Option<String>,
    untold: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Array,
    Lines,
    One,
    Ended,
}

/// How a line or a value came to its end.
#[derive(PartialEq, Eq)]
enum End {
    Whole,
    TooLong,
    TooDeep,
    NoMore,
}

impl<R: BufRead> Values<R> {
    pub(crate) fn open(reader: R, went_on: &mut WentOn<'_>) -> Result<Self> {
        let mut values = Self {
            reader,
            shape: Shape::Ended,
            at: Position::FIRST,
            buffer: Vec::new(),
            count: 0,
            good: 0,
            first_wrong: None,
            untold: 0,
        };
        match values.peek_behind_space(went_on)? {
            None => return Err(Error::invalid("it is empty")),
            Some(b'[') => {
                values.skip(1);
                values.shape = Shape::Array;
            }
            Some(b'{') => values.shape = Shape::Lines,
            Some(other) => return Err(values.unexpected(other, "a JSON array or object")),
        }
        Ok(values)
    }

    /// The next value; `None` behind the last one. An error is one of the whole.
    pub(crate) fn next(&mut self, went_on: &mut WentOn<'_>) -> Result<Option<Found>> {
        match self.shape {
            Shape::Array => self.next_element(went_on),
            Shape::Lines => self.next_line(went_on),
            Shape::One | Shape::Ended => self.end(went_on),
        }
    }

    fn next_element(&mut self, went_on: &mut WentOn<'_>) -> Result<Option<Found>> {
        let mut next = self.peek_before_end(went_on)?;
        if next == b',' && self.count > 0 {
            self.skip(1);
            next = self.peek_before_end(went_on)?;
            if next == b']' {
                return Err(self.unexpected(next, "another element behind the comma"));
            }
        } else if next != b']' && self.count > 0 {
            return Err(self.unexpected(next, "a comma or the end of the array"));
        } else if next == b']' {
            self.skip(1);
            self.shape = Shape::Ended;
            return self.end(went_on);
        }
        self.count += 1;
        let begin = self.at;
        let place = format!("element {} at line {}", self.count, begin.line);
        self.buffer.clear();
        let end = self.read_value(Extent::default(), went_on)?;
        self.found(place, begin, &end, false).map(Some)
    }

    fn next_line(&mut self, went_on: &mut WentOn<'_>) -> Result<Option<Found>> {
        loop {
            self.buffer.clear();
            let begin = self.at;
            let end = self.read_line(went_on)?;
            if end == End::NoMore {
                self.shape = Shape::Ended;
                return self.end(went_on);
            }
            if end == End::Whole && self.buffer.trim_ascii().is_empty() {
                continue;
            }
            self.count += 1;
            if self.count == 1 && end == End::Whole && self.goes_on_in_the_next_line() {
                return self.one(begin, went_on).map(Some);
            }
            return self.found(format!("line {}", begin.line), begin, &end, true).map(Some);
        }
    }

    /// Whether the first line is the beginning of one value that was laid out over several.
    fn goes_on_in_the_next_line(&self) -> bool {
        let line = self.buffer.trim_ascii_end();
        matches!(line.last(), Some(b'{' | b'[' | b',' | b':')) && Extent::default().feed(line).is_none()
    }

    fn one(&mut self, begin: Position, went_on: &mut WentOn<'_>) -> Result<Found> {
        self.shape = Shape::One;
        let mut extent = Extent::default();
        extent.feed(&self.buffer);
        let end = self.read_value(extent, went_on)?;
        self.found(format!("the object at line {}", begin.line), begin, &end, false)
    }

    fn found(&mut self, place: String, begin: Position, end: &End, is_a_line: bool) -> Result<Found> {
        let value = match end {
            End::Whole => parse(&self.buffer, begin),
            End::NoMore => return Err(self.cut_short()),
            End::TooLong => Err(super::Wrong {
                reason: too_long(),
                is_well_formed: true,
            }),
            End::TooDeep => Err(super::Wrong {
                reason: format!("it has more than {MOST_LEVELS} levels"),
                is_well_formed: true,
            }),
        };
        if self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new();
        }
        match value {
            Ok(value) => {
                self.good += 1;
                Ok(Found {
                    place,
                    value: Ok(value),
                })
            }
            Err(wrong) if is_a_line || wrong.is_well_formed => {
                self.first_wrong
                    .get_or_insert_with(|| format!("{place}: {}", wrong.reason));
                Ok(Found {
                    place,
                    value: Err(wrong.reason),
                })
            }
            Err(wrong) => Err(Error::invalid(format!("{}; nothing was taken in", wrong.reason))),
        }
    }

    /// Behind the last value there is nothing; and something of what came must have been one.
    fn end(&mut self, went_on: &mut WentOn<'_>) -> Result<Option<Found>> {
        self.shape = Shape::Ended;
        if let Some(other) = self.peek_behind_space(went_on)? {
            return Err(self.unexpected(other, "nothing more"));
        }
        match &self.first_wrong {
            Some(wrong) if self.good == 0 => Err(Error::invalid(format!(
                "nothing in it could be read; {wrong}; nothing was taken in"
            ))),
            _ => Ok(None),
        }
    }

    /// Reads on to the end of the line, without it.
    fn read_line(&mut self, went_on: &mut WentOn<'_>) -> Result<End> {
        let mut end = End::NoMore;
        loop {
            let available = self.reader.fill_buf().map_err(|error| unreadable(&error))?;
            if available.is_empty() {
                return Ok(end);
            }
            let newline = memchr::memchr(b'\n', available);
            let line = available.get(..newline.unwrap_or(available.len())).unwrap_or_default();
            if end == End::NoMore {
                end = End::Whole;
            }
            if self.buffer.len() + line.len() > MOST_BYTES_OF_ONE {
                end = End::TooLong;
            } else {
                self.buffer.extend_from_slice(line);
            }
            let used = line.len() + usize::from(newline.is_some());
            self.skip(used);
            self.tell(went_on)?;
            if newline.is_some() {
                return Ok(end);
            }
        }
    }

    /// Reads on to the end of the value.
    fn read_value(&mut self, mut extent: Extent, went_on: &mut WentOn<'_>) -> Result<End> {
        let mut is_too_long = false;
        loop {
            let available = self.reader.fill_buf().map_err(|error| unreadable(&error))?;
            if available.is_empty() {
                return Ok(End::NoMore);
            }
            let length = extent.feed(available);
            let part = available.get(..length.unwrap_or(available.len())).unwrap_or_default();
            is_too_long |= self.buffer.len() + part.len() > MOST_BYTES_OF_ONE;
            if !is_too_long {
                self.buffer.extend_from_slice(part);
            }
            let used = part.len();
            self.skip(used);
            self.tell(went_on)?;
            if length.is_some() {
                return Ok(match extent.deepest {
                    _ if is_too_long => End::TooLong,
                    deepest if deepest > MOST_LEVELS => End::TooDeep,
                    _ => End::Whole,
                });
            }
        }
    }

    fn peek_before_end(&mut self, went_on: &mut WentOn<'_>) -> Result<u8> {
        let next = self.peek_behind_space(went_on)?;
        next.ok_or_else(|| self.cut_short())
    }

    fn peek_behind_space(&mut self, went_on: &mut WentOn<'_>) -> Result<Option<u8>> {
        loop {
            let available = self.reader.fill_buf().map_err(|error| unreadable(&error))?;
            if available.is_empty() {
                return Ok(None);
            }
            let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let space = available.iter().take_while(|byte| is_space(byte)).count();
            let found = available.get(space).copied();
            self.skip(space);
            self.tell(went_on)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    fn tell(&mut self, went_on: &mut WentOn<'_>) -> Result<()> {
        if self.untold < BYTES_BETWEEN {
            return Ok(());
        }
        self.untold = 0;
        went_on()
    }

    /// Goes on behind bytes of the buffer, and counts their lines and columns.
    fn skip(&mut self, bytes: usize) {
        let Ok(available) = self.reader.fill_buf() else { return };
        let passed = available.get(..bytes).unwrap_or(available);
        let lines = memchr::memchr_iter(b'\n', passed).count() as u64;
        self.at = Position {
            line: self.at.line + lines,
            column: match memchr::memrchr(b'\n', passed) {
                None => self.at.column + passed.len() as u64,
                Some(last) => (passed.len() - last) as u64,
            },
        };
        self.untold += passed.len();
        self.reader.consume(bytes);
    }

    fn cut_short(&self) -> Error {
        Error::invalid(format!(
            "it ends at line {} in the middle of a value: it was cut short; nothing was taken in",
            self.at.line
        ))
    }

    fn unexpected(&self, byte: u8, expected: &str) -> Error {
        let place = format!("line {}, column {}", self.at.line, self.at.column);
        if byte == 0 {
            return Error::new(
                Kind::Encoding,
                format!("{place}: there is a NUL byte; if it is UTF-16, save it as UTF-8 and import that"),
            );
        }
        let shown = if byte.is_ascii_graphic() {
            format!("'{}'", char::from(byte))
        } else {
            format!("byte 0x{byte:02X}")
        };
        Error::invalid(format!(
            "{place}: there should be {expected}, and there is {shown}; nothing was taken in"
        ))
    }
}

fn too_long() -> String {
    format!("it is longer than {MOST_BYTES_OF_ONE} bytes, the most for one conversation; split it into several")
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(Kind::Storage, format!("it cannot be read: {error}"))
}

/// How far a value goes, told by its brackets and strings alone.
#[derive(Default)]
pub(crate) struct Extent {
    levels: u64,
    deepest: u64,
    in_string: bool,
    escaped: bool,
    began: bool,
}

impl Extent {
    /// Goes on by these bytes; the length of what still belongs to the value, if it ends in them.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut index = 0;
        while let Some(byte) = bytes.get(index) {
            if self.in_string {
                index += self.skip_string(bytes.get(index..).unwrap_or_default());
                if !self.in_string && self.levels == 0 {
                    return Some(index);
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.levels += 1;
                    self.deepest = self.deepest.max(self.levels);
                }
                b'}' | b']' if self.levels == 0 => return Some(index),
                b'}' | b']' => {
                    self.levels -= 1;
                    if self.levels == 0 {
                        return Some(index + 1);
                    }
                }
                b',' | b' ' | b'\t' | b'\r' | b'\n' if self.levels == 0 && self.began => return Some(index),
                _ => {}
            }
            self.began = true;
            index += 1;
        }
        None
    }

    /// Goes on in a string, to its end if it is there; how many bytes that are.
    fn skip_string(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            return 1;
        }
        match memchr::memchr2(b'"', b'\\', bytes) {
            None => bytes.len(),
            Some(at) => {
                self.escaped = bytes.get(at) == Some(&b'\\');
                self.in_string = self.escaped;
                at + 1
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    /// What is read through a buffer of a few bytes, so that every boundary lies somewhere in a buffer.
    fn read(text: &[u8], buffer: usize) -> Result<Vec<std::result::Result<String, String>>> {
        let mut values = Values::open(BufReader::with_capacity(buffer, text), &mut || Ok(()))?;
        let mut all = Vec::new();
        while let Some(found) = values.next(&mut || Ok(()))? {
            all.push(match found.value {
                Ok(value) => Ok(format!("{} = {value}", found.place)),
                Err(reason) => Err(format!("{}: {reason}", found.place)),
            });
        }
        Ok(all)
    }

    fn good(text: &str) -> Vec<String> {
        let results: Vec<Vec<_>> = [1, 2, 3, 7, 4096]
            .into_iter()
            .map(|buffer| read(text.as_bytes(), buffer).unwrap())
            .collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{results:?}");
        results[0].iter().map(|result| result.clone().unwrap()).collect()
    }

    fn whole_error(text: &str) -> String {
        read(text.as_bytes(), 3).unwrap_err().message().to_owned()
    }

    #[test]
    fn elements_of_an_array_come_one_by_one() {
        assert_eq!(
            good("[ {\"a\":\"]}\\\"\"},\n {\"b\":[1,{}]} ,7,\"x,\", null]\n"),
            [
                "element 1 at line 1 = {\"a\":\"]}\\\"\"}",
                "element 2 at line 2 = {\"b\":[1,{}]}",
                "element 3 at line 2 = 7",
                "element 4 at line 2 = \"x,\"",
                "element 5 at line 2 = null",
            ]
        );
        assert!(good(" []").is_empty());
    }

    #[test]
    fn lines_come_one_by_one_and_empty_ones_do_not_count_but_for_their_number() {
        assert_eq!(
            good("{\"a\":1}\r\n\n \n{\"b\":2}"),
            ["line 1 = {\"a\":1}", "line 4 = {\"b\":2}"]
        );
    }

    #[test]
    fn one_object_may_go_over_many_lines() {
        assert_eq!(
            good("{\n  \"a\": [\n    1\n  ]\n}\n"),
            ["the object at line 1 = {\"a\":[1]}"]
        );
        assert_eq!(good("{\"a\":[\n1]}"), ["the object at line 1 = {\"a\":[1]}"]);
    }

    #[test]
    fn a_bad_line_does_not_keep_the_others_from_being_read() {
        let all = read(b"{\"a\":1}\n{\"a\":\n{\"a\":NaN}\n{\"b\":2}\n", 5).unwrap();
        assert_eq!(all.len(), 4);
        assert!(
            all[1].as_ref().unwrap_err().starts_with("line 2: line 2, column"),
            "{all:?}"
        );
        assert!(all[2].is_err());
        assert_eq!(all[3].as_ref().unwrap(), "line 4 = {\"b\":2}");
    }

    #[test]
    fn an_element_with_a_wrong_value_does_not_keep_the_others_from_being_read() {
        let deep = format!(
            "[{}{},{{\"a\":\"\\ud83d\"}},{{\"b\":2}}]",
            "[".repeat(500),
            "]".repeat(500)
        );
        let all = read(deep.as_bytes(), 64).unwrap();
        assert!(all[0].as_ref().unwrap_err().contains("127 levels"), "{all:?}");
        assert!(all[1].as_ref().unwrap_err().contains("hex escape"), "{all:?}");
        assert!(all[2].is_ok());
    }

    #[test]
    fn a_broken_array_is_an_error_of_the_whole() {
        for (text, expected) in [
            ("", "it is empty"),
            (" \n ", "it is empty"),
            ("[", "cut short"),
            ("[{}", "cut short"),
            ("[{},", "cut short"),
            ("[{\"a\":\"", "cut short"),
            ("[{\"a\":[1,2", "cut short"),
            ("{\n\"a\": 1,", "cut short"),
            ("{\"a\":[", "cut short"),
            ("[{} {}]", "a comma or the end"),
            ("[,{}]", "expected value"),
            ("[{},]", "another element"),
            ("[{\"a\":NaN}]", "expected value"),
            ("[{]}]", "key must be a string"),
            ("[{}] x", "nothing more"),
            ("{\n}\n{\n}", "nothing more"),
            ("hello", "a JSON array or object"),
            ("\u{1}", "byte 0x01"),
            ("{\"a\" 1}", "nothing in it could be read"),
            ("[\0", "cut short"),
        ] {
            let error = whole_error(text);
            assert!(error.contains(expected), "{text:?}: {error}");
        }
        assert_eq!(read(b"\0{", 3).unwrap_err().kind(), Kind::Encoding);
    }

    #[test]
    fn a_value_that_is_too_long_is_passed_over() {
        let long = "x".repeat(MOST_BYTES_OF_ONE);
        for text in [format!("[\"{long}\",{{}}]"), format!("{{}}\n{{\"{long}\":1}}\n")] {
            let all = read(text.as_bytes(), 1 << 20).unwrap();
            assert_eq!(all.iter().filter(|result| result.is_ok()).count(), 1);
            let wrong = all.into_iter().find_map(|result| result.err()).unwrap();
            assert!(wrong.contains("longer than 50331648 bytes"), "{wrong}");
        }
    }
}

//! A source to import: a file, read once from front to back in bounded memory, with its place for messages.

use crate::error::{Error, Kind, Result};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest line, and the longest conversation in a format that keeps one in one piece: what must stand in memory at once.
pub(crate) const MOST_BYTES_OF_ONE: usize = 64 << 20;

/// A source.
pub(crate) struct Input {
    path: PathBuf,
    location: String,
    read: Rc<Cell<u64>>,
    total: u64,
}

/// Counts what was read, so that a progress can be told.
struct Counted<R> {
    inner: R,
    read: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read.set(self.read.get() + count as u64);
        Ok(count)
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
        Ok(Self {
            path,
            location: location.to_owned(),
            read: Rc::default(),
            total: meta.len(),
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
        (self.read.get().min(self.total), self.total)
    }

    /// Its bytes, from the front, without a byte order mark.
    pub(crate) fn bytes(&self) -> Result<impl BufRead + 'static> {
        let file = File::open(&self.path).map_err(|error| self.unreadable(&error))?;
        self.read.set(0);
        let mut reader = BufReader::with_capacity(
            256 << 10,
            Counted {
                inner: file,
                read: Rc::clone(&self.read),
            },
        );
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
        Ok(reader)
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

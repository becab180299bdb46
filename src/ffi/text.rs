//! Text across the boundary: borrowed in, owned and NUL-terminated out.

use super::pointer::missing;
use crate::cache::view::Text;
use crate::error::{During, Error, Kind, Result};
use std::ffi::{CStr, c_char};

/// A NUL-terminated text; `None` for NULL.
pub(super) fn optional<'a>(pointer: *const c_char, name: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: header rule 5: what is not NULL ends in a NUL and stays as it is during the call.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    utf8(bytes, name).map(Some)
}

/// A NUL-terminated text that must be there.
pub(super) fn required<'a>(pointer: *const c_char, name: &str) -> Result<&'a str> {
    optional(pointer, name)?.ok_or_else(|| missing(name))
}

/// A NUL-terminated text to keep; `None` for NULL.
pub(super) fn owned(pointer: *const c_char, name: &str) -> Result<Option<String>> {
    Ok(optional(pointer, name)?.map(str::to_owned))
}

/// An array of NUL-terminated texts to keep. NULL is allowed for a count of 0.
pub(super) fn list(texts: *const *const c_char, count: usize, name: &str) -> Result<Vec<String>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if texts.is_null() {
        return Err(Error::invalid(format!("{name} is NULL, its count is {count}")));
    }
    if count > isize::MAX as usize / size_of::<*const c_char>() {
        return Err(Error::invalid(format!(
            "the count of {name} is {count}: more than memory can hold"
        )));
    }
    (0..count)
        .map(|index| {
            // SAFETY: header rule 5: there are `count` pointers, which stay as they are during the call.
            let text = unsafe { texts.add(index).read() };
            let text = required(text, name).map(str::to_owned);
            text.during(|| format!("text {index} of {name}"))
        })
        .collect()
}

/// A text by pointer and length. NULL is allowed for a length of 0.
pub(super) fn counted<'a>(data: *const c_char, len: usize, name: &str) -> Result<&'a str> {
    if len == 0 {
        return Ok("");
    }
    if data.is_null() {
        return Err(Error::invalid(format!("{name} is NULL, its length is {len}")));
    }
    if len > isize::MAX as usize {
        return Err(Error::invalid(format!(
            "the length of {name} is {len}: more than memory can hold"
        )));
    }
    // SAFETY: header rule 5: `len` bytes at `data` are readable and stay as they are during the call.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
    utf8(bytes, name)
}

fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        let next = bytes.get(at + 1).copied();
        let why = match (byte, next, error.error_len()) {
            (_, _, None) => "the text ends inside a character",
            (0xED, Some(0xA0..=0xBF), _) => "a lone surrogate",
            (0x80..=0xBF, _, _) => "a character's middle without its beginning",
            _ => "no character is written like that",
        };
        Error::new(
            Kind::Encoding,
            format!("{name} is not UTF-8 at byte {at} (0x{byte:02X}): {why}; nothing was changed"),
        )
    })
}

/// A text that an object of ours owns and lends out.
#[derive(Debug)]
pub(super) struct OwnedText(Vec<u8>);

impl OwnedText {
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        Self(bytes)
    }

    pub(super) fn text(&self) -> Text {
        Text {
            data: self.0.as_ptr().cast(),
            len: self.0.len() - 1,
        }
    }
}

/// Texts that an object of ours lends out with its items.
#[derive(Debug, Default)]
pub(super) struct Texts(Vec<OwnedText>);

impl Texts {
    /// Lends a copy for as long as these texts live, wherever they are moved.
    pub(super) fn keep(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return Text::EMPTY;
        }
        let owned = OwnedText::new(text);
        let lent = owned.text();
        self.0.push(owned);
        lent
    }
}

//! What an id, a name or another short text may hold.

use crate::error::{Error, Result};
use crate::fork;
use crate::model::now;

/// The longest id, name, user id, model name, tool call id or idempotency key, in bytes.
pub const MAX_ID_BYTES: usize = 255;

/// A new session id: a UUIDv7, so that ids sort by time of creation.
pub fn new_session_id() -> String {
    new_uuid().to_string()
}

/// A number that nobody else has, behind those that were made before.
pub(crate) fn new_uuid() -> uuid::Uuid {
    // All threads share the lock of what the last one was.
    let _calm = fork::calm();
    if now() < 0 {
        // The format counts from 1970, and the crate panics before.
        return uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 0, 0));
    }
    uuid::Uuid::now_v7()
}

/// Checks a required short text: 1 to 255 bytes without control characters.
pub fn check_id(what: &str, text: &str) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(format!("{what} is empty")));
    }
    check_label(what, text)
}

/// Checks an optional short text: at most 255 bytes without control characters.
pub fn check_label(what: &str, text: &str) -> Result<()> {
    if text.len() > MAX_ID_BYTES {
        return Err(Error::invalid(format!(
            "{what} is {} bytes long; at most {MAX_ID_BYTES} are allowed",
            text.len()
        )));
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        None => Ok(()),
        Some((at, c)) => Err(Error::invalid(format!(
            "{what} has a control character (U+{:04X}) at byte {at}",
            c as u32
        ))),
    }
}

/// An id with something behind it, shortened in front of that if need be.
pub(crate) fn with_end(id: &str, end: &str) -> String {
    let mut length = id.len().min(MAX_ID_BYTES - end.len());
    while !id.is_char_boundary(length) {
        length -= 1;
    }
    format!("{}{end}", id.get(..length).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_1_to_255_bytes_without_control_characters() {
        assert!(check_id("id", "a/../b 'x' \u{1F600}").is_ok());
        assert!(check_id("id", &"x".repeat(255)).is_ok());
        assert!(check_id("id", "").is_err());
        assert!(check_id("id", &"x".repeat(256)).is_err());
        for bad in ["a\0b", "a\nb", "\u{7f}", "\u{9b}"] {
            assert!(check_id("id", bad).is_err(), "{bad:?}");
        }
    }

    // The Gemma.cpp manager's ids look like UUIDs and are not.
    #[test]
    fn a_made_session_id_is_a_real_uuid_of_version_7() {
        let id = uuid::Uuid::parse_str(&new_session_id()).expect("a UUID");
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
    }
}

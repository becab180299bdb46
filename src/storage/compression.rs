//! Contents compressed by zstd, as the column `packed` holds them.
//!
//! Compressing is done on the caller's thread, before a message is queued; unpacking where a row becomes a message.

use std::io::{Error, ErrorKind, Result};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{CParameter, get_frame_content_size};

/// Which contents are compressed, and how hard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compression {
    /// Contents of at least so many bytes; 0 is none.
    pub(crate) min_bytes: u64,
    /// Of zstd, 1 to 22.
    pub(crate) level: i32,
}

/// What SQLite holds in one value: no content is larger.
const MOST_BYTES: u64 = 1_000_000_000;

/// No frame unpacks to more for each of its bytes: the smallest block takes four bytes and makes 128 KiB.
const MOST_FOR_A_BYTE: u64 = 32 << 10;

impl Compression {
    /// The content compressed, if it is to be and gets smaller.
    pub(crate) fn pack(self, content: &str) -> Option<Vec<u8>> {
        if self.min_bytes == 0 || (content.len() as u64) < self.min_bytes {
            return None;
        }
        let mut compressor = Compressor::new(self.level).ok()?;
        compressor.set_parameter(CParameter::ChecksumFlag(true)).ok()?;
        let packed = compressor.compress(content.as_bytes()).ok()?;
        (packed.len() < content.len()).then_some(packed)
    }
}

/// The content that was packed. What a damaged frame claims to hold is not believed: no more is allocated than it could.
pub(crate) fn unpack(packed: &[u8]) -> Result<String> {
    let claimed = get_frame_content_size(packed)
        .ok()
        .flatten()
        .filter(|size| *size <= MOST_BYTES && *size / MOST_FOR_A_BYTE <= packed.len() as u64)
        .and_then(|size| usize::try_from(size).ok())
        .ok_or_else(|| Error::new(ErrorKind::InvalidData, "not a frame of zstd that was written here"))?;
    let content = Decompressor::new()?.decompress(packed, claimed)?;
    if content.len() != claimed {
        return Err(Error::new(ErrorKind::InvalidData, "a frame of zstd that ends early"));
    }
    String::from_utf8(content).map_err(|error| Error::new(ErrorKind::InvalidData, error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: Compression = Compression {
        min_bytes: 100,
        level: 3,
    };

    #[test]
    fn what_was_packed_comes_back() {
        for content in ["x".repeat(100), "äöü ".repeat(1_000), "x".repeat(64 << 20)] {
            let packed = DEFAULT.pack(&content).unwrap();
            assert!(packed.len() < content.len());
            assert!(unpack(&packed).unwrap() == content);
        }
    }

    #[test]
    fn short_contents_and_those_that_get_no_smaller_stay_as_they_are() {
        assert_eq!(DEFAULT.pack(&"x".repeat(99)), None);
        assert_eq!(Compression::default().pack(&"x".repeat(1_000)), None);
        let random: String = (0..120u32).map(|n| char::from(33 + (n * n * 7 % 89) as u8)).collect();
        let every_byte_differs = Compression { min_bytes: 1, level: 3 };
        assert_eq!(every_byte_differs.pack("abc"), None);
        assert!(
            every_byte_differs
                .pack(&random)
                .is_none_or(|packed| packed.len() < random.len())
        );
    }

    #[test]
    fn a_damaged_frame_is_an_error_and_no_large_allocation() {
        let content = "the same words again and again ".repeat(50);
        let packed = DEFAULT.pack(&content).unwrap();
        for at in 0..packed.len() {
            for bit in 0..8 {
                let mut damaged = packed.clone();
                damaged[at] ^= 1 << bit;
                assert!(unpack(&damaged).is_ok_and(|text| text == content) || unpack(&damaged).is_err());
            }
            assert!(unpack(&packed[..at]).is_err());
        }
        // A frame of 14 bytes that claims to hold 900 MB.
        let claims_much = [0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0x00, 0xE9, 0xA4, 0x35, 1, 0, 0, 0, 0];
        assert_eq!(get_frame_content_size(&claims_much).unwrap(), Some(900_000_000));
        assert!(unpack(&claims_much).is_err());
    }
}

//! A number that tells texts apart: FNV-1a of 64 bits, which is the same on every machine and in every version. It hides
//! nothing from those who want to find two texts with one number.

/// A number being made of parts, each told from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Self(0xCBF2_9CE4_8422_2325)
    }

    /// With another part.
    #[must_use]
    pub(crate) fn with(mut self, part: impl AsRef<[u8]>) -> Self {
        let part = part.as_ref();
        for byte in part.iter().chain(&part.len().to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_and_numbers_never_change() {
        let of = |parts: &[&str]| {
            parts
                .iter()
                .fold(Fingerprint::new(), |all, part| all.with(part))
                .number()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["", "a"]), of(&["a", ""]));
        assert_eq!(of(&[]), 0xCBF2_9CE4_8422_2325);
    }
}

//! What a run does, drawn from bytes. Where these are used up everything is the first, or nothing: a run ends.

use super::nasty::{NASTY, WITH_CONTROLS};
use arbitrary::Unstructured;

/// The choices that bytes stand for.
pub(crate) struct Draw<'a>(Unstructured<'a>);

/// Words of the texts that are searched for, in several scripts.
pub(crate) const WORDS: &[&str] = &[
    "question",
    "answer",
    "tea",
    "Straße",
    "naïve",
    "日本語",
    "한국어",
    "か",
    "が",
    "שלום",
    "नमस्ते",
    "x",
    "1",
    "a1b2",
    "hello",
    "world",
    "ÄPFEL",
    "ไทย",
];

impl<'a> Draw<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    /// 0 to `most`.
    pub(crate) fn upto(&mut self, most: usize) -> usize {
        self.0.int_in_range(0..=most).unwrap_or(0)
    }

    /// Once in so many times; never when the bytes are used up.
    pub(crate) fn one_in(&mut self, times: usize) -> bool {
        !self.is_over() && self.upto(times - 1) == times - 1
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.upto(from.len() - 1)].clone()
    }

    /// A number that is mostly small, and sometimes at an end of what there is.
    pub(crate) fn number(&mut self) -> u64 {
        match self.upto(9) {
            0..=6 => self.upto(40) as u64,
            7 => self.upto(5_000) as u64,
            8 => self.pick(&[
                u64::MAX,
                u64::MAX - 1,
                i64::MAX as u64,
                i64::MAX as u64 + 1,
                i64::MAX as u64 >> 1,
                u64::from(u32::MAX),
                u64::from(u32::MAX) + 1,
                i32::MAX as u64,
                1 << 40,
            ]),
            _ => self.0.arbitrary().unwrap_or(0),
        }
    }

    /// A number of 32 bits, likewise.
    pub(crate) fn short(&mut self) -> u32 {
        self.number() as u32
    }

    /// A number that is one of the first few, or any at all.
    pub(crate) fn choice(&mut self, most: i32) -> i32 {
        if self.one_in(12) {
            return self.0.arbitrary().unwrap_or(0);
        }
        self.upto(most as usize) as i32
    }

    /// A flag: 0, 1, or what is none.
    pub(crate) fn flag(&mut self) -> i32 {
        match self.upto(15) {
            0..=9 => 0,
            10..=14 => 1,
            _ => self.0.arbitrary().unwrap_or(2),
        }
    }

    /// At most so many bytes, as they are.
    pub(crate) fn bytes(&mut self, most: usize) -> &'a [u8] {
        let len = self.upto(most).min(self.0.len());
        self.0.bytes(len).unwrap_or_default()
    }

    /// All bytes that are left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let left = self.0.len();
        self.0.bytes(left).unwrap_or_default()
    }

    /// A text: words, what breaks programs, or any characters.
    pub(crate) fn text(&mut self) -> String {
        match self.upto(9) {
            0..=4 => {
                let words: Vec<&str> = (0..=self.upto(5)).map(|_| self.pick(WORDS)).collect();
                words.join(self.pick(&[" ", " ", " ", "\n", "", "\" \"", "-", "* "]))
            }
            5 | 6 => self.pick(NASTY).to_owned(),
            7 => self.pick(WITH_CONTROLS).to_owned(),
            8 => self.pick(WORDS).repeat(self.upto(400)),
            _ => String::from_utf8_lossy(self.bytes(80)).into_owned(),
        }
    }

    /// A text that may be an id; one of few, so that others find it again.
    pub(crate) fn id(&mut self) -> String {
        match self.upto(15) {
            0..=11 => self.pick(&["a", "b", "c", "d", "e", "f"]).to_owned(),
            12 | 13 => self.pick(NASTY).to_owned(),
            14 => self.text(),
            _ => String::new(),
        }
    }

    /// JSON, mostly.
    pub(crate) fn json(&mut self) -> String {
        match self.upto(7) {
            0 => "{}".to_owned(),
            1 => "{\"a\": 1, \"b\": {\"c\": \"x\"}}".to_owned(),
            2 => format!(
                "{{\"{}\": {}}}",
                self.pick(&["a", "b", "turnkeep:exchange", ""]),
                self.number()
            ),
            3 => serde_json::json!({ self.text(): self.text() }).to_string(),
            4 => format!("{}1{}", "{\"a\":".repeat(self.upto(140)), "}".repeat(self.upto(140))),
            5 => self
                .pick(&[
                    "null",
                    "[]",
                    "{\"a\":1e400}",
                    "{\"a\":1,\"a\":2}",
                    "{\"\\ud800\":1}",
                    "{",
                ])
                .to_owned(),
            6 => {
                serde_json::json!({"a": self.pick(&["x", "y"]), "n": self.upto(9), "l": [1, null, true]}).to_string()
            }
            _ => String::from_utf8_lossy(self.bytes(60)).into_owned(),
        }
    }

    /// A time as a person writes it, mostly.
    pub(crate) fn moment(&mut self) -> String {
        match self.upto(5) {
            0 => "2026-11-20".to_owned(),
            1 => "1970-01-01T00:00:00Z".to_owned(),
            2 => format!("20{:02}-{:02}-{:02}", self.upto(99), self.upto(13), self.upto(32)),
            3 => "2026-11-20T12:30:00+02:00".to_owned(),
            4 => format!("{}-01-01", self.number()),
            _ => self.text(),
        }
    }
}

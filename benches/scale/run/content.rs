//! What is said: a common word in every message, a rare one in each fiftieth, one that is said once, and many others.

/// In every message.
pub(crate) const COMMON: &str = "the";
/// In each fiftieth.
pub(crate) const RARE: &str = "quetzal";
/// In the first message alone.
pub(crate) const ONCE: &str = "xylograph";

/// Why a search may take longer in a large store.
pub(crate) const OF_THE_INDEX: &str = "FTS5 looks into each of its segments, which become more and deeper";

/// Writes messages of about 120 bytes, the same ones each time.
pub(crate) struct Writer {
    words: Vec<String>,
    state: u64,
    written: u64,
}

impl Writer {
    pub(crate) fn new() -> Self {
        const SYLLABLES: [&str; 10] = ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru"];
        let word = |number: usize| {
            [number / 100, number / 10, number]
                .map(|digits| SYLLABLES[digits % 10])
                .concat()
        };
        Self {
            words: (0..1_000).map(word).collect(),
            state: 1,
            written: 0,
        }
    }

    pub(crate) fn content(&mut self) -> String {
        let mut content = String::from(COMMON);
        if self.written == 0 {
            content.push(' ');
            content.push_str(ONCE);
        }
        if self.written.is_multiple_of(50) {
            content.push(' ');
            content.push_str(RARE);
        }
        self.written += 1;
        while content.len() < 115 {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            content.push(' ');
            content.push_str(&self.words[(self.state >> 33) as usize % self.words.len()]);
        }
        content
    }
}

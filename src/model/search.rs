//! What to search for: options, and what the text that a person typed asks for.

use super::words::{Word, words};
use super::{Filter, TimeRange};
use crate::error::{Error, Kind, Result};
use std::time::Duration;

/// The longest text to search for, in bytes.
pub const MAX_SEARCH_BYTES: usize = 16 << 10;

/// The most hits of one search.
pub const MAX_HITS: u32 = 1000;

/// The most messages before, and after, a hit.
pub const MAX_NEIGHBOURS: u32 = 100;

/// All roles that there are, each as the bit with its number.
const ALL_ROLES: u32 = 0b11_1110;

/// What to search for.
#[derive(Clone, Debug)]
pub struct SearchOptions {
    /// What a person typed: words that must all be there, "phrases", and the beginnings of words with a star at the end.
    pub text: String,
    /// The text is an expression of FTS5 instead.
    pub raw: bool,
    /// In which sessions.
    pub filter: Filter,
    /// Only messages of these roles, each the bit with its number; 0 is all, and the sessions themselves.
    pub roles: u32,
    /// When what is found was said, or the session last changed.
    pub created: TimeRange,
    /// What comes first.
    pub order: SearchOrder,
    /// How long ranking may take.
    pub time_limit: Duration,
    /// How many hits at most.
    pub limit: u32,
    /// How many messages before, and after, each hit come with it.
    pub neighbours: u32,
    /// How many characters of a hit's text are shown.
    pub snippet_chars: u32,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            text: String::new(),
            raw: false,
            filter: Filter::default(),
            roles: 0,
            created: TimeRange::default(),
            order: SearchOrder::Newest,
            time_limit: Duration::from_millis(200),
            limit: 20,
            neighbours: 0,
            snippet_chars: 160,
        }
    }
}

impl SearchOptions {
    /// Checks every field by itself.
    pub fn check(&self) -> Result<()> {
        if self.text.len() > MAX_SEARCH_BYTES {
            return Err(Error::new(
                Kind::TooLarge,
                format!(
                    "the text to search for has {} bytes; at most {MAX_SEARCH_BYTES} are allowed",
                    self.text.len()
                ),
            ));
        }
        if self.roles & !ALL_ROLES != 0 {
            return Err(Error::invalid(format!(
                "roles is {}; it must be a sum of 1 << role, for the roles 1 to 5",
                self.roles
            )));
        }
        for (what, is, most) in [
            ("limit", self.limit, MAX_HITS),
            ("neighbours", self.neighbours, MAX_NEIGHBOURS),
        ] {
            if is > most {
                return Err(Error::invalid(format!("{what} is {is}; at most {most} are allowed")));
            }
        }
        self.filter.check()
    }
}

/// What comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum SearchOrder {
    /// What was said last.
    #[default]
    Newest = 1,
    /// What fits best, by BM25.
    Rank = 2,
}

impl SearchOrder {
    /// The order with this number.
    pub fn from_number(number: i32) -> Result<Self> {
        match number {
            1 => Ok(Self::Newest),
            2 => Ok(Self::Rank),
            other => Err(Error::invalid(format!(
                "order is {other}; it must be 1 (newest first) or 2 (best first)"
            ))),
        }
    }
}

/// Words that must follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// At least one, folded.
    pub tokens: Vec<String>,
    /// Of the last word only the beginning is known.
    pub prefix: bool,
}

impl Phrase {
    /// The phrase of all words of a text; `None` if it has none. Of the last one only the beginning is known if it ends where
    /// `prefix_at` says.
    pub fn of(text: &str, prefix_at: Option<usize>) -> Option<Self> {
        let mut found: Vec<Word<'_>> = words(text).collect();
        let last = found.last()?;
        let mut prefix = prefix_at == Some(last.range.end);
        if last.is_single() {
            // Where the run goes on in the text that is searched, the last character does not stand alone.
            let in_pair = found
                .iter()
                .nth_back(1)
                .is_some_and(|before| before.range.end == last.range.end);
            if in_pair {
                found.pop();
            } else {
                prefix = true;
            }
        }
        Some(Self {
            tokens: found.into_iter().map(|word| word.token.into_owned()).collect(),
            prefix,
        })
    }
}

/// What a typed text asks for: every one of these. Whatever is neither a word, nor a pair of quotes, nor a star at the end of
/// a word, only separates words; words that nothing but such signs separate must follow one another.
pub fn phrases(text: &str) -> Vec<Phrase> {
    let mut phrases = Vec::new();
    let mut add = |phrase: Option<Phrase>| {
        if let Some(phrase) = phrase.filter(|phrase| !phrases.contains(phrase)) {
            phrases.push(phrase);
        }
    };
    let mut rest = text;
    loop {
        let quoted = rest.split_once('"').and_then(|(before, rest)| {
            let (inside, after) = rest.split_once('"')?;
            Some((before, inside, after))
        });
        let (plain, inside, after) = quoted.unwrap_or((rest, "", ""));
        for chunk in plain.split(|c: char| c.is_whitespace() || c == '"') {
            let without_star = chunk.trim_end_matches('*');
            let starred = without_star.len() < chunk.len();
            add(Phrase::of(without_star, starred.then_some(without_star.len())));
        }
        let without_star = after.trim_start_matches('*');
        let starred = without_star.len() < after.len();
        add(Phrase::of(inside, starred.then_some(inside.len())));
        if quoted.is_none() {
            return phrases;
        }
        rest = without_star;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each phrase as its words, with a star at the end of a beginning.
    fn read(text: &str) -> Vec<String> {
        phrases(text)
            .iter()
            .map(|phrase| phrase.tokens.join(" ") + if phrase.prefix { "*" } else { "" })
            .collect()
    }

    #[test]
    fn words_are_asked_for_one_by_one_and_quoted_ones_together() {
        assert_eq!(read("red  Green"), ["red", "green"]);
        assert_eq!(read("\"red green\" blue"), ["red green", "blue"]);
        assert_eq!(read("red red"), ["red"]);
    }

    #[test]
    fn a_star_at_the_end_of_a_word_is_a_beginning_and_elsewhere_nothing() {
        assert_eq!(read("gre* b*e *"), ["gre*", "b e"]);
        assert_eq!(read("\"red gre\"* x-* c++*"), ["red gre*", "x", "c"]);
    }

    #[test]
    fn signs_only_separate_words() {
        assert_eq!(read("can't c++ foo-bar"), ["can t", "c", "foo bar"]);
        assert_eq!(read("AND (OR) NEAR(a"), ["and", "or", "near a"]);
        assert_eq!(read("\"red green"), ["red", "green"]);
        assert_eq!(read("red\" green"), ["red", "green"]);
        assert_eq!(read("text:x ^y -z"), ["text x", "y", "z"]);
        for nothing in ["", " ", "\"\"", "\"", "*", "--", "\u{1F600}"] {
            assert_eq!(read(nothing), [] as [&str; 0], "{nothing}");
        }
    }

    #[test]
    fn pairs_are_asked_for_as_neighbours() {
        assert_eq!(read("東"), ["東*"]);
        assert_eq!(read("東京"), ["東京"]);
        assert_eq!(read("東京都"), ["東京 京都"]);
        assert_eq!(read("\"東京 tower 東\""), ["東京 京 tower 東*"]);
    }

    proptest! {
        #[test]
        fn any_text_asks_for_words_or_nothing(text in any::<String>()) {
            for phrase in phrases(&text) {
                prop_assert!(!phrase.tokens.is_empty());
                prop_assert!(phrase.tokens.iter().all(|token| !token.is_empty() && !token.contains(['"', ' '])));
            }
        }
    }
}

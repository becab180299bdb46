//! Words for full text: what is indexed, what is asked for and what is marked in a hit are found by the same rules.
//!
//! A word is a run of letters and digits with their marks, folded. Scripts that are written without spaces have no words
//! that could be told without a dictionary: their runs become overlapping pairs of characters, and the last character
//! alone. So any two neighbours are found as they are, and any one as the beginning of a pair.

use super::text::fold;
use std::borrow::Cow;
use std::ops::Range;
use unicode_normalization::char::is_combining_mark;

/// Longer words are known by their beginning: nobody types so much, and what is that long is mostly data.
const MAX_TOKEN_BYTES: usize = 256;

/// A word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// As it is compared: neither case nor accents count.
    pub token: Cow<'a, str>,
    /// Where it stands, in bytes.
    pub range: Range<usize>,
    /// For a pair of characters, or the last one alone, of a script without spaces: where the first of them ends.
    pub pair: Option<usize>,
}

impl Word<'_> {
    /// Whether it is one character of a script without spaces.
    pub fn is_single(&self) -> bool {
        self.pair == Some(self.range.end)
    }
}

/// The words of a text, in order.
pub fn words(text: &str) -> Words<'_> {
    Words { text, at: 0, run: None }
}

/// Appends the words of a text to another, folded and with spaces between them: what a full-text index takes in.
pub fn append_folded(text: &str, folded: &mut String) {
    for word in words(text) {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word.token);
    }
}

/// See [`words`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a str,
    at: usize,
    /// The end of the run, of a script without spaces, that is being taken apart.
    run: Option<usize>,
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        loop {
            let word = match self.run {
                Some(end) => self.next_pair(end),
                None => self.next_word()?,
            };
            if !word.token.is_empty() {
                return Some(word);
            }
        }
    }
}

impl<'a> Words<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next_word(&mut self) -> Option<Word<'a>> {
        let (skipped, first) = self.rest().char_indices().find(|(_, c)| begins_word(*c))?;
        let begin = self.at + skipped;
        self.at = begin;
        let spaceless = has_no_spaces(first);
        let mut end = begin;
        for (at, c) in self.rest().char_indices() {
            let belongs = if c.is_alphanumeric() && !is_combining_mark(c) {
                has_no_spaces(c) == spaceless
            } else {
                is_combining_mark(c) || is_ignored(c)
            };
            if !belongs {
                break;
            }
            if !is_ignored(c) {
                end = begin + at + c.len_utf8();
            }
        }
        if spaceless {
            self.run = Some(end);
            return Some(self.next_pair(end));
        }
        self.at = end;
        Some(Word {
            token: token(self.text.get(begin..end).unwrap_or_default()),
            range: begin..end,
            pair: None,
        })
    }

    fn next_pair(&mut self, run_end: usize) -> Word<'a> {
        let run = self.text.get(self.at..run_end).unwrap_or_default();
        let begin = self.at;
        let first = begin + character(run);
        let end = first + character(self.text.get(first..run_end).unwrap_or_default());
        self.at = first;
        if first >= run_end {
            self.run = None;
        }
        Word {
            token: token(self.text.get(begin..end).unwrap_or_default()),
            range: begin..end,
            pair: Some(first),
        }
    }
}

/// The length of the first character of a text, with the marks that belong to it.
fn character(text: &str) -> usize {
    let mut before = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|before| !continues(before, c)) {
            return at;
        }
        before = Some(c);
    }
    text.len()
}

fn continues(before: char, c: char) -> bool {
    let vowel = |c| matches!(c, '\u{1160}'..='\u{11A7}' | '\u{D7B0}'..='\u{D7C6}');
    let final_consonant = |c| matches!(c, '\u{11A8}'..='\u{11FF}' | '\u{D7CB}'..='\u{D7FB}');
    let initial_consonant = matches!(before, '\u{1100}'..='\u{115F}' | '\u{A960}'..='\u{A97C}');
    let syllable = matches!(before, '\u{AC00}'..='\u{D7A3}');
    is_combining_mark(c)
        || is_ignored(c)
        || (initial_consonant && vowel(c))
        || ((vowel(before) || syllable) && final_consonant(c))
}

fn token(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if word.len() <= MAX_TOKEN_BYTES && word.bytes().all(plain) {
        return Cow::Borrowed(word);
    }
    let mut folded = fold(word);
    folded.retain(|c| !is_ignored(c));
    folded.truncate(folded.floor_char_boundary(MAX_TOKEN_BYTES));
    Cow::Owned(folded)
}

fn begins_word(c: char) -> bool {
    c.is_alphanumeric() && !is_combining_mark(c)
}

/// What only says how something is shown: soft hyphens, joiners, variation selectors, circles and keys around a character.
fn is_ignored(c: char) -> bool {
    matches!(
        c,
        '\u{AD}' | '\u{200C}' | '\u{200D}' | '\u{2060}' | '\u{20DD}'..='\u{20E0}' | '\u{20E2}'..='\u{20E4}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'
    )
}

/// Chinese, Japanese and Korean characters, and the scripts of Thailand, Laos, Cambodia and Burma.
fn has_no_spaces(c: char) -> bool {
    matches!(
        c,
        '\u{E00}'..='\u{EFF}'
            | '\u{1000}'..='\u{109F}'
            | '\u{1100}'..='\u{11FF}'
            | '\u{1780}'..='\u{17FF}'
            | '\u{2E80}'..='\u{303F}'
            | '\u{3040}'..='\u{31FF}'
            | '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{A960}'..='\u{A97F}'
            | '\u{AC00}'..='\u{D7FF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{FF66}'..='\u{FFDC}'
            | '\u{1AFF0}'..='\u{1B16F}'
            | '\u{20000}'..='\u{3FFFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tokens(text: &str) -> Vec<String> {
        words(text).map(|word| word.token.into_owned()).collect()
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_without_case_and_accents() {
        assert_eq!(
            tokens("Can't stop: c++, foo-bar_2 ÄPFEL"),
            ["can", "t", "stop", "c", "foo", "bar", "2", "apfel"]
        );
        assert_eq!(tokens("a\u{308}pfel"), ["apfel"]);
        assert_eq!(tokens(" \0 \u{1F600} -- \u{301}"), [] as [&str; 0]);
    }

    #[test]
    fn what_only_says_how_a_character_is_shown_does_not_count() {
        assert_eq!(tokens("1\u{FE0F}\u{20E3} co\u{AD}operate"), ["1", "cooperate"]);
    }

    #[test]
    fn scripts_without_spaces_become_pairs_and_the_last_character() {
        assert_eq!(tokens("東京都"), ["東京", "京都", "都"]);
        assert_eq!(tokens("iPhone手机"), ["iphone", "手机", "机"]);
        assert_eq!(tokens("한국어"), ["한국", "국어", "어"]);
        assert_eq!(tokens("カ\u{3099}ク"), ["ガク", "ク"]);
        // Taken apart into its letters, as some systems write it.
        assert_eq!(
            tokens("\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}"),
            ["한국", "국"]
        );
    }

    #[test]
    fn a_word_says_where_it_stands() {
        let text = "Ein Äpfelchen.";
        let ranges: Vec<&str> = words(text).map(|word| &text[word.range]).collect();
        assert_eq!(ranges, ["Ein", "Äpfelchen"]);
    }

    #[test]
    fn a_word_of_a_megabyte_is_known_by_its_beginning() {
        let word = "x".repeat(1 << 20);
        let [token] = &tokens(&word)[..] else { panic!("one") };
        assert_eq!(token.len(), MAX_TOKEN_BYTES);
    }

    proptest! {
        #[test]
        fn every_letter_and_digit_is_in_a_word_and_no_word_is_anything_else(text in any::<String>()) {
            let mut covered = vec![false; text.len()];
            let mut last = 0;
            for word in words(&text) {
                prop_assert!(word.range.start >= last && !word.range.is_empty());
                last = word.range.start;
                prop_assert!(!word.token.is_empty() && !word.token.contains(' '));
                prop_assert!(text[word.range.clone()].chars().all(
                    |c| c.is_alphanumeric() || is_combining_mark(c) || is_ignored(c)
                ));
                covered[word.range].fill(true);
            }
            for (at, c) in text.char_indices() {
                prop_assert!(covered[at] || !begins_word(c), "{c:?} at {at}");
            }
        }

        #[test]
        fn the_words_of_what_is_indexed_are_the_words_of_the_text(text in any::<String>()) {
            let mut folded = String::new();
            append_folded(&text, &mut folded);
            prop_assert_eq!(folded.split_terminator(' ').map(str::to_owned).collect::<Vec<_>>(), tokens(&text));
        }
    }
}

//! The part of a text that shows why it was found, and which of its bytes are what was asked for.

use super::search::Phrase;
use super::words::{Word, words};
use std::collections::HashMap;
use std::ops::Range;

/// A piece of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The piece, with an ellipsis where something was cut off.
    pub text: String,
    /// The bytes of it that were asked for, in order, none twice.
    pub marks: Vec<Range<usize>>,
}

impl Snippet {
    /// So many characters of a text, around the first of the phrases in it.
    pub fn of(text: &str, phrases: &[Phrase], chars: u32) -> Self {
        let chars = chars as usize;
        let marks = find(text, phrases, chars.saturating_mul(4));
        let first = marks.first().map_or(0, |mark| mark.start);
        let begin = begin(text, first, chars);
        let end = forward(text, begin, chars);
        let mut snippet = Self {
            text: String::with_capacity(end - begin + 6),
            marks: Vec::new(),
        };
        if begin > 0 {
            snippet.text.push('…');
        }
        let shift = snippet.text.len();
        snippet.text.push_str(text.get(begin..end).unwrap_or_default());
        if end < text.len() {
            snippet.text.push('…');
        }
        snippet.marks = marks
            .into_iter()
            // The first one is shown even if it is longer than everything that is.
            .map(|mark| {
                if mark.start == first {
                    mark.start..mark.end.min(end)
                } else {
                    mark
                }
            })
            .filter(|mark| mark.start >= begin && mark.end <= end && !mark.is_empty())
            .map(|mark| mark.start - begin + shift..mark.end - begin + shift)
            .collect();
        snippet
    }
}

/// A quarter of the piece stands before the first hit, or more where the text ends soon after it. It begins with a word.
fn begin(text: &str, first: usize, chars: usize) -> usize {
    let earliest = back(text, first, chars / 4);
    let end = forward(text, earliest, chars);
    let shown = text.get(earliest..end).map_or(0, |piece| piece.chars().count());
    let begin = back(text, earliest, chars - shown.min(chars));
    if begin == 0 {
        return 0;
    }
    let before = text.get(begin..first).unwrap_or_default();
    let space = before.char_indices().find(|(_, c)| c.is_whitespace());
    space.map_or(begin, |(at, c)| begin + at + c.len_utf8())
}

fn forward(text: &str, from: usize, chars: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.char_indices().nth(chars).map_or(text.len(), |(at, _)| from + at)
}

fn back(text: &str, from: usize, chars: usize) -> usize {
    let before = text.get(..from).unwrap_or_default();
    match chars.checked_sub(1) {
        None => from,
        Some(index) => before.char_indices().rev().nth(index).map_or(0, |(at, _)| at),
    }
}

/// Where the phrases stand, up to so many bytes after the first of them.
fn find(text: &str, phrases: &[Phrase], bytes: usize) -> Vec<Range<usize>> {
    let mut finder = Finder::new(phrases);
    for word in words(text) {
        if finder
            .marks
            .first()
            .is_some_and(|first| word.range.start > first.start.saturating_add(bytes))
        {
            break;
        }
        finder.step(&word);
    }
    finder.finish()
}

/// Goes through a text word by word, and follows every phrase that has begun.
struct Finder<'a> {
    by_first_word: HashMap<&'a str, Vec<&'a Phrase>>,
    beginnings: Vec<&'a Phrase>,
    begun: Vec<Begun<'a>>,
    marks: Vec<Range<usize>>,
}

struct Begun<'a> {
    rest: &'a [String],
    prefix: bool,
    marks: Vec<Range<usize>>,
}

impl<'a> Finder<'a> {
    fn new(phrases: &'a [Phrase]) -> Self {
        let mut finder = Self {
            by_first_word: HashMap::new(),
            beginnings: Vec::new(),
            begun: Vec::new(),
            marks: Vec::new(),
        };
        for phrase in phrases {
            match phrase.tokens.as_slice() {
                [_] if phrase.prefix => finder.beginnings.push(phrase),
                [first, ..] => finder.by_first_word.entry(first).or_default().push(phrase),
                [] => {}
            }
        }
        finder
    }

    fn step(&mut self, word: &Word<'_>) {
        let whole = self.by_first_word.get(word.token.as_ref());
        let starting = whole.into_iter().flatten().chain(&self.beginnings);
        let starting = starting.map(|phrase| Begun {
            rest: &phrase.tokens,
            prefix: phrase.prefix,
            marks: Vec::new(),
        });
        let candidates: Vec<Begun<'a>> = std::mem::take(&mut self.begun).into_iter().chain(starting).collect();
        for mut phrase in candidates {
            let [wanted, rest @ ..] = phrase.rest else { continue };
            let Some(mark) = mark(word, wanted, phrase.prefix && rest.is_empty()) else {
                continue;
            };
            phrase.marks.push(mark);
            phrase.rest = rest;
            if rest.is_empty() {
                self.marks.append(&mut phrase.marks);
            } else {
                self.begun.push(phrase);
            }
        }
    }

    /// Pairs overlap: what overlaps is one.
    fn finish(mut self) -> Vec<Range<usize>> {
        self.marks.sort_by_key(|mark| (mark.start, mark.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(self.marks.len());
        for mark in self.marks {
            match merged.last_mut() {
                Some(last) if mark.start < last.end => last.end = last.end.max(mark.end),
                _ => merged.push(mark),
            }
        }
        merged
    }
}

/// What of a word is marked if it is what a phrase wants.
fn mark(word: &Word<'_>, wanted: &str, prefix: bool) -> Option<Range<usize>> {
    if word.token == wanted {
        return Some(word.range.clone());
    }
    let begins = prefix && word.token.starts_with(wanted);
    begins.then(|| word.range.start..word.pair.unwrap_or(word.range.end))
}

#[cfg(test)]
mod tests {
    use super::super::search::phrases;
    use super::*;
    use proptest::prelude::*;

    /// A snippet with its marks in brackets.
    fn show(text: &str, wanted: &str, chars: u32) -> String {
        let snippet = Snippet::of(text, &phrases(wanted), chars);
        let mut shown = String::new();
        let mut at = 0;
        for mark in snippet.marks {
            shown += &snippet.text[at..mark.start];
            shown += &format!("[{}]", &snippet.text[mark.clone()]);
            at = mark.end;
        }
        shown + &snippet.text[at..]
    }

    #[test]
    fn the_words_that_were_asked_for_are_marked() {
        assert_eq!(
            show("Red, GREEN and red.", "red green", 99),
            "[Red], [GREEN] and [red]."
        );
        assert_eq!(show("ein Äpfelchen", "apfel*", 99), "ein [Äpfelchen]");
        assert_eq!(
            show("a red herring is red", "\"red herring\"", 99),
            "a [red] [herring] is red"
        );
        assert_eq!(show("a a b", "\"a b\"", 99), "a [a] [b]");
        assert_eq!(show("nothing", "else", 99), "nothing");
    }

    #[test]
    fn of_scripts_without_spaces_only_what_was_asked_for_is_marked() {
        assert_eq!(show("私は東京都に住む", "東京", 99), "私は[東京]都に住む");
        assert_eq!(show("私は東京都に住む", "東京都", 99), "私は[東京都]に住む");
        assert_eq!(show("私は東京都に住む", "京", 99), "私は東[京]都に住む");
    }

    #[test]
    fn a_snippet_is_cut_around_the_first_hit_at_characters() {
        let long = format!("{}needle{}", "äö ".repeat(100), " üß".repeat(100));
        let shown = show(&long, "needle", 40);
        assert_eq!(shown, "…äö äö äö [needle] üß üß üß üß üß üß üß üß …");
        assert_eq!(show("one two three needle", "needle", 14), "…three [needle]");
        assert_eq!(show("needle", "needle", 3), "[nee]…");
        assert_eq!(show("a needle", "needle", 0), "……");
    }

    proptest! {
        #[test]
        fn marks_are_words_that_were_asked_for(text in any::<String>(), pick in any::<prop::sample::Index>(), chars in 0..50u32) {
            let all: Vec<_> = words(&text).collect();
            prop_assume!(!all.is_empty());
            let asked = pick.get(&all);
            let phrase = Phrase { tokens: vec![asked.token.to_string()], prefix: false };
            let whole = Snippet::of(&text, std::slice::from_ref(&phrase), u32::MAX);
            prop_assert_eq!(&whole.text, &text);
            let mut expected: Vec<Range<usize>> = Vec::new();
            for word in all.iter().filter(|word| word.token == asked.token) {
                match expected.last_mut() {
                    Some(last) if word.range.start < last.end => last.end = word.range.end,
                    _ => expected.push(word.range.clone()),
                }
            }
            prop_assert_eq!(whole.marks, expected);
            let cut = Snippet::of(&text, &[phrase], chars);
            prop_assert!(cut.text.chars().count() <= chars as usize + 2);
            for mark in cut.marks {
                prop_assert!(cut.text.get(mark).is_some());
            }
        }
    }
}

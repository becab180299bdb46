//! What is searched for, in the words of FTS5.

use crate::model::words::words;
use crate::model::{Phrase, SearchOptions, search};

/// An expression to match, and what it asks for.
pub(super) struct Expression {
    /// Empty if nothing is asked for: then nothing is found.
    pub(super) fts5: String,
    /// What hits are marked by.
    pub(super) phrases: Vec<Phrase>,
}

impl Expression {
    pub(super) fn of(options: &SearchOptions) -> Self {
        if options.raw {
            return Self::raw(&options.text);
        }
        let phrases = search::phrases(&options.text);
        let terms: Vec<String> = phrases.iter().map(quote).collect();
        Self {
            fts5: terms.join(" AND "),
            phrases,
        }
    }

    /// FTS5's own syntax stays as it is; the words in it become what is indexed for them.
    fn raw(text: &str) -> Self {
        let mut expression = Self {
            fts5: String::with_capacity(text.len() + 16),
            phrases: Vec::new(),
        };
        if text.trim().is_empty() {
            return expression;
        }
        // An expression that begins with a star would be a command.
        expression.fts5.push(' ');
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            rest = if first == '"' {
                expression.take_quoted(rest)
            } else if is_bare(first) {
                expression.take_word(rest)
            } else {
                // FTS5 would read no further than a NUL.
                expression.fts5.push(if first == '\0' { ' ' } else { first });
                rest.get(first.len_utf8()..).unwrap_or_default()
            };
        }
        expression
    }

    fn take_quoted<'a>(&mut self, text: &'a str) -> &'a str {
        let mut end = 1;
        loop {
            match text.get(end..).and_then(|rest| rest.find('"')) {
                // FTS5 says that the quote does not end.
                None => {
                    self.fts5.push('"');
                    return "";
                }
                Some(at) if text.get(end + at + 1..).is_some_and(|rest| rest.starts_with('"')) => end += at + 2,
                Some(at) => {
                    end += at;
                    break;
                }
            }
        }
        let rest = text.get(end + 1..).unwrap_or_default();
        self.add(text.get(1..end).unwrap_or_default(), rest);
        rest
    }

    fn take_word<'a>(&mut self, text: &'a str) -> &'a str {
        let end = text.find(|c| !is_bare(c)).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if !word.is_ascii() {
            self.add(word, rest);
            return rest;
        }
        self.fts5.push_str(word);
        if !matches!(word, "AND" | "OR" | "NOT" | "NEAR") {
            self.phrases
                .extend(Phrase::of(word, followed_by_star(rest).then_some(end)));
        }
        rest
    }

    fn add(&mut self, text: &str, rest: &str) {
        let starred = followed_by_star(rest);
        let last = words(text).last().map(|word| word.range.end);
        match Phrase::of(text, last.filter(|_| starred)) {
            None => self.fts5.push_str("\"\""),
            Some(phrase) => {
                let quoted = quote(&phrase);
                // The star that stands there already is enough.
                let once = if starred {
                    quoted.trim_end_matches(" *")
                } else {
                    &quoted
                };
                self.fts5.push_str(once);
                self.phrases.push(phrase);
            }
        }
    }
}

/// What FTS5 takes for a word without quotes.
fn is_bare(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

fn followed_by_star(rest: &str) -> bool {
    rest.trim_start().starts_with('*')
}

/// A token holds neither quotes nor spaces.
fn quote(phrase: &Phrase) -> String {
    let star = if phrase.prefix { " *" } else { "" };
    format!("\"{}\"{star}", phrase.tokens.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fts5(text: &str, raw: bool) -> String {
        let options = SearchOptions {
            text: text.to_owned(),
            raw,
            ..SearchOptions::default()
        };
        Expression::of(&options).fts5
    }

    #[test]
    fn what_is_typed_is_quoted() {
        assert_eq!(
            fts5("red NEAR \"green blue\" Äpf*", false),
            r#""red" AND "near" AND "green blue" AND "apf" *"#
        );
        assert_eq!(fts5("東", false), r#""東" *"#);
        assert_eq!(fts5("-- *", false), "");
    }

    #[test]
    fn of_a_raw_expression_only_the_words_change() {
        assert_eq!(
            fts5("NEAR(red green, 5) NOT Blue*", true),
            " NEAR(red green, 5) NOT Blue*"
        );
        assert_eq!(fts5("Äpfel OR \"Crème brûlée\"", true), r#" "apfel" OR "creme brulee""#);
        assert_eq!(
            fts5("東京都 AND 東 AND Ä*", true),
            r#" "東京 京都" AND "東" * AND "a"*"#
        );
        assert_eq!(fts5("*reads", true), " *reads");
        assert_eq!(fts5("a\0b \"c", true), " a b \"");
    }
}

//! Counting tokens.
//!
//! The host's tokenizer is the truth; where there is none, an estimate stands in and is marked as such.

use crate::error::Result;
#[cfg(any(not(feature = "tokenizer-openai"), doc))]
use crate::error::{Error, Kind};

/// Counts the tokens of a text.
pub trait Tokenizer: Send + Sync {
    /// The number of tokens.
    fn count(&self, text: &str) -> Result<u64>;

    /// Whether the numbers are estimates.
    fn estimates(&self) -> bool {
        false
    }
}

/// What a message costs besides its text, in the estimate.
const ESTIMATE_BASE: u64 = 4;

/// `max(characters / 4, words * 3 / 4) + 4`, in whole numbers: English prose runs to about four characters, or
/// three quarters of a word, a token, and a chat template adds about four tokens a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Estimate;

impl Tokenizer for Estimate {
    fn count(&self, text: &str) -> Result<u64> {
        let characters = text.chars().count() as u64;
        let words = text.split_whitespace().count() as u64;
        Ok((characters / 4).max(words * 3 / 4) + ESTIMATE_BASE)
    }

    fn estimates(&self) -> bool {
        true
    }
}

/// The tokenizer with this vocabulary: `cl100k_base` or `o200k_base`, with the feature `tokenizer-openai`.
#[cfg(feature = "tokenizer-openai")]
pub fn by_name(name: &str) -> Result<Box<dyn Tokenizer>> {
    openai::by_name(name)
}

/// The tokenizer with this vocabulary: none in this build.
#[cfg(not(feature = "tokenizer-openai"))]
pub fn by_name(name: &str) -> Result<Box<dyn Tokenizer>> {
    Err(Error::new(
        Kind::Unsupported,
        format!(
            "tokenizer '{name}' is not built in; build with the feature tokenizer-openai, or give a count_tokens callback"
        ),
    ))
}

#[cfg(feature = "tokenizer-openai")]
mod openai {
    use super::Tokenizer;
    use crate::error::{Error, Kind, Result};

    struct Vocabulary(&'static bpe_openai::Tokenizer);

    impl Tokenizer for Vocabulary {
        fn count(&self, text: &str) -> Result<u64> {
            Ok(self.0.count(text) as u64)
        }
    }

    pub(super) fn by_name(name: &str) -> Result<Box<dyn Tokenizer>> {
        match name {
            "cl100k_base" => Ok(Box::new(Vocabulary(bpe_openai::cl100k_base()))),
            "o200k_base" => Ok(Box::new(Vocabulary(bpe_openai::o200k_base()))),
            other => Err(Error::new(
                Kind::Unsupported,
                format!("tokenizer '{other}' is unknown; there are cl100k_base and o200k_base"),
            )),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        // The counts are those that OpenAI's own tiktoken gives.
        #[test]
        fn real_vocabularies_count_what_they_count_elsewhere() {
            let text = "hello world, tokenization!";
            assert_eq!(by_name("cl100k_base").unwrap().count(text), Ok(6));
            assert_eq!(by_name("o200k_base").unwrap().count("hello world"), Ok(2));
            assert!(by_name("p50k_base").is_err());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_larger_of_characters_and_words_plus_four() {
        assert_eq!(Estimate.count(""), Ok(4));
        assert_eq!(Estimate.count("abcdefgh"), Ok(6));
        assert_eq!(Estimate.count("a b c d e f g h"), Ok(10));
        assert_eq!(Estimate.count("\u{1F600}\u{1F600}\u{1F600}\u{1F600}"), Ok(5));
    }
}

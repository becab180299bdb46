//! What a text is to those who read it: for somebody who searches neither case nor accents count, and some characters act
//! instead of being seen.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;

/// A text without case and accents: "ÄPFEL" and "äpfel" both become "apfel". Folding twice is folding once.
///
/// What is taken away are accents and the points of Hebrew and Arabic. Marks that make another word stay: the vowel signs of
/// the scripts of India, the voice marks of Japanese, the strokes that make ≠ of =. Korean syllables stay syllables.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd()
        .filter(|c| !is_accent(*c))
        .flat_map(char::to_lowercase)
        // The form at the end of a word.
        .map(|c| if c == 'ς' { 'σ' } else { c })
        .nfc()
        .collect()
}

/// Whether a character acts instead of being seen: control characters, which steer a terminal, also line feeds and tabs; and
/// what turns the direction of the text around it, or breaks its lines. So one text can be made to look like another.
pub fn acts_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}'
        )
}

/// By Unicode's combining classes: 10 to 36 are the points of Hebrew, Arabic and Syriac, 200 to 240 what stands above, below
/// and beside letters.
fn is_accent(c: char) -> bool {
    matches!(canonical_combining_class(c), 10..=36 | 200..=240)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_accents_fold() {
        for (text, folded) in [
            ("ÄPFEL", "apfel"),
            ("a\u{308}pfel", "apfel"),
            ("Crème Brûlée", "creme brulee"),
            ("İstanbul", "istanbul"),
            ("ΟΔΟΣ όδος", "οδοσ οδοσ"),
            ("Ёлка", "елка"),
            ("שָׁלוֹם", "שלום"),
            ("100%_\\", "100%_\\"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn what_steers_or_turns_acts_unseen_and_what_joins_letters_does_not() {
        for c in [
            '\0', '\n', '\u{1b}', '\u{9b}', '\u{061C}', '\u{200E}', '\u{200F}', '\u{2029}', '\u{202E}', '\u{2066}',
        ] {
            assert!(acts_unseen(c), "{c:?}");
        }
        for c in ['a', 'ש', ' ', '\u{A0}', '\u{AD}', '\u{200C}', '\u{200D}', '😀'] {
            assert!(!acts_unseen(c), "{c:?}");
        }
    }

    #[test]
    fn marks_that_make_another_word_stay() {
        for (one, other) in [("が", "か"), ("कि", "का"), ("각", "가"), ("≠", "=")] {
            assert!(!fold(one).contains(&fold(other)), "{one} and {other}");
        }
        assert_eq!(fold("한국어"), "한국어");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }
    }
}

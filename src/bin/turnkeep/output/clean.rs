//! Makes text harmless for a terminal: what would steer it is shown instead.
//!
//! Contents come from models, tools and other people. An escape sequence in them could rewrite what was shown before, set
//! the title, or type into the shell; a control that turns the direction of text could make one text look like another.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A text of many lines; newlines and tabs stay.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    clean(text, |c| matches!(c, '\n' | '\t'))
}

/// A text for one line.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    clean(text, |_| false)
}

/// Whether a character could steer a terminal, or the direction of the text around it.
pub(crate) fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{206F}'
        )
}

fn clean(text: &str, stays: fn(char) -> bool) -> Cow<'_, str> {
    let steers = |c: char| is_steering(c) && !stays(c);
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) {
            show(c, &mut clean);
        } else {
            clean.push(c);
        }
    }
    Cow::Owned(clean)
}

/// Unicode has a picture for each control character of ASCII; the others are shown by their numbers.
fn show(c: char, clean: &mut String) {
    let picture = match c as u32 {
        code @ 0..0x20 => char::from_u32(0x2400 + code),
        0x7F => Some('\u{2421}'),
        _ => None,
    };
    match picture {
        Some(picture) => clean.push(picture),
        None => {
            // A string takes everything.
            let _written = write!(clean, "<U+{:04X}>", c as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(text("a\u{1b}[31mb\r\n\tc\u{7f}\0"), "a␛[31mb␍\n\tc␡␀");
        assert_eq!(text("\u{9b}31m \u{202E}gnp.exe"), "<U+009B>31m <U+202E>gnp.exe");
        assert_eq!(line("a\nb\tc\u{2028}d"), "a␊b␉c<U+2028>d");
    }

    #[test]
    fn what_turns_the_direction_or_the_shapes_of_text_is_shown() {
        let marks = ['\u{061C}', '\u{200E}', '\u{200F}', '\u{2028}', '\u{2029}'];
        let turning = marks
            .into_iter()
            .chain('\u{202A}'..='\u{202E}')
            .chain('\u{2066}'..='\u{206F}');
        for c in turning {
            assert_eq!(text(&format!("a{c}b")), format!("a<U+{:04X}>b", c as u32));
        }
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        let said = "é 漢字 עברית 👩‍👩‍👧 क्षि";
        assert!(matches!(line(said), Cow::Borrowed(same) if same == said));
    }
}

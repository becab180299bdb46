//! The name of a file that a host writes an answer to.

use super::fingerprint::Fingerprint;

/// The longest name that every usual file system takes, in bytes.
const MOST_BYTES: usize = 255;

/// What comes behind the stem: a mark and the extension.
const EXTENSION: &str = ".pdf";

/// `RESPONSE_<id>_ex001_<stem>_<mark>.pdf`, or `ERROR_...`: safe on every file system whatever the id and the original are.
/// The mark is that of id, turn and original as they are, so that two inputs never have one name, however alike they
/// have become.
pub fn file_name(session_id: &str, turn: u64, original: &str, is_error: bool) -> String {
    let kind = if is_error { "ERROR" } else { "RESPONSE" };
    let base = original.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match base.rfind('.') {
        None | Some(0) => base,
        Some(dot) => base.get(..dot).unwrap_or(base),
    };
    let mark = Fingerprint::new()
        .with(session_id)
        .with(turn.to_le_bytes())
        .with(original)
        .number();
    let tail = format!("_{mark:016x}{EXTENSION}");
    let room = MOST_BYTES - tail.len();
    let mut name = cut(&safe(session_id), 96);
    name = format!("{kind}_{name}_ex{turn:03}_{}", safe(stem));
    format!("{}{tail}", cut(&name, room))
}

/// Without what a file system, a shell or a terminal could take for something else.
fn safe(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    text.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

fn cut(text: &str, most_bytes: usize) -> String {
    let mut end = text.len().min(most_bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_is_safe_whatever_it_is_made_of(id in ".{0,300}", original in ".{0,300}", turn: u64, is_error: bool) {
            let name = file_name(&id, turn, &original, is_error);
            prop_assert!(name.len() <= 255, "{} bytes", name.len());
            prop_assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) && !name.contains(".."));
            prop_assert!(!name.chars().any(char::is_control));
            let kind = if is_error { "ERROR_" } else { "RESPONSE_" };
            prop_assert!(name.starts_with(kind) && name.ends_with(".pdf"));
        }
    }

    #[test]
    fn a_name_shows_the_session_the_turn_and_the_stem() {
        let name = file_name("conv_1", 7, "notes/lecture 3.pdf", false);
        assert!(name.starts_with("RESPONSE_conv_1_ex007_lecture_3_"), "{name}");
    }

    #[test]
    fn two_inputs_with_one_stem_have_two_names() {
        let names = ["a.pdf", "a.png", "x/a.pdf", "a"].map(|original| file_name("s", 1, original, false));
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}

//! Somebody's Markdown as a quotation in a document of ours.
//!
//! Headings, lists and fences cannot leave a quotation, but three things can: HTML tags, which a reader may act on; definitions
//! of links (`[x]: ...`), which hold for the whole document; and pictures, which are fetched from elsewhere when the document
//! is opened. They are escaped, but in code, where they are only text. What is code is for a parser to say; here it is only
//! believed where every parser must agree: between ticks in one line of a paragraph in which nothing else can come in between,
//! and in a fence at the left margin. A fence that is indented may belong to a list or to nothing, and parsers close it by
//! that; so it is moved to the margin, with what is in it. Elsewhere code is escaped, too, and shows it.

use std::borrow::Cow;

/// The lines of a text as lines of a quotation.
#[derive(Default)]
pub(super) struct Quotation {
    fence: Option<Fence>,
    /// Ticks up to the next empty line may not mean code.
    doubtful: bool,
}

#[derive(Clone, Copy)]
struct Fence {
    sign: u8,
    length: usize,
    /// How far it was indented, and so is what is in it.
    indent: usize,
}

impl Quotation {
    /// The next line.
    pub(super) fn line(&mut self, line: &str) -> String {
        if line.is_empty() {
            self.doubtful = false;
            return ">".to_owned();
        }
        if let Some(fence) = self.fence {
            let line = fence.without_indent(line);
            if fence.is_closed_by(&line) {
                self.fence = None;
            }
            return format!("> {line}");
        }
        let spaced = spaces_for_tabs(line);
        self.fence = Fence::opened_by(&spaced);
        if let Some(fence) = self.fence {
            self.doubtful = false;
            return format!("> {}", fence.without_indent(&spaced));
        }
        if line.trim_matches([' ', '\t']).is_empty() {
            self.doubtful = false;
        }
        format!("> {}", self.escaped(&spaced))
    }

    fn escaped(&mut self, line: &str) -> String {
        let mut safe = String::with_capacity(line.len() + 16);
        let mut rest = line;
        let mut in_address = false;
        self.doubtful |= line.len() > LONGEST_WITH_CODE;
        while let Some(c) = rest.chars().next() {
            let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
            if ticks > 0 {
                // A backslash makes a tick a letter, and an address takes it in.
                self.doubtful |= in_address || ends_like_address(&safe) || safe.ends_with('\\');
                let (code, behind) = rest.split_at(self.code(rest, ticks));
                safe.push_str(code);
                rest = behind;
                continue;
            }
            self.doubtful |= c == '$';
            in_address = !matches!(c, ' ' | '\t') && (in_address || ends_like_address(&safe));
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            push_escaped(&mut safe, c, rest);
        }
        safe.replace("]:", "]\\:")
    }

    /// How many bytes of a line that begins with ticks are code; only the ticks where that is in doubt.
    fn code(&mut self, rest: &str, ticks: usize) -> usize {
        let inside = rest.get(ticks..).unwrap_or_default();
        let end = if self.doubtful {
            None
        } else {
            closing_ticks(inside, ticks)
        };
        // A table ends code at the end of a cell.
        match end.filter(|end| !inside.get(..*end).unwrap_or_default().contains('|')) {
            Some(end) => ticks + end + ticks,
            None => {
                self.doubtful = true;
                ticks
            }
        }
    }
}

/// Nobody reads a line that is longer than this, and looking for code in it takes its time.
const LONGEST_WITH_CODE: usize = 10_000;

/// Whether what comes next is part of an address, which many readers make a link without any sign around it.
fn ends_like_address(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends_with_www = bytes
        .last_chunk::<4>()
        .is_some_and(|end| end.eq_ignore_ascii_case(b"www."));
    ends_with_www || text.ends_with("://")
}

/// Where the ticks stand that end what was begun with so many.
fn closing_ticks(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text.get(at..)?.find('`') {
        at += found;
        let run = text.get(at..)?.bytes().take_while(|byte| *byte == b'`').count();
        if run == ticks {
            return Some(at);
        }
        at += run;
    }
    None
}

/// A backslash in front is not trusted: it may be part of an address.
fn push_escaped(safe: &mut String, c: char, behind: &str) {
    let begins_tag = c == '<' && behind.starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next));
    let begins_picture = c == '!' && behind.starts_with('[');
    if begins_tag {
        safe.push_str("&lt;");
    } else if begins_picture {
        safe.push_str("&#33;");
    } else {
        safe.push(c);
    }
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        let sign = *text.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
        let length = text.bytes().take_while(|byte| *byte == sign).count();
        let is_in_line = sign == b'`' && text.get(length..)?.contains('`');
        let indent = line.len() - text.len();
        (length >= 3 && !is_in_line).then_some(Self { sign, length, indent })
    }

    /// A line in it, moved to the left as far as the fence was.
    fn without_indent(self, line: &str) -> Cow<'_, str> {
        let text = line.trim_start_matches([' ', '\t']);
        // A quotation's mark changes what a tab in front stands for. That matters where a line may be moved or may close a fence.
        if self.indent == 0 && !text.starts_with(['`', '~']) {
            return Cow::Borrowed(line);
        }
        let spaced = spaces_for_tabs(line);
        let indent = spaced.len() - spaced.trim_start_matches(' ').len();
        Cow::Owned(spaced.get(indent.min(self.indent)..).unwrap_or_default().to_owned())
    }

    fn is_closed_by(self, line: &str) -> bool {
        let text = line.trim_start_matches(' ');
        let length = text.bytes().take_while(|byte| *byte == self.sign).count();
        let behind = text.get(length..).unwrap_or_default();
        line.len() - text.len() < 4 && length >= self.length && behind.trim_matches([' ', '\t']).is_empty()
    }
}

/// A line with the tabs it begins with as the spaces that they stand for.
fn spaces_for_tabs(line: &str) -> String {
    let text = line.trim_start_matches([' ', '\t']);
    let mut columns = 0;
    for byte in line.bytes().take(line.len() - text.len()) {
        columns += if byte == b'\t' { 4 - columns % 4 } else { 1 };
    }
    format!("{}{text}", " ".repeat(columns))
}

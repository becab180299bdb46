//! Somebody's Markdown as a quotation in a document of ours.
//!
//! Headings, lists and fences cannot leave a quotation, but three things can: HTML tags, which a reader may act on; definitions
//! of links (`[x]: ...`), which hold for the whole document; and pictures, which are fetched from elsewhere when the document
//! is opened. They are escaped, but in code, where they are only text. What is code is for a parser to say; here it is only
//! believed where every parser must agree: in a fence that begins at the left margin, and between ticks in one line of a
//! paragraph in which nothing else can come in between. Elsewhere they are escaped even in code, and show it.

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
}

impl Quotation {
    /// The next line.
    pub(super) fn line(&mut self, line: &str) -> String {
        if line.is_empty() {
            self.doubtful = false;
            return ">".to_owned();
        }
        if let Some(fence) = self.fence {
            let spaced = spaces_for_tabs(line);
            let trimmed = spaced.trim_start_matches(' ');
            let indent = spaced.len() - trimmed.len();
            if indent < 4 && closes(fence, trimmed) {
                self.fence = None;
            }
            // A quotation's mark moves what stands behind a tab; only where a fence may close does it matter.
            let is_fence_like = trimmed.starts_with(['`', '~']);
            return format!("> {}", if is_fence_like { &spaced } else { line });
        }
        self.fence = opens(line);
        if self.fence.is_some() || line.trim_matches([' ', '\t']).is_empty() {
            self.doubtful = false;
            return format!("> {line}");
        }
        format!("> {}", self.escaped(&spaces_for_tabs(line)))
    }

    fn escaped(&mut self, line: &str) -> String {
        let mut safe = String::with_capacity(line.len() + 16);
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let ticks = rest.bytes().take_while(|byte| *byte == b'`').count();
            if ticks > 0 {
                let taken = self.code(rest, ticks, &safe);
                let (code, behind) = rest.split_at(taken);
                safe.push_str(code);
                rest = behind;
                continue;
            }
            self.doubtful |= c == '$';
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            push_escaped(&mut safe, c, rest);
        }
        safe.replace("]:", "]\\:")
    }

    /// How many bytes of a line that begins with ticks are code; only the ticks where that is in doubt.
    fn code(&mut self, rest: &str, ticks: usize, before: &str) -> usize {
        let inside = rest.get(ticks..).unwrap_or_default();
        let end = closing_ticks(inside, ticks);
        let is_split = end
            .and_then(|end| inside.get(..end))
            .is_none_or(|code| code.contains('|'));
        // A backslash makes a tick a letter; a table ends code at the end of a cell.
        self.doubtful |= before.ends_with('\\') || is_split;
        match end {
            Some(end) if !self.doubtful => ticks + end + ticks,
            _ => ticks,
        }
    }
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

fn push_escaped(safe: &mut String, c: char, behind: &str) {
    let backslashes = safe.bytes().rev().take_while(|byte| *byte == b'\\').count();
    let is_escaped = !backslashes.is_multiple_of(2);
    let begins_tag = c == '<' && behind.starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next));
    let begins_picture = c == '!' && behind.starts_with('[');
    match c {
        '<' if begins_tag && !is_escaped => safe.push_str("&lt;"),
        '!' if begins_picture && !is_escaped => safe.push_str("\\!"),
        _ => safe.push(c),
    }
}

/// The fence that a line opens at the left margin.
fn opens(line: &str) -> Option<Fence> {
    let sign = *line.as_bytes().first().filter(|byte| matches!(byte, b'`' | b'~'))?;
    let length = line.bytes().take_while(|byte| *byte == sign).count();
    let is_in_line = sign == b'`' && line.get(length..)?.contains('`');
    (length >= 3 && !is_in_line).then_some(Fence { sign, length })
}

/// Whether a line, without what it is indented by, closes a fence.
fn closes(fence: Fence, line: &str) -> bool {
    let length = line.bytes().take_while(|byte| *byte == fence.sign).count();
    let behind = line.get(length..).unwrap_or_default();
    length >= fence.length && behind.trim_matches([' ', '\t']).is_empty()
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

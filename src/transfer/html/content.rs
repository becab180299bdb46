//! The contents of messages as HTML: text as it is, code between fences and ticks in a fixed width, and no other Markdown.

use crate::error::Result;
use crate::transfer::export::Out;
use crate::transfer::reading;
use std::borrow::Cow;

/// Text that is only text, between tags as in attributes.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// A block of code.
pub(super) fn code_block(code: &str, out: &mut Out<'_>) -> Result<()> {
    if code.is_empty() {
        return Ok(());
    }
    let shown = reading::visible(code, out);
    out.text("<pre dir=\"ltr\"><code>")?;
    out.text(&escaped(shown.trim_end_matches('\n')))?;
    out.text("</code></pre>\n")
}

/// What somebody wrote.
pub(super) fn text(text: &str, out: &mut Out<'_>) -> Result<()> {
    let shown = reading::visible(text, out);
    let mut rest: &str = &shown;
    while let Some((before, info, code, behind)) = next_fence(rest) {
        prose(before, out)?;
        if !info.is_empty() {
            out.text(&format!("<p class=\"language\">{}</p>\n", escaped(info)))?;
        }
        code_block(code, out)?;
        rest = behind;
    }
    prose(rest, out)
}

fn prose(text: &str, out: &mut Out<'_>) -> Result<()> {
    let text = text.trim_matches('\n');
    if text.trim().is_empty() {
        return Ok(());
    }
    out.text("<div class=\"text\" dir=\"auto\">")?;
    for line in text.split_inclusive('\n') {
        with_inline_code(line, out)?;
    }
    out.text("</div>\n")
}

/// A line in which what stands between as many ticks is code.
fn with_inline_code(line: &str, out: &mut Out<'_>) -> Result<()> {
    let mut rest = line;
    // Nobody reads a longer one, and looking for code in it takes its time.
    while let Some(at) = rest.find('`').filter(|_| line.len() <= 10_000) {
        let (before, from_ticks) = rest.split_at(at);
        out.text(&escaped(before))?;
        let ticks = from_ticks.len() - from_ticks.trim_start_matches('`').len();
        let (fence, inside) = from_ticks.split_at(ticks);
        match closing_ticks(inside, ticks) {
            Some((code, behind)) => {
                out.text(&format!("<code>{}</code>", escaped(code)))?;
                rest = behind;
            }
            None => {
                out.text(fence)?;
                rest = inside;
            }
        }
    }
    out.text(&escaped(rest))
}

/// What stands before the next so many ticks, and what behind.
fn closing_ticks(text: &str, ticks: usize) -> Option<(&str, &str)> {
    let mut at = 0;
    while let Some(found) = text.get(at..)?.find('`') {
        at += found;
        let from = text.get(at..)?;
        let behind = from.trim_start_matches('`');
        let run = from.len() - behind.len();
        if run == ticks && at > 0 {
            return Some((text.get(..at)?, behind));
        }
        at += run;
    }
    None
}

/// The text before the next fenced code, what is said about it, the code, and what is behind it.
fn next_fence(text: &str) -> Option<(&str, &str, &str, &str)> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begin = at;
        at += line.len();
        if let Some((fence, info)) = opening(line) {
            let (code, behind) = up_to_closing(text.get(at..)?, fence);
            return Some((text.get(..begin)?, info, code, behind));
        }
    }
    None
}

fn opening(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let sign = line.chars().next().filter(|sign| matches!(sign, '`' | '~'))?;
    let info = line.trim_start_matches(sign);
    let fence = line.get(..line.len() - info.len())?;
    (fence.len() >= 3 && !info.contains('`')).then_some((fence, info.trim()))
}

/// Without a closing fence all the rest is code.
fn up_to_closing<'a>(text: &'a str, fence: &str) -> (&'a str, &'a str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_closing = line
            .trim()
            .strip_prefix(fence)
            .is_some_and(|rest| rest.chars().all(|sign| fence.starts_with(sign)));
        if is_closing {
            return text.split_at_checked(at).map_or((text, ""), |(code, rest)| {
                (code, rest.get(line.len()..).unwrap_or_default())
            });
        }
        at += line.len();
    }
    (text, "")
}

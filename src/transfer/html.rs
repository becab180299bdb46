//! One HTML page, to read and to search, that needs nothing else and asks nobody for anything.
//!
//! The page is whole without its script. No word of the caller's stands in it unescaped, and none is a link or an anchor:
//! sessions and messages are numbered (`s1`, `s1m5`). Should one get through all the same, the page's policy lets no script
//! and no style run but the page's own, and fetches nothing. It is written session by session; only the list of sessions at
//! its end, some hundred bytes for each, waits for all of them.

mod content;
mod list;

use super::export::{Exported, Out};
use super::reading::{self, Call, Known, LastCalls};
use crate::error::Result;
use crate::model::{MessageFlags, MessageRef, Micros, Role};
use content::{code_block, escaped, text};
use list::List;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// What browsers compare the two with: `pages_allow_only_their_own_style_and_script` knows when these are old, and says the new.
const STYLE_HASH: &str = "sha256-r5yvlQiaxOqte16aSN8Oc5mM5r/fk79RWmwH7u9Rg4Y=";
const SCRIPT_HASH: &str = "sha256-uUGiY5K7pOB5cWX3IZxAVoOsP/vsHkq775ipf5QGhTY=";

/// Instructions that are longer than this are folded: they are the same in many sessions.
const LONG_INSTRUCTION: usize = 600;

#[derive(Default)]
pub(crate) struct Exporter {
    list: List,
    messages: u64,
    /// The session's, which its messages need not repeat.
    model: String,
    calls: LastCalls,
    /// Sessions that go on from one of this one's messages that are still to be written, the next of these last.
    branches: Vec<(u32, usize)>,
}

impl super::export::Exporter for Exporter {
    fn shares(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text(&format!(
            r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{STYLE_HASH}'; script-src '{SCRIPT_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="Turnkeep {}">
<title>Conversations</title>
<style>"#,
            env!("CARGO_PKG_VERSION")
        ))?;
        out.text(STYLE)?;
        out.text(HEADER)
    }

    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()> {
        self.model.clone_from(&session.info.model);
        self.calls = LastCalls::default();
        self.branches = session.branches.to_vec();
        self.branches.sort_unstable_by(|one, other| other.cmp(one));
        let heading = line_of(&reading::heading(session, out), out);
        let number = self.list.add(session, &heading);
        out.text(&format!(
            "<section id=\"s{number}\" aria-labelledby=\"s{number}h\">\n<header>\n\
             <h2 id=\"s{number}h\"><bdi>{heading}</bdi></h2>\n<dl>\n"
        ))?;
        for fact in reading::facts(session) {
            let known = known(fact.value, out);
            out.text(&format!("<div><dt>{}</dt><dd>{known}</dd></div>\n", fact.label))?;
        }
        out.text("</dl>\n")?;
        if !session.info.summary.is_empty() {
            out.text("<details open class=\"summary\"><summary>Summary</summary>\n")?;
            text(&session.info.summary, out)?;
            out.text("</details>\n")?;
        }
        metadata(&session.info.metadata, out)?;
        out.text("</header>\n")?;
        shared(session, out)?;
        out.lost("idempotency keys", session.receipts.len() as u64);
        Ok(())
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        self.messages += 1;
        self.message_header(out, message)?;
        out.text("<div class=\"body\">\n")?;
        let file = reading::file_given(message);
        if !file.is_empty() {
            let file = line_of(&file, out);
            out.text(&format!("<p class=\"file\">File: <bdi>{file}</bdi></p>\n"))?;
        }
        match message.role {
            Role::Tool => {
                let tool = self.calls.answered_by(message).to_owned();
                result(message, &tool, out)?;
            }
            role if role.is_instruction() && message.content.len() > LONG_INSTRUCTION => {
                fold("long", "Instructions", "", message.content, out)?;
                text(message.content, out)?;
                out.text("</details>\n")?;
            }
            _ => text(message.content, out)?,
        }
        for call in self.calls.note(message) {
            show_call(&call, out)?;
        }
        metadata(message.metadata.unwrap_or_default(), out)?;
        out.text("</div>\n")?;
        self.branches_behind(message.place.seq, out)?;
        out.text("</article>\n")
    }

    fn end_session(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text("</section>\n")
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        out.text("</main>\n")?;
        self.list.write(self.messages, out)?;
        out.text("<script>")?;
        out.text(SCRIPT)?;
        out.text("</script>\n</body>\n</html>\n")
    }
}

const HEADER: &str = r##"</style>
</head>
<body>
<header id="top">
<h1>Conversations</h1>
<search role="search" hidden>
<label for="find">Search in the messages</label>
<input id="find" type="search" placeholder="Search" autocomplete="off" autocapitalize="none" spellcheck="false" aria-keyshortcuts="/" aria-describedby="found">
<output id="found" for="find"></output>
<button type="button" id="previous" aria-label="Previous hit" title="Previous hit (Shift+Enter)" disabled>↑</button>
<button type="button" id="next" aria-label="Next hit" title="Next hit (Enter)" disabled>↓</button>
</search>
<a class="to-list" href="#sessions">Sessions</a>
</header>
<main>
"##;

impl Exporter {
    fn message_header(&self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        let (number, seq) = (self.list.len(), message.place.seq);
        let role = reading::role_name(message.role);
        let is_pinned = message.flags.contains(MessageFlags::PINNED);
        let class = role.to_lowercase() + if is_pinned { " pinned" } else { "" };
        let mut about = format!(
            "<article id=\"s{number}m{seq}\" class=\"{class}\">\n\
             <header><h3>{role}</h3> <a href=\"#s{number}m{seq}\">{seq}</a> {}",
            time(message.created)
        );
        if let Some(model) = message.model.filter(|model| *model != self.model) {
            let model = line_of(model, out);
            about.push_str(&format!(" <bdi>{model}</bdi>"));
        }
        let estimated = message.flags.contains(MessageFlags::ESTIMATED);
        let roughly = if estimated { "≈ " } else { "" };
        about.push_str(&format!(" <span>{roughly}{} tokens</span>", message.tokens));
        about.push_str(if is_pinned {
            " <strong>pinned</strong></header>\n"
        } else {
            "</header>\n"
        });
        out.text(&about)
    }

    fn branches_behind(&mut self, seq: u32, out: &mut Out<'_>) -> Result<()> {
        let first = self.branches.partition_point(|(behind, _)| *behind > seq);
        let branches = self.branches.split_off(first);
        if branches.is_empty() {
            return Ok(());
        }
        out.text("<p class=\"branches\">Forks from here:")?;
        for (_, number) in branches.into_iter().rev() {
            out.text(&format!(" <a href=\"#s{number}\">session {number}</a>"))?;
        }
        out.text("</p>\n")
    }
}

/// Where the messages are that a session shares with one before it.
fn shared(session: &Exported<'_>, out: &mut Out<'_>) -> Result<()> {
    let Some(shares) = session.shares else { return Ok(()) };
    let title = if shares.title.trim().is_empty() {
        shares.session_id
    } else {
        shares.title
    };
    let title = line_of(title, out);
    let through = reading::messages_through(shares.through_seq);
    let anchor = format!("s{}m{}", shares.number, shares.through_seq);
    out.text(&format!(
        "<p class=\"shared\">{through} as in <a href=\"#{anchor}\"><bdi>{title}</bdi></a>.</p>\n"
    ))
}

fn known(value: Known<'_>, out: &mut Out<'_>) -> String {
    match value {
        Known::Labels(labels) => {
            let labels = labels.into_iter().map(|label| label_of(label, out));
            labels.collect::<Vec<_>>().join(" ")
        }
        Known::Time(at) => time(at),
        Known::Words(words) => escaped(&words).into_owned(),
        Known::Behind(id, seq) => format!("{}, behind message {seq}", label_of(id, out)),
    }
}

/// A line of the caller's words.
fn line_of(text: &str, out: &mut Out<'_>) -> String {
    escaped(&reading::one_line(text, out)).into_owned()
}

fn label_of(label: &str, out: &mut Out<'_>) -> String {
    format!("<bdi>{}</bdi>", line_of(label, out))
}

/// In UTC; the script puts the reader's own time in its place.
fn time(time: Micros) -> String {
    timed(time, "", &reading::utc(time))
}

/// A day, where the time does not matter.
fn day(time: Micros) -> String {
    let shown = reading::utc(time);
    timed(time, " class=\"day\"", shown.split(' ').next().unwrap_or_default())
}

fn timed(time: Micros, class: &str, shown: &str) -> String {
    match reading::moment(time) {
        Some(moment) => {
            let exact = moment.format("%Y-%m-%dT%H:%M:%S%.fZ");
            format!("<time{class} datetime=\"{exact}\">{shown}</time>")
        }
        None => shown.to_owned(),
    }
}

/// Begins something folded. What it begins with says what it is.
fn fold(class: &str, what: &str, name: &str, inside: &str, out: &mut Out<'_>) -> Result<()> {
    const SHOWN: usize = 100;
    let begins: String = inside.trim_start().chars().take(SHOWN).collect();
    let begins = line_of(&begins, out);
    let name = if name.is_empty() {
        String::new()
    } else {
        format!(" <code>{}</code>", line_of(name, out))
    };
    out.text(&format!(
        "<details class=\"{class}\"><summary>{what}{name} <small dir=\"auto\">{begins}</small></summary>\n"
    ))
}

fn result(message: &MessageRef<'_>, tool: &str, out: &mut Out<'_>) -> Result<()> {
    fold(
        "tool",
        "Result of",
        if tool.is_empty() { "a call" } else { tool },
        message.content,
        out,
    )?;
    code_block(&reading::in_lines(message.content), out)?;
    out.text("</details>\n")
}

fn show_call(call: &Call, out: &mut Out<'_>) -> Result<()> {
    let name = if call.name.is_empty() { &call.id } else { &call.name };
    fold("tool", "Calls", name, &call.arguments, out)?;
    code_block(&call.arguments, out)?;
    out.text("</details>\n")
}

fn metadata(json: &str, out: &mut Out<'_>) -> Result<()> {
    if matches!(json.trim(), "" | "{}") {
        return Ok(());
    }
    out.text("<details class=\"metadata\"><summary>Metadata</summary>\n")?;
    code_block(&reading::in_lines(json), out)?;
    out.text("</details>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use sha2::{Digest, Sha256};

    #[test]
    fn pages_allow_only_their_own_style_and_script() {
        for (name, text, hash) in [("STYLE_HASH", STYLE, STYLE_HASH), ("SCRIPT_HASH", SCRIPT, SCRIPT_HASH)] {
            let found = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text));
            assert_eq!(hash, format!("sha256-{found}"), "{name} is old");
            assert!(!text.contains("</"), "it would end where it says so");
        }
    }
}

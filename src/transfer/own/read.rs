//! Reading the own format. It comes from a store, so what is wrong with it is wrong with the file: then nothing is taken in.

use super::{At, Footer, Header, MessageLine, SessionLine, VERSION, parse};
use crate::error::{Error, Kind, Result};
use crate::model::{KeptReceipt, NewMessage, NewSession, Role, Status, Tokens};
use crate::transfer::input::Input;
use crate::transfer::taker::{Conversation, ForkedFrom, IncomingMessage, SharedWith, Taker};
use serde::Deserialize;
use std::borrow::Cow;

/// The longest line: a content may be as long as a database can hold it, and is longer when it is written as JSON.
const MOST_BYTES_OF_A_LINE: usize = 1 << 30;

/// What kind of line it is.
#[derive(Deserialize)]
struct AnyLine<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
}

/// What came since the last session began.
#[derive(Default)]
struct Progress {
    sessions: u64,
    messages: u64,
    in_session: bool,
    last_seq: u32,
}

pub(crate) fn read(input: &Input, taker: &mut Taker<'_>) -> Result<()> {
    let mut lines = input.lines(MOST_BYTES_OF_A_LINE)?;
    let mut come = Progress::default();
    let Some((number, line)) = lines.next()? else {
        return Err(Error::invalid("it is empty"));
    };
    check_header(&parse::<Header<'_>>(number, line)?)?;
    while let Some((number, line)) = lines.next()? {
        taker.went_on(input.progress())?;
        match parse::<AnyLine<'_>>(number, line)?.kind.as_ref() {
            "message" => message(number, parse(number, line)?, &mut come, taker)?,
            "session" => session(number, parse(number, line)?, &mut come, taker)?,
            "end" => {
                end_session(&mut come, taker)?;
                check_footer(&parse(number, line)?, &come)?;
                return match lines.next()? {
                    None => Ok(()),
                    Some((number, _)) => Err(Error::invalid(format!(
                        "line {number} comes after the end; nothing was taken in"
                    ))),
                };
            }
            other => {
                return Err(Error::invalid(format!(
                    "line {number} has the type '{other}', which the format turnkeep does not have; nothing was taken in"
                )));
            }
        }
    }
    Err(Error::invalid(
        "it ends without its last line: it was cut short; nothing was taken in",
    ))
}

fn check_header(header: &Header<'_>) -> Result<()> {
    if header.kind != "turnkeep" {
        return Err(Error::invalid(
            "its first line does not say that it is of the format turnkeep",
        ));
    }
    if header.version == 0 || header.version > VERSION {
        return Err(Error::new(
            Kind::Unsupported,
            format!(
                "it is of version {} of the format; this library reads up to version {VERSION}: update it",
                header.version
            ),
        ));
    }
    Ok(())
}

fn check_footer(footer: &Footer<'_>, come: &Progress) -> Result<()> {
    if (footer.sessions, footer.messages) == (come.sessions, come.messages) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "its last line speaks of {} sessions and {} messages; there are {} and {}: something is missing; nothing was taken in",
        footer.sessions, footer.messages, come.sessions, come.messages
    )))
}

fn end_session(come: &mut Progress, taker: &mut Taker<'_>) -> Result<()> {
    if std::mem::take(&mut come.in_session) {
        taker.end()?;
    }
    Ok(())
}

fn session(number: u64, line: SessionLine<'_>, come: &mut Progress, taker: &mut Taker<'_>) -> Result<()> {
    end_session(come, taker)?;
    come.sessions += 1;
    come.in_session = true;
    come.last_seq = line.shares.as_ref().map_or(0, |shares| shares.seq);
    let status = Status::by_name(&line.status);
    let status = status.ok_or_else(|| {
        Error::invalid(format!(
            "line {number} has the status '{}'; nothing was taken in",
            line.status
        ))
    })?;
    let other = |at: At<'_>| SharedWith {
        id: at.session.into_owned(),
        seq: at.seq,
    };
    let receipts = line.receipts.into_iter().map(|receipt| KeptReceipt {
        key: receipt.key.into_owned(),
        first_seq: receipt.first_seq,
        last_seq: receipt.last_seq,
        revision: receipt.revision,
    });
    taker.begin(Conversation {
        place: format!("line {number}"),
        session: NewSession {
            id: Some(line.id.into_owned()),
            user_id: line.user_id.into_owned(),
            name: line.name.map(Cow::into_owned),
            title: line.title.into_owned(),
            model: line.model.into_owned(),
            summary: line.summary.into_owned(),
            metadata: line.metadata.map(|json| json.0.into_owned()),
            window_tokens: line.window_tokens,
            tags: line.tags.into_iter().map(Cow::into_owned).collect(),
            expires: line.expires,
            expires_after: line.expires_after,
            max_bytes: line.max_bytes,
            like: None,
            messages: Vec::new(),
        },
        status: Some(status),
        created: Some(line.created),
        updated: Some(line.updated),
        revision: Some(line.revision),
        summary_tokens: Some(line.summary_tokens),
        shares: line.shares.map(other),
        forked_from: match line.parent {
            Some(id) => ForkedFrom::Another(SharedWith {
                id: id.into_owned(),
                seq: line.fork_seq,
            }),
            None => ForkedFrom::Gone(line.fork_seq),
        },
        is_shared: line.shared,
        receipts: receipts.collect(),
    })
}

fn message(number: u64, line: MessageLine<'_>, come: &mut Progress, taker: &mut Taker<'_>) -> Result<()> {
    come.messages += 1;
    if !come.in_session {
        return Err(Error::invalid(format!(
            "line {number} is a message before the first session; nothing was taken in"
        )));
    }
    if come.last_seq.checked_add(1) != Some(line.seq) {
        return Err(Error::invalid(format!(
            "line {number} is message {} of its session, behind message {}; nothing was taken in",
            line.seq, come.last_seq
        )));
    }
    come.last_seq = line.seq;
    let role = Role::by_name(&line.role);
    let role = role.ok_or_else(|| {
        Error::invalid(format!(
            "line {number} has the role '{}'; nothing was taken in",
            line.role
        ))
    })?;
    taker.message(IncomingMessage {
        message: NewMessage {
            role,
            content: line.content.into_owned(),
            tokens: Tokens::Given(line.tokens),
            created: Some(line.created),
            tool_calls: line.tool_calls.map(|json| json.0.into_owned()),
            tool_call_id: line.tool_call_id.map(Cow::into_owned),
            model: line.model.map(Cow::into_owned),
            metadata: line.metadata.map(|json| json.0.into_owned()),
            pinned: line.pinned,
        },
        estimated: line.estimated,
    })
}

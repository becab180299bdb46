//! Writing the own format.

use super::{At, Footer, Header, Json, MessageLine, ReceiptOf, SessionLine, VERSION};
use crate::error::Result;
use crate::model::{MessageFlags, MessageRef};
use crate::transfer::export::{Exported, Out};
use std::borrow::Cow;

/// Writes everything.
#[derive(Default)]
pub(crate) struct Exporter {
    sessions: u64,
    messages: u64,
}

impl crate::transfer::export::Exporter for Exporter {
    fn shares(&self) -> bool {
        true
    }

    fn begin(&mut self, out: &mut Out<'_>) -> Result<()> {
        line(
            out,
            &Header {
                kind: Cow::Borrowed("turnkeep"),
                version: VERSION,
            },
        )
    }

    fn session(&mut self, out: &mut Out<'_>, session: &Exported<'_>) -> Result<()> {
        self.sessions += 1;
        let info = session.info;
        let shares = session.shares.map(|shares| At {
            session: shares.session_id.into(),
            seq: shares.through_seq,
        });
        let receipts = session.receipts.iter().map(|receipt| ReceiptOf {
            key: receipt.key.as_str().into(),
            first_seq: receipt.first_seq,
            last_seq: receipt.last_seq,
            revision: receipt.revision,
        });
        line(
            out,
            &SessionLine {
                kind: Cow::Borrowed("session"),
                id: info.id.as_str().into(),
                user_id: info.user_id.as_str().into(),
                name: info.name.as_deref().map(Cow::Borrowed),
                title: info.title.as_str().into(),
                model: info.model.as_str().into(),
                status: info.status.name().into(),
                summary: info.summary.as_str().into(),
                summary_tokens: session.summary_tokens,
                metadata: Some(info.metadata.as_str())
                    .filter(|json| *json != "{}")
                    .map(|json| Json(json.into())),
                window_tokens: info.window_tokens,
                tags: info.tags.iter().map(|tag| tag.as_str().into()).collect(),
                created: info.created,
                updated: info.updated,
                expires: info.expires,
                expires_after: info.expires_after,
                max_bytes: info.max_bytes,
                revision: info.revision,
                parent: info.parent_id.as_deref().map(Cow::Borrowed),
                fork_seq: info.fork_seq,
                shares,
                shared: !session.branches.is_empty(),
                receipts: receipts.collect(),
            },
        )
    }

    fn message(&mut self, out: &mut Out<'_>, message: &MessageRef<'_>) -> Result<()> {
        self.messages += 1;
        line(
            out,
            &MessageLine {
                kind: Cow::Borrowed("message"),
                seq: message.place.seq,
                role: message.role.name().into(),
                content: message.content.into(),
                tokens: message.tokens,
                estimated: message.flags.contains(MessageFlags::ESTIMATED),
                pinned: message.flags.contains(MessageFlags::PINNED),
                created: message.created,
                tool_calls: message.tool_calls.map(|json| Json(json.into())),
                tool_call_id: message.tool_call_id.map(Cow::Borrowed),
                model: message.model.map(Cow::Borrowed),
                metadata: message.metadata.map(|json| Json(json.into())),
            },
        )
    }

    fn end(&mut self, out: &mut Out<'_>) -> Result<()> {
        line(
            out,
            &Footer {
                kind: Cow::Borrowed("end"),
                sessions: self.sessions,
                messages: self.messages,
            },
        )
    }
}

fn line(out: &mut Out<'_>, line: &impl serde::Serialize) -> Result<()> {
    out.json(line)?;
    out.text("\n")
}

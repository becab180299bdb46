//! What a caller left to the store: ids, times, tokens, and what a new session takes from another one.

use super::Inner;
use crate::error::{During, Error, Kind, Result};
use crate::model::message::MAX_MESSAGE_TOKENS;
use crate::model::{Durability, MessageFlags, NewMessage, NewSession, ReadyMessage, Tokens, ids, now};
use crate::storage::mutation::Create;

impl Inner {
    /// Fills in what the caller left to the store: id, counts and times.
    pub(super) fn ready_session(&self, session: NewSession) -> Result<Create> {
        session.check()?;
        let mut session = self.with_likeness(session)?;
        session.max_bytes = session.max_bytes.or(self.max_session_bytes);
        let id = session.id.clone().unwrap_or_else(ids::new_session_id);
        #[cfg(feature = "test-panic")]
        super::change::forced_panic::during_call(&id);
        let messages = self.ready_all(std::mem::take(&mut session.messages))?;
        Ok(Create {
            id,
            summary_tokens: self.count_summary(&session.summary)?,
            session,
            messages,
            now: now(),
        })
    }

    pub(super) fn count_summary(&self, summary: &str) -> Result<u32> {
        if summary.is_empty() { Ok(0) } else { self.count(summary) }
    }

    pub(super) fn count(&self, text: &str) -> Result<u32> {
        let tokens = self.tokenizer.count(text)?;
        u32::try_from(tokens)
            .ok()
            .filter(|tokens| *tokens <= MAX_MESSAGE_TOKENS)
            .ok_or_else(|| {
                Error::new(
                    Kind::TooLarge,
                    format!("the tokenizer counted {tokens} tokens; a message may have {MAX_MESSAGE_TOKENS}"),
                )
            })
    }

    /// Readies messages that go together, and says of a failure which one it was.
    pub(super) fn ready_all(&self, messages: Vec<NewMessage>) -> Result<Vec<ReadyMessage>> {
        let several = messages.len() > 1;
        let ready = |(index, message)| {
            let ready = self.ready(message);
            if several {
                ready.during(|| format!("message {index} of the batch"))
            } else {
                ready
            }
        };
        messages.into_iter().enumerate().map(ready).collect()
    }

    /// What a change at the store's own level survives.
    pub(super) fn reached(&self) -> Durability {
        if self.in_memory {
            Durability::Memory
        } else {
            self.durability
        }
    }

    /// Fills in what the caller left to the store: tokens and time. A call's arguments are part of the prompt, so they count.
    pub(super) fn ready(&self, message: NewMessage) -> Result<ReadyMessage> {
        message.check()?;
        let mut flags = MessageFlags::default();
        let tokens = match message.tokens {
            Tokens::Given(tokens) => tokens,
            Tokens::Count => {
                if self.tokenizer.estimates() {
                    flags = flags.with(MessageFlags::ESTIMATED);
                }
                match &message.tool_calls {
                    None => self.count(&message.content)?,
                    Some(calls) => self.count(&format!("{}{calls}", message.content))?,
                }
            }
        };
        Ok(ReadyMessage {
            role: message.role,
            flags: if message.pinned {
                flags.with(MessageFlags::PINNED)
            } else {
                flags
            },
            tokens,
            created: message.created.unwrap_or_else(now),
            packed: self.compression.pack(&message.content),
            content: message.content,
            tool_calls: message.tool_calls,
            tool_call_id: message.tool_call_id,
            model: message.model,
            metadata: message.metadata,
        })
    }
}

//! Turns: a question with all that answers it. And exchanges: a turn that is appended and read in one piece.

use super::{Message, Micros, NewMessage, Role, ids, metadata};
use crate::error::{Error, Result};
use serde_json::json;

/// A question and its answer, to be appended in one call.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// What was asked; may be empty if a file was.
    pub input: String,
    /// The name of the file that was given.
    pub input_name: String,
    /// Its type, such as "application/pdf".
    pub input_type: String,
    /// What was answered.
    pub answer: String,
    /// How long that took, in microseconds.
    pub processing: Micros,
    /// What it cost, prompt and answer, as the caller counts.
    pub tokens_used: u64,
    /// The model that answered.
    pub model: Option<String>,
    /// The caller's JSON object, kept with the answer.
    pub metadata: Option<String>,
}

/// A user message and all that follows, up to the next user message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// 1, 2, 3 ... in its session; 0 is what stands before the first user message.
    pub number: u32,
    /// Its first message.
    pub first_seq: u32,
    /// Its last message.
    pub last_seq: u32,
    /// The tokens of its messages.
    pub tokens: u64,
    /// When it began.
    pub created: Micros,
    /// What was asked.
    pub input: String,
    /// The name of the file that was given.
    pub input_name: String,
    /// Its type.
    pub input_type: String,
    /// The last thing that the assistant said.
    pub answer: String,
    /// How long the answer took, in microseconds; 0 where nobody told.
    pub processing: Micros,
    /// What it cost; 0 where nobody told.
    pub tokens_used: u64,
    /// The metadata of the answer.
    pub metadata: String,
}

/// The note with what a message cannot hold of an exchange.
const NOTE: &str = "exchange";

impl Exchange {
    /// The two messages that it is kept as.
    pub fn into_messages(self) -> Result<[NewMessage; 2]> {
        if self.input.is_empty() && self.input_name.is_empty() {
            return Err(Error::invalid(
                "an exchange needs an input: a text, or the name of a file",
            ));
        }
        if self.processing < 0 {
            return Err(Error::invalid(format!(
                "processing is {}; it must not be negative",
                self.processing
            )));
        }
        ids::check_label("input_name", &self.input_name)?;
        ids::check_label("input_type", &self.input_type)?;
        if let Some(json) = &self.metadata {
            metadata::check_object("metadata", json)?;
            if !metadata::split_notes(json.trim_start()).0.is_empty() {
                return Err(Error::invalid(
                    "metadata begins with a name that begins with 'turnkeep:'; these are the library's",
                ));
            }
        }
        Ok(self.unchecked_messages())
    }

    /// The two messages, whatever its fields hold.
    pub(crate) fn unchecked_messages(self) -> [NewMessage; 2] {
        let asked = json!({ "name": self.input_name, "type": self.input_type });
        let told = json!({ "processing_us": self.processing, "tokens_used": self.tokens_used });
        [
            NewMessage {
                metadata: Some(metadata::with_note(None, NOTE, &asked)),
                ..NewMessage::new(Role::User, self.input)
            },
            NewMessage {
                model: self.model,
                metadata: Some(metadata::with_note(self.metadata.as_deref(), NOTE, &told)),
                ..NewMessage::new(Role::Assistant, self.answer)
            },
        ]
    }
}

/// The name and the type of the file that was given with a user message, by its metadata; "" if none was.
pub(crate) fn file_given(metadata: &str) -> (String, String) {
    let (notes, _) = metadata::split_notes(metadata);
    let text = |field: &str| notes.get(NOTE)?.get(field)?.as_str().map(str::to_owned);
    (text("name").unwrap_or_default(), text("type").unwrap_or_default())
}

impl Turn {
    /// The turns that messages, which follow on each other, belong to.
    pub fn of(messages: impl IntoIterator<Item = Message>) -> Vec<Self> {
        let mut turns: Vec<Self> = Vec::new();
        for message in messages {
            match turns.last_mut().filter(|turn| turn.number == message.place.turn) {
                Some(turn) => turn.take_in(message),
                None => {
                    let mut turn = Self::begun_by(&message);
                    turn.take_in(message);
                    turns.push(turn);
                }
            }
        }
        turns
    }

    fn begun_by(message: &Message) -> Self {
        Self {
            number: message.place.turn,
            first_seq: message.place.seq,
            last_seq: message.place.seq,
            tokens: 0,
            created: message.message.created,
            input: String::new(),
            input_name: String::new(),
            input_type: String::new(),
            answer: String::new(),
            processing: 0,
            tokens_used: 0,
            metadata: String::new(),
        }
    }

    fn take_in(&mut self, message: Message) {
        let Message { place, message } = message;
        self.last_seq = place.seq;
        self.tokens += u64::from(message.tokens);
        let json = message.metadata.unwrap_or_default();
        match message.role {
            Role::User => {
                self.input = message.content;
                (self.input_name, self.input_type) = file_given(&json);
            }
            Role::Assistant => {
                let (notes, own) = metadata::split_notes(&json);
                let number = |field: &str| notes.get(NOTE).and_then(|note| note.get(field)?.as_u64());
                self.answer = message.content;
                self.processing = number("processing_us").map_or(0, |time| time.cast_signed());
                self.tokens_used = number("tokens_used").unwrap_or_default();
                self.metadata = if own == "{}" { String::new() } else { own };
            }
            Role::System | Role::Developer | Role::Tool => {}
        }
    }
}

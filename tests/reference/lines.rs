//! Messages of the model: how they are made of what was drawn, and how they are given to a store.

use crate::model::{Line, Model, Told, estimate};
use crate::operations::Said;
use turnkeep::model::{NewMessage, Role, Tokens};

/// The same list of tool calls, for the store and as the model knows it.
fn calls(said: &Said) -> Option<String> {
    let call = |id: &Option<u8>| match id {
        Some(id) => format!(r#"{{"id":"c{id}","type":"function"}}"#),
        None => r#"{"type":"function"}"#.to_owned(),
    };
    let calls: Vec<String> = said.calls.iter().map(call).collect();
    (!calls.is_empty()).then(|| format!("[{}]", calls.join(", ")))
}

fn with_word(content: &str, word: &str) -> String {
    format!("{content} {word}")
}

impl Model {
    pub(crate) fn line(&mut self, role: Role, content: String) -> Line {
        self.lines += 1;
        Line {
            identity: self.lines,
            word: None,
            role,
            tokens: estimate(&content),
            content,
            pinned: false,
            calls: Vec::new(),
            tool_calls: None,
            tool_call_id: None,
            metadata: None,
            not_adopted: None,
            told: Told::default(),
        }
    }

    pub(crate) fn with_a_word(&mut self, role: Role, content: &str) -> Line {
        let word = format!("w{}q", self.lines + 1);
        Line {
            word: Some(word.clone()),
            ..self.line(role, with_word(content, &word))
        }
    }

    fn said(&mut self, said: &Said) -> Line {
        let line = match said.worded {
            true => self.with_a_word(said.role, &said.content),
            false => self.line(said.role, said.content.clone()),
        };
        let own = said.metadata.then(|| r#"{"n": 1.50}"#.to_owned());
        Line {
            tokens: said.tokens,
            pinned: said.pinned,
            calls: said.calls.iter().map(|id| id.map(|id| format!("c{id}"))).collect(),
            tool_calls: calls(said),
            tool_call_id: said.answers.map(|id| format!("c{id}")),
            told: Told {
                own: own.clone().unwrap_or_default(),
                ..Told::default()
            },
            not_adopted: own.clone(),
            metadata: own,
            ..line
        }
    }

    pub(crate) fn all_said(&mut self, messages: &[Said]) -> Vec<Line> {
        messages.iter().map(|said| self.said(said)).collect()
    }

    /// The same texts, as new messages.
    pub(crate) fn again(&mut self, lines: &[Line]) -> Vec<Line> {
        let again = lines.iter().map(|line| {
            self.lines += 1;
            Line {
                identity: self.lines,
                ..line.clone()
            }
        });
        again.collect()
    }
}

/// Messages as they are given to the store.
pub(crate) fn to_append(lines: &[Line]) -> Vec<NewMessage> {
    let new = lines.iter().map(|line| NewMessage {
        tokens: Tokens::Given(line.tokens),
        pinned: line.pinned,
        tool_calls: line.tool_calls.clone(),
        tool_call_id: line.tool_call_id.clone(),
        metadata: line.metadata.clone(),
        ..NewMessage::new(line.role, line.content.clone())
    });
    new.collect()
}

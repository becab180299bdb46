//! The nodes of a tree of messages, and what they take in memory.

use crate::model::NewMessage;
use crate::transfer::json;

/// A place in a tree, with the messages that stand there: none, one, or what one became several of.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) messages: Vec<NewMessage>,
}

/// The nodes of a conversation as they are made, within the memory that one may take.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    made: Vec<Node>,
    bytes: usize,
}

impl Nodes {
    /// Adds a node; fails if they take too much.
    pub(crate) fn push(&mut self, node: Node) -> std::result::Result<(), String> {
        self.bytes += node.bytes();
        if self.bytes > json::MOST_BYTES_IN_MEMORY {
            return Err(json::takes_too_much_memory());
        }
        self.made.push(node);
        Ok(())
    }

    /// The nodes of a list, in which each message follows the one before it: where none says what it hangs on.
    pub(crate) fn push_to_list(&mut self, mut node: Node) -> std::result::Result<(), String> {
        node.id = (self.made.len() + 1).to_string();
        node.parent = self.made.last().map(|last| last.id.clone());
        self.push(node)
    }

    pub(crate) fn all(self) -> Vec<Node> {
        self.made
    }
}

impl Node {
    /// What it takes in memory, with what is noted of it while the tree is taken in.
    pub(super) fn bytes(&self) -> usize {
        const NOTES: usize = 160;
        let parent = self.parent.as_deref().map_or(0, heap);
        let messages: usize = self.messages.iter().map(bytes_of_message).sum();
        size_of::<Self>() + NOTES + heap(&self.id) + parent + messages
    }
}

fn bytes_of_message(message: &NewMessage) -> usize {
    let rare = [
        &message.tool_calls,
        &message.tool_call_id,
        &message.metadata,
        &message.model,
    ];
    let rare: usize = rare.into_iter().flatten().map(|text| heap(text)).sum();
    size_of::<NewMessage>() + heap(&message.content) + rare
}

fn heap(text: &str) -> usize {
    json::bytes_on_heap(text.len())
}

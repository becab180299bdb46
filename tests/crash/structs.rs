//! The structs of the header, filled from the plain types of the library.

use crate::abi::{self, LAST, sized};
use std::ffi::{CString, c_char};
use std::ptr::null;
use turnkeep::model::{AppendOptions, Filter, NewMessage, NewSession, SessionChanges, Status, Tokens};

/// Texts for the time of a call.
#[derive(Default)]
pub(crate) struct Texts {
    texts: Vec<CString>,
    lists: Vec<Vec<*const c_char>>,
}

impl Texts {
    pub(crate) fn text(&mut self, text: &str) -> *const c_char {
        self.texts.push(CString::new(text).unwrap());
        self.texts.last().unwrap().as_ptr()
    }

    pub(crate) fn given(&mut self, text: &str) -> *const c_char {
        if text.is_empty() { null() } else { self.text(text) }
    }

    pub(crate) fn maybe(&mut self, text: Option<&String>) -> *const c_char {
        text.map_or(null(), |text| self.text(text))
    }

    pub(crate) fn list(&mut self, texts: &[String]) -> (*const *const c_char, usize) {
        if texts.is_empty() {
            return (null(), 0);
        }
        let list: Vec<_> = texts.iter().map(|text| self.text(text)).collect();
        self.lists.push(list);
        (self.lists.last().unwrap().as_ptr(), texts.len())
    }

    pub(crate) fn session(&mut self, new: &NewSession) -> abi::SessionOptions {
        let (tags, tag_count) = self.list(&new.tags);
        abi::SessionOptions {
            id: self.maybe(new.id.as_ref()),
            name: self.maybe(new.name.as_ref()),
            like: self.maybe(new.like.as_ref()),
            title: self.given(&new.title),
            summary: self.given(&new.summary),
            metadata: self.maybe(new.metadata.as_ref()),
            window_tokens: new.window_tokens.unwrap_or(0),
            expires_us: new.expires.unwrap_or(0),
            expires_after_ms: new.expires_after.map_or(0, |micros| micros as u64 / 1_000),
            max_bytes: new.max_bytes.unwrap_or(0),
            tags,
            tag_count,
            ..sized()
        }
    }

    pub(crate) fn message(&mut self, new: &NewMessage) -> abi::NewMessage {
        abi::NewMessage {
            role: new.role as i32,
            flags: u32::from(new.pinned),
            content: new.content.as_ptr().cast(),
            content_len: new.content.len(),
            tokens: match new.tokens {
                Tokens::Count => 0,
                Tokens::Given(0) => -1,
                Tokens::Given(tokens) => i64::from(tokens),
            },
            created_us: new.created.unwrap_or(0),
            tool_calls: self.maybe(new.tool_calls.as_ref()),
            tool_call_id: self.maybe(new.tool_call_id.as_ref()),
            metadata: self.maybe(new.metadata.as_ref()),
            ..sized()
        }
    }

    pub(crate) fn messages(&mut self, new: &[NewMessage]) -> Vec<abi::NewMessage> {
        new.iter().map(|new| self.message(new)).collect()
    }

    pub(crate) fn appending(&mut self, options: &AppendOptions) -> abi::AppendOptions {
        abi::AppendOptions {
            expected_revision: options.expected_revision.unwrap_or(0),
            idempotency_key: self.maybe(options.idempotency_key.as_ref()),
            durability: options.durability.map_or(0, |durability| durability as i32),
            ..sized()
        }
    }

    pub(crate) fn changes(&mut self, changes: &SessionChanges) -> abi::SessionChanges {
        let (add_tags, add_tag_count) = self.list(&changes.add_tags);
        let (remove_tags, remove_tag_count) = self.list(&changes.remove_tags);
        let name = changes.name.clone().map(Option::unwrap_or_default);
        abi::SessionChanges {
            expected_revision: changes.expected_revision.unwrap_or(0),
            name: self.maybe(name.as_ref()),
            title: self.maybe(changes.title.as_ref()),
            summary: self.maybe(changes.summary.as_ref()),
            metadata_patch: self.maybe(changes.metadata_patch.as_ref()),
            window_tokens: changes.window_tokens.map_or(0, |tokens| tokens.unwrap_or(LAST)),
            max_bytes: changes.max_bytes.map_or(0, |bytes| bytes.unwrap_or(LAST)),
            expires_us: changes.expires.map_or(0, |time| time.unwrap_or(-1)),
            status: changes.status.map_or(0, |status| status as i32),
            add_tags,
            add_tag_count,
            remove_tags,
            remove_tag_count,
            ..sized()
        }
    }

    pub(crate) fn filter(&mut self, filter: &Filter) -> abi::Filter {
        let (all_tags, all_tag_count) = self.list(&filter.all_tags);
        let (any_tags, any_tag_count) = self.list(&filter.any_tags);
        let statuses = filter.statuses.iter().map(|status| match status {
            Status::Active => 256,
            Status::Archived => 512,
            Status::Trashed => 1024,
        });
        abi::Filter {
            statuses: statuses.fold(0, |sum, bit| sum | bit),
            has_messages: filter.has_messages.map_or(0, |wanted| if wanted { 1 } else { 2 }),
            parent_id: self.maybe(filter.parent_id.as_ref()),
            all_tags,
            all_tag_count,
            any_tags,
            any_tag_count,
            ..sized()
        }
    }
}

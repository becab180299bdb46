//! What a call is given: plausible, mostly, and absurd now and then. What is lent to a call lives until the next one.

use super::super::draw::Draw;
use super::header::*;
use std::any::Any;
use std::ffi::c_char;
use std::ptr;
use std::rc::Rc;

/// Draws arguments, and keeps what they point to.
pub(super) struct Arguments<'a> {
    pub(super) draw: Draw<'a>,
    lent: Vec<Rc<dyn Any>>,
}

impl<'a> Arguments<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            draw: Draw::new(bytes),
            lent: Vec::new(),
        }
    }

    /// Takes back what was lent to the last call.
    pub(super) fn clear(&mut self) {
        self.lent.clear();
    }

    /// Now and then: an argument that no sensible caller gives.
    pub(super) fn is_absurd(&mut self) -> bool {
        self.draw.one_in(40)
    }

    fn lend<T: 'static>(&mut self, value: T) -> *const T {
        let value = Rc::new(value);
        let lent = Rc::as_ptr(&value);
        self.lent.push(value);
        lent
    }

    fn lend_all<T: 'static>(&mut self, values: Vec<T>) -> *const T {
        let values = Rc::new(values);
        let lent = values.as_ptr();
        self.lent.push(values);
        lent
    }

    /// A struct that begins with its size, or now and then with another one.
    pub(super) fn sized<T: Sized>(&mut self) -> T {
        let mut value = T::zeroed();
        let size = size_of::<T>();
        *value.size_mut() = if self.is_absurd() {
            self.draw.pick(&[0, 1, size - 8, size + 8, usize::MAX])
        } else {
            size
        };
        value
    }

    /// NULL, or the struct.
    fn optional<T: Sized>(&mut self, fill: impl FnOnce(&mut Self, &mut T)) -> *const T {
        if self.draw.one_in(4) {
            return ptr::null();
        }
        let mut value = self.sized();
        fill(self, &mut value);
        self.lend(value)
    }

    fn reserved(&mut self) -> u32 {
        if self.is_absurd() { self.draw.short() } else { 0 }
    }

    /// Any text without a NUL, or bytes that are none.
    pub(super) fn text(&mut self) -> *const c_char {
        let mut bytes = match self.draw.upto(30) {
            0 => self
                .draw
                .pick(&[&b"\xFF"[..], b"a\xED\xA0\x80", b"\xC3", b"\xF4\x90\x80\x80"])
                .to_vec(),
            1 => return ptr::null(),
            _ => self.draw.text().into_bytes(),
        };
        bytes.retain(|byte| *byte != 0);
        bytes.push(0);
        self.lend_all(bytes).cast()
    }

    fn some_text(&mut self, once_in: usize) -> *const c_char {
        if self.draw.one_in(once_in) {
            self.text()
        } else {
            ptr::null()
        }
    }

    fn own_text(&mut self, text: &str) -> *const c_char {
        let mut bytes = text.replace('\0', "").into_bytes();
        bytes.push(0);
        self.lend_all(bytes).cast()
    }

    pub(super) fn id(&mut self) -> *const c_char {
        if self.is_absurd() {
            return self.text();
        }
        let id = self.draw.id();
        self.own_text(&id)
    }

    fn some_id(&mut self, once_in: usize) -> *const c_char {
        if self.draw.one_in(once_in) {
            self.id()
        } else {
            ptr::null()
        }
    }

    fn some_json(&mut self, once_in: usize) -> *const c_char {
        if !self.draw.one_in(once_in) {
            return ptr::null();
        }
        let json = self.draw.json();
        self.own_text(&json)
    }

    fn some_moment(&mut self) -> *const c_char {
        if !self.draw.one_in(10) {
            return ptr::null();
        }
        let moment = self.draw.moment();
        self.own_text(&moment)
    }

    pub(super) fn path(&mut self, path: &str) -> *const c_char {
        self.own_text(path)
    }

    fn texts(&mut self) -> (*const *const c_char, usize) {
        match self.draw.upto(20) {
            0 => (ptr::null(), self.draw.upto(3)),
            1 => {
                let text = self.text();
                (self.lend_all(vec![text]), self.draw.pick(&[0, usize::MAX, 1]))
            }
            2..=6 => {
                let texts: Vec<_> = (0..=self.draw.upto(3)).map(|_| self.id()).collect();
                let count = texts.len();
                (self.lend_all(texts), count)
            }
            _ => (ptr::null(), 0),
        }
    }

    /// A content with its length: NULs inside, no NUL behind.
    pub(super) fn content(&mut self) -> (*const c_char, usize) {
        match self.draw.upto(40) {
            0 => (ptr::null(), self.draw.upto(2)),
            1 => {
                let bytes = self.draw.bytes(30).to_vec();
                let len = bytes.len();
                (self.lend_all(bytes).cast(), len)
            }
            2 => (self.text(), usize::MAX - self.draw.upto(9)),
            _ => {
                let bytes = self.draw.text().into_bytes();
                let len = bytes.len();
                (self.lend_all(bytes).cast(), len)
            }
        }
    }

    pub(super) fn role(&mut self) -> i32 {
        if self.is_absurd() {
            return self.draw.number() as i32;
        }
        self.draw.pick(&[2, 3, 2, 3, 2, 3, 1, 5, 4])
    }

    pub(super) fn session_options(&mut self) -> *const SessionOptions {
        self.optional(|from, options: &mut SessionOptions| {
            options.id = from.some_id(2);
            options.user_id = from.some_id(6);
            options.name = from.some_id(6);
            options.title = from.some_text(6);
            options.model = from.some_id(6);
            options.summary = from.some_text(6);
            options.metadata = from.some_json(4);
            options.window_tokens = from.few();
            options.expires_us = from.few() as i64;
            options.expires_after_ms = from.few();
            options.max_bytes = from.few() * 50;
            (options.tags, options.tag_count) = from.texts();
            options.like = from.some_id(8);
        })
    }

    /// Mostly 0.
    fn few(&mut self) -> u64 {
        if self.draw.one_in(6) {
            self.draw.number().min(u64::MAX / 64)
        } else {
            0
        }
    }

    pub(super) fn changes(&mut self) -> *const SessionChanges {
        self.optional(|from, changes: &mut SessionChanges| {
            changes.expected_revision = from.few();
            changes.name = from.some_id(5);
            changes.title = from.some_text(5);
            changes.model = from.some_id(5);
            changes.summary = from.some_text(4);
            changes.metadata = from.some_json(6);
            changes.window_tokens = from.few();
            changes.metadata_patch = from.some_json(5);
            (changes.add_tags, changes.add_tag_count) = from.texts();
            (changes.remove_tags, changes.remove_tag_count) = from.texts();
            changes.expires_us = from.few() as i64 * from.draw.pick(&[1, -1]);
            changes.expires_after_ms = from.few();
            changes.max_bytes = from.few() * 50;
            changes.status = if from.draw.one_in(5) { from.draw.choice(4) } else { 0 };
            changes.reserved = from.reserved();
        })
    }

    fn message(&mut self) -> NewMessage {
        let mut message: NewMessage = self.sized();
        message.role = self.role();
        message.flags = if self.draw.one_in(8) {
            self.draw.pick(&[1, 1, 1, 2, 4, u32::MAX])
        } else {
            0
        };
        (message.content, message.content_len) = self.content();
        message.tokens = self
            .draw
            .pick(&[0, 0, 0, -1, 5, 50, 4_000, i64::from(i32::MAX), i64::MAX, -2]);
        message.created_us = self.few() as i64;
        if message.role == 3 && self.draw.one_in(2) || self.is_absurd() {
            message.tool_calls =
                self.own_text("[{\"id\": \"call\", \"type\": \"function\", \"function\": {\"name\": \"f\"}}]");
        }
        if message.role == 4 && !self.draw.one_in(3) || self.is_absurd() {
            message.tool_call_id = self.own_text("call");
        }
        message.model = self.some_id(10);
        message.metadata = self.some_json(6);
        message
    }

    pub(super) fn messages(&mut self) -> (*const NewMessage, usize) {
        match self.draw.upto(30) {
            0 => (ptr::null(), self.draw.upto(3)),
            1 => {
                let message = self.message();
                (
                    self.lend_all(vec![message]),
                    self.draw.pick(&[0, usize::MAX, usize::MAX / 80]),
                )
            }
            _ => {
                let messages: Vec<_> = (0..=self.draw.upto(4)).map(|_| self.message()).collect();
                let count = messages.len();
                (self.lend_all(messages), count)
            }
        }
    }

    pub(super) fn append_options(&mut self) -> *const AppendOptions {
        self.optional(|from, options: &mut AppendOptions| {
            options.expected_revision = from.few();
            options.idempotency_key = from.some_id(4);
            options.durability = if from.draw.one_in(6) { from.draw.choice(4) } else { 0 };
            options.reserved = from.reserved();
        })
    }

    pub(super) fn window_options(&mut self) -> *const WindowOptions {
        self.optional(|from, options: &mut WindowOptions| {
            options.max_tokens = from.draw.pick(&[0, 10, 30, 100, 1_000, 8_000]) + from.few();
            options.reserve_tokens = from.draw.pick(&[0, 0, 0, 5]) + from.few();
            options.summary_tokens = from.draw.pick(&[0, 0, 0, 10]);
            options.message_overhead = from.few() as u32;
            options.low_water_percent = from.draw.pick(&[0, 0, 50, 100, 1, 101]);
            options.keep_first_turns = from.few() as u32;
            options.max_messages = from.few() as u32;
            options.leave_out = from.draw.pick(&[0, 0, 0, 1, 2, 3, 4]);
            options.reserved = from.reserved();
        })
    }

    pub(super) fn exchange(&mut self) -> *const Exchange {
        self.optional(|from, exchange: &mut Exchange| {
            (exchange.input, exchange.input_len) = from.content();
            exchange.input_name = from.some_text(4);
            exchange.input_type = from.some_text(4);
            (exchange.answer, exchange.answer_len) = from.content();
            exchange.processing_us = from.few() as i64 * from.draw.pick(&[1, 1, -1]);
            exchange.tokens_used = from.few();
            exchange.model = from.some_id(6);
            exchange.metadata = from.some_json(4);
        })
    }

    pub(super) fn branch_options(&mut self) -> *const BranchOptions {
        self.optional(|from, options: &mut BranchOptions| {
            options.branching = from.draw.choice(3);
            options.expected_revision = from.few();
            if options.branching == 2 || from.is_absurd() {
                options.fork = from.session_options();
            }
            options.reserved = from.reserved();
        })
    }

    pub(super) fn filter(&mut self) -> *const Filter {
        self.optional(|from, filter: &mut Filter| {
            filter.user_id = from.some_id(6);
            filter.statuses = from.draw.pick(&[0, 0, 0, 256, 512, 1_024, 1_792, 1]);
            filter.has_messages = from.draw.choice(3) * i32::from(from.draw.one_in(4));
            (filter.all_tags, filter.all_tag_count) = from.texts();
            (filter.any_tags, filter.any_tag_count) = from.texts();
            filter.model = from.some_id(8);
            filter.text = from.some_text(8);
            (filter.metadata, filter.metadata_count) = from.conditions();
            filter.created_from = from.some_moment();
            filter.created_to = from.some_moment();
            filter.updated_from = from.some_moment();
            filter.updated_to = from.some_moment();
            filter.expires_from = from.some_moment();
            filter.expires_to = from.some_moment();
            filter.parent_id = from.some_id(10);
            filter.utc_offset_minutes = from.few() as i32;
            filter.reserved = from.reserved();
        })
    }

    fn conditions(&mut self) -> (*const MetadataCondition, usize) {
        if !self.draw.one_in(5) {
            return (ptr::null(), 0);
        }
        let conditions: Vec<_> = (0..=self.draw.upto(2)).map(|_| self.condition()).collect();
        let count = if self.is_absurd() {
            self.draw.pick(&[0, usize::MAX])
        } else {
            conditions.len()
        };
        (self.lend_all(conditions), count)
    }

    fn condition(&mut self) -> MetadataCondition {
        let mut condition: MetadataCondition = self.sized();
        condition.pointer = match self.draw.upto(3) {
            0 => self.text(),
            _ => {
                let pointer = self.draw.pick(&["/a", "/n", "", "/a/b"]);
                self.own_text(pointer)
            }
        };
        condition.value = self.some_json(2);
        condition.relation = self.draw.choice(5);
        condition.reserved = self.reserved();
        condition
    }

    /// `pages` are tokens that lists gave.
    pub(super) fn list_options(&mut self, pages: &[String]) -> *const SessionListOptions {
        self.optional(|from, options: &mut SessionListOptions| {
            options.filter = from.filter();
            if from.draw.one_in(3) {
                options.page = match pages {
                    [] => from.text(),
                    _ => {
                        let page = from.draw.pick(pages);
                        from.own_text(&page)
                    }
                };
            }
            options.limit = from.draw.pick(&[0, 1, 2, 1_000, 1_001, u32::MAX]);
            options.sort = from.draw.choice(7);
            options.ascending = from.draw.flag();
            options.reserved = from.reserved();
        })
    }

    pub(super) fn search_options(&mut self) -> *const SearchOptions {
        self.optional(|from, options: &mut SearchOptions| {
            options.text = from.text();
            options.filter = from.filter();
            options.message_from = from.some_moment();
            options.message_to = from.some_moment();
            options.utc_offset_minutes = from.few() as i32;
            options.order = from.draw.choice(3);
            options.roles = from.draw.pick(&[0, 0, 0, 512, 1_024, 15_872, 1]);
            options.time_limit_ms = from.few() as u32;
            options.limit = from.few() as u32;
            options.neighbours = from.draw.pick(&[0, 1, 2, 100, 101]);
            options.snippet_chars = from.draw.pick(&[0, 1, 10, u32::MAX]);
            options.raw = from.draw.flag();
        })
    }

    pub(super) fn ids(&mut self) -> (*const *const c_char, usize) {
        self.texts()
    }
}

//! Calls about sessions: new ones, messages, what is read, what is changed.

use super::header::*;
use super::{Host, LONGEST, MOST_WINDOWS, answered, call, results};
use std::ptr;
use std::time::Instant;

/// Reads a result, and frees it.
macro_rules! read_and_free {
    ($read:expr, $free:ident, $result:expr) => {{
        $read($result);
        // SAFETY: it is not used any more.
        unsafe { $free($result) };
    }};
}
pub(super) use read_and_free;

/// What a session was before an append.
struct Before {
    head: u64,
    revision: u64,
}

impl Host<'_> {
    pub(super) fn new_session(&mut self) {
        let store = self.store();
        let mut session = ptr::null_mut();
        match self.arguments.draw.upto(4) {
            0 | 1 => {
                let options = self.arguments.session_options();
                call!(self, turnkeep_session_create(store, options, &mut session));
            }
            2 => {
                let options = self.arguments.session_options();
                let (messages, count) = self.arguments.messages();
                call!(
                    self,
                    turnkeep_session_create_with(store, options, messages, count, &mut session)
                );
            }
            3 => {
                let id = self.arguments.id();
                call!(self, turnkeep_session_open(store, id, &mut session));
            }
            _ => self.resume(store),
        }
        self.keep_session(session);
    }

    fn resume(&mut self, store: *mut Store) {
        let id = self.arguments.id();
        let options = self.arguments.window_options();
        let (mut session, mut last, mut window) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let last_out = if self.arguments.is_absurd() {
            ptr::null_mut()
        } else {
            &raw mut last
        };
        call!(
            self,
            turnkeep_session_resume(store, id, options, &mut session, last_out, &mut window)
        );
        read_and_free!(results::messages, turnkeep_messages_free, last);
        read_and_free!(results::window, turnkeep_window_free, window);
        self.keep_session(session);
    }

    /// Where a session stands; `None` if it cannot be told.
    fn before(&mut self, session: *mut Session) -> Option<Before> {
        let mut list = ptr::null_mut();
        let status = call!(self, turnkeep_session_describe(session, &mut list));
        let before = (status == 0).then(|| {
            let info = results::sessions(list)[0];
            Before {
                head: info.head_seq,
                revision: info.revision,
            }
        });
        // SAFETY: it is not used any more.
        unsafe { turnkeep_session_list_free(list) };
        before
    }

    /// The receipt goes on where the session stood.
    fn numbers_on(&mut self, session: *mut Session, before: Option<Before>, receipt: &Receipt, count: u64) {
        if receipt.repeated == 1 {
            return assert!(receipt.first_seq <= receipt.last_seq);
        }
        let before = before.expect("what can be appended to can be described");
        assert_eq!(receipt.first_seq, before.head + 1);
        assert_eq!(receipt.last_seq, before.head + count);
        assert!(receipt.revision > before.revision);
        // A cleanup may have taken it meanwhile.
        if let Some(after) = self.before(session) {
            assert!(after.head == receipt.last_seq && after.revision == receipt.revision);
        }
    }

    pub(super) fn append(&mut self) {
        let session = self.session();
        let before = self.before(session);
        let mut receipt: Receipt = self.arguments.sized();
        let into = if self.arguments.draw.one_in(10) {
            ptr::null_mut()
        } else {
            &raw mut receipt
        };
        let (status, count) = match self.arguments.draw.upto(4) {
            0 | 1 => {
                let role = self.arguments.role();
                let (content, len) = self.arguments.content();
                (
                    call!(self, turnkeep_session_append(session, role, content, len, into)),
                    1,
                )
            }
            2 | 3 => {
                let (messages, count) = self.arguments.messages();
                let options = self.arguments.append_options();
                let status = call!(
                    self,
                    turnkeep_session_append_batch(session, messages, count, options, into)
                );
                (status, count as u64)
            }
            _ => {
                let exchange = self.arguments.exchange();
                let options = self.arguments.append_options();
                let mut number = 0;
                let status = call!(
                    self,
                    turnkeep_session_append_exchange(session, exchange, options, &mut number, into)
                );
                assert_eq!(status == 0, number > 0);
                (status, 2)
            }
        };
        if status == 0 && !into.is_null() {
            self.numbers_on(session, before, &receipt, count);
        } else if status != 0 {
            assert_eq!((receipt.first_seq, receipt.last_seq), (0, 0));
        }
    }

    pub(super) fn read_session(&mut self) {
        let session = self.session();
        match self.arguments.draw.upto(13) {
            0..=3 => self.window(session),
            4..=6 => self.messages(session),
            7 | 8 => self.turns(session),
            9 => self.texts(session),
            10 => {
                let mut comparison: Comparison = self.arguments.sized();
                let other = self.session();
                let status = call!(self, turnkeep_session_compare(session, other, &mut comparison));
                if status == 0 {
                    assert!(comparison.common_seq <= comparison.one_head_seq.min(comparison.other_head_seq));
                }
            }
            11 => self.counts_are_right(session),
            // SAFETY: the session is held.
            12 => drop(results::text(unsafe { turnkeep_session_id(session) }).len()),
            _ => self.relatives(session),
        }
    }

    fn window(&mut self, session: *mut Session) {
        let options = self.arguments.window_options();
        let mut window = ptr::null_mut();
        let status = call!(self, turnkeep_session_window(session, options, &mut window));
        results::window(window);
        if status != 0 {
            return;
        }
        for other in &self.windows {
            // SAFETY: both are held.
            let common = unsafe { turnkeep_window_common_prefix(window, *other) };
            // SAFETY: as above.
            assert!(common <= unsafe { turnkeep_window_len(window) });
        }
        if self.windows.len() < MOST_WINDOWS {
            self.windows.push(window);
        } else {
            // SAFETY: it is not used any more.
            unsafe { turnkeep_window_free(window) };
        }
    }

    fn messages(&mut self, session: *mut Session) {
        let mut messages = ptr::null_mut();
        let (one, other) = (self.arguments.draw.number(), self.arguments.draw.number());
        match self.arguments.draw.upto(3) {
            0 => call!(self, turnkeep_session_history(session, &mut messages)),
            1 => call!(self, turnkeep_session_last(session, one, &mut messages)),
            2 => call!(self, turnkeep_session_range(session, one, other, &mut messages)),
            _ => call!(self, turnkeep_session_message(session, one, &mut messages)),
        };
        read_and_free!(results::messages, turnkeep_messages_free, messages);
    }

    fn turns(&mut self, session: *mut Session) {
        let mut turns = ptr::null_mut();
        let (one, other) = (self.arguments.draw.number(), self.arguments.draw.number());
        if self.arguments.draw.one_in(2) {
            call!(self, turnkeep_session_turns(session, one, other, &mut turns));
        } else {
            call!(self, turnkeep_session_last_turns(session, one, &mut turns));
        }
        read_and_free!(results::turns, turnkeep_turns_free, turns);
    }

    fn texts(&mut self, session: *mut Session) {
        let mut document = ptr::null_mut();
        let (one, other) = (self.arguments.draw.number(), self.arguments.draw.number());
        if self.arguments.draw.one_in(2) {
            call!(self, turnkeep_session_context_text(session, one, other, &mut document));
        } else {
            let (original, is_error) = (self.arguments.text(), self.arguments.draw.flag());
            call!(
                self,
                turnkeep_session_file_name(session, one, original, is_error, &mut document)
            );
        }
        super::maintenance::read_document(document);
    }

    fn relatives(&mut self, session: *mut Session) {
        let mut list = ptr::null_mut();
        match self.arguments.draw.upto(2) {
            0 => call!(self, turnkeep_session_forks(session, &mut list)),
            1 => call!(self, turnkeep_session_ancestors(session, &mut list)),
            _ => call!(self, turnkeep_session_tree(session, &mut list)),
        };
        read_and_free!(results::sessions, turnkeep_session_list_free, list);
    }

    pub(super) fn change_session(&mut self) {
        let session = self.session();
        let mut revision = 0;
        let expected = if self.arguments.draw.one_in(5) {
            self.arguments.draw.number()
        } else {
            0
        };
        let number = self.arguments.draw.number();
        match self.arguments.draw.upto(12) {
            0..=2 => {
                let changes = self.arguments.changes();
                call!(self, turnkeep_session_update(session, changes, &mut revision));
            }
            3 => drop(call!(self, turnkeep_session_clear(session, expected, &mut revision))),
            4 => {
                let tokens = self.arguments.draw.number();
                call!(
                    self,
                    turnkeep_session_truncate(session, number, tokens, expected, &mut revision)
                );
            }
            5 | 6 => drop(call!(
                self,
                turnkeep_session_rewind(session, number, expected, &mut revision)
            )),
            7 | 8 => {
                let options = self.arguments.session_options();
                let mut fork = ptr::null_mut();
                let at = if self.arguments.draw.one_in(2) {
                    u64::MAX
                } else {
                    number
                };
                call!(self, turnkeep_session_fork(session, at, options, &mut fork));
                self.keep_session(fork);
            }
            9 | 10 => self.replace(session, number),
            11 => self.adopt(session),
            _ => self.delete(),
        }
    }

    fn replace(&mut self, session: *mut Session, seq: u64) {
        let options = self.arguments.branch_options();
        let mut made = ptr::null_mut();
        // SAFETY: NULL, or lent for this call.
        let forks = unsafe { options.as_ref() }.is_some_and(|options| options.branching == 2);
        let out = if forks != self.arguments.is_absurd() {
            &raw mut made
        } else {
            ptr::null_mut()
        };
        if self.arguments.draw.one_in(2) {
            let (messages, count) = self.arguments.messages();
            let mut receipt: Receipt = self.arguments.sized();
            call!(
                self,
                turnkeep_session_replace(session, seq, messages, count, options, out, &mut receipt)
            );
        } else {
            call!(self, turnkeep_session_regenerate(session, seq, options, out));
        }
        self.keep_session(made);
    }

    fn adopt(&mut self, session: *mut Session) {
        let from = self.session();
        let (first, last) = (self.arguments.draw.number(), self.arguments.draw.number());
        let options = self.arguments.append_options();
        let before = self.before(session);
        let mut receipt: Receipt = self.arguments.sized();
        let status = call!(
            self,
            turnkeep_session_adopt(session, from, first, last, options, &mut receipt)
        );
        if status == 0 {
            let count = receipt.last_seq + 1 - receipt.first_seq;
            self.numbers_on(session, before, &receipt, count);
        }
    }

    fn delete(&mut self) {
        let (store, id) = (self.store(), self.arguments.id());
        if self.arguments.draw.one_in(3) {
            let mut report: EraseReport = self.arguments.sized();
            call!(self, turnkeep_session_erase(store, id, &mut report));
        } else {
            call!(self, turnkeep_session_delete(store, id));
        }
        let mut exists = -1;
        call!(self, turnkeep_session_exists(store, id, &mut exists));
    }
}

//! Section 7 of the header: forks and what they share.

use super::basics::{ErrorHandle, Status};
use super::guard::guard;
use super::message::{
    AppendOptions, NewMessage, Receipt, TURNKEEP_LAST, append_options, batch_or_none, convert_receipt,
};
use super::options::{self, CallerStruct};
use super::pointer::{give, give_value, required, writable};
use super::session::{SessionHandle, SessionList, SessionOptions, new_session};
use crate::error::{Error, Result};
use crate::model::SessionInfo;
use crate::store::{Branched, Branching, Session};

/// Replace in the session itself: what was there is removed, unless a fork shares it. The default.
pub const TURNKEEP_BRANCH_REWIND: i32 = 1;
/// Replace in a new session that shares what comes before; the old one stays as it is.
pub const TURNKEEP_BRANCH_FORK: i32 = 2;

/// How to replace messages.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct BranchOptions {
    /// sizeof(turnkeep_branch_options).
    pub struct_size: usize,
    /// Only with REWIND: change only if the session has this revision, else CONFLICT; 0 is any.
    pub expected_revision: u64,
    /// Only with FORK: what the new session is, as for turnkeep_session_fork; may be NULL.
    pub fork: *const SessionOptions,
    /// A TURNKEEP_BRANCH_ number; 0 is REWIND.
    pub branching: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for BranchOptions {
    const NAME: &'static str = "turnkeep_branch_options";
}

/// How two sessions are alike. Written only on success.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Comparison {
    /// sizeof(turnkeep_comparison), set by the caller.
    pub struct_size: usize,
    /// The last message that both share; 0 is none. What comes behind it are the two tails: read them by
    /// turnkeep_session_range.
    pub common_seq: u64,
    /// The last message of the one.
    pub one_head_seq: u64,
    /// The last message of the other.
    pub other_head_seq: u64,
}

// SAFETY: repr(C), begins with struct_size, integers only.
unsafe impl CallerStruct for Comparison {
    const NAME: &'static str = "turnkeep_comparison";
}

/// Creates a session that shares the messages of another up to `at_seq`: 0 is none of them, TURNKEEP_LAST all. Nothing
/// is copied, however long the session is. What `options`, which may be NULL, leaves out is as in the other session,
/// but for the id, the name, expires_us and the status; tags given are added to those there; `like` is refused. Close
/// *out with turnkeep_session_close. Threads: any. Errors: NOT_FOUND (the session, or message at_seq), EXISTS (the id
/// or name is taken), INVALID, ENCODING, ABORTED (count_tokens failed), TOO_LARGE, CLOSED, READONLY, BUSY, FULL,
/// CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_fork(
    session: Option<&SessionHandle>,
    at_seq: u64,
    options: *const SessionOptions,
    out: *mut *mut SessionHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        let new = options::read_or_default(options, new_session)?;
        let at_seq = (at_seq != TURNKEEP_LAST).then_some(at_seq);
        give(out, SessionHandle::new(session.session.fork(at_seq, new)?));
        Ok(())
    })
}

/// Takes back every message behind `to_seq`; 0 takes back all. What a fork shares stays with the fork. Idempotency
/// keys of what is gone can be used again; the summary stays. Writes the new revision to *revision unless it is NULL.
/// `expected_revision` as in turnkeep_append_options. Threads: any. Errors: NOT_FOUND (the session, or message
/// to_seq), CONFLICT, INVALID, CLOSED, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_rewind(
    session: Option<&SessionHandle>,
    to_seq: u64,
    expected_revision: u64,
    revision: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        let expected = options::unless_zero(expected_revision);
        give_value(revision, session.session.rewind(to_seq, expected)?.revision);
        Ok(())
    })
}

/// Replaces message `seq` and everything behind it by `count` others, all of it or nothing: in the session itself, or
/// in a fork. `options` and `receipt` may be NULL; `count` may be 0, and then the receipt has no messages. With
/// TURNKEEP_BRANCH_FORK *out is the new session, to be closed with turnkeep_session_close; else `out` must be NULL.
/// Threads: any. Errors: as turnkeep_session_fork, turnkeep_session_rewind and turnkeep_session_append_batch.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_replace(
    session: Option<&SessionHandle>,
    seq: u64,
    messages: *const NewMessage,
    count: usize,
    options: *const BranchOptions,
    out: *mut *mut SessionHandle,
    receipt: *mut Receipt,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        options::check_size(receipt)?;
        let how = branching(options, out)?;
        let messages = batch_or_none(messages, count)?;
        give_branched(session.session.replace(seq, messages, how)?, out, receipt);
        Ok(())
    })
}

/// Takes back the answer to the turn of message `seq` (TURNKEEP_LAST: the last turn) with everything behind it, so
/// that the session, or a fork of it, ends with the user's message again and can be answered anew. `options` and `out`
/// as in turnkeep_session_replace. Threads: any. Errors: INVALID (there is no question before it, or no answer yet),
/// and as turnkeep_session_replace. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_regenerate(
    session: Option<&SessionHandle>,
    seq: u64,
    options: *const BranchOptions,
    out: *mut *mut SessionHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        let how = branching(options, out)?;
        let seq = match seq {
            0 => return Err(Error::invalid("seq is 0; the first message is 1")),
            TURNKEEP_LAST => 0,
            seq => seq,
        };
        give_branched(session.session.regenerate(seq, how)?, out, std::ptr::null_mut());
        Ok(())
    })
}

/// Says how far two sessions of one store share their messages. Threads: any. Errors: NOT_FOUND, INVALID (sessions of
/// two stores), CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_compare(
    session: Option<&SessionHandle>,
    other: Option<&SessionHandle>,
    comparison: *mut Comparison,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        let other = required(other, "other")?;
        writable(comparison, "comparison")?;
        options::check_size(comparison)?;
        let found = session.session.compare(&other.session)?;
        let converted = Comparison {
            struct_size: size_of::<Comparison>(),
            common_seq: u64::from(found.common_seq),
            one_head_seq: u64::from(found.one_head_seq),
            other_head_seq: u64::from(found.other_head_seq),
        };
        options::fill(comparison, &converted);
        Ok(())
    })
}

/// Appends the messages of another session, which may be of another store, from `first_seq` to `last_seq`, both
/// included, as far as they are there: a merge by picking. Each keeps its role, texts, tokens and time, and its
/// metadata gets "turnkeep:origin" with the session and seq it came from. `options` and `receipt` may be NULL.
/// Threads: any. Errors: NOT_FOUND (also: no such messages), and as turnkeep_session_append_batch. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_adopt(
    session: Option<&SessionHandle>,
    from: Option<&SessionHandle>,
    first_seq: u64,
    last_seq: u64,
    options: *const AppendOptions,
    receipt: *mut Receipt,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        let from = required(from, "from")?;
        options::check_size(receipt)?;
        let options = options::read_or_default(options, append_options)?;
        let done = session.session.adopt(&from.session, first_seq, last_seq, options)?;
        options::fill(receipt, &convert_receipt(&done));
        Ok(())
    })
}

/// Lists the sessions that were forked from this one, oldest first. Free *out with turnkeep_session_list_free.
/// Threads: any. Errors: NOT_FOUND, INVALID, CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_forks(
    session: Option<&SessionHandle>,
    out: *mut *mut SessionList,
    error: *mut *mut ErrorHandle,
) -> Status {
    family(session, out, error, Session::forks)
}

/// Lists the session that this one was forked from, the one that that was forked from, and so on. Otherwise as
/// turnkeep_session_forks. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_ancestors(
    session: Option<&SessionHandle>,
    out: *mut *mut SessionList,
    error: *mut *mut ErrorHandle,
) -> Status {
    family(session, out, error, Session::ancestors)
}

/// Lists the whole tree that a session belongs to: from the first ancestor on, each session before its own forks;
/// parent_id and fork_seq say where it hangs. Otherwise as turnkeep_session_forks. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_tree(
    session: Option<&SessionHandle>,
    out: *mut *mut SessionList,
    error: *mut *mut ErrorHandle,
) -> Status {
    family(session, out, error, Session::tree)
}

fn branching(options: *const BranchOptions, out: *mut *mut SessionHandle) -> Result<Branching> {
    let raw = options::read(options)?;
    let branching = raw.map_or_else(|| Ok(Branching::Rewind(None)), |raw| convert_branching(&raw))?;
    match branching {
        Branching::Fork(_) => writable(out, "out")?,
        Branching::Rewind(_) if out.is_null() => {}
        // Who asks for a new session must not lose the end of the old one instead.
        Branching::Rewind(_) => {
            return Err(Error::invalid(
                "out is given, but branching is not TURNKEEP_BRANCH_FORK: there would be no new session; ask for a fork, or \
                 leave out NULL",
            ));
        }
    }
    Ok(branching)
}

fn convert_branching(raw: &BranchOptions) -> Result<Branching> {
    options::unused(raw.reserved, BranchOptions::NAME)?;
    if raw.branching != TURNKEEP_BRANCH_FORK && !raw.fork.is_null() {
        return Err(Error::invalid(format!(
            "fork is given, but branching is {}, not TURNKEEP_BRANCH_FORK",
            raw.branching
        )));
    }
    match raw.branching {
        0 | TURNKEEP_BRANCH_REWIND => Ok(Branching::Rewind(options::unless_zero(raw.expected_revision))),
        TURNKEEP_BRANCH_FORK => {
            if raw.expected_revision != 0 {
                return Err(Error::invalid(
                    "expected_revision is given with a fork, which changes nothing",
                ));
            }
            let new = options::read_or_default(raw.fork, new_session)?;
            Ok(Branching::Fork(Box::new(new)))
        }
        other => Err(Error::invalid(format!(
            "branching is {other}; it must be 1 (rewind), 2 (fork), or 0 for rewind"
        ))),
    }
}

fn give_branched(done: Branched, out: *mut *mut SessionHandle, receipt: *mut Receipt) {
    options::fill(receipt, &convert_receipt(&done.receipt));
    if let Some(session) = done.session {
        give(out, SessionHandle::new(session));
    }
}

fn family(
    session: Option<&SessionHandle>,
    out: *mut *mut SessionList,
    error: *mut *mut ErrorHandle,
    list: impl FnOnce(&Session) -> Result<Vec<SessionInfo>>,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        give(out, SessionList::new(&list(&session.session)?, None));
        Ok(())
    })
}

//! Section 3 of the header: sessions.

use super::basics::{ErrorHandle, Status};
use super::guard::guard;
use super::options::{self, CallerStruct};
use super::pointer::{give, give_value, required, writable};
use super::store::StoreHandle;
use super::text::{self, OwnedText, Texts};
use crate::cache::view::Text;
use crate::error::Result;
use crate::model::{self, NewSession, SessionChanges as Changes};
use crate::store::Session;
use std::ffi::c_char;

/// In use.
pub const TURNKEEP_SESSION_ACTIVE: i32 = 1;
/// Put away: still listed and found.
pub const TURNKEEP_SESSION_ARCHIVED: i32 = 2;
/// Thrown away: neither listed nor found unless asked for, until it is restored or deleted.
pub const TURNKEEP_SESSION_TRASHED: i32 = 3;

/// In turnkeep_session_changes.window_tokens: back to the store's.
pub const TURNKEEP_WINDOW_OF_STORE: u64 = u64::MAX;

/// In turnkeep_session_changes.expires_us: no such time.
pub const TURNKEEP_EXPIRES_NEVER: i64 = -1;
/// In turnkeep_session_changes.expires_after_ms and max_bytes: no such limit.
pub const TURNKEEP_UNLIMITED: u64 = u64::MAX;

// The header's numbers are those of the library: a change of one that forgets the other does not compile.
const _: () = {
    assert!(TURNKEEP_SESSION_ACTIVE == model::Status::Active as i32);
    assert!(TURNKEEP_SESSION_ARCHIVED == model::Status::Archived as i32);
    assert!(TURNKEEP_SESSION_TRASHED == model::Status::Trashed as i32);
};

/// One conversation of a store. Threads: any number at once. A handle is cheap and holds no memory of the session's
/// messages; it answers NOT_FOUND when the session was deleted, also by a turnkeep_session_erase that answered BUSY,
/// and CLOSED when the store was closed.
pub struct SessionHandle {
    pub(super) session: Session,
    id: OwnedText,
}

impl SessionHandle {
    pub(super) fn new(session: Session) -> Self {
        let id = OwnedText::new(session.id());
        Self { session, id }
    }
}

/// A session to create. Every text may be NULL.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SessionOptions {
    /// sizeof(turnkeep_session_options).
    pub struct_size: usize,
    /// 1 to 255 bytes without control characters; NULL makes a UUIDv7.
    pub id: *const c_char,
    /// The owner, at most 255 bytes; NULL and "" are nobody.
    pub user_id: *const c_char,
    /// Unique among the owner's sessions, those of nobody included; at most 255 bytes; NULL and "" are none.
    pub name: *const c_char,
    /// What it is about, at most 4 096 bytes.
    pub title: *const c_char,
    /// The model it is held with, at most 255 bytes.
    pub model: *const c_char,
    /// What has been said so far: a window that left something out shows it in front.
    pub summary: *const c_char,
    /// A JSON object, kept byte for byte; NULL is {}.
    pub metadata: *const c_char,
    /// Its window in tokens; 0 is the store's.
    pub window_tokens: u64,
    /// When a cleanup may delete it: microseconds since 1970-01-01 UTC; 0 is no such time.
    pub expires_us: i64,
    /// How long after its last change a cleanup may delete it, in milliseconds; 0 is no such time. Of the two what
    /// comes first counts; turnkeep_store_options.expire_after_ms counts where neither is given.
    pub expires_after_ms: u64,
    /// How many bytes of text its messages may have; 0 is any number. An append that passes it is TOO_LARGE.
    pub max_bytes: u64,
    /// Its tags, each 1 to 255 bytes without control characters.
    pub tags: *const *const c_char,
    /// How many there are.
    pub tag_count: usize,
    /// The id of a session to be like: what is not given here is as there, the instructions at its head included, but
    /// not the id, the name, the summary, expires_us, the status and the other messages. Tags given here are added to
    /// those there. Not for a fork; NULL is none.
    pub like: *const c_char,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for SessionOptions {
    const NAME: &'static str = "turnkeep_session_options";
}

/// What to change of a session. What is NULL or 0 stays as it is.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SessionChanges {
    /// sizeof(turnkeep_session_changes).
    pub struct_size: usize,
    /// Change only if the session has this revision, else CONFLICT; 0 is any.
    pub expected_revision: u64,
    /// A new name; "" takes it away.
    pub name: *const c_char,
    /// A new title.
    pub title: *const c_char,
    /// A new model.
    pub model: *const c_char,
    /// A new summary; "" takes it away.
    pub summary: *const c_char,
    /// A JSON object in place of the old one.
    pub metadata: *const c_char,
    /// A new window in tokens, or TURNKEEP_WINDOW_OF_STORE.
    pub window_tokens: u64,
    /// A JSON merge patch (RFC 7396) for the metadata; not with metadata.
    pub metadata_patch: *const c_char,
    /// Tags that it gets.
    pub add_tags: *const *const c_char,
    /// How many there are.
    pub add_tag_count: usize,
    /// Tags that it loses, before it gets the others.
    pub remove_tags: *const *const c_char,
    /// How many there are.
    pub remove_tag_count: usize,
    /// A new time for a cleanup to delete it, or TURNKEEP_EXPIRES_NEVER.
    pub expires_us: i64,
    /// A new time to live after its last change, in milliseconds, or TURNKEEP_UNLIMITED.
    pub expires_after_ms: u64,
    /// A new limit for the text of its messages, or TURNKEEP_UNLIMITED. What is there already stays.
    pub max_bytes: u64,
    /// A TURNKEEP_SESSION_ number: archive, trash, restore.
    pub status: i32,
    /// Must be 0.
    pub reserved: u32,
}

// SAFETY: repr(C), begins with struct_size, integers and nullable pointers only.
unsafe impl CallerStruct for SessionChanges {
    const NAME: &'static str = "turnkeep_session_changes";
}

/// Everything about a session but its messages, as of one moment. Times are microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct SessionInfo {
    /// Its id.
    pub id: Text,
    /// The owner; empty is nobody.
    pub user_id: Text,
    /// Its name; empty is none.
    pub name: Text,
    /// What it is about.
    pub title: Text,
    /// The model it is held with.
    pub model: Text,
    /// What has been said so far; empty is none.
    pub summary: Text,
    /// A JSON object.
    pub metadata: Text,
    /// The session it was forked from; empty is none. When that is deleted it is the one before.
    pub parent_id: Text,
    /// When it was created.
    pub created_us: i64,
    /// When it or its messages were last changed.
    pub updated_us: i64,
    /// When a cleanup may delete it; 0 is no such time.
    pub expires_us: i64,
    /// Grows by one with every change.
    pub revision: u64,
    /// The place of its last message; 0 is none yet.
    pub head_seq: u64,
    /// The message behind which it was forked; 0 is none.
    pub fork_seq: u64,
    /// How many messages it has.
    pub message_count: u64,
    /// How many tokens they have.
    pub total_tokens: u64,
    /// Its window in tokens; 0 is the store's.
    pub window_tokens: u64,
    /// Its tags, in order.
    pub tags: *const Text,
    /// How many there are.
    pub tag_count: usize,
    /// How long after its last change a cleanup may delete it, in milliseconds; 0 is no such time.
    pub expires_after_ms: u64,
    /// The bytes of its messages' texts: contents, tool calls, metadata.
    pub bytes: u64,
    /// How many there may be; 0 is any number.
    pub max_bytes: u64,
    /// A TURNKEEP_SESSION_ number.
    pub status: i32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: the texts point into the object that holds them, which never changes.
unsafe impl Send for SessionInfo {}
// SAFETY: as above.
unsafe impl Sync for SessionInfo {}

/// Descriptions of sessions, as of one moment. Threads: any number at once.
pub struct SessionList {
    infos: Box<[SessionInfo]>,
    next_page: OwnedText,
    /// What the infos point into.
    _texts: Texts,
    _tags: Vec<Box<[Text]>>,
}

// SAFETY: the texts point into the object itself, which never changes.
unsafe impl Send for SessionList {}
// SAFETY: as above.
unsafe impl Sync for SessionList {}

impl SessionList {
    pub(super) fn new(sessions: &[model::SessionInfo], next_page: Option<&str>) -> Self {
        let mut texts = Texts::default();
        let mut tags = Vec::new();
        let infos = sessions
            .iter()
            .map(|session| info(session, &mut texts, &mut tags))
            .collect();
        Self {
            infos,
            next_page: OwnedText::new(next_page.unwrap_or_default()),
            _texts: texts,
            _tags: tags,
        }
    }
}

fn info(session: &model::SessionInfo, texts: &mut Texts, tags: &mut Vec<Box<[Text]>>) -> SessionInfo {
    let mut keep = |text: &str| texts.keep(text);
    let own_tags: Box<[Text]> = session.tags.iter().map(|tag| keep(tag)).collect();
    let first_tag = if own_tags.is_empty() {
        std::ptr::null()
    } else {
        own_tags.as_ptr()
    };
    if !own_tags.is_empty() {
        tags.push(own_tags);
    }
    SessionInfo {
        id: keep(&session.id),
        user_id: keep(&session.user_id),
        name: keep(session.name.as_deref().unwrap_or_default()),
        title: keep(&session.title),
        model: keep(&session.model),
        summary: keep(&session.summary),
        metadata: keep(&session.metadata),
        parent_id: keep(session.parent_id.as_deref().unwrap_or_default()),
        created_us: session.created,
        updated_us: session.updated,
        expires_us: session.expires.unwrap_or_default(),
        revision: session.revision,
        head_seq: u64::from(session.head_seq),
        fork_seq: u64::from(session.fork_seq),
        message_count: session.message_count,
        total_tokens: session.token_total,
        window_tokens: session.window_tokens.unwrap_or_default(),
        tags: first_tag,
        tag_count: session.tags.len(),
        expires_after_ms: session.expires_after.map_or(0, |after| (after / 1000).cast_unsigned()),
        bytes: session.bytes,
        max_bytes: session.max_bytes.unwrap_or_default(),
        status: session.status as i32,
        reserved: 0,
    }
}

/// Creates a session. `options` may be NULL. Close *out with turnkeep_session_close. Threads: any. Errors: EXISTS (the
/// id, or the owner's name, is taken), NOT_FOUND (`like`), INVALID, ENCODING, ABORTED (count_tokens failed),
/// TOO_LARGE, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_create(
    store: Option<&StoreHandle>,
    options: *const SessionOptions,
    out: *mut *mut SessionHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        writable(out, "out")?;
        let new = options::read_or_default(options, new_session)?;
        give(out, SessionHandle::new(store.store.create_session(new)?));
        Ok(())
    })
}

/// Opens a session by its id. Close *out with turnkeep_session_close. Threads: any. Errors: NOT_FOUND, INVALID,
/// ENCODING, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_open(
    store: Option<&StoreHandle>,
    id: *const c_char,
    out: *mut *mut SessionHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let id = text::required(id, "id")?;
        writable(out, "out")?;
        give(out, SessionHandle::new(store.store.open_session(id)?));
        Ok(())
    })
}

/// Writes 1 to *exists if there is a session with this id, else 0. Threads: any. Errors: INVALID, ENCODING, BUSY,
/// CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_exists(
    store: Option<&StoreHandle>,
    id: *const c_char,
    exists: *mut i32,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        let id = text::required(id, "id")?;
        writable(exists, "exists")?;
        give_value(exists, i32::from(store.store.session_exists(id)?));
        Ok(())
    })
}

/// Deletes a session with all its messages, but for what forks share; turnkeep_session_erase also leaves no copy of
/// its text in the store's files. Threads: any. Errors: NOT_FOUND, INVALID, ENCODING, READONLY, BUSY, FULL, CORRUPT,
/// STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_delete(
    store: Option<&StoreHandle>,
    id: *const c_char,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let store = required(store, "store")?;
        store.store.delete_session(text::required(id, "id")?)
    })
}

/// Frees a session's handle; the session stays. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_close(session: Option<Box<SessionHandle>>) {
    drop(session);
}

/// Returns the session's id. Borrowed from the handle; empty for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_id(session: Option<&SessionHandle>) -> Text {
    session.map_or(Text::EMPTY, |session| session.id.text())
}

/// Describes a session: a list of one. Free *out with turnkeep_session_list_free. Threads: any. Errors: NOT_FOUND,
/// INVALID, CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_describe(
    session: Option<&SessionHandle>,
    out: *mut *mut SessionList,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        writable(out, "out")?;
        let description = session.session.describe()?;
        give(out, SessionList::new(&[description], None));
        Ok(())
    })
}

/// Changes a session: all of `changes`, or nothing. Writes the new revision to *revision unless it is NULL. Threads:
/// any. Errors: CONFLICT (not the expected revision), EXISTS (the name is taken), NOT_FOUND, INVALID, ENCODING,
/// ABORTED (count_tokens failed), TOO_LARGE, CLOSED, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_update(
    session: Option<&SessionHandle>,
    changes: *const SessionChanges,
    revision: *mut u64,
    error: *mut *mut ErrorHandle,
) -> Status {
    guard(error, || {
        let session = required(session, "session")?;
        let changes = options::required(changes, "changes")?;
        let now = session.session.update(session_changes(&changes)?)?;
        give_value(revision, now);
        Ok(())
    })
}

/// Returns the number of sessions in a list; 0 for NULL. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_list_len(list: Option<&SessionList>) -> usize {
    list.map_or(0, |list| list.infos.len())
}

/// Returns a session of a list, borrowed from it; NULL for a NULL list or an index that is too large. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_list_at(list: Option<&SessionList>, index: usize) -> *const SessionInfo {
    list.and_then(|list| list.infos.get(index))
        .map_or(std::ptr::null(), std::ptr::from_ref)
}

/// Returns what turnkeep_session_list_options.page takes for the next page; empty at the end. Borrowed from the list.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_list_next_page(list: Option<&SessionList>) -> Text {
    list.map_or(Text::EMPTY, |list| list.next_page.text())
}

/// Frees a list. NULL is allowed. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn turnkeep_session_list_free(list: Option<Box<SessionList>>) {
    drop(list);
}

pub(super) fn new_session(raw: &SessionOptions) -> Result<NewSession> {
    Ok(NewSession {
        id: text::owned(raw.id, "id")?,
        user_id: text::owned(raw.user_id, "user_id")?.unwrap_or_default(),
        name: text::owned(raw.name, "name")?.filter(|name| !name.is_empty()),
        title: text::owned(raw.title, "title")?.unwrap_or_default(),
        model: text::owned(raw.model, "model")?.unwrap_or_default(),
        summary: text::owned(raw.summary, "summary")?.unwrap_or_default(),
        metadata: text::owned(raw.metadata, "metadata")?,
        window_tokens: options::unless_zero(raw.window_tokens),
        tags: text::list(raw.tags, raw.tag_count, "tags")?,
        expires: (raw.expires_us != 0).then_some(raw.expires_us),
        expires_after: limit(raw.expires_after_ms).map(micros),
        max_bytes: limit(raw.max_bytes),
        like: text::owned(raw.like, "like")?,
        messages: Vec::new(),
    })
}

/// A limit of a new session; 0 is none.
fn limit(number: u64) -> Option<u64> {
    options::unless_zero(number).filter(|number| *number != TURNKEEP_UNLIMITED)
}

/// What a limit is changed to; 0 leaves it.
fn change(number: u64) -> Option<Option<u64>> {
    options::unless_zero(number).map(limit)
}

/// Far longer than anybody lives, and far from an overflow.
const LONGEST_MILLIS: u64 = 1 << 50;

fn micros(millis: u64) -> model::Micros {
    (millis.min(LONGEST_MILLIS) * 1000).cast_signed()
}

fn session_changes(raw: &SessionChanges) -> Result<Changes> {
    options::unused(raw.reserved, SessionChanges::NAME)?;
    Ok(Changes {
        name: text::owned(raw.name, "name")?.map(|name| Some(name).filter(|name| !name.is_empty())),
        title: text::owned(raw.title, "title")?,
        model: text::owned(raw.model, "model")?,
        summary: text::owned(raw.summary, "summary")?,
        metadata: text::owned(raw.metadata, "metadata")?,
        window_tokens: match raw.window_tokens {
            0 => None,
            TURNKEEP_WINDOW_OF_STORE => Some(None),
            tokens => Some(Some(tokens)),
        },
        expected_revision: options::unless_zero(raw.expected_revision),
        metadata_patch: text::owned(raw.metadata_patch, "metadata_patch")?,
        add_tags: text::list(raw.add_tags, raw.add_tag_count, "add_tags")?,
        remove_tags: text::list(raw.remove_tags, raw.remove_tag_count, "remove_tags")?,
        status: match raw.status {
            0 => None,
            number => Some(model::Status::from_number(number)?),
        },
        expires: match raw.expires_us {
            0 => None,
            TURNKEEP_EXPIRES_NEVER => Some(None),
            time => Some(Some(time)),
        },
        expires_after: change(raw.expires_after_ms).map(|after| after.map(micros)),
        max_bytes: change(raw.max_bytes),
    })
}

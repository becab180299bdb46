//! What several tests need: a store in a folder of its own, messages in a word, texts out of views.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part, as a module of its own")]
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role};
use turnkeep::view::{MessageView, Text};
use turnkeep::{Session, Store, StoreOptions};

/// A store in a folder that goes with it.
pub struct TempStore {
    store: Store,
    folder: tempfile::TempDir,
}

impl TempStore {
    pub fn new() -> Self {
        Self::with(StoreOptions::default())
    }

    pub fn with(options: StoreOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        Self {
            store: Store::open(path.to_str().unwrap(), options).unwrap(),
            folder,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("chat.db")
    }

    /// A second store on the same file, as another process would have.
    pub fn share(&self) -> Store {
        Store::open(self.path().to_str().unwrap(), StoreOptions::default()).unwrap()
    }

    /// The file opened anew, with the first store closed.
    pub fn reopen(&self) -> Store {
        self.store.close().unwrap();
        self.share()
    }

    pub fn create(&self) -> Session {
        self.store.create_session(NewSession::default()).unwrap()
    }
}

impl Deref for TempStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

pub fn user(content: &str) -> NewMessage {
    NewMessage::new(Role::User, content)
}

pub fn assistant(content: &str) -> NewMessage {
    NewMessage::new(Role::Assistant, content)
}

/// A view's text; the result it came from must still be held.
pub fn text<'a>(text: Text) -> &'a str {
    // SAFETY: a text is `len` bytes of UTF-8 that live as long as its result.
    unsafe { std::str::from_utf8(std::slice::from_raw_parts(text.data.cast(), text.len)).unwrap() }
}

/// Ends what another thread does, also when this one fails.
pub struct Ending<'a>(pub &'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub fn say(session: &Session, content: &str) {
    session.append(vec![user(content)], AppendOptions::default()).unwrap();
}

/// The contents of all messages of a session.
pub fn contents(session: &Session) -> Vec<String> {
    let messages = session.range(1, u64::MAX).unwrap();
    let views = messages.views().iter();
    views.map(|view| text(view.content).to_owned()).collect()
}

/// Whether a text stands in a file.
pub fn holds(file: &Path, needle: &str) -> bool {
    std::fs::read(file).is_ok_and(|bytes| bytes.windows(needle.len()).any(|window| window == needle.as_bytes()))
}

pub struct Details<'a> {
    pub tool_calls: &'a str,
    pub tool_call_id: &'a str,
    pub model: &'a str,
    pub metadata: &'a str,
}

/// The rarer fields of a message that has some.
pub fn details(view: &MessageView) -> Details<'_> {
    // SAFETY: details that are not NULL live as long as the view's result.
    let details = unsafe { view.details.as_ref() }.unwrap();
    Details {
        tool_calls: text(details.tool_calls),
        tool_call_id: text(details.tool_call_id),
        model: text(details.model),
        metadata: text(details.metadata),
    }
}

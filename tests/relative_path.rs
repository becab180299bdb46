//! A store that was opened by a relative path stays the same store wherever the process goes. A test program of its own,
//! since a process has one current folder.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

use turnkeep::model::{AppendOptions, NewMessage, NewSession, Role};
use turnkeep::{Store, StoreOptions};

#[test]
fn a_store_stays_where_it_was_opened() {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::env::set_current_dir(here.path()).unwrap();
    let options = StoreOptions {
        cache_sessions: 1,
        ..StoreOptions::default()
    };
    let store = Store::open("chat.db", options).unwrap();
    let sessions = [0, 1].map(|_| store.create_session(NewSession::default()).unwrap());
    std::env::set_current_dir(elsewhere.path()).unwrap();
    for session in &sessions {
        let message = NewMessage::new(Role::User, "x");
        session.append(vec![message], AppendOptions::default()).unwrap();
    }
    for session in &sessions {
        assert_eq!(session.last(9).unwrap().views().len(), 1);
    }
    drop((sessions, store));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    std::env::set_current_dir("/").unwrap();
}

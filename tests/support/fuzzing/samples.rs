//! The stores that are damaged: made once, with everything in them that a store can hold.

use super::folder;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use turnkeep::model::{
    AppendOptions, Durability, Exchange, NewMessage, NewSession, Role, SearchOptions, SessionChanges,
};
use turnkeep::{Session, Store, StoreOptions};

/// The two files of a store.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) database: Vec<u8>,
    pub(crate) wal: Vec<u8>,
}

/// A store that was closed.
pub(crate) fn closed() -> &'static Files {
    static CLOSED: OnceLock<Files> = OnceLock::new();
    CLOSED.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("chat.db");
        let store = open(&path);
        fill(&store, "");
        more(&store);
        store.close().unwrap();
        read(&path)
    })
}

/// Moments of a store, its WAL not yet in its file: the older one, the newer one, and one of another store.
pub(crate) fn moments() -> &'static [Files; 3] {
    static MOMENTS: OnceLock<[Files; 3]> = OnceLock::new();
    MOMENTS.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("chat.db");
        let store = open(&path);
        fill(&store, "");
        let older = read(&path);
        more(&store);
        let newer = read(&path);
        let path = folder.path().join("other.db");
        let other = open(&path);
        more(&other);
        fill(&other, "other ");
        [older, newer, read(&path)]
    })
}

fn open(path: &Path) -> Store {
    let options = StoreOptions {
        durability: Durability::Os,
        compress_min_bytes: 1024,
        event_log_rows: 50,
        ..StoreOptions::default()
    };
    Store::open(path.to_str().unwrap(), options).unwrap()
}

fn read(path: &Path) -> Files {
    // The thread of the store may be at work: two looks that agree are one moment.
    let look = || Files {
        database: fs::read(path).unwrap(),
        wal: fs::read(path.with_extension("db-wal")).unwrap_or_default(),
    };
    let began = Instant::now();
    let mut seen = look();
    loop {
        std::thread::sleep(Duration::from_millis(50));
        let again = look();
        if again.database == seen.database && again.wal == seen.wal {
            return seen;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "the store never rests");
        seen = again;
    }
}

fn session(store: &Store, id: &str, messages: Vec<NewMessage>) -> Session {
    let new = NewSession {
        id: Some(id.to_owned()),
        user_id: "owner".to_owned(),
        name: Some(format!("name of {id}")),
        title: format!("title of {id}"),
        metadata: Some("{\"a\": {\"b\": [1, 2]}, \"n\": 7}".to_owned()),
        tags: vec!["tag".to_owned(), "other tag".to_owned()],
        messages,
        ..NewSession::default()
    };
    store.create_session(new).unwrap()
}

fn fill(store: &Store, prefix: &str) {
    let system = NewMessage::new(Role::System, "Be kind to whoever asks.");
    let a = session(store, &format!("{prefix}a"), vec![system]);
    for number in 0..8 {
        let question = NewMessage {
            pinned: number == 2,
            ..NewMessage::new(Role::User, format!("question {number} about tea 日本語"))
        };
        let call = NewMessage {
            tool_calls: Some(format!(
                "[{{\"id\": \"call {number}\", \"type\": \"function\", \"function\": {{}}}}]"
            )),
            ..NewMessage::new(Role::Assistant, "")
        };
        let result = NewMessage {
            tool_call_id: Some(format!("call {number}")),
            ..NewMessage::new(Role::Tool, "result ".repeat(number * 40))
        };
        let answer = NewMessage {
            metadata: Some("{\"k\": 1}".to_owned()),
            ..NewMessage::new(Role::Assistant, format!("answer {number} to the question"))
        };
        let keyed = AppendOptions {
            idempotency_key: Some(format!("key {number}")),
            ..AppendOptions::default()
        };
        a.append(vec![question, call, result, answer], keyed).unwrap();
    }
    let b = session(store, &format!("{prefix}b"), vec![]);
    let long = NewMessage::new(Role::User, "a long and repetitive text that is packed. ".repeat(300));
    b.append(vec![long], AppendOptions::default()).unwrap();
    // Random digits pack badly: the packed content spills over pages of its own.
    let mut state = 7_u64;
    let digits: String = (0..9_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'!' + (state >> 33) as u8 % 90)
        })
        .collect();
    let answer = NewMessage::new(Role::Assistant, digits);
    b.append(vec![answer], AppendOptions::default()).unwrap();
    index(store);
}

/// What is changed between the older and the newer moment.
fn more(store: &Store) {
    let a = match store.open_session("a") {
        Ok(session) => session,
        Err(_) => session(store, "a", vec![NewMessage::new(Role::User, "another beginning")]),
    };
    let fork = |id: &str, at: u64| {
        let new = NewSession {
            id: Some(id.to_owned()),
            ..NewSession::default()
        };
        a.fork(Some(at), new).unwrap()
    };
    let first = fork("fork", 1);
    let exchange = Exchange {
        input: "what is tea?".to_owned(),
        input_name: "tea.pdf".to_owned(),
        answer: "a plant".to_owned(),
        tokens_used: 12,
        ..Exchange::default()
    };
    first.append_exchange(exchange, AppendOptions::default()).unwrap();
    drop(first.fork(None, NewSession::default()).unwrap());
    let summary = SessionChanges {
        summary: Some("It was about tea.".to_owned()),
        ..SessionChanges::default()
    };
    a.update(summary).unwrap();
    for number in 0..6 {
        let id = format!("small {number}");
        drop(session(store, &id, vec![NewMessage::new(Role::User, "hello")]));
    }
    store.delete_session("small 3").unwrap();
    index(store);
}

fn index(store: &Store) {
    let all = SearchOptions {
        text: "question".to_owned(),
        ..SearchOptions::default()
    };
    drop(store.search(&all).unwrap());
}

//! A store that an operation is done to: the same each time.

use crate::support::{assistant, user};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use turnkeep::error::Result;
use turnkeep::model::{
    AppendOptions, Durability, Exchange, NewMessage, NewSession, Role, SearchOptions, SessionChanges, Tokens,
};
use turnkeep::store::{ExportOptions, Selection};
use turnkeep::transfer::Format;
use turnkeep::{Session, Store, StoreOptions};

/// What is there before the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// The store, open.
    Shared,
    /// The same, by an exclusive handle.
    Exclusive,
    /// The store, not open.
    Closed,
    /// The same, to be opened exclusively.
    ClosedExclusive,
    /// No file.
    Nothing,
    /// A store of an old schema, not open.
    Schema(u32),
    /// The store as a process left it that was killed: its log is to be recovered.
    Killed,
}

pub(crate) struct World {
    folder: TempDir,
    setting: Setting,
    store: Option<Store>,
    talk: Option<Session>,
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let folder = new_folder();
        let template = template();
        std::fs::copy(template.join("in.jsonl"), folder.path().join("in.jsonl")).unwrap();
        match setting {
            Setting::Nothing => {}
            Setting::Schema(version) => {
                let fixture = format!("tests/fixtures/schema_{version}.db");
                let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture);
                std::fs::copy(fixture, folder.path().join("chat.db")).unwrap();
            }
            Setting::Killed => copy_store(&template.join("killed"), folder.path()),
            Setting::Shared | Setting::Exclusive | Setting::Closed | Setting::ClosedExclusive => {
                copy_store(template, folder.path())
            }
        }
        let mut world = Self {
            folder,
            setting,
            store: None,
            talk: None,
        };
        if matches!(setting, Setting::Shared | Setting::Exclusive) {
            world.open().unwrap();
        }
        world
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("chat.db")
    }

    pub(crate) fn setting(&self) -> Setting {
        self.setting
    }

    /// A path in the folder, as text.
    pub(crate) fn place(&self, name: &str) -> String {
        self.folder().join(name).to_str().unwrap().to_owned()
    }

    /// The names of all files in the folder but those that SQLite keeps beside stores.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap());
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        let mut names: Vec<String> = names
            .filter(|name| !["chat.db-", "copy.db-"].iter().any(|own| name.starts_with(own)))
            .collect();
        names.sort();
        names
    }

    pub(crate) fn open(&mut self) -> Result<()> {
        self.talk = None;
        self.store = None;
        let exclusive = matches!(self.setting, Setting::Exclusive | Setting::ClosedExclusive);
        self.store = Some(open_at(&self.path(), exclusive)?);
        Ok(())
    }

    /// Opens the session before the operation, so that only what is done with it may fail.
    pub(crate) fn open_talk(&mut self) {
        self.talk = Some(self.store().open_session("talk").unwrap());
    }

    pub(crate) fn is_open(&self) -> bool {
        self.store.is_some()
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn talk(&self) -> &Session {
        self.talk.as_ref().unwrap()
    }

    pub(crate) fn forget(&mut self) {
        self.talk = None;
        self.store = None;
    }
}

pub(crate) fn options(exclusive: bool) -> StoreOptions {
    StoreOptions {
        exclusive,
        busy_timeout: Duration::from_millis(30),
        event_log_rows: 1_000,
        readers: 1,
        // Not before the end of a test.
        autosave: Duration::from_secs(3_600),
        ..StoreOptions::default()
    }
}

pub(crate) fn open_at(path: &Path, exclusive: bool) -> Result<Store> {
    Store::open(path.to_str().unwrap(), options(exclusive))
}

pub(crate) fn copy_store(from: &Path, to: &Path) {
    for end in ["chat.db", "chat.db-wal"] {
        if from.join(end).exists() {
            std::fs::copy(from.join(end), to.join(end)).unwrap();
        }
    }
}

/// The folder with the store that every world begins with, made once per process.
fn template() -> &'static Path {
    static TEMPLATE: OnceLock<TempDir> = OnceLock::new();
    TEMPLATE.get_or_init(make_template).path()
}

fn make_template() -> TempDir {
    let folder = new_folder();
    let store = open_at(&folder.path().join("chat.db"), false).unwrap();
    fill(&store);
    let export = ExportOptions {
        format: Format::Turnkeep,
        selection: Selection::Sessions(vec!["talk".into(), "fork".into()]),
        progress: None,
    };
    let exported = folder.path().join("out.jsonl");
    store.export_to_file(exported.to_str().unwrap(), export).unwrap();
    let text = std::fs::read_to_string(&exported).unwrap();
    // Other sessions, to a store that has those.
    let text = text.replace("\"talk\"", "\"came\"").replace("\"fork\"", "\"came too\"");
    std::fs::write(folder.path().join("in.jsonl"), text).unwrap();
    store.search(&SearchOptions::default()).unwrap();
    store.close().unwrap();
    let store = open_at(&folder.path().join("chat.db"), false).unwrap();
    let talk = store.open_session("talk").unwrap();
    talk.append(vec![user("a question before the end")], AppendOptions::default())
        .unwrap();
    std::fs::create_dir(folder.path().join("killed")).unwrap();
    copy_store(folder.path(), &folder.path().join("killed"));
    store.close().unwrap();
    folder
}

fn fill(store: &Store) {
    let session = |id: &str, messages| NewSession {
        id: Some(id.into()),
        title: format!("Notes on {id}"),
        tags: vec!["red".into(), "blue".into()],
        messages,
        ..NewSession::default()
    };
    let mut messages = vec![NewMessage {
        pinned: true,
        ..NewMessage::new(Role::System, "Be brief.")
    }];
    for number in 1..5 {
        messages.push(user(&format!("question {number}")));
        messages.push(assistant(&format!("answer {number}")));
    }
    // Longer than a page, and than what SQLite keeps for small things.
    messages.push(user(&format!("question {}", "x ".repeat(2_200))));
    messages.push(NewMessage {
        tool_calls: Some(r#"[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]"#.into()),
        metadata: Some(r#"{"why":"kept"}"#.into()),
        model: Some("small".into()),
        tokens: Tokens::Given(7),
        ..assistant("")
    });
    messages.push(NewMessage {
        tool_call_id: Some("c1".into()),
        ..NewMessage::new(Role::Tool, "the result, kept")
    });
    messages.push(assistant("answer 5"));
    let talk = store.create_session(session("talk", messages)).unwrap();
    let fork = NewSession {
        id: Some("fork".into()),
        messages: vec![user("another question"), assistant("another answer")],
        ..NewSession::default()
    };
    drop(talk.fork(Some(5), fork).unwrap());
    let other = store
        .create_session(session("other", vec![user("kept"), assistant("kept")]))
        .unwrap();
    let exchange = Exchange {
        input: "question with a file".into(),
        input_name: "a.pdf".into(),
        answer: "answer to it".into(),
        ..Exchange::default()
    };
    other.append_exchange(exchange, AppendOptions::default()).unwrap();
    let key = AppendOptions {
        idempotency_key: Some("once".into()),
        ..AppendOptions::default()
    };
    other.append(vec![user("a question with a key")], key).unwrap();
    let expired = NewSession {
        expires: Some(1),
        ..session("old", vec![user("question of old"), assistant("answer of old")])
    };
    drop(store.create_session(expired).unwrap());
    let bin = store
        .create_session(session("bin", vec![user("kept in the bin")]))
        .unwrap();
    bin.trash().unwrap();
    talk.update(SessionChanges {
        name: Some(Some("Talk".into())),
        summary: Some("What was said".into()),
        metadata: Some(r#"{"kept":1}"#.into()),
        ..SessionChanges::default()
    })
    .unwrap();
}

/// In memory, where there is such a folder: a real flush takes longer than everything else here.
pub(crate) fn new_folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

pub(crate) fn at(durability: Durability) -> AppendOptions {
    AppendOptions {
        durability: Some(durability),
        ..AppendOptions::default()
    }
}

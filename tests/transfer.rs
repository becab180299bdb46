//! The formats of other programs: what comes in, what goes out and comes back, and what is made to break a reader.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail loudly"
)]

mod support;

#[path = "transfer/archives.rs"]
mod archives;
#[path = "transfer/chatgpt.rs"]
mod chatgpt;
#[path = "transfer/claude.rs"]
mod claude;
#[path = "transfer/hostile.rs"]
mod hostile;
#[path = "transfer/llama_cpp.rs"]
mod llama_cpp;
#[path = "transfer/memory.rs"]
mod memory;
#[path = "support/nasty.rs"]
mod nasty;
#[path = "transfer/recorded.rs"]
mod recorded;
#[path = "support/chats.rs"]
mod recordings;
#[path = "transfer/round_trips.rs"]
mod round_trips;
#[path = "transfer/shapes.rs"]
mod shapes;

use serde_json::Value;
use std::path::Path;
use support::{details, text};
use turnkeep::error::{Error, Kind};
use turnkeep::model::{ListOptions, MessageFlags, Role, SessionInfo};
use turnkeep::store::{ExportOptions, ImportOptions, Selection};
use turnkeep::transfer::{ExportReport, Format, ImportReport, ProblemKind};
use turnkeep::{Store, StoreOptions};

/// What was imported into a store of its own.
struct Came {
    store: Store,
    report: ImportReport,
}

/// A message, by its texts.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    role: Role,
    content: String,
    tool_calls: Value,
    tool_call_id: String,
    model: String,
    metadata: Value,
    created: i64,
    tokens: u32,
    estimated: bool,
    pinned: bool,
}

fn memory() -> Store {
    Store::open(":memory:", StoreOptions::default()).unwrap()
}

/// Imports bytes, as the format that they are found to be.
fn import(bytes: impl AsRef<[u8]>) -> Came {
    import_bytes(bytes, None).unwrap()
}

fn import_as(format: Format, bytes: impl AsRef<[u8]>) -> Result<Came, Error> {
    import_bytes(bytes, Some(format))
}

fn import_bytes(bytes: impl AsRef<[u8]>, format: Option<Format>) -> Result<Came, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    std::fs::write(&path, bytes).unwrap();
    import_path(&path, format)
}

fn import_path(path: &Path, format: Option<Format>) -> Result<Came, Error> {
    let store = memory();
    let report = import_into(&store, path, format)?;
    Ok(Came { store, report })
}

/// Whatever comes of it, the store is sound, and after an error it is empty.
fn import_into(store: &Store, path: &Path, format: Option<Format>) -> Result<ImportReport, Error> {
    let options = ImportOptions {
        format,
        ..ImportOptions::default()
    };
    let report = store.import(path.to_str().unwrap(), options);
    assert_eq!(store.check().unwrap().problems.listed, Vec::<String>::new());
    if report.is_err() {
        assert_eq!(sessions_of(store).len(), 0);
    }
    report
}

fn export(store: &Store, format: Format) -> (String, ExportReport) {
    let mut bytes = Vec::new();
    let options = ExportOptions {
        format,
        selection: Selection::All,
        progress: None,
    };
    let mut sink = |chunk: &[u8]| {
        bytes.extend_from_slice(chunk);
        Ok(())
    };
    let report = store.export(options, &mut sink).unwrap();
    (String::from_utf8(bytes).unwrap(), report)
}

fn sessions_of(store: &Store) -> Vec<SessionInfo> {
    let mut options = ListOptions {
        limit: 1000,
        ..ListOptions::default()
    };
    let mut all = Vec::new();
    loop {
        let page = store.list_sessions(&options).unwrap();
        all.extend(page.sessions);
        options.page_token = page.next_page_token;
        if options.page_token.is_none() {
            return all;
        }
    }
}

fn said_in(store: &Store, id: &str) -> Vec<Said> {
    let messages = store.open_session(id).unwrap().range(1, u64::MAX).unwrap();
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    messages
        .views()
        .iter()
        .map(|view| {
            let rare = (!view.details.is_null()).then(|| details(view));
            let rare = |of: fn(&support::Details<'_>) -> String| rare.as_ref().map(of).unwrap_or_default();
            let flags = MessageFlags(view.flags);
            Said {
                role: Role::from_number(view.role).unwrap(),
                content: text(view.content).to_owned(),
                tool_calls: json(&rare(|rare| rare.tool_calls.to_owned())),
                tool_call_id: rare(|rare| rare.tool_call_id.to_owned()),
                model: rare(|rare| rare.model.to_owned()),
                metadata: json(&rare(|rare| rare.metadata.to_owned())),
                created: view.created_us,
                tokens: view.tokens,
                estimated: flags.contains(MessageFlags::ESTIMATED),
                pinned: flags.contains(MessageFlags::PINNED),
            }
        })
        .collect()
}

impl Came {
    fn info(&self, id: &str) -> SessionInfo {
        self.store.open_session(id).unwrap().describe().unwrap()
    }

    fn metadata(&self, id: &str) -> Value {
        serde_json::from_str(&self.info(id).metadata).unwrap()
    }

    /// What is in the one session that there is.
    fn said(&self) -> Vec<Said> {
        let sessions = sessions_of(&self.store);
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        said_in(&self.store, &sessions[0].id)
    }

    /// Roles and contents, as `user: Hello`.
    fn lines(&self, id: &str) -> Vec<String> {
        let line = |said: Said| format!("{}: {}", said.role.name(), said.content);
        said_in(&self.store, id).into_iter().map(line).collect()
    }

    fn contents(&self, id: &str) -> Vec<String> {
        said_in(&self.store, id).into_iter().map(|said| said.content).collect()
    }

    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = sessions_of(&self.store).into_iter().map(|info| info.id).collect();
        ids.sort();
        ids
    }

    fn lost(&self, what: &str) -> u64 {
        lost(&self.report.losses, what)
    }

    /// The reasons of one kind, each with its place in front.
    fn problems(&self, kind: ProblemKind) -> Vec<String> {
        let of_kind = self.report.problems.iter().filter(|problem| problem.kind == kind);
        of_kind
            .map(|problem| format!("{}: {}", problem.place, problem.reason))
            .collect()
    }

    /// The one reason why a conversation was not taken in.
    fn failure(&self) -> String {
        let failures = self.problems(ProblemKind::Failed);
        assert_eq!((failures.len(), self.report.failed), (1, 1), "{:?}", self.report);
        failures.into_iter().next().unwrap()
    }
}

fn lost(losses: &[turnkeep::transfer::Loss], what: &str) -> u64 {
    losses
        .iter()
        .find(|loss| loss.what == what)
        .map_or(0, |loss| loss.count)
}

/// An error of the whole: of this kind, with this in its message, and nothing was taken in.
fn assert_refused(format: Option<Format>, bytes: impl AsRef<[u8]>, kind: Kind, expected: &str) {
    match import_bytes(bytes, format) {
        Ok(came) => panic!("{format:?}: it was taken in: {:?}", came.report),
        Err(error) => {
            assert!(error.message().contains(expected), "{format:?}: {error}");
            assert_eq!(error.kind(), kind, "{format:?}: {error}");
        }
    }
}

//! A database in a folder of its own that must stay as it is, and messages as they came out of a store.

use crate::support::{details, text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use turnkeep::model::{ListOptions, SessionInfo};
use turnkeep::store::ImportOptions;
use turnkeep::transfer::{Existing, Format, ImportReport, Problem, ProblemKind};
use turnkeep::view::MessageView;
use turnkeep::{Session, Store, StoreOptions};

pub(crate) fn memory() -> Store {
    Store::open(":memory:", StoreOptions::default()).unwrap()
}

/// A database as one of the scripts writes it.
pub(crate) fn written_by(script: &str, arguments: &[&str]) -> Source {
    let source = Source::empty();
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/ancestors")
        .join(script);
    let status = Command::new("python3")
        .arg(script)
        .arg(&source.path)
        .args(arguments)
        .status();
    assert!(status.unwrap().success());
    source
}

/// A database with what some SQL puts there.
pub(crate) fn made_of(sql: &str) -> Source {
    let source = Source::empty();
    rusqlite::Connection::open(&source.path)
        .unwrap()
        .execute_batch(sql)
        .unwrap();
    source
}

/// A database to import.
pub(crate) struct Source {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) path: PathBuf,
}

impl Source {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            path: folder.path().join("100% of? my #chats.db"),
            folder,
        }
    }

    pub(crate) fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }

    /// Every file of its folder.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect()
    }

    /// Imports it, and checks that its folder is as it was.
    pub(crate) fn import(&self, store: &Store) -> turnkeep::error::Result<ImportReport> {
        self.import_with(store, ImportOptions::default())
    }

    pub(crate) fn import_with(
        &self,
        store: &Store,
        options: ImportOptions<'_>,
    ) -> turnkeep::error::Result<ImportReport> {
        let before = self.files();
        let report = store.import(self.path(), options);
        assert!(self.files() == before, "the import changed {:?}", self.files().keys());
        report
    }
}

pub(crate) fn existing(existing: Existing) -> ImportOptions<'static> {
    ImportOptions {
        existing,
        ..ImportOptions::default()
    }
}

pub(crate) fn as_format(format: Format) -> ImportOptions<'static> {
    ImportOptions {
        format: Some(format),
        ..ImportOptions::default()
    }
}

/// A message with every field that a source can fill.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) role: i32,
    pub(crate) content: String,
    pub(crate) created: i64,
    pub(crate) tool_calls: String,
    pub(crate) tool_call_id: String,
    pub(crate) model: String,
    pub(crate) metadata: String,
}

pub(crate) const SYSTEM: i32 = 1;
pub(crate) const USER: i32 = 2;
pub(crate) const ASSISTANT: i32 = 3;
pub(crate) const TOOL: i32 = 4;

pub(crate) fn said(role: i32, content: &str, created: i64) -> Said {
    Said {
        role,
        content: content.to_owned(),
        created,
        ..Said::default()
    }
}

impl Said {
    fn of(view: &MessageView) -> Self {
        let mut said = said(view.role, text(view.content), view.created_us);
        if !view.details.is_null() {
            let rarer = details(view);
            said.tool_calls = rarer.tool_calls.to_owned();
            said.tool_call_id = rarer.tool_call_id.to_owned();
            said.model = rarer.model.to_owned();
            said.metadata = rarer.metadata.to_owned();
        }
        said
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// With metadata in which its id in the source stands in front.
    pub(crate) fn from(self, id: &str, own: &str) -> Self {
        let comma = if own.is_empty() { "" } else { "," };
        self.with(|said| said.metadata = format!("{{\"turnkeep:source\":{{\"id\":\"{id}\"}}{comma}{own}}}"))
    }
}

pub(crate) fn messages(store: &Store, id: &str) -> Vec<Said> {
    let session = store.open_session(id).unwrap();
    session.last(u64::MAX).unwrap().views().iter().map(Said::of).collect()
}

pub(crate) fn contents(store: &Store, id: &str) -> Vec<String> {
    messages(store, id).into_iter().map(|said| said.content).collect()
}

pub(crate) fn session(store: &Store, id: &str) -> (Session, SessionInfo) {
    let session = store.open_session(id).unwrap();
    let info = session.describe().unwrap();
    (session, info)
}

/// The ids of all sessions, in order.
pub(crate) fn ids(store: &Store) -> Vec<String> {
    let page = store.list_sessions(&ListOptions::default()).unwrap();
    let mut ids: Vec<String> = page.sessions.into_iter().map(|session| session.id).collect();
    ids.sort();
    ids
}

/// The problems of one kind, as id, place and reason.
pub(crate) fn problems(report: &ImportReport, kind: ProblemKind) -> Vec<(String, String, String)> {
    let of_kind = report.problems.iter().filter(|problem| problem.kind == kind);
    of_kind
        .cloned()
        .map(
            |Problem {
                 session_id,
                 place,
                 reason,
                 ..
             }| (session_id, place, reason),
        )
        .collect()
}

/// Checks that there is a problem of a kind with a session at a place, whose reason has these words.
pub(crate) fn assert_told(report: &ImportReport, kind: ProblemKind, id: &str, place: &str, words: &str) {
    let told = problems(report, kind);
    let is_there = told
        .iter()
        .any(|(of, at, reason)| of == id && at == place && reason.contains(words));
    assert!(
        is_there,
        "no {kind:?} of '{id}' at '{place}' with '{words}' in {told:#?}"
    );
}

/// Microseconds since 1970.
pub(crate) fn micros(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

//! Lists of 10 000 sessions, and a filter by metadata over 100 000.

use crate::machine;
use crate::measure::{compare, median, micros};
use crate::raw::{Level, Raw, Statement, Value, free};
use crate::report::{Limit, Row};
use crate::subject;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;
use turnkeep::model::{
    BulkAction, Comparison, Durability, Filter, ListOptions, MetadataCondition, NewSession, SessionInfo, Sort,
};
use turnkeep::{Store, StoreOptions};

const LISTED: usize = 10_000;
const FILTERED: usize = 100_000;

/// Every session of a store, by pages, against a statement that reads the same columns at one go.
pub(crate) fn list(folder: &Path) -> Vec<Row> {
    let store = open(folder);
    fill(&store, LISTED);
    let lister = Lister::new(&folder.join("subject.db"));
    let against = |options: ListOptions| {
        let subject = || assert_eq!(black_box(all_pages(&store, &options)).len(), LISTED);
        let yardstick = || assert_eq!(lister.list(), LISTED);
        compare(machine::rounds(15), 1, subject, yardstick)
    };
    let pages = |limit, sort| ListOptions {
        limit,
        sort,
        ..ListOptions::default()
    };
    let mut rows = vec![
        Row::ratio(
            "list",
            "10 000 sessions by pages of 1 000, against raw C reading the same columns",
            "us",
            &against(pages(1_000, Sort::Created)),
        )
        .must(Limit::AtMost(3.0), Limit::AtMost(1.5)),
        Row::ratio("listi", "by pages of 50", "us", &against(pages(50, Sort::Created))),
        Row::ratio(
            "listi",
            "by pages of 1 000, by last change",
            "us",
            &against(pages(1_000, Sort::Updated)),
        ),
    ];
    store
        .change_sessions(&Filter::default(), BulkAction::AddTag("tagged".to_owned()))
        .unwrap();
    let what = "by pages of 1 000, each session with a tag";
    rows.push(Row::ratio("listi", what, "us", &against(pages(1_000, Sort::Created))));
    rows
}

/// Sessions whose metadata hold a value, of many.
pub(crate) fn metadata(folder: &Path) -> Vec<Row> {
    let store = open(folder);
    fill(&store, FILTERED);
    let filter = Filter {
        metadata: vec![MetadataCondition {
            pointer: "/project/number".to_owned(),
            comparison: Comparison::Equal,
            value: 7.into(),
        }],
        ..Filter::default()
    };
    let times = (0..machine::rounds(15)).map(|_| {
        let begin = Instant::now();
        assert_eq!(store.count_sessions(&filter).unwrap() as usize, FILTERED / 1_000);
        micros(begin.elapsed()) / FILTERED as f64
    });
    let each = median(times.collect::<Vec<_>>());
    vec![Row::value(
        "metadata",
        "a filter by metadata over 100 000 sessions, for each session",
        each,
        "us",
    )]
}

fn open(folder: &Path) -> Store {
    let options = StoreOptions {
        cache_sessions: 1,
        ..subject::options(Durability::Os)
    };
    subject::open(folder, options)
}

fn fill(store: &Store, count: usize) {
    for number in 0..count {
        store
            .create_session(NewSession {
                title: format!("What was said about number {number}"),
                model: "gemma-3-27b".to_owned(),
                metadata: Some(format!(
                    r#"{{"project": {{"name": "turnkeep", "number": {}}}, "language": "en", "starred": false}}"#,
                    number % 1_000
                )),
                ..NewSession::default()
            })
            .unwrap();
    }
    store.flush().unwrap();
}

fn all_pages(store: &Store, options: &ListOptions) -> Vec<SessionInfo> {
    let mut options = options.clone();
    let mut sessions = Vec::new();
    loop {
        let page = store.list_sessions(&options).unwrap();
        sessions.extend(page.sessions);
        options.page_token = page.next_page_token;
        if options.page_token.is_none() {
            return sessions;
        }
    }
}

/// A list as a careful C program would read it.
struct Lister {
    newest_first: Statement,
    _raw: Raw,
}

/// A session as a C program would copy it out of its row.
struct Copied {
    _numbers: [i64; 12],
    texts: [*mut u8; 8],
}

impl Lister {
    fn new(path: &Path) -> Self {
        let raw = Raw::open(path, Level::Os);
        let newest_first = raw.prepare(
            "SELECT s.status, s.window_tokens, s.created, s.updated, s.expires, s.fork_seq, s.head_seq, s.token_total, \
             s.revision, s.expires_after, s.bytes, s.max_bytes, s.id, s.user_id, s.name, s.title, s.model, s.summary, \
             s.metadata, p.id FROM sessions s LEFT JOIN sessions p ON p.key = s.parent WHERE s.status <> ?1 \
             ORDER BY s.key DESC",
        );
        Self {
            newest_first,
            _raw: raw,
        }
    }

    /// Copies all sessions, and frees them again. Returns how many it were.
    fn list(&self) -> usize {
        self.newest_first.bind(&[Value::Int(3)]);
        let mut sessions: Vec<Copied> = Vec::new();
        while self.newest_first.step() {
            sessions.push(Copied {
                _numbers: std::array::from_fn(|column| self.newest_first.int(column as i32)),
                texts: std::array::from_fn(|column| self.newest_first.text(12 + column as i32)),
            });
        }
        self.newest_first.reset();
        let count = black_box(&sessions).len();
        sessions.iter().flat_map(|session| session.texts).for_each(free);
        count
    }
}

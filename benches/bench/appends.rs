//! Appends of one thread: T1, T2, T14.

use crate::measure::{Compared, compare};
use crate::raw::{Appender, Counters, Level};
use crate::report::{Limit, Row};
use crate::subject::{self, TOKENS};
use std::path::Path;
use turnkeep::context::WindowOptions;
use turnkeep::model::Durability;
use turnkeep::{Conversation, Store};

/// Appends before the first round: the WAL has its full length then, and grows no more.
const WARM_UP: usize = 2_000;

pub(crate) fn durable(folder: &Path) -> Vec<Row> {
    let session = |chatting| measure(folder, Durability::Disk, Counters::Kept, chatting, 100, 20);
    let barest = measure(folder, Durability::Disk, Counters::None, false, 100, 20);
    vec![
        Row::ratio("T1", "durable append, 200 bytes", "us", &session(false))
            .must(Limit::AtMost(1.15), Limit::AtMost(1.05)),
        Row::ratio(
            "T1i",
            "the same in a session that windows are asked of",
            "us",
            &session(true),
        ),
        Row::ratio("T1i", "the same against an insert without counters", "us", &barest),
    ]
}

pub(crate) fn handed_to_the_system(folder: &Path) -> Vec<Row> {
    let session = |chatting| measure(folder, Durability::Os, Counters::Kept, chatting, 150, 100);
    let barest = measure(folder, Durability::Os, Counters::None, false, 150, 100);
    vec![
        Row::ratio("T2", "append at level OS, 200 bytes", "us", &session(false))
            .must(Limit::AtMost(1.25), Limit::AtMost(1.10)),
        Row::ratio(
            "T2i",
            "the same in a session that windows are asked of",
            "us",
            &session(true),
        ),
        Row::ratio("T2i", "the same against an insert without counters", "us", &barest),
    ]
}

fn measure(
    folder: &Path,
    durability: Durability,
    counters: Counters,
    chatting: bool,
    rounds: usize,
    times: usize,
) -> Compared {
    let mut sides = Sides::new(folder, durability, counters);
    for _ in 0..WARM_UP {
        sides.subject.append();
        sides.yardstick.append();
    }
    if chatting {
        sides.subject.session.window(&WindowOptions::default()).unwrap();
    }
    let Sides { subject, yardstick } = &mut sides;
    compare(rounds, times, || subject.append(), || yardstick.append())
}

/// A store and a file of the yardstick's, both new.
struct Sides {
    subject: Subject,
    yardstick: Yardstick,
}

struct Subject {
    store: Store,
    session: Conversation,
    content: String,
    appended: usize,
}

struct Yardstick {
    appender: Appender,
    content: String,
    appended: usize,
}

impl Sides {
    fn new(folder: &Path, durability: Durability, counters: Counters) -> Self {
        for entry in std::fs::read_dir(folder).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let level = if durability == Durability::Disk {
            Level::Disk
        } else {
            Level::Os
        };
        let store = subject::open(folder, subject::options(durability));
        Self {
            subject: Subject {
                session: subject::create(&store),
                store,
                content: subject::content(),
                appended: 0,
            },
            yardstick: Yardstick {
                appender: Appender::new(&folder.join("yardstick.db"), level, counters, 1),
                content: subject::content(),
                appended: 0,
            },
        }
    }
}

impl Subject {
    fn append(&mut self) {
        subject::append(&self.session, self.appended, &self.content);
        self.appended += 1;
    }
}

impl Yardstick {
    fn append(&mut self) {
        let role = 2 + self.appended as i64 % 2;
        self.appender.append(0, role, &self.content, i64::from(TOKENS));
        self.appended += 1;
    }
}

/// Appends that fit into the WAL before it is first moved into the file.
const WITHOUT_CHECKPOINT: usize = 250;
const WITH_CHECKPOINTS: usize = 2_000;
const IN_THE_SESSION: usize = 10_000;

pub(crate) fn bytes_written(folder: &Path) -> Vec<Row> {
    let (away, all) = bytes_beside(folder, Counters::Kept);
    let (barest, _) = bytes_beside(folder, Counters::None);
    let (gate, goal) = (Limit::AtMost(1.3), Limit::AtMost(1.1));
    vec![
        Row::ratio("T14", "bytes written by an append, session of 10 000", "B", &away).must(gate, goal),
        Row::ratio("T14", "the same over 2 000 appends, checkpoints included", "B", &all).must(gate, goal),
        Row::ratio(
            "T14i",
            "away from checkpoints, against an insert without counters",
            "B",
            &barest,
        ),
    ]
}

fn bytes_beside(folder: &Path, counters: Counters) -> (Compared, Compared) {
    let Sides { subject, yardstick } = Sides::new(folder, Durability::Disk, counters);
    let (away, all) = bytes_of_subject(folder, subject);
    let (raw_away, raw_all) = bytes_of_yardstick(yardstick);
    let beside = |subject, yardstick| Compared {
        subject,
        yardstick,
        ratio: subject / yardstick,
    };
    (beside(away, raw_away), beside(all, raw_all))
}

fn bytes_of_subject(folder: &Path, mut subject: Subject) -> (f64, f64) {
    subject::fill(&subject.session, IN_THE_SESSION, &subject.content);
    // Closing moves the whole WAL into the file.
    subject.store.close().unwrap();
    subject.store = subject::open(folder, subject::options(Durability::Disk));
    subject.session = subject.store.open_session(subject.session.id()).unwrap();
    let begin = written();
    (0..WITHOUT_CHECKPOINT).for_each(|_| subject.append());
    let away = written() - begin;
    (WITHOUT_CHECKPOINT..WITH_CHECKPOINTS).for_each(|_| subject.append());
    subject.store.close().unwrap();
    (
        away / WITHOUT_CHECKPOINT as f64,
        (written() - begin) / WITH_CHECKPOINTS as f64,
    )
}

fn bytes_of_yardstick(mut yardstick: Yardstick) -> (f64, f64) {
    yardstick
        .appender
        .fill(0, IN_THE_SESSION, &yardstick.content, i64::from(TOKENS));
    yardstick.appender.begin_wal_anew();
    let begin = written();
    (0..WITHOUT_CHECKPOINT).for_each(|_| yardstick.append());
    let away = written() - begin;
    (WITHOUT_CHECKPOINT..WITH_CHECKPOINTS).for_each(|_| yardstick.append());
    drop(yardstick);
    (
        away / WITHOUT_CHECKPOINT as f64,
        (written() - begin) / WITH_CHECKPOINTS as f64,
    )
}

/// What this process has written so far, in bytes.
fn written() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
    bytes.trim().parse().unwrap()
}

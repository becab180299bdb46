//! Appends of one thread: T1, T2, T14.

use crate::measure::{Compared, compare, median};
use crate::raw::{Appender, Counters, Level};
use crate::report::{Limit, Row};
use crate::subject::{self, TOKENS};
use std::path::Path;
use turnkeep::context::WindowOptions;
use turnkeep::model::Durability;
use turnkeep::{Session, Store};

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
    _store: Store,
    session: Session,
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
                _store: store,
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

const BLOCKS: usize = 40;
const BLOCK: usize = 50;
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

/// Away from checkpoints, and with them.
fn bytes_beside(folder: &Path, counters: Counters) -> (Compared, Compared) {
    let Sides {
        mut subject,
        mut yardstick,
    } = Sides::new(folder, Durability::Disk, counters);
    subject::fill(&subject.session, IN_THE_SESSION, &subject.content);
    yardstick
        .appender
        .fill(0, IN_THE_SESSION, &yardstick.content, i64::from(TOKENS));
    // Until what was filled in has been moved into the file.
    for _ in 0..WARM_UP {
        subject.append();
        yardstick.append();
    }
    let (away, all) = bytes_of_blocks(|| subject.append());
    let (raw_away, raw_all) = bytes_of_blocks(|| yardstick.append());
    let beside = |subject, yardstick| Compared {
        subject,
        yardstick,
        ratio: subject / yardstick,
    };
    (beside(away, raw_away), beside(all, raw_all))
}

/// Bytes of an append: in the median block, which meets no checkpoint, and on the whole.
fn bytes_of_blocks(mut append: impl FnMut()) -> (f64, f64) {
    let blocks: Vec<f64> = (0..BLOCKS)
        .map(|_| {
            let begin = written();
            (0..BLOCK).for_each(|_| append());
            (written() - begin) / BLOCK as f64
        })
        .collect();
    let all = blocks.iter().sum::<f64>() / BLOCKS as f64;
    (median(blocks), all)
}

/// What this process has written so far, in bytes.
fn written() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
    bytes.trim().parse().unwrap()
}

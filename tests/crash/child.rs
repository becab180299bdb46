//! The process that is killed: this program again. It says on a pipe what it is about to do, and what was acknowledged.

use crate::calls;
use crate::model::Model;
use crate::points::{Counter, Deed, Executioner, Point};
use crate::script::{Imagined, Player, Score, store_in};
use crate::through_c::ThroughC;
use crate::writers;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use turnkeep::model::Durability;

const ORDER: &str = "TURNKEEP_TEST_CRASH";

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) folder: PathBuf,
    pub(crate) work: Work,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Plays a score behind others that were played so far, and is killed at a point, for the n-th time.
    Play {
        before: Vec<(Score, usize)>,
        score: Score,
        kill: Option<(Point, u32)>,
        steps: usize,
    },
    /// Opens a store and closes it, and is killed before its n-th call.
    Open { kill: u32 },
    /// Appends to sessions that others append to, until it is killed.
    Write { writer: u32, seed: u64 },
}

/// By itself it has nothing to do.
#[test]
fn child_does_what_it_is_told() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let order: Order = serde_json::from_str(&order).unwrap();
    match order.work {
        Work::Play {
            before,
            score,
            kill,
            steps,
        } => play(&order.folder, &before, &score, kill, steps),
        Work::Open { kill } => {
            calls::observe(&order.folder, Box::new(Counter(kill)));
            let store = ThroughC::open(&store_in(&order.folder), Durability::Disk).unwrap();
            tell("open");
            store.close().unwrap();
        }
        Work::Write { writer, seed } => writers::write(&order.folder, writer, seed),
    }
    tell("end");
}

/// The model after what was done before.
pub(crate) fn replayed(before: &[(Score, usize)]) -> Model {
    let mut model = Model::default();
    for (score, steps) in before {
        let mut imagined = Imagined::new(score);
        (0..*steps).for_each(|_| drop(imagined.step(&mut model)));
    }
    model
}

fn play(folder: &Path, before: &[(Score, usize)], score: &Score, kill: Option<(Point, u32)>, steps: usize) {
    let model = replayed(before);
    if let Some((point, time)) = kill {
        let store = folder.canonicalize().unwrap();
        calls::observe(folder, Box::new(Executioner::new(&store_in(&store), point, time)));
    }
    let mut player = Player::open(folder, score, model);
    for number in 1..=steps {
        tell(&format!("do {number}"));
        let survives = player.step();
        tell(&format!("ok {number} {}", survives as u8));
    }
    Deed::Close.begin();
    player.close().unwrap();
}

/// Tells the parent. The test harness says things, too: what is meant for the parent begins with an @.
pub(crate) fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A child that works.
pub(crate) struct Started {
    process: Child,
    lines: BufReader<ChildStdout>,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Killed,
    Done,
}

impl Started {
    pub(crate) fn with(order: &Order) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::child_does_what_it_is_told", "--nocapture"])
            .env(ORDER, serde_json::to_string(order).unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next thing that it says; `None` at its end.
    pub(crate) fn heard(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(told) = line.strip_prefix('@') {
                return Some(told.trim_end().to_owned());
            }
        }
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
    }

    /// Waits for its end, with everything heard.
    pub(crate) fn ended(mut self, order: &Order) -> Ended {
        let status = self.process.wait().unwrap();
        match (status.signal(), status.code()) {
            (Some(libc::SIGKILL), _) => Ended::Killed,
            (None, Some(0)) => Ended::Done,
            _ => panic!("{status} of a child that was told {order:?}"),
        }
    }
}

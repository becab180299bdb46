//! Four processes append to one store at once, and are killed one after the other.

use crate::child::{Ended, Order, Started, Work, tell};
use crate::judge::look;
use crate::script::store_in;
use crate::subject::Subject;
use crate::through_c::ThroughC;
use crate::{Random, first_seed, rounds};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use turnkeep::model::{AppendOptions, Durability, NewMessage, NewSession, Role, SearchOptions, Tokens};
use turnkeep::{Store, StoreOptions};

const WRITERS: u32 = 4;

/// All append to the first; each its own batches to the others, too.
const SESSIONS: [&str; 3] = ["s0", "s1", "s2"];

/// How long a store is written to without anybody being killed.
const BETWEEN_KILLS: u64 = 25;

/// What a message of a batch says: who wrote it, which batch of his it belongs to, its place in it, and how many there are.
fn content(life: u64, batch: u64, index: usize, size: usize) -> String {
    let filler = "x".repeat((batch * 997 + index as u64 * 31) as usize % 3_000);
    format!("{life}/{batch}/{index}/{size} {filler}")
}

/// Appends until it is killed, and tells the place of each batch as soon as it is acknowledged.
pub(crate) fn write(folder: &Path, writer: u32, seed: u64) {
    let mut random = Random::new(seed);
    let store = ThroughC::open(
        &store_in(folder),
        [Durability::Disk, Durability::Os][writer as usize % 2],
    )
    .unwrap();
    for batch in 0.. {
        let session = SESSIONS[random.below(SESSIONS.len() as u64) as usize];
        let size = 1 + random.below(4) as usize;
        let messages = (0..size).map(|index| NewMessage {
            tokens: Tokens::Given(1),
            ..NewMessage::new(Role::User, content(seed, batch, index, size))
        });
        let options = AppendOptions {
            durability: (random.below(4) == 0).then_some(Durability::Disk),
            ..AppendOptions::default()
        };
        tell(&format!("do {batch} {session} {size}"));
        let first = store.append(session, messages.collect(), options).unwrap().unwrap();
        tell(&format!("ok {batch} {session} {size} {first}"));
        if random.below(50) == 0 {
            let word = SearchOptions {
                text: format!("{batch}"),
                ..SearchOptions::default()
            };
            store.search(&word);
        }
    }
}

/// A batch that was begun, and where it went if it was acknowledged.
#[derive(Debug)]
struct Batch {
    session: String,
    size: usize,
    first: Option<u64>,
}

/// All batches: by who wrote them, and their number.
type Batches = BTreeMap<(u64, u64), Batch>;

fn take_down(batches: &mut Batches, life: u64, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap();
    let batch = Batch {
        session: words.get(2).map_or_else(String::new, |session| (*session).to_owned()),
        size: words.get(3).map_or(0, |_| number(3) as usize),
        first: (words[0] == "ok").then(|| number(4)),
    };
    if ["do", "ok"].contains(&words[0]) {
        batches.insert((life, number(1)), batch);
    }
}

/// Has everything checked: each session is made of whole batches, of each writer in his order, acknowledged ones where he
/// was told, and none that nobody wrote.
fn judge_batches(folder: &Path, batches: &Batches) -> u64 {
    let image = look(&store_in(folder));
    let mut found: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    let mut kept = 0;
    for (id, session) in &image.sessions {
        let mut last: BTreeMap<u64, u64> = BTreeMap::new();
        let contents: Vec<&str> = session
            .messages
            .iter()
            .map(|message| message.content.as_str())
            .collect();
        let mut at = 0;
        while at < contents.len() {
            let words: Vec<u64> = contents[at]
                .split([' ', '/'])
                .take(4)
                .map(|word| word.parse().unwrap())
                .collect();
            let [life, number, _, size] = words[..] else {
                panic!("{}", contents[at])
            };
            let batch = &batches
                .get(&(life, number))
                .unwrap_or_else(|| panic!("nobody wrote {words:?}"));
            assert_eq!((&batch.session, batch.size), (id, size as usize));
            for index in 0..batch.size {
                assert_eq!(contents[at + index], content(life, number, index, batch.size));
            }
            assert!(
                last.insert(life, number).is_none_or(|before| before < number),
                "{words:?}"
            );
            assert_eq!(
                found.insert((life, number), at as u64 + 1),
                None,
                "{words:?} is there twice"
            );
            at += batch.size;
        }
        kept += contents.len() as u64;
    }
    for (key, batch) in batches {
        if batch.first.is_some() {
            assert_eq!(found.get(key), batch.first.as_ref(), "{key:?}: {batch:?}");
        }
    }
    kept
}

/// A process that writes, and the thread that hears what it says.
struct Writer {
    life: u64,
    process: u32,
    ear: JoinHandle<Ended>,
}

impl Writer {
    fn killed(self) {
        // SAFETY: a signal to a child of this process that nobody has waited for yet.
        assert_eq!(unsafe { libc::kill(self.process as i32, libc::SIGKILL) }, 0);
        assert_eq!(self.ear.join().unwrap(), Ended::Killed);
    }
}

/// All that write to one store.
struct Crowd {
    folder: tempfile::TempDir,
    writers: Vec<Writer>,
    lives: u64,
    said: Sender<(u64, String)>,
    heard: Receiver<(u64, String)>,
    batches: Batches,
}

impl Crowd {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(store_in(folder.path()).to_str().unwrap(), StoreOptions::default()).unwrap();
        for id in SESSIONS {
            let new = NewSession {
                id: Some(id.into()),
                ..NewSession::default()
            };
            store.create_session(new).unwrap();
        }
        store.close().unwrap();
        let (said, heard) = mpsc::channel();
        let mut crowd = Self {
            folder,
            writers: Vec::new(),
            lives: first_seed() * 1_000_000,
            said,
            heard,
            batches: Batches::new(),
        };
        for writer in 0..WRITERS {
            let started = crowd.start(writer);
            crowd.writers.push(started);
        }
        crowd
    }

    fn start(&mut self, writer: u32) -> Writer {
        self.lives += 1;
        let life = self.lives;
        let order = Order {
            folder: self.folder.path().to_owned(),
            work: Work::Write { writer, seed: life },
        };
        let mut child = Started::with(&order);
        let process = child.process_id();
        let said = self.said.clone();
        let ear = std::thread::spawn(move || {
            while let Some(line) = child.heard() {
                said.send((life, line)).unwrap();
            }
            child.ended(&order)
        });
        Writer { life, process, ear }
    }

    /// Listens for a while, or until it is enough.
    fn listen(&mut self, time: Duration, enough: impl Fn(&Self) -> bool) {
        let until = Instant::now() + time;
        while let Ok((life, line)) = self.heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
            take_down(&mut self.batches, life, &line);
            if enough(self) {
                return;
            }
        }
    }

    /// Whether everybody who lives has been acknowledged a few batches.
    fn goes_on(&self) -> bool {
        self.writers.iter().all(|writer| {
            let batches = self.batches.range((writer.life, 0)..=(writer.life, u64::MAX));
            batches.filter(|(_, batch)| batch.first.is_some()).count() >= 5
        })
    }

    fn end(mut self) -> (tempfile::TempDir, Batches) {
        self.writers.into_iter().for_each(Writer::killed);
        drop(self.said);
        for (life, line) in self.heard {
            take_down(&mut self.batches, life, &line);
        }
        (self.folder, self.batches)
    }
}

#[test]
fn what_four_processes_were_told_is_there_when_some_of_them_are_killed() {
    let kills = rounds(200) / 5;
    let mut random = Random::new(first_seed());
    let mut crowd = Crowd::new();
    for _ in 0..kills {
        let time = Duration::from_millis(BETWEEN_KILLS + random.below(BETWEEN_KILLS));
        crowd.listen(time, |_| false);
        let one = random.below(u64::from(WRITERS)) as usize;
        let next = crowd.start(one as u32);
        std::mem::replace(&mut crowd.writers[one], next).killed();
    }
    // Whoever was not killed goes on: nobody keeps him waiting.
    crowd.listen(Duration::from_secs(20), Crowd::goes_on);
    assert!(crowd.goes_on(), "somebody waits");
    let (folder, batches) = crowd.end();
    let acknowledged = batches.values().filter(|batch| batch.first.is_some()).count();
    let kept = judge_batches(folder.path(), &batches);
    println!(
        "{:7} kills among {WRITERS} writers of one store",
        kills + WRITERS as usize
    );
    println!("{acknowledged:7} batches were acknowledged; {kept} messages are kept");
    assert!(acknowledged > kills);
}

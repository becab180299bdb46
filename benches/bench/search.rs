//! Full text: what it costs an append (T9), and how long a search takes (T10).

use crate::measure::{Compared, median, micros};
use crate::report::{Limit, Row};
use crate::subject;
use std::path::Path;
use std::time::Instant;
use turnkeep::model::{AppendOptions, Durability, NewMessage, SearchOptions, SearchOrder};
use turnkeep::{Session, Store, StoreOptions};

/// Appends before the first round: the WAL has its full length then.
const WARM_UP: usize = 2_000;
const MESSAGES: usize = 1_000_000;
const SESSIONS: usize = 100;
const SEARCHES: usize = 300;
/// What is appended between two searches, and caught up with by the second.
const BETWEEN: usize = 5;

/// Contents of about 200 bytes, of 5 000 words; every one has the word "the".
struct Writer {
    words: Vec<String>,
    state: u64,
}

impl Writer {
    fn new() -> Self {
        const SYLLABLES: [&str; 10] = ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru"];
        let word = |number: usize| {
            [number / 1000, number / 100, number / 10, number]
                .map(|n| SYLLABLES[n % 10])
                .concat()
        };
        Self {
            words: (0..5_000).map(word).collect(),
            state: 1,
        }
    }

    fn content(&mut self) -> String {
        let mut content = String::from("the");
        while content.len() < 190 {
            self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let random = (self.state >> 33) as usize;
            // Some words are said more often than others.
            let word = (random % 5_000) * (random / 5_000 % 5_000) / 5_000;
            content.push(' ');
            content.push_str(&self.words[word]);
        }
        content
    }

    fn messages(&mut self, count: usize) -> Vec<NewMessage> {
        (0..count)
            .map(|number| subject::message(number, &self.content()))
            .collect()
    }
}

fn open(folder: &Path, name: &str, durability: Durability, no_search: bool) -> Store {
    let options = StoreOptions {
        no_search,
        ..subject::options(durability)
    };
    Store::open(folder.join(name).to_str().unwrap(), options).unwrap()
}

pub(crate) fn beside_appends(folder: &Path) -> Vec<Row> {
    let (p50, p99) = with_and_without(folder, Durability::Os, 2_000, 100);
    let (durable_p50, durable_p99) = with_and_without(folder, Durability::Disk, 300, 20);
    vec![
        Row::ratio(
            "T9",
            "append at level OS with full text on against off, p50",
            "us",
            &p50,
        )
        .must(Limit::AtMost(1.1), Limit::AtMost(1.0)),
        Row::ratio("T9", "the same, p99", "us", &p99).must(Limit::AtMost(2.0), Limit::AtMost(1.2)),
        Row::ratio("T9i", "durable append, p50", "us", &durable_p50),
        Row::ratio("T9i", "the same, p99", "us", &durable_p99),
    ]
}

/// Every append by itself, in turn, with the indexing that goes on beside it.
fn with_and_without(folder: &Path, durability: Durability, rounds: usize, times: usize) -> (Compared, Compared) {
    let name = |side: &str| format!("{durability:?}-{side}.db");
    let stores = [
        open(folder, &name("on"), durability, false),
        open(folder, &name("off"), durability, true),
    ];
    let sessions = stores.each_ref().map(subject::create);
    let mut writer = Writer::new();
    for session in &sessions {
        for message in writer.messages(WARM_UP) {
            session.append(vec![message], subject::quickly()).unwrap();
        }
    }
    let mut taken = [const { Vec::new() }; 2];
    for round in 0..rounds {
        for side in [round % 2, 1 - round % 2] {
            for message in writer.messages(times) {
                let begin = Instant::now();
                sessions[side].append(vec![message], AppendOptions::default()).unwrap();
                taken[side].push(micros(begin.elapsed()));
            }
        }
    }
    for times in &mut taken {
        times.sort_by(f64::total_cmp);
    }
    let at = |share: usize| {
        let [on, off] = taken.each_ref().map(|times| times[times.len() * share / 100]);
        Compared {
            subject: on,
            yardstick: off,
            ratio: on / off,
        }
    };
    (at(50), at(99))
}

pub(crate) fn newest(folder: &Path) -> Vec<Row> {
    let store = open(folder, "subject.db", Durability::Os, false);
    let sessions: Vec<Session> = (0..SESSIONS).map(|_| subject::create(&store)).collect();
    let mut writer = Writer::new();
    for _ in 0..MESSAGES / SESSIONS / 1_000 {
        for session in &sessions {
            session
                .append(writer.messages(1_000), AppendOptions::default())
                .unwrap();
        }
    }
    let begin = Instant::now();
    search(&store, &wanted("the"));
    let caught_up = begin.elapsed().as_secs_f64();

    let fresh = median((0..SEARCHES).map(|round| {
        let session = &sessions[round % SESSIONS];
        session
            .append(writer.messages(BETWEEN), AppendOptions::default())
            .unwrap();
        search(&store, &wanted("the"))
    }));
    let nothing_new = |text: &str| median((0..SEARCHES).map(|_| search(&store, &wanted(text))));
    let (rare, both) = (
        writer.words[4_900].clone(),
        format!("{} {}", writer.words[7], writer.words[11]),
    );
    let ranked = |text: &str| {
        let options = SearchOptions {
            order: SearchOrder::Rank,
            ..wanted(text)
        };
        median((0..5).map(|_| search(&store, &options)))
    };
    vec![
        Row::value("T10", "search, newest 20 of 1 000 000, catching up with 5", fresh, "us")
            .must(Limit::AtMost(1_000.0), Limit::AtMost(100.0)),
        Row::value(
            "T10i",
            "the same with nothing to catch up with",
            nothing_new("the"),
            "us",
        ),
        Row::value("T10i", "a rare word", nothing_new(&rare), "us"),
        Row::value("T10i", "two words", nothing_new(&both), "us"),
        Row::value("T10i", "ranked, a rare word", ranked(&rare) / 1e3, "ms"),
        Row::value(
            "T10i",
            "ranked, the word of all 1 000 000, limit 200 ms",
            ranked("the") / 1e3,
            "ms",
        ),
        Row::value("T10i", "catching up with what the background had left", caught_up, "s"),
    ]
}

fn wanted(text: &str) -> SearchOptions {
    SearchOptions {
        text: text.to_owned(),
        ..SearchOptions::default()
    }
}

fn search(store: &Store, options: &SearchOptions) -> f64 {
    let begin = Instant::now();
    let results = store.search(options).unwrap();
    let taken = micros(begin.elapsed());
    assert_eq!(results.hits().len(), 20);
    taken
}

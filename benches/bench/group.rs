//! Many threads that append: T3, T4.

use crate::measure::{Compared, median, micros, summary};
use crate::raw::{Appender, Counters, Level};
use crate::report::{Limit, Row};
use crate::subject::{self, TOKENS};
use parking_lot::{FairMutex, Mutex};
use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;
use turnkeep::Session;
use turnkeep::model::Durability;

const ROUNDS: usize = 9;

/// Durable appends of one round, by all threads together.
const APPENDS: usize = 1_280;

pub(crate) fn together(folder: &Path) -> Vec<Row> {
    let limits = [(2, 1.2, 1.4), (8, 2.5, 3.5), (64, 5.0, 8.0)];
    let mut rows = Vec::new();
    for (threads, gate, goal) in limits {
        let measured = measure(folder, threads);
        rows.push(
            Row::ratio(
                "T3",
                format!("group commit, {threads} threads, against one commit each"),
                "/s",
                &measured.throughput,
            )
            .must(Limit::AtLeast(gate), Limit::AtLeast(goal)),
        );
        if threads == 64 {
            rows.push(
                Row::ratio(
                    "T4",
                    "p50 of an append, 64 threads, against one by one",
                    "us",
                    &measured.latency,
                )
                .must(Limit::AtMost(1.0 / 4.0), Limit::AtMost(1.0 / 6.5)),
            );
            rows.push(Row::ratio(
                "T4i",
                "p99 of the same, against a mutex that is not fair",
                "us",
                &measured.slowest,
            ));
        }
    }
    rows
}

struct Measured {
    throughput: Compared,
    latency: Compared,
    slowest: Compared,
}

fn measure(folder: &Path, threads: usize) -> Measured {
    let folder = folder.join(threads.to_string());
    std::fs::create_dir_all(&folder).unwrap();
    let content = subject::content();
    let store = subject::open(&folder, subject::options(Durability::Disk));
    let sessions: Vec<Session> = (0..threads).map(|_| subject::create(&store)).collect();
    let raw = |name| Appender::new(&folder.join(name), Level::Disk, Counters::Kept, threads);
    // The yardstick's best throughput is with a mutex that may be taken by whoever is there; in turn it is with a fair one.
    let plain = Mutex::new(raw("plain.db"));
    let fair = FairMutex::new(raw("fair.db"));

    let tokens = i64::from(TOKENS);
    let append = |thread: usize, number: usize| subject::append(&sessions[thread], number, &content);
    let append_plain =
        |thread: usize, number: usize| plain.lock().append(thread, 2 + number as i64 % 2, &content, tokens);
    let append_fair =
        |thread: usize, number: usize| fair.lock().append(thread, 2 + number as i64 % 2, &content, tokens);
    let (mut throughput, mut latency, mut slowest) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let together = run(threads, append);
        let one_by_one = run(threads, append_plain);
        let in_turn = run(threads, append_fair);
        if round == 0 {
            // The WAL had to grow first.
            continue;
        }
        throughput.push((together.per_second, one_by_one.per_second));
        latency.push((together.p50, in_turn.p50));
        slowest.push((together.p99, one_by_one.p99));
    }
    Measured {
        throughput: summary(&throughput),
        latency: summary(&latency),
        slowest: summary(&slowest),
    }
}

struct Round {
    per_second: f64,
    p50: f64,
    p99: f64,
}

fn run(threads: usize, append: impl Fn(usize, usize) + Sync) -> Round {
    let each = APPENDS / threads;
    let start = Barrier::new(threads + 1);
    let (append, start) = (&append, &start);
    let mut latencies = Vec::with_capacity(APPENDS);
    let mut begin = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    start.wait();
                    (0..each)
                        .map(|number| timed(|| append(thread, number)))
                        .collect::<Vec<f64>>()
                })
            })
            .collect();
        begin = Instant::now();
        start.wait();
        for worker in workers {
            latencies.extend(worker.join().unwrap());
        }
    });
    let seconds = begin.elapsed().as_secs_f64();
    latencies.sort_by(f64::total_cmp);
    Round {
        per_second: latencies.len() as f64 / seconds,
        p50: median(latencies.iter().copied()),
        p99: latencies[latencies.len() * 99 / 100],
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    micros(begin.elapsed())
}

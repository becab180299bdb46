//! Counters and distributions, kept so that counting costs next to nothing.
//!
//! A thread counts in cells of its own, which nobody else writes to: a plain load and store, on a cache line that no other
//! thread touches. Who asks adds them up. Of windows, which take tens of nanoseconds, one in 64 is timed.

mod prometheus;
mod report;
mod slots;

pub use crate::model::StoreTotals;
pub use report::{Counters, Distribution, Metrics};

use crate::model::{Micros, now};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use slots::{SHARED, SLOTS};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is counted.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum Counter {
    /// Windows that were asked for.
    Windows,
    /// Those of them for which the storage was read.
    WindowMisses,
    /// Histories, ranges and single messages that were asked for.
    Reads,
    /// Those of them for which the storage was read.
    ReadMisses,
    /// New sessions, forks included.
    SessionsCreated,
    /// Sessions that are no more.
    SessionsDeleted,
    /// Messages that were appended.
    MessagesAppended,
    /// Their tokens.
    TokensAppended,
    /// Transactions that were committed.
    Commits,
    /// Transactions that failed because somebody else was writing for too long.
    BusyFailures,
    /// Calls of event callbacks.
    EventsDelivered,
    /// Those of them that failed.
    EventFailures,
    /// Searches.
    Searches,
}

const COUNTERS: usize = Counter::Searches as usize + 1;

/// The counts of one thread, or of those that came too late for cells of their own. On cache lines of their own: some
/// processors fetch two at once.
#[derive(Default)]
#[repr(align(128))]
struct Cells([AtomicU64; COUNTERS]);

/// One window of so many is timed.
const TIMED_WINDOW: u64 = 64;

/// What a store counts.
pub(crate) struct Meter {
    cells: [Cells; SLOTS + 1],
    pub(crate) append_latency: Timings,
    pub(crate) window_latency: Timings,
    pub(crate) appends_per_commit: Timings,
    opened: Micros,
    baseline: Mutex<Baseline>,
}

/// What the counters were when they were reset: they themselves belong to the threads that count.
struct Baseline {
    at: Micros,
    counts: [u64; COUNTERS],
    elsewhere: Elsewhere,
}

/// What others count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Elsewhere {
    /// Sessions that the cache dropped to make room.
    pub(crate) evictions: u64,
    /// Transactions that had to wait for somebody else's.
    pub(crate) busy_waits: u64,
    /// How many microseconds they waited.
    pub(crate) busy_wait_us: u64,
}

/// The counters as of one moment.
pub(crate) struct Reading {
    pub(crate) opened: Micros,
    pub(crate) reset: Micros,
    pub(crate) since_open: Counters,
    pub(crate) since_reset: Counters,
}

impl Meter {
    pub(crate) fn new() -> Self {
        let opened = now();
        Self {
            cells: std::array::from_fn(|_| Cells::default()),
            append_latency: Timings::new(),
            window_latency: Timings::new(),
            appends_per_commit: Timings::new(),
            opened,
            baseline: Mutex::new(Baseline {
                at: opened,
                counts: [0; COUNTERS],
                elsewhere: Elsewhere::default(),
            }),
        }
    }

    /// When it began to count.
    pub(crate) fn opened(&self) -> Micros {
        self.opened
    }

    /// Counts.
    pub(crate) fn add(&self, counter: Counter, count: u64) {
        self.bump(counter, count);
    }

    /// Counts a window that is asked for, and says whether it is one of those that are to be timed.
    #[inline]
    pub(crate) fn count_window(&self) -> bool {
        self.bump(Counter::Windows, 1).is_multiple_of(TIMED_WINDOW)
    }

    /// The value before.
    #[inline]
    #[allow(
        clippy::indexing_slicing,
        reason = "there is a cell for every slot and every counter"
    )]
    fn bump(&self, counter: Counter, count: u64) -> u64 {
        let slot = slots::mine();
        let cell = &self.cells[slot].0[counter as usize];
        if slot == SHARED {
            return cell.fetch_add(count, Ordering::Relaxed);
        }
        // Nobody else writes to it.
        let before = cell.load(Ordering::Relaxed);
        cell.store(before.wrapping_add(count), Ordering::Relaxed);
        before
    }

    fn counts(&self) -> [u64; COUNTERS] {
        let mut sums = [0_u64; COUNTERS];
        for cells in &self.cells {
            for (sum, cell) in sums.iter_mut().zip(&cells.0) {
                *sum = sum.wrapping_add(cell.load(Ordering::Relaxed));
            }
        }
        sums
    }

    /// The counters, with what others count.
    pub(crate) fn counters(&self, elsewhere: Elsewhere) -> Reading {
        let baseline = self.baseline.lock();
        let counts = self.counts();
        let mut since_reset = counts;
        for (count, before) in since_reset.iter_mut().zip(&baseline.counts) {
            *count = count.saturating_sub(*before);
        }
        Reading {
            opened: self.opened,
            reset: baseline.at,
            since_open: named(&counts, elsewhere),
            since_reset: named(&since_reset, elsewhere.since(baseline.elsewhere)),
        }
    }

    /// Begins anew.
    pub(crate) fn reset(&self, elsewhere: Elsewhere) {
        let mut baseline = self.baseline.lock();
        *baseline = Baseline {
            at: now(),
            counts: self.counts(),
            elsewhere,
        };
        for timings in [&self.append_latency, &self.window_latency, &self.appends_per_commit] {
            timings.reset();
        }
    }
}

impl Elsewhere {
    fn since(self, before: Self) -> Self {
        Self {
            evictions: self.evictions.saturating_sub(before.evictions),
            busy_waits: self.busy_waits.saturating_sub(before.busy_waits),
            busy_wait_us: self.busy_wait_us.saturating_sub(before.busy_wait_us),
        }
    }
}

fn named(counts: &[u64; COUNTERS], elsewhere: Elsewhere) -> Counters {
    #[allow(clippy::indexing_slicing, reason = "there is a count for every counter")]
    let of = |counter: Counter| counts[counter as usize];
    let misses = of(Counter::WindowMisses) + of(Counter::ReadMisses);
    Counters {
        sessions_created: of(Counter::SessionsCreated),
        sessions_deleted: of(Counter::SessionsDeleted),
        messages_appended: of(Counter::MessagesAppended),
        tokens_appended: of(Counter::TokensAppended),
        windows: of(Counter::Windows),
        searches: of(Counter::Searches),
        cache_hits: (of(Counter::Windows) + of(Counter::Reads)).saturating_sub(misses),
        cache_misses: misses,
        cache_evictions: elsewhere.evictions,
        commits: of(Counter::Commits),
        busy_waits: elsewhere.busy_waits,
        busy_wait_us: elsewhere.busy_wait_us,
        busy_failures: of(Counter::BusyFailures),
        events_delivered: of(Counter::EventsDelivered),
        event_failures: of(Counter::EventFailures),
    }
}

/// Values of one kind, and how they are distributed. Threads that record at the same time seldom meet.
pub(crate) struct Timings {
    shards: [Mutex<Option<Recorded>>; TIMING_SHARDS],
}

const TIMING_SHARDS: usize = 8;

/// Of a value this many digits are kept: it is told within a hundredth.
const SIGNIFICANT_DIGITS: u8 = 2;

struct Recorded {
    histogram: Histogram<u64>,
    sum: u64,
}

impl Timings {
    fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::new(None)),
        }
    }

    /// Takes in a value.
    pub(crate) fn record(&self, value: u64) {
        #[allow(clippy::indexing_slicing, reason = "a remainder by the length is below it")]
        let mut shard = self.shards[slots::mine() % TIMING_SHARDS].lock();
        if shard.is_none() {
            *shard = new_histogram().map(|histogram| Recorded { histogram, sum: 0 });
        }
        if let Some(recorded) = &mut *shard {
            // It grows with the values; there is none that it cannot hold.
            let _recorded = recorded.histogram.record(value);
            recorded.sum = recorded.sum.saturating_add(value);
        }
    }

    /// Takes in a time, in nanoseconds.
    pub(crate) fn record_time(&self, time: Duration) {
        self.record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// All of them.
    pub(crate) fn distribution(&self) -> Distribution {
        let Some(mut all) = new_histogram() else {
            return Distribution::default();
        };
        let mut sum = 0_u64;
        for shard in &self.shards {
            if let Some(recorded) = &*shard.lock() {
                // It can only fail for want of room, and there is room for every value.
                let _added = all.add(&recorded.histogram);
                sum = sum.saturating_add(recorded.sum);
            }
        }
        Distribution {
            count: all.len(),
            sum,
            p50: all.value_at_quantile(0.5),
            p90: all.value_at_quantile(0.9),
            p99: all.value_at_quantile(0.99),
            max: all.max(),
        }
    }

    fn reset(&self) {
        for shard in &self.shards {
            *shard.lock() = None;
        }
    }
}

/// One that grows with the values.
fn new_histogram() -> Option<Histogram<u64>> {
    Histogram::new(SIGNIFICANT_DIGITS).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_when_more_threads_count_than_have_cells_of_their_own() {
        let meter = Meter::new();
        let threads = SLOTS + 20;
        let all_are_here = std::sync::Barrier::new(threads);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    all_are_here.wait();
                    for _ in 0..1_000 {
                        meter.add(Counter::Commits, 1);
                    }
                    all_are_here.wait();
                });
            }
        });
        assert_eq!(
            meter.counters(Elsewhere::default()).since_open.commits,
            threads as u64 * 1_000
        );
    }

    #[test]
    fn threads_that_come_one_after_the_other_lose_nothing_either() {
        let meter = Meter::new();
        for _ in 0..SLOTS * 3 {
            std::thread::scope(|scope| {
                scope.spawn(|| meter.add(Counter::Commits, 2));
            });
        }
        assert_eq!(
            meter.counters(Elsewhere::default()).since_open.commits,
            SLOTS as u64 * 6
        );
    }

    #[test]
    fn percentiles_are_right_within_a_hundredth() {
        let timings = Timings::new();
        (1..=100_000).for_each(|value| timings.record(value));
        let found = timings.distribution();
        assert_eq!((found.count, found.sum), (100_000, 5_000_050_000));
        for (found, exact) in [
            (found.p50, 50_000),
            (found.p90, 90_000),
            (found.p99, 99_000),
            (found.max, 100_000),
        ] {
            assert!(found >= exact && found <= exact + exact / 100, "{found} for {exact}");
        }
    }

    #[test]
    fn a_reset_begins_anew_and_forgets_nothing_of_before() {
        let meter = Meter::new();
        meter.add(Counter::Searches, 3);
        meter.append_latency.record(7);
        meter.reset(Elsewhere::default());
        meter.add(Counter::Searches, 2);
        let reading = meter.counters(Elsewhere::default());
        assert_eq!((reading.since_open.searches, reading.since_reset.searches), (5, 2));
        assert_eq!(meter.append_latency.distribution(), Distribution::default());
    }
}

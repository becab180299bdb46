//! Group commit: many callers, one transaction.
//!
//! Whoever arrives while nobody leads becomes the leader: it takes everything that waits, has it applied at once, and
//! hands each caller its own result. There is no writer thread, so a lone caller pays no wake-up, and no seat to wait in.
//! Leadership is never handed to a sleeping thread: it is laid down, and one of those who wait is woken to take it up if nobody
//! has by then.
//! (docs/design.md, "Why does the caller commit?")

use crate::error::{Error, Kind, Result};
use crate::panics::caught;
use crate::sync::{Condvar, Mutex, wait, yield_now};

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;

/// The queue. `J` is what callers bring, `T` what they take home if it succeeds.
pub(crate) struct GroupCommit<J, T> {
    queue: Mutex<Queue<J, T>>,
}

struct Queue<J, T> {
    pending: Vec<Waiter<J, T>>,
    /// Those who want to be alone.
    loners: Vec<Arc<Seat<T>>>,
    led: bool,
    /// The last batch had more than one job: it pays to let others arrive.
    had_company: bool,
}

struct Waiter<J, T> {
    job: J,
    seat: Arc<Seat<T>>,
}

/// Where one caller waits.
struct Seat<T> {
    state: Mutex<SeatState<T>>,
    changed: Condvar,
}

enum SeatState<T> {
    Waiting,
    /// Nobody leads: look whether you should.
    Called,
    Done(Result<T>),
}

impl<J, T> GroupCommit<J, T> {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                pending: Vec::new(),
                loners: Vec::new(),
                led: false,
                had_company: false,
            }),
        }
    }

    /// Has a job applied, alone or with others, and returns its result. `apply` gets jobs in the order of their arrival and
    /// answers each; it runs on the thread of one of the callers.
    pub(crate) fn submit(&self, job: J, apply: impl Fn(Vec<J>) -> Vec<Result<T>>) -> Result<T> {
        let (seat, leads) = match self.arrive(job) {
            Arrival::First { job, had_company } => return self.lead_first(job, had_company, &apply),
            Arrival::Seated { seat, leads } => (seat, leads),
        };
        if leads {
            self.lead(&apply);
        }
        loop {
            match seat.next() {
                Some(result) => return result,
                None if self.take_lead() => self.lead(&apply),
                None => {}
            }
        }
    }

    fn arrive(&self, job: J) -> Arrival<J, T> {
        let mut queue = self.queue.lock();
        let leads = !std::mem::replace(&mut queue.led, true);
        if leads && queue.pending.is_empty() {
            let had_company = queue.had_company;
            return Arrival::First { job, had_company };
        }
        let seat = Arc::new(Seat::new());
        queue.pending.push(Waiter {
            job,
            seat: Arc::clone(&seat),
        });
        Arrival::Seated { seat, leads }
    }

    /// Does something while nobody commits: what others bring meanwhile waits until it is done.
    pub(crate) fn alone<R>(&self, work: impl FnOnce() -> R) -> R {
        let seat = Arc::new(Seat::new());
        let mut leads = {
            let mut queue = self.queue.lock();
            let vacant = !std::mem::replace(&mut queue.led, true);
            if !vacant {
                queue.loners.push(Arc::clone(&seat));
            }
            vacant
        };
        while !leads {
            let _called = seat.next();
            leads = self.take_lead_alone(&seat);
        }
        let _laid_down = LaidDown(self);
        work()
    }

    fn take_lead_alone(&self, seat: &Arc<Seat<T>>) -> bool {
        let mut queue = self.queue.lock();
        let vacant = !std::mem::replace(&mut queue.led, true);
        if vacant {
            queue.loners.retain(|loner| !Arc::ptr_eq(loner, seat));
        }
        vacant
    }

    /// Whoever wants to be alone is called first: those who wait to commit are many, and would never leave it room.
    fn lay_down(&self) {
        let next = {
            let mut queue = self.queue.lock();
            queue.led = false;
            let loner = queue.loners.first().map(Arc::clone);
            loner.or_else(|| queue.pending.first().map(|waiter| Arc::clone(&waiter.seat)))
        };
        if let Some(seat) = next {
            seat.settle(SeatState::Called);
        }
    }

    fn take_lead(&self) -> bool {
        let mut queue = self.queue.lock();
        let vacant = !queue.led && !queue.pending.is_empty();
        queue.led = queue.led || vacant;
        vacant
    }

    /// Leads with a job that came first. Who had no company the last time expects none.
    fn lead_first(&self, job: J, had_company: bool, apply: &impl Fn(Vec<J>) -> Vec<Result<T>>) -> Result<T> {
        let mut jobs = vec![job];
        let seats = match had_company {
            true => self.take_company(&mut jobs),
            false => Vec::new(),
        };
        let mut results = apply_all(jobs, apply);
        let own = results.next().unwrap_or_else(|| Err(unanswered()));
        self.hand_out(&seats, results);
        own
    }

    fn lead(&self, apply: &impl Fn(Vec<J>) -> Vec<Result<T>>) {
        let mut jobs = Vec::new();
        let seats = self.take_company(&mut jobs);
        self.hand_out(&seats, apply_all(jobs, apply));
    }

    /// Takes what waits, behind the leader's own job if there is one.
    fn take_company(&self, jobs: &mut Vec<J>) -> Vec<Arc<Seat<T>>> {
        if self.queue.lock().had_company {
            yield_now();
        }
        let mut queue = self.queue.lock();
        let seats = queue.pending.drain(..).map(|waiter| {
            jobs.push(waiter.job);
            waiter.seat
        });
        let seats = seats.collect();
        queue.had_company = jobs.len() > 1;
        seats
    }

    fn hand_out(&self, seats: &[Arc<Seat<T>>], mut results: impl Iterator<Item = Result<T>>) {
        for seat in seats {
            seat.settle(SeatState::Done(results.next().unwrap_or_else(|| Err(unanswered()))));
        }
        self.lay_down();
    }
}

/// Where a caller stands.
enum Arrival<J, T> {
    /// At the head: it leads, and nobody was there before.
    First { job: J, had_company: bool },
    /// Among others, and leads them or waits.
    Seated { seat: Arc<Seat<T>>, leads: bool },
}

/// The lead of somebody who is alone, laid down whatever becomes of the work.
struct LaidDown<'a, J, T>(&'a GroupCommit<J, T>);

impl<J, T> Drop for LaidDown<'_, J, T> {
    fn drop(&mut self) {
        self.0.lay_down();
    }
}

/// The results of jobs; the same error for each if `apply` panics.
fn apply_all<J, T>(jobs: Vec<J>, apply: &impl Fn(Vec<J>) -> Vec<Result<T>>) -> std::vec::IntoIter<Result<T>> {
    let count = jobs.len();
    let results = caught(|| Ok(apply(jobs))).unwrap_or_else(|error| {
        let error = error.during(UNKNOWN);
        (0..count).map(|_| Err(error.clone())).collect()
    });
    results.into_iter()
}

const UNKNOWN: &str = "commit; whether the change was kept is not known: read before a retry";

/// For whom `apply` had no result: without one it would wait for ever.
fn unanswered() -> Error {
    Error::new(Kind::Panic, "the batch had fewer results than changes").during(UNKNOWN)
}

impl<T> Seat<T> {
    fn new() -> Self {
        Self {
            state: Mutex::new(SeatState::Waiting),
            changed: Condvar::new(),
        }
    }

    /// Waits for the result, or for a call to lead.
    fn next(&self) -> Option<Result<T>> {
        let mut state = self.state.lock();
        loop {
            match std::mem::replace(&mut *state, SeatState::Waiting) {
                SeatState::Done(result) => return Some(result),
                SeatState::Called => return None,
                SeatState::Waiting => state = wait(&self.changed, state),
            }
        }
    }

    /// A call never takes the place of a result: whoever waits for it would sleep for ever.
    fn settle(&self, news: SeatState<T>) {
        let mut state = self.state.lock();
        if !matches!(*state, SeatState::Done(_)) {
            *state = news;
        }
        drop(state);
        self.changed.notify_one();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_caller_gets_its_own_result() {
        let commit = GroupCommit::new();
        let batches = AtomicUsize::new(0);
        let apply = |jobs: Vec<u32>| {
            batches.fetch_add(1, Ordering::Relaxed);
            jobs.into_iter().map(|job| Ok(job * 2)).collect()
        };
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let (commit, apply) = (&commit, &apply);
                scope.spawn(move || {
                    for number in 0..1000 {
                        let job = thread * 1000 + number;
                        assert_eq!(commit.submit(job, apply), Ok(job * 2));
                    }
                });
            }
        });
        assert!(batches.load(Ordering::Relaxed) <= 8000);
    }

    #[test]
    fn whoever_gets_no_result_is_told_so_and_waits_for_nothing() {
        let commit = GroupCommit::<u32, u32>::new();
        let error = commit.submit(1, |_| Vec::new()).unwrap_err();
        assert_eq!(error.kind(), Kind::Panic);
        assert_eq!(commit.submit(2, |jobs| jobs.into_iter().map(Ok).collect()), Ok(2));
    }

    #[test]
    fn a_panic_while_committing_is_an_error_for_all_and_the_queue_goes_on() {
        let commit = GroupCommit::new();
        let apply = |jobs: Vec<bool>| -> Vec<Result<()>> {
            assert!(!jobs.contains(&true), "forced");
            jobs.into_iter().map(|_| Ok(())).collect()
        };
        let error = commit.submit(true, apply).unwrap_err();
        assert_eq!(error.kind(), Kind::Panic);
        assert_eq!(commit.submit(false, apply), Ok(()));
    }
}

#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::atomic::{AtomicU32, Ordering};
    use loom::thread;

    fn submit_all(threads: u32, jobs_each: u32) {
        let commit = Arc::new(GroupCommit::new());
        let applied = Arc::new(AtomicU32::new(0));
        let run = move |commit: &GroupCommit<u32, u32>, applied: &AtomicU32, first: u32| {
            for job in first..first + jobs_each {
                let result = commit.submit(job, |jobs| {
                    applied.fetch_add(jobs.len() as u32, Ordering::Relaxed);
                    jobs.into_iter().map(Ok).collect()
                });
                assert_eq!(result, Ok(job));
            }
        };
        let others: Vec<_> = (1..threads)
            .map(|index| {
                let (commit, applied) = (Arc::clone(&commit), Arc::clone(&applied));
                thread::spawn(move || run(&commit, &applied, index * 10))
            })
            .collect();
        run(&commit, &applied, 0);
        for other in others {
            other.join().unwrap();
        }
        assert_eq!(applied.load(Ordering::Relaxed), threads * jobs_each);
    }

    #[test]
    fn loom_two_callers_with_two_jobs_each_are_all_answered() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| submit_all(2, 2));
    }

    /// What is done alone is done while nobody commits, and everybody is answered.
    #[test]
    fn loom_two_callers_and_one_who_wants_to_be_alone_are_all_answered() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let commit = Arc::new(GroupCommit::new());
            let busy = Arc::new(AtomicU32::new(0));
            let submitter = |commit: Arc<GroupCommit<u32, u32>>, busy: Arc<AtomicU32>| {
                move || {
                    let apply = |jobs: Vec<u32>| {
                        assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0);
                        busy.fetch_sub(1, Ordering::SeqCst);
                        jobs.into_iter().map(Ok).collect()
                    };
                    assert_eq!(commit.submit(7, apply), Ok(7));
                }
            };
            let other = thread::spawn(submitter(Arc::clone(&commit), Arc::clone(&busy)));
            let loner = {
                let (commit, busy) = (Arc::clone(&commit), Arc::clone(&busy));
                thread::spawn(move || {
                    commit.alone(|| {
                        assert_eq!(busy.fetch_add(1, Ordering::SeqCst), 0);
                        busy.fetch_sub(1, Ordering::SeqCst);
                    });
                })
            };
            submitter(Arc::clone(&commit), Arc::clone(&busy))();
            other.join().unwrap();
            loner.join().unwrap();
        });
    }

    #[test]
    fn loom_a_done_waiter_never_waits_again() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| submit_all(3, 1));
    }
}

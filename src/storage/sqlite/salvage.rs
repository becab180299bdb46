//! What can be read of a damaged store, copied into a new one.
//!
//! Segments keep their numbers, so what forks share they share again. A session keeps what lies before the first message
//! that cannot be read; every run of messages behind a hole becomes a session of its own. Counters are counted anew, the
//! search index is to be made anew, and nothing is written to the source: even its log is read from a copy.

mod plan;
mod source;
mod target;

use super::claim::{self, file_id};
use super::failure::Site;
use super::new_file::NewFile;
use crate::error::{Error, Kind, Result};
use crate::model::{ReadyMessage, SalvageReport};
use plan::{Plan, Session, Stretch};
use source::Source;
use std::ops::RangeInclusive;
use std::time::Duration;
use target::{Run, Target};

/// Nobody else has the target, so there is nobody to wait for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Copies what can be read. The source stays as it is; the target must not exist.
pub(crate) fn salvage(source: &str, target: &str) -> Result<SalvageReport> {
    let from = Site::new(source, PATIENCE);
    if !from.path.is_file() {
        return Err(Error::new(Kind::NotFound, format!("there is no file {source}")));
    }
    let file = file_id(&from.path).map_err(|error| source::unreadable(&from, &error))?;
    if claim::is_open_here(&file) {
        return Err(Error::new(
            Kind::Busy,
            format!(
                "{source} is open in this process; close it first: to read the file behind its back could damage it"
            ),
        ));
    }
    let into = NewFile::begin(target, false, Some(&file), PATIENCE)?;
    let source = Source::open(&from, &into)?;
    let mut salvage = Salvage {
        target: Target::create(&into)?,
        report: SalvageReport::default(),
        lost: Vec::new(),
        source: &source,
    };
    let mut plan = Plan::read(&source, &mut salvage.report.problems)?;
    salvage.target.numbers_begin_after(plan.highest_number);
    salvage.segments(&mut plan)?;
    for session in &plan.sessions {
        salvage.session(&plan, session)?;
    }
    for segment in &plan.without_session {
        salvage.orphans(*segment, plan.most_messages)?;
    }
    let Salvage {
        target,
        mut report,
        lost,
        ..
    } = salvage;
    if report.sessions + report.sessions_added == 0 && report.problems.count > 0 {
        return Err(Error::new(
            Kind::Corrupt,
            format!("nothing of {} can be read; no new store was made", from.location),
        ));
    }
    report.messages_lost = count_once(lost);
    report.messages = target.close()?;
    into.place()?;
    Ok(report)
}

struct Salvage<'a> {
    source: &'a Source,
    target: Target,
    report: SalvageReport,
    /// Ranges of keys that could not be read; one that forks share comes once for each.
    lost: Vec<(i64, i64)>,
}

impl Salvage<'_> {
    /// Copies each segment up to the first message that cannot be read, or that follows on one.
    fn segments(&mut self, plan: &mut Plan) -> Result<()> {
        let numbers: Vec<u32> = plan.segments.keys().copied().collect();
        for number in numbers {
            let Some(segment) = plan.segments.get(&number).copied() else {
                continue;
            };
            let Some(mut place) = self.target.place_before(plan, &segment)? else {
                continue;
            };
            let mut intact_to = segment.first.saturating_sub(1);
            self.source
                .each(number, segment.first, segment.last, &mut |places, message| {
                    let Some(message) = message else { return Ok(false) };
                    self.target.message(number, &mut place, &message)?;
                    intact_to = *places.end();
                    Ok(true)
                })?;
            if let Some(segment) = plan.segments.get_mut(&number) {
                segment.intact_to = Some(intact_to);
            }
        }
        Ok(())
    }

    /// Writes a session with what lies before its first hole, and what lies behind it as sessions of their own.
    fn session(&mut self, plan: &Plan, session: &Session) -> Result<()> {
        let kept_to = plan.kept_of(session);
        if session.row_is_lost && kept_to == 0 && !self.has_messages(session)? {
            self.report.sessions_lost += 1;
            self.report.problems.add(format!(
                "session '{}' cannot be read, nor any message of it",
                session.id
            ));
            return Ok(());
        }
        self.report.sessions += 1;
        if session.row_is_lost {
            self.report.problems.add(format!(
                "session '{}': nothing but its id and messages can be read of it",
                session.id
            ));
        }
        self.target.session(plan, session, kept_to)?;
        self.target
            .tags_and_receipts(self.source, session, kept_to, &mut self.report.problems)?;
        if kept_to < session.head_seq {
            self.behind_the_hole(session, kept_to)?;
        }
        Ok(())
    }

    fn has_messages(&self, session: &Session) -> Result<bool> {
        let mut found = false;
        for part in &session.path {
            self.source
                .each(part.segment, part.first, part.last, &mut |_, message| {
                    found |= message.is_some();
                    Ok(!found)
                })?;
        }
        Ok(found)
    }

    fn behind_the_hole(&mut self, session: &Session, kept_to: u32) -> Result<()> {
        let mut holes = Holes {
            next: kept_to + 1,
            last_readable: kept_to,
            run: None,
        };
        for part in &session.path {
            let first = part.first.max(holes.next);
            if first > part.last {
                continue;
            }
            self.not_on_the_path(session, &mut holes, first)?;
            let part = Stretch { first, ..*part };
            self.source
                .each(part.segment, part.first, part.last, &mut |places, message| {
                    self.behind(session, &mut holes, &part, places, message)
                })?;
        }
        self.not_on_the_path(session, &mut holes, session.head_seq.saturating_add(1))?;
        self.end_run(session, &mut holes, session.head_seq.saturating_add(1))
    }

    /// Messages that should be there, and of which nothing says where.
    fn not_on_the_path(&mut self, session: &Session, holes: &mut Holes, until: u32) -> Result<()> {
        if holes.next < until {
            let next = holes.next;
            self.end_run(session, holes, next)?;
            // No key is known for them: numbers below zero stand for them.
            let key = |seq: u32| -super::rows::message_key(session.number, seq);
            self.lost.push((key(until - 1), key(next)));
            holes.next = until;
        }
        Ok(())
    }

    fn behind(
        &mut self,
        session: &Session,
        holes: &mut Holes,
        part: &Stretch,
        places: RangeInclusive<u32>,
        message: Option<ReadyMessage>,
    ) -> Result<bool> {
        let (first, last) = places.into_inner();
        match message {
            Some(message) => {
                if holes.run.is_none() {
                    holes.run = Some(self.begin_run(session, holes, first));
                }
                if let Some(run) = &mut holes.run {
                    self.target.message_of(run, &message)?;
                }
            }
            None => {
                self.end_run(session, holes, first)?;
                let key = |seq: u32| super::rows::message_key(part.segment, seq);
                // More than the file has room for never were there: the key behind the gap is wrong.
                if last - first < self.source.most_messages {
                    self.lost.push((key(first), key(last)));
                }
            }
        }
        holes.next = last + 1;
        Ok(true)
    }

    fn begin_run(&mut self, session: &Session, holes: &Holes, seq: u32) -> Run {
        let id = self.target.free_id(
            &session.id,
            &format!(" (salvaged after message {})", holes.last_readable),
        );
        self.report.problems.add(format!(
            "session '{}': {} cannot be read; what follows is in session '{id}'",
            session.id,
            messages(holes.last_readable + 1, seq - 1)
        ));
        self.target.begin_run(session, id)
    }

    /// What comes at `seq` does not follow on the run.
    fn end_run(&mut self, session: &Session, holes: &mut Holes, seq: u32) -> Result<()> {
        if let Some(run) = holes.run.take() {
            self.target.end_run(run)?;
            self.report.sessions_added += 1;
            holes.last_readable = seq - 1;
        } else if seq > session.head_seq && holes.last_readable < session.head_seq {
            self.report.problems.add(format!(
                "session '{}': {} cannot be read",
                session.id,
                messages(holes.last_readable + 1, session.head_seq)
            ));
        }
        Ok(())
    }

    /// Messages that no session which can be read has.
    fn orphans(&mut self, segment: u32, most: u32) -> Result<()> {
        let Some((first, last)) = self.source.ends_of(segment, most)? else {
            return Ok(());
        };
        let session = Session::unknown(segment, first, last);
        let mut holes = Holes {
            next: first,
            last_readable: first - 1,
            run: None,
        };
        let part = Stretch { first, last, segment };
        self.source.each(segment, first, last, &mut |places, message| {
            self.behind(&session, &mut holes, &part, places, message)
        })?;
        self.end_run(&session, &mut holes, last.saturating_add(1))
    }
}

/// Where one stands behind the first hole of a session.
struct Holes {
    next: u32,
    /// The last message before the hole.
    last_readable: u32,
    /// The session that is being made of the messages that follow one another.
    run: Option<Run>,
}

fn messages(first: u32, last: u32) -> String {
    match last.checked_sub(first) {
        None => "its beginning".to_owned(),
        Some(0) => format!("message {first}"),
        Some(_) => format!("messages {first} to {last}"),
    }
}

/// How many keys are in the ranges, each counted once.
fn count_once(mut ranges: Vec<(i64, i64)>) -> u64 {
    ranges.sort_unstable();
    let mut count = 0;
    let mut counted_to = i64::MIN;
    for (first, last) in ranges {
        let first = first.max(counted_to.saturating_add(1));
        if first <= last {
            count += (last - first + 1) as u64;
            counted_to = last;
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_twice_counts_once() {
        assert_eq!(count_once(vec![(5, 9), (-3, -1), (7, 12), (5, 5)]), 3 + 8);
        assert_eq!(count_once(Vec::new()), 0);
    }
}

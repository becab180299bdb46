//! What there should be: which sessions, where their messages lie, which segments they share.

use super::source::Source;
use crate::error::Result;
use crate::model::{Micros, Problems};
use std::collections::{BTreeMap, BTreeSet};

/// Everything that is to be read.
pub(super) struct Plan {
    pub(super) sessions: Vec<Session>,
    pub(super) segments: BTreeMap<u32, Segment>,
    /// Segments that no session which can be read has.
    pub(super) without_session: Vec<u32>,
    pub(super) highest_number: u32,
    /// No segment has more.
    pub(super) most_messages: u32,
}

/// A session, as far as its row can be read.
#[derive(Default)]
pub(super) struct Session {
    pub(super) number: u32,
    pub(super) id: String,
    /// Only the id is known, from its index.
    pub(super) row_is_lost: bool,
    pub(super) user_id: String,
    pub(super) name: Option<String>,
    pub(super) title: String,
    pub(super) model: String,
    pub(super) summary: String,
    pub(super) metadata: String,
    pub(super) status: i32,
    pub(super) window_tokens: Option<i64>,
    pub(super) created: Micros,
    pub(super) updated: Micros,
    pub(super) expires: Option<Micros>,
    pub(super) expires_after: Option<Micros>,
    pub(super) max_bytes: Option<i64>,
    pub(super) parent: Option<i64>,
    pub(super) fork_seq: u32,
    pub(super) revision: i64,
    pub(super) summary_tokens: u32,
    pub(super) head_seq: u32,
    pub(super) tail_segment: u32,
    pub(super) tail_first_seq: u32,
    /// In order, the own part last.
    pub(super) path: Vec<Stretch>,
}

/// A part of a path that lies in one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) segment: u32,
}

/// A segment, as those see it who have it on their paths.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) first: u32,
    /// The last message that anybody has.
    pub(super) last: u32,
    /// The segment before it on everybody's path.
    pub(super) before: Option<u32>,
    /// The last message that could be read, with all before it; `None` if already what comes before could not be.
    pub(super) intact_to: Option<u32>,
}

impl Session {
    /// Whoever once had the messages of a segment.
    pub(super) fn unknown(segment: u32, first: u32, last: u32) -> Self {
        Self {
            number: segment,
            id: format!("segment {segment}"),
            metadata: "{}".to_owned(),
            status: 1,
            created: crate::model::now(),
            updated: crate::model::now(),
            revision: 1,
            head_seq: last,
            tail_segment: segment,
            tail_first_seq: first,
            ..Self::default()
        }
    }
}

impl Session {
    /// Whether its path covers everything up to a message.
    pub(super) fn is_whole_until(&self, seq: u32) -> bool {
        let mut next = 1;
        for part in &self.path {
            if part.first == next {
                next = part.last + 1;
            }
        }
        next > seq
    }
}

impl Plan {
    pub(super) fn read(source: &Source, problems: &mut Problems) -> Result<Self> {
        if source.unusable_log_pages > 0 {
            problems.add(format!(
                "the write-ahead log ends with {} pages that were not committed or are damaged",
                source.unusable_log_pages
            ));
        }
        let mut sessions = Vec::new();
        for (key, id) in known_sessions(source, problems)? {
            let Ok(number) = u32::try_from(key) else { continue };
            if let Some(session) = read_session(source, number, id, problems)? {
                sessions.push(session);
            }
        }
        let mut plan = Self {
            segments: BTreeMap::new(),
            without_session: Vec::new(),
            highest_number: highest_number(source, &sessions)?,
            most_messages: source.most_messages,
            sessions,
        };
        plan.note_segments();
        plan.find_segments_without_session(source, problems)?;
        Ok(plan)
    }

    fn note_segments(&mut self) {
        for session in &self.sessions {
            let mut before: Option<Stretch> = None;
            for part in &session.path {
                let follows = before.filter(|before| before.last.checked_add(1) == Some(part.first));
                let segment = self.segments.entry(part.segment).or_insert(Segment {
                    first: part.first,
                    last: part.last,
                    before: follows.map(|before| before.segment),
                    intact_to: None,
                });
                segment.last = segment.last.max(part.last);
                before = Some(*part);
            }
        }
    }

    /// Segments that are in the table of messages and on nobody's path.
    fn find_segments_without_session(&mut self, source: &Source, problems: &mut Problems) -> Result<()> {
        let mut number = 0;
        let mut unreadable = 0;
        loop {
            let found = match source.next_segment(number)? {
                Some(None) => return Ok(()),
                Some(Some(found)) => found,
                // Its beginning cannot be read; its end may.
                None => {
                    if unreadable == 0 {
                        problems.add("the table of messages has places that cannot be read");
                    }
                    unreadable += 1;
                    if number > self.highest_number || unreadable > source.most_probes() {
                        return Ok(());
                    }
                    number
                }
            };
            // No number is higher: what seems to lie there does not.
            if found > i32::MAX as u32 {
                return Ok(());
            }
            if !self.segments.contains_key(&found) && source.ends_of(found, self.most_messages)?.is_some() {
                self.without_session.push(found);
                self.highest_number = self.highest_number.max(found);
            }
            number = found + 1;
        }
    }

    /// Whether a session with this number can be read.
    pub(super) fn has_session(&self, number: i64) -> bool {
        self.sessions
            .binary_search_by_key(&number, |session| i64::from(session.number))
            .is_ok()
    }

    /// The last message of a session that is there with all before it.
    pub(super) fn kept_of(&self, session: &Session) -> u32 {
        let mut kept = 0;
        let mut before = None;
        for part in &session.path {
            let Some(segment) = self.segments.get(&part.segment) else {
                break;
            };
            let is_as_others_see_it = segment.first == part.first && (part.first == 1 || segment.before == before);
            let Some(intact_to) = segment
                .intact_to
                .filter(|_| is_as_others_see_it && part.first == kept + 1)
            else {
                break;
            };
            kept = intact_to.min(part.last).max(kept);
            if kept < part.last {
                break;
            }
            before = Some(part.segment);
        }
        kept
    }
}

/// The numbers of all sessions, with their ids where the index of ids says them.
fn known_sessions(source: &Source, problems: &mut Problems) -> Result<BTreeMap<i64, Option<String>>> {
    let mut known = BTreeMap::new();
    for order in ["ASC", "DESC"] {
        let by_id =
            format!("SELECT key, id FROM sessions INDEXED BY sqlite_autoindex_sessions_1 ORDER BY id {order}");
        let (ids, all) = source.rows(&by_id, [], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))?;
        known.extend(ids);
        if all {
            break;
        }
    }
    let from_one_end = |order: &str| {
        let sql = format!("SELECT key FROM sessions NOT INDEXED ORDER BY key {order}");
        source.rows(&sql, [], |row| row.get::<_, i64>(0))
    };
    let (first, all) = from_one_end("ASC")?;
    let (last, _) = if all { (Vec::new(), true) } else { from_one_end("DESC")? };
    // What lies between two damaged pages is asked for one by one.
    let gap = (
        first.last().map_or(1, |key| key.saturating_add(1)),
        last.last().or(known.keys().next_back()).copied().unwrap_or(0),
    );
    for key in first.into_iter().chain(last) {
        known.entry(key).or_insert(None);
    }
    if !all {
        problems.add("the table of sessions has places that cannot be read");
        let probes = i64::from(source.most_probes());
        let from_the_front = gap.0..gap.1.min(gap.0.saturating_add(probes));
        let from_the_end = gap.1.saturating_sub(probes).max(from_the_front.end)..gap.1;
        for key in from_the_front.chain(from_the_end) {
            let there = source.row("SELECT 1 FROM sessions WHERE key = ?1", [key], |_| Ok(()))?;
            if there.flatten().is_some() {
                known.entry(key).or_insert(None);
            }
        }
    }
    Ok(known)
}

fn read_session(
    source: &Source,
    number: u32,
    id: Option<String>,
    problems: &mut Problems,
) -> Result<Option<Session>> {
    let key = i64::from(number);
    let row = source.row(
        "SELECT id, user_id, name, status, window_tokens, created, updated, expires, parent, fork_seq, tail_segment, \
         tail_first_seq, head_seq, revision, summary_tokens FROM sessions WHERE key = ?1",
        [key],
        |row| {
            Ok(Session {
                number,
                id: row.get(0)?,
                user_id: row.get(1)?,
                name: row.get(2)?,
                status: row.get(3)?,
                window_tokens: row.get(4)?,
                created: row.get(5)?,
                updated: row.get(6)?,
                expires: row.get(7)?,
                parent: row.get(8)?,
                fork_seq: row.get(9)?,
                tail_segment: row.get(10)?,
                tail_first_seq: row.get(11)?,
                head_seq: row.get(12)?,
                revision: row.get(13)?,
                summary_tokens: row.get(14)?,
                ..Session::default()
            })
        },
    )?;
    let mut session = match (row.flatten(), id) {
        (Some(session), _) => session,
        (None, None) => return Ok(None),
        (None, Some(id)) => Session {
            id,
            row_is_lost: true,
            ..Session::unknown(number, 1, 0)
        },
    };
    if crate::model::ids::check_id("id", &session.id).is_err() {
        // Nobody could open a session with such an id. It is not shown: it may hold anything.
        session.id = format!("session {number} (salvaged)");
        problems.add(format!(
            "the id of session {number} is none; it is '{}' now",
            session.id
        ));
    }
    if !session.row_is_lost {
        read_texts(source, &mut session, problems)?;
    }
    read_path(source, &mut session, problems)?;
    Ok(Some(session))
}

fn read_texts(source: &Source, session: &mut Session, problems: &mut Problems) -> Result<()> {
    let key = i64::from(session.number);
    let id = session.id.clone();
    let mut text = |column: &str| source.text(key, &id, column, problems);
    session.title = text("title")?.unwrap_or_default();
    session.model = text("model")?.unwrap_or_default();
    session.summary = text("summary")?.unwrap_or_default();
    session.metadata = text("metadata")?
        .filter(|json| crate::model::metadata::check_object("metadata", json).is_ok())
        .unwrap_or_else(|| "{}".to_owned());
    if session.summary.is_empty() {
        session.summary_tokens = 0;
    }
    if source.has_schema(2) {
        let sql = "SELECT expires_after, max_bytes FROM sessions WHERE key = ?1";
        let limits = source.row(sql, [key], |row| Ok((row.get(0)?, row.get(1)?)))?;
        (session.expires_after, session.max_bytes) = limits.flatten().unwrap_or_default();
    }
    Ok(())
}

/// Puts together where the messages lie. Numbers that cannot be are not followed.
fn read_path(source: &Source, session: &mut Session, problems: &mut Problems) -> Result<()> {
    if session.row_is_lost {
        let first = source.row(
            "SELECT first_seq FROM segments WHERE segment = ?1",
            [session.tail_segment],
            |row| row.get(0),
        )?;
        session.tail_first_seq = first.flatten().unwrap_or(1);
    }
    let mut path = before_the_own_part(source, session, problems)?;
    let ends = source.ends_of(session.tail_segment, source.most_messages)?;
    let known_last = ends.map_or(session.tail_first_seq.saturating_sub(1), |(_, last)| last);
    if session.row_is_lost || session.head_seq > source.most_messages {
        session.head_seq = known_last.min(source.most_messages);
    }
    path.push(Stretch {
        first: session.tail_first_seq,
        last: session.head_seq,
        segment: session.tail_segment,
    });
    let mut next = 1;
    path.retain(|part| {
        let fits = part.first >= next && part.first <= part.last && part.last <= session.head_seq;
        if fits {
            next = part.last + 1;
        }
        fits
    });
    session.path = path;
    Ok(())
}

/// Follows the tree of segments to its root.
fn before_the_own_part(source: &Source, session: &Session, problems: &mut Problems) -> Result<Vec<Stretch>> {
    let mut before = Vec::new();
    let (mut segment, mut first) = (session.tail_segment, session.tail_first_seq);
    while first > 1 {
        let parent = source.row(
            "SELECT own.parent, coalesce(parent.first_seq, 1) FROM segments own \
             LEFT JOIN segments parent ON parent.segment = own.parent WHERE own.segment = ?1",
            [segment],
            |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?)),
        )?;
        let Some((parent, parents_first)) = parent.flatten().filter(|parent| parent.1 < first) else {
            problems.add(format!(
                "session '{}': where its messages before {first} lie cannot be read",
                session.id
            ));
            break;
        };
        before.push(Stretch {
            first: parents_first,
            last: first - 1,
            segment: parent,
        });
        (segment, first) = (parent, parents_first);
    }
    before.reverse();
    Ok(before)
}

/// The highest number that a session or a segment has or had.
fn highest_number(source: &Source, sessions: &[Session]) -> Result<u32> {
    let noted = source.row("SELECT value FROM meta WHERE name = 'last_key'", [], |row| {
        row.get::<_, u32>(0)
    })?;
    let numbers: BTreeSet<u32> = sessions
        .iter()
        .flat_map(|session| session.path.iter().map(|part| part.segment).chain([session.number]))
        .filter(|number| *number <= i32::MAX as u32)
        .collect();
    Ok(numbers
        .last()
        .copied()
        .unwrap_or(0)
        .max(noted.flatten().filter(|number| *number <= i32::MAX as u32).unwrap_or(0)))
}

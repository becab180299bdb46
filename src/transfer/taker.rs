//! Takes in what an importer finds: checks it like what is appended, keeps what is new, and reports the rest.

pub(crate) use super::conversation::{Conversation, ForkedFrom, IncomingMessage, SharedWith};
use super::draft::LAST_TIME;
use super::report::Losses;
use super::{Existing, Format, ImportReport, Problem, ProblemKind, mend};
use crate::error::{During, Error, Kind, Result};
use crate::model::fingerprint::Fingerprint;
use crate::model::{AppendOptions, MessageFlags, Micros, NewMessage, NewSession, ReadyMessage, Role, ids, now};
use crate::storage::mutation::{Append, Create, Delete, Import, Settle};
use crate::storage::{Importing, Mutation, Outcome, SessionKey, print_with, unexpected};
use std::collections::HashMap;
use std::sync::Arc;

/// What a taker needs of the store: a new message counted and dated, a new session as it would be created.
pub(crate) trait Ready {
    /// Checks a message, and fills in what is left to the store.
    fn message(&self, message: NewMessage) -> Result<ReadyMessage>;
    /// Checks a session, and fills in what is left to the store.
    fn session(&self, session: NewSession) -> Result<Create>;
}

/// Is told how many bytes or rows of the source are read, and of how many; `false` stops.
pub(crate) type Progress<'a> = dyn FnMut(u64, u64) -> bool + 'a;

/// Messages are handed to the storage when so many wait, or so many bytes of them.
const BATCH_MESSAGES: usize = 256;
const BATCH_BYTES: u64 = 1 << 20;

/// Takes conversations in, one after the other. What is wrong with a conversation is reported, and nothing of it is kept;
/// what fails otherwise is an error, and ends the import.
pub(crate) struct Taker<'a> {
    importing: &'a mut dyn Importing,
    ready: &'a dyn Ready,
    existing: Existing,
    progress: &'a mut Progress<'a>,
    /// How much of the source was read when that was last told, and of how much.
    told: (u64, u64),
    report: ImportReport,
    losses: Losses,
    tokens: u64,
    /// By their ids in the source.
    taken: HashMap<String, Taken>,
    /// Sessions that are only there for those that share messages of them, until the end.
    carriers: Vec<String>,
    /// The last number that was put behind an id.
    numbers: HashMap<String, u64>,
    current: Option<Current>,
}

/// A conversation that came before.
#[derive(Clone)]
struct Taken {
    /// Where its messages are; `None` if they are not.
    messages: Option<SessionKey>,
    /// What forks of it name as their parent.
    parent: Option<SessionKey>,
}

/// The conversation that is coming in.
struct Current {
    source_id: String,
    place: String,
    fate: Fate,
    messages: u64,
    tokens: u64,
    is_fork: bool,
    overwrites: bool,
    /// It is skipped, and compared with the session that is there.
    comparison: Option<Comparison>,
}

/// How a conversation meets the store.
#[derive(Clone, Copy)]
enum Arrival {
    New,
    /// The session that is there stays; what comes is kept until the end where others share messages of it.
    Skipped(SessionKey),
    Overwrites(SessionKey),
    Beside {
        is_second: bool,
    },
}

impl Arrival {
    fn is_carrier(self) -> bool {
        matches!(self, Self::Skipped(_))
    }
}

/// What is compared of a session that is skipped: the messages behind those that it shares.
struct Comparison {
    key: SessionKey,
    shared: u32,
    print: Fingerprint,
    messages: u64,
}

impl Comparison {
    fn add(&mut self, message: &NewMessage) {
        self.print = print_with(self.print, message.role, &message.content);
        self.messages += 1;
    }
}

enum Fate {
    /// Its messages are kept.
    Kept(Box<Coming>),
    /// Its messages are passed over, for a reason that was reported.
    PassedOver,
}

struct Coming {
    key: SessionKey,
    id: Arc<str>,
    /// Kept only for those that share messages of it.
    is_carrier: bool,
    settle: Settle,
    pending: Vec<ReadyMessage>,
    pending_bytes: u64,
    /// The calls of the step that a tool message would continue.
    step: Option<String>,
    last_created: Option<Micros>,
}

impl<'a> Taker<'a> {
    pub(crate) fn new(
        format: Format,
        importing: &'a mut dyn Importing,
        ready: &'a dyn Ready,
        existing: Existing,
        progress: &'a mut Progress<'a>,
    ) -> Self {
        Self {
            importing,
            ready,
            existing,
            progress,
            told: (0, 0),
            report: ImportReport::new(format),
            losses: Losses::default(),
            tokens: 0,
            taken: HashMap::new(),
            carriers: Vec::new(),
            numbers: HashMap::new(),
            current: None,
        }
    }

    /// Tells how far the source is read. Fails if the caller wants to stop.
    pub(crate) fn went_on(&mut self, told: (u64, u64)) -> Result<()> {
        if self.told == told && told.0 > 0 {
            return Ok(());
        }
        self.told = told;
        self.ask()
    }

    fn ask(&mut self) -> Result<()> {
        if (self.progress)(self.told.0, self.told.1) {
            return Ok(());
        }
        Err(Error::new(
            Kind::Aborted,
            "the progress callback stopped it; nothing was taken in",
        ))
    }

    /// Counts what the source has and a store cannot keep. `what` is in the plural: "images", "ratings".
    pub(crate) fn lost(&mut self, what: &'static str, count: u64) {
        self.losses.add(what, count);
    }

    /// Reports something of the source. Inside a conversation the id is that one's; how one that is skipped would have been
    /// changed is of no interest.
    pub(crate) fn report(&mut self, kind: ProblemKind, place: impl Into<String>, reason: impl Into<String>) {
        let is_skipped = self
            .current
            .as_ref()
            .is_some_and(|current| current.comparison.is_some());
        if is_skipped && kind == ProblemKind::Changed {
            return;
        }
        let session_id = self
            .current
            .as_ref()
            .map_or(String::new(), |current| current.source_id.clone());
        self.report.add(Problem {
            kind,
            session_id,
            place: place.into(),
            reason: reason.into(),
        });
    }

    /// Reports a conversation that cannot even begin.
    pub(crate) fn fail(&mut self, id: &str, place: impl Into<String>, reason: impl Into<String>) {
        self.report.failed += 1;
        self.report.add(Problem {
            kind: ProblemKind::Failed,
            session_id: id.to_owned(),
            place: place.into(),
            reason: reason.into(),
        });
    }

    /// A conversation begins.
    pub(crate) fn begin(&mut self, mut conversation: Conversation) -> Result<()> {
        let source_id = conversation.session.id.clone().unwrap_or_default();
        self.current = Some(Current {
            source_id: source_id.clone(),
            place: conversation.place.clone(),
            fate: Fate::PassedOver,
            messages: 0,
            tokens: 0,
            is_fork: conversation.shares.as_ref().is_some_and(|shares| shares.seq > 0),
            overwrites: false,
            comparison: None,
        });
        let is_second = !source_id.is_empty() && self.taken.contains_key(&source_id);
        if is_second && self.existing != Existing::KeepBoth {
            self.pass_over("its id stands in the source twice; only the first is taken in");
            return Ok(());
        }
        let changes = mend::session(&mut conversation.session);
        let existing = match &conversation.session.id {
            Some(id) => self.importing.find(id)?,
            None => None,
        };
        let fate = match (existing, self.existing) {
            (None, _) => Arrival::New,
            (Some(key), Existing::Skip) => Arrival::Skipped(key),
            (Some(key), Existing::Overwrite) => Arrival::Overwrites(key),
            (Some(_), Existing::KeepBoth) => Arrival::Beside { is_second },
        };
        if let Arrival::Skipped(key) = fate {
            self.skip(key, &conversation);
            if !conversation.is_shared {
                return Ok(());
            }
        } else {
            for change in changes {
                self.report(ProblemKind::Changed, conversation.place.clone(), change);
            }
        }
        self.importing.begin_session()?;
        let begun = self.try_begin(conversation, fate);
        self.settle_failure(begun)
    }

    /// The session of the store stays. What comes is compared with it, for the report at the end.
    fn skip(&mut self, key: SessionKey, conversation: &Conversation) {
        let Some(current) = &mut self.current else { return };
        current.comparison = Some(Comparison {
            key,
            shared: conversation.shares.as_ref().map_or(0, |shares| shares.seq),
            print: Fingerprint::new(),
            messages: 0,
        });
        let taken = Taken {
            messages: None,
            parent: Some(key),
        };
        self.taken.insert(current.source_id.clone(), taken);
    }

    fn try_begin(&mut self, mut conversation: Conversation, arrival: Arrival) -> Result<()> {
        check_numbers(&conversation)?;
        let shared = match &conversation.shares {
            Some(shares) if shares.seq > 0 => Some(self.messages_of(shares)?),
            _ => None,
        };
        let (parent, fork_seq) = self.origin(&conversation);
        let forks = self.make_room(arrival)?;
        self.name(&mut conversation, arrival)?;
        let own_limit = conversation.session.max_bytes;
        let mut create = self.ready.session(std::mem::take(&mut conversation.session))?;
        create.now = conversation.created.unwrap_or(create.now);
        if own_limit.is_some() {
            // For what comes: more than that may be there.
            create.session.max_bytes = None;
        }
        create.summary_tokens = conversation.summary_tokens.unwrap_or(create.summary_tokens);
        let id: Arc<str> = create.id.as_str().into();
        let outcome = self.importing.apply(&Mutation::Import(Import { create, shared }))?;
        let Outcome::Created(head) = outcome else {
            return Err(unexpected(&outcome));
        };
        let step = match shared {
            Some(_) => self.importing.open_calls(head.key)?,
            None => None,
        };
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        current.overwrites = matches!(arrival, Arrival::Overwrites(_));
        current.fate = Fate::Kept(Box::new(Coming {
            key: head.key,
            id: Arc::clone(&id),
            is_carrier: arrival.is_carrier(),
            settle: Settle {
                key: head.key,
                id,
                status: conversation.status,
                created: conversation.created,
                updated: conversation.updated,
                revision: conversation.revision,
                parent,
                fork_seq,
                forks,
                max_bytes: own_limit,
                receipts: conversation.receipts,
                now: now(),
            },
            pending: Vec::new(),
            pending_bytes: 0,
            step,
            last_created: None,
        }));
        Ok(())
    }

    /// What it was forked from, if that is in the store, and the last message that both had then.
    fn origin(&mut self, conversation: &Conversation) -> (Option<SessionKey>, u32) {
        let from = match &conversation.forked_from {
            ForkedFrom::AsShared => conversation.shares.as_ref(),
            ForkedFrom::Another(other) => Some(other),
            ForkedFrom::Gone(seq) => return (None, *seq),
        };
        let Some(from) = from else { return (None, 0) };
        let parent = self.taken.get(&from.id).and_then(|taken| taken.parent);
        if parent.is_none() {
            self.lost("parents of forks that are not in the source", 1);
        }
        (parent, from.seq)
    }

    /// Deletes what is overwritten. Its forks, which that gives to its own parent, are given to what takes its place.
    fn make_room(&mut self, arrival: Arrival) -> Result<Vec<(SessionKey, u32)>> {
        let (Arrival::Overwrites(key), Some(current)) = (arrival, &self.current) else {
            return Ok(Vec::new());
        };
        let forks = self.importing.forks_of(key)?;
        let delete = Delete {
            id: current.source_id.clone(),
            erase: false,
            now: now(),
        };
        self.importing.apply(&Mutation::Delete(delete))?;
        Ok(forks)
    }

    /// Gives it an id and a name that nobody has.
    fn name(&mut self, conversation: &mut Conversation, arrival: Arrival) -> Result<()> {
        let session = &mut conversation.session;
        match arrival {
            Arrival::New | Arrival::Overwrites(_) => {}
            // One that nobody can know: what comes later in the source may have any other.
            Arrival::Skipped(_) => {
                session.id = Some(ids::new_session_id());
                session.name = None;
            }
            Arrival::Beside { is_second } => {
                let taken = session.id.take().unwrap_or_default();
                let id = self.free_id(&taken)?;
                let whose = if is_second {
                    "the source has it twice"
                } else {
                    "the store has it already"
                };
                let reason = format!("its id '{taken}' is taken ({whose}); it is '{id}' now");
                session.id = Some(id);
                self.report(ProblemKind::Changed, conversation.place.clone(), reason);
            }
        }
        self.free_name(&mut conversation.session, &conversation.place)
    }

    /// Whether a conversation that came before can share its messages.
    pub(crate) fn has_messages_of(&self, id: &str) -> bool {
        self.taken.get(id).is_some_and(|taken| taken.messages.is_some())
    }

    /// Whether what comes now is taken in for good: what is remarked on it is worth telling.
    pub(crate) fn takes_in(&self) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| matches!(&current.fate, Fate::Kept(coming) if !coming.is_carrier))
    }

    /// Whether anybody looks at the messages of what comes now.
    pub(crate) fn wants_messages(&self) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| matches!(current.fate, Fate::Kept(_)) || current.comparison.is_some())
    }

    fn messages_of(&self, shares: &SharedWith) -> Result<(SessionKey, u32)> {
        let taken = self.taken.get(&shares.id).and_then(|taken| taken.messages);
        let key = taken.ok_or_else(|| {
            Error::invalid(format!(
                "it shares messages with '{}', which does not come before it, or was not taken in",
                shares.id
            ))
        })?;
        Ok((key, shares.seq))
    }

    /// An id that is not in the store: the one given, and a number behind it.
    fn free_id(&mut self, id: &str) -> Result<String> {
        let first = self.numbers.get(id).copied().unwrap_or(1) + 1;
        for number in first.. {
            let free = ids::with_end(id, &format!(" ({number})"));
            if self.importing.find(&free)?.is_none() {
                self.numbers.insert(id.to_owned(), number);
                return Ok(free);
            }
        }
        Ok(ids::new_session_id())
    }

    /// A name is unique among its owner's sessions; the second to come goes without.
    fn free_name(&mut self, session: &mut NewSession, place: &str) -> Result<()> {
        let Some(name) = &session.name else { return Ok(()) };
        if self.importing.name_is_taken(&session.user_id, name)? {
            let reason = format!("another session of this owner has the name '{name}'; it has none now");
            if session.title.is_empty() {
                session.title.clone_from(name);
            }
            session.name = None;
            self.report(ProblemKind::Changed, place, reason);
        }
        Ok(())
    }

    /// The next message of the conversation.
    pub(crate) fn message(&mut self, incoming: IncomingMessage) -> Result<()> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        if let Some(comparison) = &mut current.comparison {
            comparison.add(&incoming.message);
        }
        let Fate::Kept(coming) = &mut current.fate else {
            return Ok(());
        };
        current.messages += 1;
        let (number, place) = (current.messages, current.place.clone());
        let mut message = incoming.message;
        let changed = mend::message(&mut message, coming.step.as_deref());
        message.created = message.created.or(coming.last_created);
        coming.last_created = message.created;
        let ready = self.ready.message(message).during(|| format!("message {number}"));
        match ready {
            Ok(mut ready) => {
                if incoming.estimated {
                    ready.flags = ready.flags.with(MessageFlags::ESTIMATED);
                }
                if ready.role != Role::Tool {
                    coming.step.clone_from(&ready.tool_calls);
                }
                current.tokens += u64::from(ready.tokens);
                coming.pending_bytes += ready.bytes();
                coming.pending.push(ready);
            }
            Err(error) => return self.settle_failure(Err(error)),
        }
        let full = coming.pending.len() >= BATCH_MESSAGES || coming.pending_bytes >= BATCH_BYTES;
        if let Some(change) = changed
            && !coming.is_carrier
        {
            self.report(ProblemKind::Changed, format!("{place}, message {number}"), change);
        }
        if full {
            let flushed = self.flush();
            return self.settle_failure(flushed);
        }
        Ok(())
    }

    /// The conversation cannot be kept: nothing of it stays, and the report says why.
    pub(crate) fn refuse(&mut self, reason: impl Into<String>) -> Result<()> {
        if !matches!(&self.current, Some(current) if matches!(current.fate, Fate::Kept(_))) {
            return Ok(());
        }
        self.settle_failure(Err(Error::invalid(reason)))
    }

    /// The conversation ends.
    pub(crate) fn end(&mut self) -> Result<()> {
        let ended = self.flush().and_then(|()| self.settle());
        self.settle_failure(ended)?;
        self.report_skipped()?;
        self.current = None;
        Ok(())
    }

    fn report_skipped(&mut self) -> Result<()> {
        let Some(current) = &self.current else { return Ok(()) };
        let Some(comparison) = &current.comparison else {
            return Ok(());
        };
        let (there, print) = self.importing.print_of(comparison.key, comparison.shared)?;
        let shared = u64::from(comparison.shared);
        let (here, place) = (shared + comparison.messages, current.place.clone());
        let reason = if there == comparison.messages && print == comparison.print {
            "the store has this session already, with the same messages".to_owned()
        } else {
            self.losses.add("other versions of sessions that are there already", 1);
            format!(
                "the store has another version of this session: {} messages there, {here} in the source; it stays as it is; \
                 overwrite it, or keep both",
                shared + there
            )
        };
        self.report.skipped += 1;
        self.report(ProblemKind::Skipped, place, reason);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let Some(Current {
            fate: Fate::Kept(coming),
            ..
        }) = &mut self.current
        else {
            return Ok(());
        };
        if coming.pending.is_empty() {
            return Ok(());
        }
        coming.pending_bytes = 0;
        let append = Append {
            key: coming.key,
            id: Arc::clone(&coming.id),
            messages: std::mem::take(&mut coming.pending),
            options: AppendOptions::default(),
            memo: None,
            now: coming.settle.created.unwrap_or(coming.settle.now),
        };
        // One conversation can be much of a source, and is read as a whole before any of it comes here.
        self.ask()?;
        self.importing.apply(&Mutation::Append(append)).map(drop)
    }

    fn settle(&mut self) -> Result<()> {
        let Some(current) = &mut self.current else {
            return Ok(());
        };
        let Fate::Kept(coming) = &current.fate else {
            return Ok(());
        };
        if !coming.is_carrier {
            self.importing.apply(&Mutation::Settle(coming.settle.clone()))?;
            self.report.sessions += 1;
            self.report.messages += current.messages;
            self.report.forks += u64::from(current.is_fork);
            self.report.overwritten += u64::from(current.overwrites);
            self.tokens += current.tokens;
        } else {
            self.carriers.push(coming.id.to_string());
        }
        let before = self.taken.get(&current.source_id).and_then(|taken| taken.parent);
        let taken = Taken {
            messages: Some(coming.key),
            parent: before.filter(|_| coming.is_carrier).or(Some(coming.key)),
        };
        self.taken.insert(current.source_id.clone(), taken);
        self.importing.keep_session()
    }

    /// What is the conversation's fault undoes it and is reported; anything else goes on as an error.
    fn settle_failure(&mut self, result: Result<()>) -> Result<()> {
        let Err(error) = result else { return Ok(()) };
        let is_the_sources = matches!(
            error.kind(),
            Kind::Invalid | Kind::TooLarge | Kind::Exists | Kind::Mismatch | Kind::Encoding | Kind::NotFound
        );
        if !is_the_sources {
            return Err(error);
        }
        self.importing.undo_session()?;
        self.pass_over(error.message());
        Ok(())
    }

    fn pass_over(&mut self, reason: &str) {
        let Some(current) = &mut self.current else { return };
        current.fate = Fate::PassedOver;
        // One that is skipped is not taken in whatever it is like: who shares with it says that it could not.
        if current.comparison.is_none() {
            let (id, place) = (current.source_id.clone(), current.place.clone());
            self.fail(&id, place, reason);
        }
    }

    /// Ends the import: what was only there for others goes.
    pub(crate) fn finish(mut self) -> Result<(ImportReport, u64)> {
        for id in std::mem::take(&mut self.carriers) {
            let delete = Delete {
                id,
                erase: false,
                now: now(),
            };
            self.importing.apply_silently(&Mutation::Delete(delete))?;
        }
        self.report.losses = self.losses.list();
        Ok((self.report, self.tokens))
    }
}

/// What a store counts itself, and therefore believes.
fn check_numbers(conversation: &Conversation) -> Result<()> {
    for (what, time) in [("created", conversation.created), ("updated", conversation.updated)] {
        if let Some(time) = time.filter(|time| !(-LAST_TIME..=LAST_TIME).contains(time)) {
            return Err(Error::invalid(format!(
                "it was {what} at {time}, which is no time that a calendar has"
            )));
        }
    }
    match conversation.revision {
        Some(revision) if revision == 0 || i64::try_from(revision).is_err() => {
            Err(Error::invalid(format!("its revision is {revision}; the first is 1")))
        }
        _ => Ok(()),
    }
}

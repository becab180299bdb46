//! Takes in what an importer finds: checks it like what is appended, keeps what is new, and reports the rest.

mod arrival;

pub(crate) use super::conversation::{Conversation, ForkedFrom, IncomingMessage, SharedWith};
use super::report::Losses;
use super::{Existing, Format, ImportReport, Problem, ProblemKind, mend};
use crate::error::{During, Error, Kind, Result};
use crate::model::fingerprint::Fingerprint;
use crate::model::{AppendOptions, MessageFlags, Micros, NewMessage, NewSession, ReadyMessage, Role, now};
use crate::storage::mutation::{Append, Create, Delete, Settle};
use crate::storage::{Importing, Mutation, SessionKey, print_with};
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

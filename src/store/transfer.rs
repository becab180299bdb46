//! Sessions on their way in and out of a store.

use super::{Inner, Store};
use crate::error::{During, Error, Kind, Result};
use crate::fork;
use crate::metrics::Counter;
use crate::model::{Durability, Filter, ListOptions, NewMessage, NewSession, ReadyMessage, Sort, Status};
use crate::storage::mutation::Create;
use crate::storage::{Head, Imported, Importing, SessionKey, Snapshot};
use crate::transfer::export::{Exported, Exporter, Out, Shares, Sink};
use crate::transfer::input::Input;
use crate::transfer::taker::{Ready, Taker};
use crate::transfer::{Existing, ExportReport, Format, ImportReport, export, import, write_beside};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::HashMap;

/// Which sessions to export. They come in the order in which they were created.
#[derive(Clone, Debug, Default)]
pub enum Selection {
    /// All, whatever their status.
    #[default]
    All,
    /// Those that a filter finds.
    Filter(Box<Filter>),
    /// These.
    Sessions(Vec<String>),
}

/// How to export.
pub struct ExportOptions<'a> {
    /// In which format.
    pub format: Format,
    /// Which sessions.
    pub selection: Selection,
    /// Is told how many messages are written, and of how many; `false` stops.
    pub progress: Option<&'a mut dyn FnMut(u64, u64) -> bool>,
}

/// How to import.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// What the source is; `None` looks into it.
    pub format: Option<Format>,
    /// What to do with a session whose id is in the store already.
    pub existing: Existing,
    /// Reads and checks everything, reports what would come of it, and changes nothing.
    pub dry_run: bool,
    /// Is told how much of the source is read, and of how much, in bytes or rows; `false` stops, and nothing is taken in.
    pub progress: Option<&'a mut dyn FnMut(u64, u64) -> bool>,
}

impl Store {
    /// Writes sessions in a format, in chunks, as of one moment. A failure of `sink` ends it.
    ///
    /// While it runs, the calling thread must not change this store, and of a store in memory not read it either: it is
    /// answered with BUSY.
    pub fn export(
        &self,
        options: ExportOptions<'_>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<ExportReport> {
        self.inner.export(options, sink).during(|| "export sessions")
    }

    /// Writes sessions into a file, which is there when all of it is written, in place of one that was there.
    pub fn export_to_file(&self, path: &str, options: ExportOptions<'_>) -> Result<ExportReport> {
        write_beside(path, |sink| self.inner.export(options, sink)).during(|| format!("export sessions to '{path}'"))
    }

    /// Takes in the sessions of a file, in one transaction. What is wrong with one session is reported, and that one is
    /// left out; what is wrong with the whole is an error, and then nothing is taken in.
    ///
    /// Other changes wait until it is done. Those of the calling thread, from `progress`, are answered with BUSY.
    pub fn import(&self, path: &str, options: ImportOptions<'_>) -> Result<ImportReport> {
        self.inner.import(path, options).during(|| format!("import '{path}'"))
    }
}

impl Inner {
    fn import(&self, path: &str, options: ImportOptions<'_>) -> Result<ImportReport> {
        self.check_open()?;
        let input = Input::open(path)?;
        let format = match options.format {
            Some(format) => format,
            None => import::detect(&input)?,
        };
        let mut silent = |_, _| true;
        let progress = match options.progress {
            Some(progress) => progress,
            None => &mut silent,
        };
        let mut done = None;
        let imported = self.import_alone(|| {
            let mut publishing = None;
            let mut work = |importing: &mut dyn Importing| {
                let mut taker = Taker::new(format, importing, self, options.existing, progress);
                import::read(format, &input, &mut taker)?;
                done = Some(taker.finish()?);
                publishing = self.begin_publishing();
                Ok(!options.dry_run)
            };
            let told = self.events.listening();
            let imported = self.storage.import(self.import_durability(), told, &mut work);
            match &imported {
                Ok(imported) => imported.deleted.iter().for_each(|key| self.forget_deleted(*key)),
                Err(cause) => self.find_out_what_was_lost(cause),
            }
            drop(publishing);
            self.storage.keep_log_short();
            imported
        })?;
        let (report, tokens) = done.ok_or_else(|| Error::new(Kind::Panic, "the storage did not do the import"))?;
        if !options.dry_run {
            self.count_import(&report, tokens);
        }
        self.events.deliver(imported.events);
        Ok(report)
    }

    /// An import is worth a flush, but where nothing could be flushed.
    fn import_durability(&self) -> Durability {
        match self.durability {
            Durability::Disk if !self.in_memory => Durability::Disk,
            _ => Durability::Os,
        }
    }

    /// Has the storage take in something while nobody commits.
    fn import_alone(&self, import: impl FnOnce() -> Result<Imported>) -> Result<Imported> {
        self.check_may_wait()?;
        if let Some(lost) = &*self.lost.lock() {
            return Err(lost.clone());
        }
        let imported = self.commit.alone(|| {
            let _occupied = Occupied::new(self, Holding::Writer);
            import().map(|mut imported| {
                if imported.events.iter().any(|event| event.number == 0) {
                    self.events.number(&mut imported.events);
                }
                imported
            })
        });
        self.tell_of_damage(imported)
    }

    fn count_import(&self, report: &ImportReport, tokens: u64) {
        for (counter, count) in [
            (Counter::SessionsCreated, report.sessions),
            (Counter::SessionsDeleted, report.overwritten),
            (Counter::MessagesAppended, report.messages),
            (Counter::TokensAppended, tokens),
            (Counter::Commits, 1),
        ] {
            self.meter.add(counter, count);
        }
    }

    fn export(&self, options: ExportOptions<'_>, sink: &mut Sink<'_>) -> Result<ExportReport> {
        let mut exporter = export::exporter(options.format)?;
        let mut silent = |_, _| true;
        let progress = match options.progress {
            Some(progress) => progress,
            None => &mut silent,
        };
        if let Selection::Filter(filter) = &options.selection {
            filter.check()?;
        }
        self.save_before_reading()?;
        // Whoever is called back may read, what others defer meanwhile through the writer: it must not be held here.
        self.look_at(self.storage.snapshot_of_saved(), |snapshot| {
            let _occupied = Occupied::new(self, self.held_by_view());
            let planned = plan(snapshot, &options.selection)?;
            Export {
                snapshot,
                planned: &planned,
                messages: 0,
                total: planned.iter().map(|session| session.written(exporter.shares())).sum(),
                progress,
            }
            .run(exporter.as_mut(), Out::new(sink))
        })
    }

    /// What an export keeps from others.
    fn held_by_view(&self) -> Holding {
        if self.in_memory {
            Holding::Writer
        } else {
            Holding::Moment
        }
    }

    /// Whoever waits for others must not be what they wait for.
    pub(super) fn check_may_wait(&self) -> Result<()> {
        let inside = match Occupied::by(self) {
            Some(_) => "this thread is inside an import or export of the same store",
            None if Occupied::may_be_part_of_a_circle(self) => {
                "this thread is inside an import or export, and another one inside one of the store that this is about"
            }
            None => return Ok(()),
        };
        Err(Error::new(
            Kind::Busy,
            format!("{inside}, which a callback must not wait for; do it when that call has returned"),
        ))
    }

    /// The same for whoever reads and needs the writer for it, which an export of a file leaves to others.
    pub(super) fn check_may_use_writer(&self) -> Result<()> {
        match Occupied::by(self) {
            Some(Holding::Moment) if !Occupied::may_be_part_of_a_circle(self) => Ok(()),
            _ => self.check_may_wait(),
        }
    }
}

impl Ready for Inner {
    fn message(&self, message: NewMessage) -> Result<ReadyMessage> {
        self.ready(message)
    }

    fn session(&self, session: NewSession) -> Result<Create> {
        self.ready_session(session)
    }
}

/// What a thread has of a store while it calls the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holding {
    /// A view of its own, for which nobody waits but who closes the store.
    Moment,
    /// The one connection that writes, for which many wait.
    Writer,
}

thread_local! {
    /// The stores that this thread is inside of while it calls the host, by their addresses.
    static OCCUPIED: RefCell<Vec<(usize, Holding)>> = const { RefCell::new(Vec::new()) };
}

/// The stores whose writer some thread has while it calls the host.
static WRITERS_TAKEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// Whether this thread has the writer of any store while it calls the host, so that others may wait for it.
pub(super) fn holds_a_writer() -> bool {
    OCCUPIED
        .try_with(|stores| stores.borrow().iter().any(|one| one.1 == Holding::Writer))
        .unwrap_or(false)
}

/// While it lives, this thread has something of a store, and calls the host.
struct Occupied {
    store: usize,
    holding: Holding,
}

impl Occupied {
    fn new(store: &Inner, holding: Holding) -> Self {
        let store = Self::number(store);
        OCCUPIED.with_borrow_mut(|stores| stores.push((store, holding)));
        if holding == Holding::Writer {
            let _calm = fork::calm();
            WRITERS_TAKEN.lock().push(store);
        }
        Self { store, holding }
    }

    /// What this thread has of a store. At the end of a thread nothing runs any more; a store that is dropped then is closed
    /// like any other.
    fn by(store: &Inner) -> Option<Holding> {
        let number = Self::number(store);
        let found = OCCUPIED.try_with(|stores| stores.borrow().iter().find(|one| one.0 == number).map(|one| one.1));
        found.ok().flatten()
    }

    /// Whether others may wait for this thread, and this thread would wait for somebody who calls his host: who may be among
    /// them. Of a circle of such threads the last one to ask finds it closed, since each has its writer before it asks.
    fn may_be_part_of_a_circle(store: &Inner) -> bool {
        if !holds_a_writer() {
            return false;
        }
        let _calm = fork::calm();
        WRITERS_TAKEN.lock().contains(&Self::number(store))
    }

    fn number(store: &Inner) -> usize {
        std::ptr::from_ref(store) as usize
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        OCCUPIED.with_borrow_mut(Vec::pop);
        if self.holding == Holding::Writer {
            let _calm = fork::calm();
            let mut taken = WRITERS_TAKEN.lock();
            if let Some(index) = taken.iter().position(|store| *store == self.store) {
                taken.swap_remove(index);
            }
        }
    }
}

/// A session to be exported.
struct Planned {
    key: SessionKey,
    /// How many messages it has.
    messages: u32,
    /// Which one before it has its first messages, and the last of these.
    shares: Option<(usize, u32)>,
    /// Those that share messages of it: the last of these, and the session's number in the export.
    branches: Vec<(u32, usize)>,
}

impl Planned {
    /// How many of its messages are written with it.
    fn written(&self, sharing: bool) -> u64 {
        let shared = self.shares.filter(|_| sharing).map_or(0, |(_, seq)| seq);
        u64::from(self.messages - shared)
    }
}

/// Looks at the paths of all sessions first: what one must know of those that come later.
fn plan(snapshot: &dyn Snapshot, selection: &Selection) -> Result<Vec<Planned>> {
    let mut planned: Vec<Planned> = Vec::new();
    let mut covered = Covered::new();
    for key in selected(snapshot, selection)? {
        let Some(head) = snapshot.head(key)? else { continue };
        let shares = shared_with(&head, &covered);
        let number = planned.len() + 1;
        if let Some((index, seq)) = shares
            && let Some(other) = planned.get_mut(index)
        {
            other.branches.push((seq, number));
        }
        for (stretch, last) in head.parts() {
            let records = covered.entry(stretch.segment).or_default();
            if records.last().is_none_or(|record| record.1 < last) {
                records.push((planned.len(), last));
            }
        }
        planned.push(Planned {
            key,
            messages: head.place.seq,
            shares,
            branches: Vec::new(),
        });
    }
    Ok(planned)
}

/// For each segment the sessions that had more of it than all before them, and the last message that they had.
type Covered = HashMap<u32, Vec<(usize, u32)>>;

/// The most messages that a session shares with one before it, and the first one that has them all. A message has one path of
/// ancestors, so whoever has the deepest segment has all before it; and that the first one is named, and not the one that
/// has the most, makes the answer the same however the messages are stored.
fn shared_with(head: &Head, covered: &Covered) -> Option<(usize, u32)> {
    let parts: Vec<_> = head.parts().collect();
    parts.into_iter().rev().find_map(|(stretch, last)| {
        let records = covered.get(&stretch.segment)?;
        let through = last.min(records.last()?.1);
        let first = records.partition_point(|record| record.1 < through);
        let (index, _) = records.get(first)?;
        (through >= stretch.first_seq).then_some((*index, through))
    })
}

/// The sessions' numbers, in the order of their creation, so that what is forked comes behind what it was forked from.
fn selected(snapshot: &dyn Snapshot, selection: &Selection) -> Result<Vec<SessionKey>> {
    let filter = match selection {
        Selection::All => Filter {
            statuses: Status::ALL.to_vec(),
            ..Filter::default()
        },
        Selection::Filter(filter) => (**filter).clone(),
        Selection::Sessions(ids) => return named(snapshot, ids),
    };
    let mut options = ListOptions {
        filter,
        sort: Sort::Created,
        ascending: true,
        limit: 500,
        page_token: None,
    };
    let mut keys = Vec::new();
    loop {
        let page = snapshot.list(&options)?;
        for session in page.sessions {
            keys.extend(snapshot.find(&session.id)?);
        }
        match page.next_page_token {
            Some(token) => options.page_token = Some(token),
            None => return Ok(keys),
        }
    }
}

fn named(snapshot: &dyn Snapshot, ids: &[String]) -> Result<Vec<SessionKey>> {
    let mut keys = ids
        .iter()
        .map(|id| {
            crate::model::ids::check_id("id", id)?;
            snapshot.find(id)?.ok_or_else(|| super::unknown(id))
        })
        .collect::<Result<Vec<_>>>()?;
    keys.sort_by_key(|key| key.0);
    keys.dedup();
    Ok(keys)
}

struct Export<'a> {
    snapshot: &'a dyn Snapshot,
    planned: &'a [Planned],
    messages: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64) -> bool,
}

impl Export<'_> {
    fn run(mut self, exporter: &mut dyn Exporter, mut out: Out<'_>) -> Result<ExportReport> {
        exporter.begin(&mut out)?;
        for planned in self.planned {
            self.session(planned, exporter, &mut out)?;
        }
        exporter.end(&mut out)?;
        Ok(ExportReport {
            sessions: self.planned.len() as u64,
            messages: self.messages,
            ..out.finish()?
        })
    }

    fn session(&mut self, planned: &Planned, exporter: &mut dyn Exporter, out: &mut Out<'_>) -> Result<()> {
        let snapshot = self.snapshot;
        let gone = || Error::new(Kind::Corrupt, "a session's row is gone: the file is damaged");
        let info = snapshot.describe(planned.key)?.ok_or_else(gone)?;
        let head = snapshot.head(planned.key)?.ok_or_else(gone)?;
        let other = match planned.shares.and_then(|(index, _)| self.planned.get(index)) {
            Some(other) => snapshot.describe(other.key)?,
            None => None,
        };
        let shares = planned.shares.zip(other.as_ref()).map(|((index, seq), other)| Shares {
            session_id: &other.id,
            title: &other.title,
            through_seq: seq,
            number: index + 1,
        });
        let exported = Exported {
            info: &info,
            summary_tokens: head.summary_tokens,
            shares,
            branches: &planned.branches,
            receipts: &snapshot.receipts(planned.key)?,
        };
        exporter.session(out, &exported)?;
        let first = match shares {
            Some(shares) if exporter.shares() => shares.through_seq + 1,
            _ => 1,
        };
        let last = head.place.seq;
        if first <= last {
            snapshot.messages(&head.path, first..=last, &mut |message| {
                exporter.message(out, &message)?;
                self.went_on()
            })?;
        }
        exporter.end_session(out)
    }

    fn went_on(&mut self) -> Result<()> {
        const TELL_EVERY: u64 = 256;
        self.messages += 1;
        let tell = self.messages.is_multiple_of(TELL_EVERY) || self.messages == self.total;
        if tell && !(self.progress)(self.messages, self.total) {
            return Err(Error::new(Kind::Aborted, "the progress callback stopped it"));
        }
        Ok(())
    }
}

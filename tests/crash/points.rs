//! The named points at which a process is killed, and how each is known: by the call, by the file that it is for, and by what
//! the process is doing for its caller meanwhile.

use crate::calls::{Call, Observer};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

/// What the process is doing for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub(crate) enum Deed {
    Open,
    Change,
    Search,
    Erase,
    Import,
    Backup,
    Export,
    Vacuum,
    Optimize,
    Flush,
    Close,
}

static DEED: AtomicU8 = AtomicU8::new(0);

impl Deed {
    /// Says what is being done from now on.
    pub(crate) fn begin(self) {
        DEED.store(self as u8, Ordering::SeqCst);
    }

    fn is_being_done(self) -> bool {
        DEED.load(Ordering::SeqCst) == self as u8
    }
}

/// Where to kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Point {
    BeforeWalWrite,
    AfterWalWrite,
    BeforeWalFlush,
    AfterWalFlush,
    CheckpointBegins,
    InCheckpoint,
    CheckpointWritten,
    CheckpointFlushed,
    /// A message is committed, and the row by which it is found is not.
    BeforeSearchRow,
    InImport,
    InBackup,
    BackupWritten,
    BackupFlushed,
    BackupPlaced,
    BackupReplaces,
    BackupReplaced,
    ExportFlushed,
    ExportPlaced,
    InVacuum,
    InErase,
    InClose,
}

impl Point {
    pub(crate) const ALL: [Self; 21] = [
        Self::BeforeWalWrite,
        Self::AfterWalWrite,
        Self::BeforeWalFlush,
        Self::AfterWalFlush,
        Self::CheckpointBegins,
        Self::InCheckpoint,
        Self::CheckpointWritten,
        Self::CheckpointFlushed,
        Self::BeforeSearchRow,
        Self::InImport,
        Self::InBackup,
        Self::BackupWritten,
        Self::BackupFlushed,
        Self::BackupPlaced,
        Self::BackupReplaces,
        Self::BackupReplaced,
        Self::ExportFlushed,
        Self::ExportPlaced,
        Self::InVacuum,
        Self::InErase,
        Self::InClose,
    ];

    /// What must be done more often for the point to be reached soon.
    pub(crate) fn deed(self) -> Option<Deed> {
        match self {
            Self::CheckpointBegins | Self::InCheckpoint | Self::CheckpointWritten | Self::CheckpointFlushed => {
                Some(Deed::Optimize)
            }
            Self::BeforeSearchRow => Some(Deed::Search),
            Self::InImport => Some(Deed::Import),
            Self::InBackup
            | Self::BackupWritten
            | Self::BackupFlushed
            | Self::BackupPlaced
            | Self::BackupReplaces
            | Self::BackupReplaced => Some(Deed::Backup),
            Self::ExportFlushed | Self::ExportPlaced => Some(Deed::Export),
            Self::InVacuum => Some(Deed::Vacuum),
            Self::InErase => Some(Deed::Erase),
            Self::InClose => Some(Deed::Close),
            _ => None,
        }
    }
}

/// Which of the store's files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Database,
    Wal,
    /// A file that gets its name when it is whole.
    Partial,
    Other,
}

/// Kills the process when it comes to a point for the n-th time.
pub(crate) struct Executioner {
    store: PathBuf,
    point: Point,
    left: u32,
    /// Pages of the database that were written since its last flush.
    pages: u32,
}

impl Executioner {
    pub(crate) fn new(store: &Path, point: Point, time: u32) -> Self {
        Self {
            store: store.to_owned(),
            point,
            left: time,
            pages: 0,
        }
    }

    fn part(&self, path: &Path) -> Part {
        let name = path.to_str().unwrap();
        match () {
            () if path == self.store => Part::Database,
            () if name
                .strip_suffix("-wal")
                .is_some_and(|name| Path::new(name) == self.store) =>
            {
                Part::Wal
            }
            () if name.ends_with(".partial") => Part::Partial,
            () => Part::Other,
        }
    }

    fn is_here(&self, call: &Call<'_>, before: bool) -> bool {
        let writes = |part| matches!(call, Call::Write { file, .. } if self.part(&file.path) == part);
        let flushes = |part| matches!(call, Call::Flush { file } if self.part(&file.path) == part);
        let links = matches!(call, Call::Link { .. });
        let renames = matches!(call, Call::Rename { .. });
        let is_ours = writes(Part::Wal) || writes(Part::Database) || flushes(Part::Wal) || flushes(Part::Database);
        let backup = Deed::Backup.is_being_done();
        let export = Deed::Export.is_being_done();
        match self.point {
            Point::BeforeWalWrite => before && writes(Part::Wal),
            Point::AfterWalWrite => !before && writes(Part::Wal),
            Point::BeforeWalFlush => before && flushes(Part::Wal),
            Point::AfterWalFlush => !before && flushes(Part::Wal),
            Point::CheckpointBegins => before && writes(Part::Database) && self.pages == 0,
            Point::InCheckpoint => before && writes(Part::Database) && self.pages > 0,
            Point::CheckpointWritten => before && flushes(Part::Database) && self.pages > 0,
            Point::CheckpointFlushed => !before && flushes(Part::Database) && self.pages > 0,
            Point::BeforeSearchRow => before && Deed::Search.is_being_done() && writes(Part::Wal),
            Point::InImport => before && Deed::Import.is_being_done() && is_ours,
            Point::InBackup => before && backup && writes(Part::Partial),
            Point::BackupWritten => before && backup && flushes(Part::Partial),
            Point::BackupFlushed => before && backup && links,
            Point::BackupPlaced => !before && backup && links,
            Point::BackupReplaces => before && backup && renames,
            Point::BackupReplaced => !before && backup && renames,
            Point::ExportFlushed => before && export && renames,
            Point::ExportPlaced => !before && export && renames,
            Point::InVacuum => before && Deed::Vacuum.is_being_done() && is_ours,
            Point::InErase => before && Deed::Erase.is_being_done() && is_ours,
            Point::InClose => before && Deed::Close.is_being_done() && is_ours,
        }
    }

    fn look(&mut self, call: &Call<'_>, before: bool) {
        if self.is_here(call, before) {
            self.left -= 1;
            if self.left == 0 {
                die();
            }
        }
    }
}

impl Observer for Executioner {
    fn before(&mut self, call: &Call<'_>) {
        self.look(call, true);
        if let Call::Write { file, .. } = call
            && self.part(&file.path) == Part::Database
        {
            self.pages += 1;
        }
    }

    fn after(&mut self, call: &Call<'_>) {
        self.look(call, false);
        if let Call::Flush { file } = call
            && self.part(&file.path) == Part::Database
        {
            self.pages = 0;
        }
    }
}

/// Kills the process before its n-th call, whichever it is.
pub(crate) struct Counter(pub(crate) u32);

impl Observer for Counter {
    fn before(&mut self, _call: &Call<'_>) {
        self.0 -= 1;
        if self.0 == 0 {
            die();
        }
    }
}

fn die() -> ! {
    // SAFETY: a signal to this process, which nobody can catch.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    loop {
        std::thread::park();
    }
}

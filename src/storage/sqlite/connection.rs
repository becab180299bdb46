//! How a connection to a store's file is opened and set up, and where a store may not be.

use super::claim::{Claim, FileId, file_id, file_id_of_itself};
use super::defence::{self, Permit};
use super::failure::Site;
use super::functions;
use super::new_file::{SIDE_FILES, beside};
use crate::error::{Error, Kind, Result};
use crate::files::{Keep, KeptFolder, flush_folder, folder_of, keep_folder, make_private, place_private};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, FileControl, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// SQLite 3.7.0 to 3.51.2 can corrupt a file when one connection writes while another checkpoints.
const OLDEST_SAFE_SQLITE: i32 = 3_051_003;

/// More than there are fixed statements here, so that none of them is ever prepared twice. Lists have as many as callers think of
/// filters with other fields: those that were not used for the longest time make room.
const STATEMENT_CACHE: usize = 128;

/// A WAL file larger than this is cut back when it starts anew.
const WAL_BYTES_KEPT: i64 = 64 << 20;

/// SQLite counts the milliseconds in a signed 32-bit number: 24 days.
const LONGEST_BUSY_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);

/// The VFS that locks the whole file once and keeps the WAL's index in the process's own memory.
#[cfg(unix)]
const EXCLUSIVE_VFS: Option<&str> = Some("unix-excl");
#[cfg(not(unix))]
const EXCLUSIVE_VFS: Option<&str> = None;

/// Opens connections to one store.
#[derive(Clone, Debug)]
pub(super) struct Opener {
    pub(super) site: Site,
    /// The file that was found there, once it is known.
    pub(super) file: Option<FileId>,
    /// What SQLite keeps beside it as long as it is open, once that is known.
    pub(super) beside: Vec<(PathBuf, FileId)>,
    pub(super) read_only: bool,
    pub(super) exclusive: bool,
}

impl Opener {
    /// Refuses to go on where the file is another one by now, or none: what is kept there now would be lost.
    pub(super) fn check_in_place(&self) -> Result<()> {
        if self
            .file
            .as_ref()
            .is_some_and(|file| !is_in_place(&self.site.path, file))
        {
            return Err(Error::new(
                Kind::Storage,
                format!(
                    "{} was deleted, moved or replaced while it was open; nothing was changed; close the store and open \
                     it anew",
                    self.site.location
                ),
            ));
        }
        // What is written to a log that has no name is found by nobody after a crash.
        match self.beside.iter().find(|(path, file)| !is_in_place(path, file)) {
            None => Ok(()),
            Some((path, _)) => Err(Error::new(
                Kind::Storage,
                format!(
                    "{}, which belongs to {}, was deleted, moved or replaced while the store was open; nothing was \
                     changed; close the store, which says if something of it is lost, and open it anew",
                    path.display(),
                    self.site.location
                ),
            )),
        }
    }

    /// What may be done with the log, as far as its files are where they were.
    pub(super) fn log_at_close(&self) -> LogAtClose {
        let find = |end: &str| {
            let path = beside(&self.site.path, end);
            let known = self.beside.iter().find(|(known, _)| *known == path);
            // An exclusive store keeps its index in memory.
            known.map_or(Whereabouts::InPlace, |(path, file)| whereabouts(path, file))
        };
        match (find("-wal"), find("-shm")) {
            (Whereabouts::InPlace, Whereabouts::InPlace) => LogAtClose::Usual,
            (Whereabouts::InPlace, _) => LogAtClose::Leave,
            (Whereabouts::Gone, Whereabouts::InPlace | Whereabouts::Gone) => LogAtClose::MoveNow,
            (Whereabouts::Replaced, Whereabouts::InPlace) => LogAtClose::MoveIfNobodyWrote,
            (Whereabouts::Gone | Whereabouts::Replaced, _) => LogAtClose::Lost,
        }
    }

    /// Remembers which files there are, now that the store is open.
    pub(super) fn note_files(&mut self, file: Option<FileId>) {
        self.file = file;
        self.beside = ["-wal", "-shm"]
            .iter()
            .map(|end| beside(&self.site.path, end))
            .filter_map(|path| file_id(&path).ok().map(|file| (path, file)))
            .collect();
    }

    /// A connection for writing, or for reading in a store that is opened read-only. Makes the file if asked.
    pub(super) fn writer(&self, create: bool) -> Result<Connection> {
        let access = match (self.read_only, create) {
            (true, _) => OpenFlags::SQLITE_OPEN_READ_ONLY,
            (false, false) => OpenFlags::SQLITE_OPEN_READ_WRITE,
            (false, true) => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        };
        self.open(access)
    }

    /// Refuses a file that another one has taken the place of since it was claimed and opened: what is written to it nobody finds.
    pub(super) fn check_not_replaced(&self, connection: &Connection, claim: Option<&Claim>) -> Result<()> {
        let Some(claim) = claim else { return Ok(()) };
        let is_claimed = file_id(&self.site.path).is_ok_and(|file| file == claim.file());
        if is_claimed && !self.run(has_moved(connection))? {
            return Ok(());
        }
        Err(self.site.replaced_meanwhile())
    }

    /// A connection that only reads.
    pub(super) fn reader(&self) -> Result<Connection> {
        self.check_in_place()?;
        let connection = self.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.run(connection.pragma_update(None, "query_only", true))?;
        Ok(connection)
    }

    /// Has a connection open the log now, and not when it is first used: by then another one may stand there.
    pub(super) fn open_log(&self, connection: Connection) -> Result<Connection> {
        self.run(connection.pragma_query_value(None, "user_version", |_| Ok(())))?;
        Ok(connection)
    }

    /// A connection to a store in memory.
    pub(super) fn memory(&self) -> Result<Connection> {
        let mut connection = self.run(Connection::open_in_memory())?;
        self.set_up(&mut connection)?;
        Ok(connection)
    }

    fn open(&self, access: OpenFlags) -> Result<Connection> {
        let access = if self.read_only {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        } else {
            access
        };
        // A connection is never used by two threads at once: it lives behind a mutex or in a lease.
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        // An absolute path is never taken for a URI, which this SQLite is built to read.
        let path = &self.site.path;
        let is_new = access.contains(OpenFlags::SQLITE_OPEN_CREATE) && !place_private(path);
        let mut connection = self.run(match EXCLUSIVE_VFS.filter(|_| self.exclusive) {
            Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs),
            None => Connection::open_with_flags(path, flags),
        })?;
        if is_new {
            make_private(path);
        }
        self.set_up(&mut connection)?;
        Ok(connection)
    }

    fn set_up(&self, connection: &mut Connection) -> Result<()> {
        connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
        self.run(set_busy_timeout(connection, &self.site))?;
        self.run(defence::restrict(connection, Permit::Store))?;
        // On macOS a plain fsync leaves the data in the disk's own memory.
        self.run(connection.pragma_update(None, "fullfsync", true))?;
        self.run(connection.pragma_update(None, "checkpoint_fullfsync", true))?;
        // A plan never depends on a bound value: nothing is prepared again in steady state.
        self.run(connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true))?;
        self.run(functions::register(connection))
    }

    /// Puts a file into WAL mode, with checkpoints left to us. Two first openings may meet here, and SQLite does not
    /// wait for the other one by itself.
    pub(super) fn use_wal(&self, connection: &Connection) -> Result<()> {
        let begin = Instant::now();
        loop {
            match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
                Ok(mode) if mode == "wal" => break,
                Ok(mode) => {
                    return Err(Error::new(
                        Kind::Unsupported,
                        format!(
                            "{} cannot have a write-ahead log (journal mode {mode}); a file system without shared \
                             memory or locks cannot hold a store",
                            self.site.location
                        ),
                    ));
                }
                Err(error) => {
                    let failure = self.site.explain(&error);
                    if failure.kind() != Kind::Busy || begin.elapsed() > self.site.busy_timeout {
                        return Err(failure);
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        self.run(connection.pragma_update(None, "wal_autocheckpoint", 0))?;
        self.run(connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT))?;
        let mut keep = 1;
        self.run(connection.file_control(Some(rusqlite::MAIN_DB), FileControl::PersistWal(&mut keep)))
    }

    /// Whether this connection, if it is the last one to close, empties the WAL into the file.
    pub(super) fn checkpoint_on_close(&self, connection: &Connection, does: bool) -> Result<()> {
        self.run(connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !does))
            .map(drop)
    }

    fn run<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| self.site.explain(&error))
    }
}

/// Whether the file that a connection has is no longer at its path.
#[cfg(unix)]
fn has_moved(connection: &Connection) -> rusqlite::Result<bool> {
    let mut moved = 0;
    connection.file_control(Some(rusqlite::MAIN_DB), FileControl::HasMoved(&mut moved))?;
    Ok(moved != 0)
}

/// Elsewhere a file that is open cannot be replaced.
#[cfg(not(unix))]
fn has_moved(_connection: &Connection) -> rusqlite::Result<bool> {
    Ok(false)
}

/// Whether this file is where it was; what cannot be looked at is left to SQLite to complain about.
fn is_in_place(path: &Path, file: &FileId) -> bool {
    whereabouts(path, file) == Whereabouts::InPlace
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whereabouts {
    InPlace,
    Gone,
    Replaced,
}

fn whereabouts(path: &Path, file: &FileId) -> Whereabouts {
    // A link to where it was moved is another place: the log does not lie beside that.
    match file_id_of_itself(path) {
        Ok(found) if *file == found => Whereabouts::InPlace,
        Ok(_) => Whereabouts::Replaced,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Whereabouts::Gone,
        Err(_) => Whereabouts::InPlace,
    }
}

/// What is done with the log when a store is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogAtClose {
    /// Whoever closes last moves it into the file, as SQLite does.
    Usual,
    /// It has lost its name, and nobody has begun another one: all of it is moved now, by whoever closes first.
    MoveNow,
    /// It stands where it was, for the next one to read. What this process knows of it may be old, since others have made another
    /// index of it: nothing may be moved, nor written.
    Leave,
    /// Another one stands there, which nobody may have begun to write to: it is moved if nobody has.
    MoveIfNobodyWrote,
    /// Somebody has begun another one: this one belongs to a file that has gone on without it.
    Lost,
}

/// Has a connection wait for others that write.
pub(super) fn set_busy_timeout(connection: &Connection, site: &Site) -> rusqlite::Result<()> {
    connection.busy_timeout(site.busy_timeout.min(LONGEST_BUSY_TIMEOUT))
}

/// Refuses an SQLite that can corrupt files.
pub(super) fn check_sqlite_version(version: i32) -> Result<()> {
    if version >= OLDEST_SAFE_SQLITE {
        return Ok(());
    }
    Err(Error::new(
        Kind::Unsupported,
        format!(
            "SQLite {}.{}.{} can corrupt a file that two connections use; link 3.51.3 or newer, or the bundled one",
            version / 1_000_000,
            version / 1_000 % 1_000,
            version % 1_000
        ),
    ))
}

/// Of the file systems that a store may lie on, as far as they are known here.
const MOST_NAME_BYTES: usize = 255;

/// Refuses a folder and a network file system, and makes the folders above a new store.
pub(super) fn prepare_site(site: &Site, may_create: bool) -> Result<()> {
    let (location, path) = (&site.location, &site.path);
    if location.is_empty() {
        return Err(Error::invalid("location is empty; give a path, or :memory:"));
    }
    if path.is_dir() {
        return Err(Error::invalid(format!(
            "{location} is a folder; give the path of a file in it"
        )));
    }
    if path.exists() && !path.is_file() {
        return Err(Error::invalid(format!(
            "{location} is a device or a pipe; give the path of a file"
        )));
    }
    // Only what is surely not there is NOT_FOUND: a path without rights is for SQLite to complain about.
    if !may_create && matches!(path.try_exists(), Ok(false)) {
        return Err(Error::new(
            Kind::NotFound,
            format!("there is no store at {location}; leave out must_exist and read_only to make one"),
        ));
    }
    let longest_end = SIDE_FILES.iter().map(|end| end.len()).max().unwrap_or(0);
    if may_create
        && path
            .file_name()
            .is_some_and(|name| name.len() + longest_end > MOST_NAME_BYTES)
    {
        return Err(Error::new(
            Kind::Storage,
            format!(
                "the name of {location} is too long: SQLite keeps files beside it whose names are {longest_end} bytes \
                 longer, and a name has at most {MOST_NAME_BYTES}"
            ),
        ));
    }
    // The folder that counts is that of the file itself, not of a link to it.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = match real.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if may_create {
        make_folders(folder).map_err(|error| {
            Error::new(
                Kind::Storage,
                format!("the folder {} cannot be made: {error}", folder.display()),
            )
        })?;
    }
    match network_file_system(folder) {
        None => Ok(()),
        Some(name) => Err(Error::new(
            Kind::Unsupported,
            format!(
                "{location} lies on a network file system ({name}), where locks and shared memory cannot be trusted; \
                 put the store on a local disk"
            ),
        )),
    }
}

/// So that nobody replaces the file before this process has its locks on it.
pub(super) fn keep_folder_to_open(site: &Site) -> Result<KeptFolder> {
    keep_folder(folder_of(&site.path), Keep::WithOthers, site.busy_timeout).map_err(|_| {
        Error::new(
            Kind::Busy,
            format!(
                "somebody has been replacing a file beside {} for {:.1} s (busy_timeout); try again",
                site.location,
                site.busy_timeout.as_secs_f64()
            ),
        )
    })
}

/// Makes the folders that are missing. Each new one is flushed into the one above it: a store that survives a power cut is
/// of no use if its folder does not.
fn make_folders(folder: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    std::fs::create_dir_all(folder)?;
    for new in missing {
        flush_folder(folder_of(new))?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(folder).ok()?.f_type;
    // The numbers are 32 bits wide; on some platforms the field is signed or wider.
    name_of_network_file_system((kind as u64 & 0xFFFF_FFFF) as u32)
}

#[cfg(any(target_os = "linux", test))]
fn name_of_network_file_system(magic: u32) -> Option<&'static str> {
    // linux/magic.h and the file systems' own headers.
    Some(match magic {
        0x6969 => "NFS",
        0x517B | 0xFF53_4D42 | 0xFE53_4D42 => "SMB",
        0x5346_414F | 0x6B41_4653 => "AFS",
        0x7375_7245 => "Coda",
        0x00C3_6400 => "Ceph",
        0x0102_1997 => "9P",
        0x0BD0_0BD0 => "Lustre",
        0x564C => "NCP",
        _ => return None,
    })
}

#[cfg(target_vendor = "apple")]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    // sys/mount.h: MNT_LOCAL.
    const LOCAL: u32 = 0x1000;
    let flags = rustix::fs::statfs(folder).ok()?.f_flags;
    (flags & LOCAL == 0).then_some("not local")
}

#[cfg(windows)]
fn network_file_system(folder: &Path) -> Option<&'static str> {
    use std::path::{Component, Prefix};
    let full = std::fs::canonicalize(folder).ok()?;
    match full.components().next() {
        Some(Component::Prefix(prefix)) if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)) => {
            Some("a network share")
        }
        _ => None,
    }
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple", windows)))]
fn network_file_system(_folder: &Path) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sqlite_below_3_51_3_is_refused_with_what_to_do() {
        assert!(check_sqlite_version(3_051_003).is_ok());
        let error = check_sqlite_version(3_051_002).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(error.message().contains("3.51.2") && error.message().contains("3.51.3"));
    }

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        assert_eq!(name_of_network_file_system(0x6969), Some("NFS"));
        assert_eq!(name_of_network_file_system(0xFF53_4D42), Some("SMB"));
        // ext4, tmpfs, overlayfs
        for local in [0xEF53, 0x0102_1994, 0x794C_7630] {
            assert_eq!(name_of_network_file_system(local), None);
        }
    }
}

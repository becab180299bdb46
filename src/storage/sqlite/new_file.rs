//! A database file that grows beside the place where it is to be, and gets there whole or not at all.

use super::claim::{self, Claim, FileId, file_id};
use super::defence::{self, Permit};
use super::failure::Site;
use super::schema;
use crate::error::{Error, Kind, Result};
use crate::files::{Keep, create_private, flush_folder, folder_of, keep_folder, partial_beside};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What SQLite may have put beside a database.
pub(crate) const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file to be. Dropped before it is placed, it leaves nothing behind.
pub(super) struct NewFile {
    /// Where it is to be.
    target: Site,
    overwrite: bool,
    temporary: PathBuf,
}

impl NewFile {
    /// Checks that a file may be made there. `sources` are the files that it must not replace.
    pub(super) fn begin(
        location: &str,
        overwrite: bool,
        source: Option<&FileId>,
        busy_timeout: Duration,
    ) -> Result<Self> {
        let target = Site::new(location, busy_timeout);
        if location.is_empty() || location == super::IN_MEMORY {
            return Err(Error::invalid(format!(
                "the target is '{location}'; give the path of a file"
            )));
        }
        if target.path.is_dir() {
            return Err(Error::invalid(format!(
                "{location} is a folder; give the path of a file in it"
            )));
        }
        let folder = folder_of(&target.path);
        if !folder.is_dir() {
            return Err(Error::new(
                Kind::NotFound,
                format!("there is no folder {}; make it first", folder.display()),
            ));
        }
        if let (Ok(there), Some(source)) = (file_id(&target.path), source)
            && there == *source
        {
            return Err(Error::invalid(format!(
                "{location} is the store itself; give another path"
            )));
        }
        let name = target
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let Some(end) = SIDE_FILES.iter().find(|end| name.ends_with(**end)) {
            return Err(Error::invalid(format!(
                "{location} ends in {end}: SQLite would take it for a part of another database; give another path"
            )));
        }
        let temporary = partial_beside(&target.path);
        let new = Self {
            target,
            overwrite,
            temporary,
        };
        new.check_free()?;
        Ok(new)
    }

    /// Where it grows.
    pub(super) fn path(&self) -> &Path {
        &self.temporary
    }

    /// Where it is to be, for messages.
    pub(super) fn site(&self) -> &Site {
        &self.target
    }

    /// A connection that writes it. Nothing of it is safe before it is placed, so nothing is flushed, and the journal is in memory.
    pub(super) fn create(&self) -> Result<Connection> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        create_private(&self.temporary).map_err(|error| self.not_made(&error))?;
        let create = || {
            let mut connection = Connection::open_with_flags(&self.temporary, flags)?;
            defence::restrict(&mut connection, Permit::Store)?;
            connection.pragma_update(None, "journal_mode", "memory")?;
            connection.pragma_update(None, "synchronous", "off")?;
            Ok(connection)
        };
        create().map_err(|error: rusqlite::Error| self.target.explain(&error))
    }

    fn not_made(&self, error: &std::io::Error) -> Error {
        let location = &self.target.location;
        match error.kind() {
            ErrorKind::StorageFull => Error::new(
                Kind::Full,
                format!("there is no space left for {location}; nothing was kept; make room and try again"),
            ),
            _ => Error::new(Kind::Storage, format!("{location} cannot be made: {error}")),
        }
    }

    /// Flushes it, and puts it where it is to be.
    pub(super) fn place(self) -> Result<()> {
        let location = &self.target.location;
        let failed = |what: &str, error: std::io::Error| match error.kind() {
            ErrorKind::AlreadyExists => exists(location),
            ErrorKind::StorageFull => Error::new(
                Kind::Full,
                format!("there is no space left for {location}; nothing was kept; make room and try again"),
            ),
            _ => Error::new(Kind::Storage, format!("{location} cannot be {what}: {error}")),
        };
        std::fs::File::options()
            .write(true)
            .open(&self.temporary)
            .and_then(|file| file.sync_all())
            .map_err(|error| failed("flushed", error))?;
        if self.overwrite {
            let folder = folder_of(&self.target.path);
            let _kept = keep_folder(folder, Keep::Alone, self.target.busy_timeout).map_err(|_| in_use(location))?;
            self.check_free()?;
            // Until another file has its place.
            let _nobody_else = self.keep_old_to_oneself()?;
            // A power cut might else leave the old file's journal beside the new one, which would be mended by it.
            flush_folder(folder_of(&self.target.path)).map_err(|error| failed("flushed", error))?;
            // What is replaced keeps its rights.
            if let Ok(old) = self.target.path.metadata() {
                let _without_rights = std::fs::set_permissions(&self.temporary, old.permissions());
            }
            std::fs::rename(&self.temporary, &self.target.path)
        } else {
            self.link_or_rename()
        }
        .map_err(|error| failed("put in its place", error))?;
        flush_folder(folder_of(&self.target.path)).map_err(|error| failed("flushed", error))
    }

    /// A link fails where something is by now; a rename would replace it. Some file systems have no links.
    fn link_or_rename(&self) -> std::io::Result<()> {
        match std::fs::hard_link(&self.temporary, &self.target.path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            Ok(()) => std::fs::remove_file(&self.temporary),
            Err(_) if self.target.path.exists() => Err(ErrorKind::AlreadyExists.into()),
            Err(_) => std::fs::rename(&self.temporary, &self.target.path),
        }
    }

    /// What is there already, and what was left of what was there, would be lost or, worse, taken for a part of the new one.
    fn check_free(&self) -> Result<()> {
        let (path, location) = (&self.target.path, &self.target.location);
        let there = path.symlink_metadata().is_ok();
        if !self.overwrite {
            if there {
                return Err(exists(location));
            }
            return match SIDE_FILES.iter().find(|end| beside(path, end).exists()) {
                None => Ok(()),
                Some(end) => Err(Error::new(
                    Kind::Exists,
                    format!(
                        "{location}{end} is left of another database, and would be taken for a part of the new one; remove \
                         it, or give another path"
                    ),
                )),
            };
        }
        if there && !path.is_file() {
            return Err(Error::invalid(format!(
                "{location} is a device, a pipe or a link to nowhere; give the path of a file"
            )));
        }
        if file_id(path).is_ok_and(|file| claim::is_open_here(&file)) {
            return Err(in_use(location));
        }
        schema::check_is_store(&self.target)
    }

    /// The log of what is replaced would be taken for that of the new file. To empty it, one must be alone with the file, and
    /// stay so: whoever opened it now would write to what nobody finds any more.
    fn keep_old_to_oneself(&self) -> Result<Option<(Connection, Claim)>> {
        let path = &self.target.path;
        let mut kept = None;
        if path.exists() {
            let file = file_id(path).ok().and_then(Claim::to_replace);
            let claim = file.ok_or_else(|| in_use(&self.target.location))?;
            let explain = |error: rusqlite::Error| self.target.explain(&error);
            let mut old = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(explain)?;
            defence::restrict(&mut old, Permit::Store).map_err(explain)?;
            old.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
                .map_err(explain)?;
            old.busy_timeout(self.target.busy_timeout).map_err(explain)?;
            if path.metadata().is_ok_and(|file| file.len() > 0) {
                // Now with what is only in its log yet.
                schema::check_before_changing(&old, &self.target)?;
            }
            let mode = old.pragma_update_and_check(None, "journal_mode", "delete", |row| row.get::<_, String>(0));
            match mode {
                Ok(mode) if mode == "delete" => {}
                Err(error) if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => {
                    return Err(explain(error));
                }
                Ok(_) | Err(_) => return Err(in_use(&self.target.location)),
            }
            match old.execute_batch("BEGIN EXCLUSIVE") {
                Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                    return Err(in_use(&self.target.location));
                }
                begun => begun.map_err(explain)?,
            }
            kept = Some((old, claim));
        }
        for end in SIDE_FILES {
            let _not_there = std::fs::remove_file(beside(path, end));
        }
        Ok(kept)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _placed = std::fs::remove_file(&self.temporary);
        for end in SIDE_FILES {
            let _not_there = std::fs::remove_file(beside(&self.temporary, end));
        }
    }
}

fn exists(location: &str) -> Error {
    Error::new(
        Kind::Exists,
        format!("{location} exists already; it was left untouched; give another path"),
    )
}

fn in_use(location: &str) -> Error {
    Error::new(
        Kind::Busy,
        format!("{location} is in use, and cannot be replaced; close it, or give another path"),
    )
}

/// The name of a file beside a database.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

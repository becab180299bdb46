//! Whose file it is, which version it has, and how it gets to the newest.

mod objects;

use super::connection::Opener;
use super::defence::{self, Permit};
use super::failure::Site;
use super::new_file::beside;
use crate::error::{Error, Kind, Result};
use crate::model::ids::new_uuid;
use crate::model::now;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// "TKEP", in the file's header: this is a Turnkeep store.
pub(crate) const APPLICATION_ID: i32 = 0x544B_4550;

/// Each takes a file from one schema version to the next; none is ever changed once released.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_core.sql"),
    include_str!("migrations/0002_branches_search_lifecycle.sql"),
];

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    application_id: i32,
    version: i32,
    tables: u32,
}

impl Identity {
    fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let in_header = |name| connection.pragma_query_value(None, name, |row| row.get(0));
        // What is ours says so in its first page. To count the tables every one of them is parsed, a third of what it takes
        // to open a store.
        let application_id = in_header("application_id")?;
        if application_id == APPLICATION_ID {
            return Ok(Self {
                application_id,
                version: in_header("user_version")?,
                tables: 1,
            });
        }
        // In one statement: between two, another process may have made the store.
        connection.query_row(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) \
             FROM pragma_application_id, pragma_user_version",
            [],
            |row| {
                Ok(Self {
                    application_id: row.get(0)?,
                    version: row.get(1)?,
                    tables: row.get(2)?,
                })
            },
        )
    }

    fn is_empty(self) -> bool {
        self.application_id == 0 && self.version == 0 && self.tables == 0
    }

    /// Refuses what is not ours, and what is newer than we are.
    fn check(self, location: &str) -> Result<()> {
        let newest = MIGRATIONS.len() as i32;
        if self.is_empty() {
            return Ok(());
        }
        if self.application_id != APPLICATION_ID {
            return Err(not_a_store(location, self.application_id));
        }
        if self.version > newest {
            return Err(Error::new(
                Kind::Unsupported,
                format!(
                    "{location} has schema {}, made by a newer Turnkeep; this one ({}) knows up to {newest}: update it; \
                     the file was left untouched",
                    self.version,
                    env!("CARGO_PKG_VERSION")
                ),
            ));
        }
        Ok(())
    }
}

/// Looks at a file without a lock and without a trace, before anything could change it. What cannot be told yet (a store
/// that is just being made) is told by [`bring_up_to_date`].
pub(super) fn check_before_opening(site: &Site) -> Result<()> {
    let location = &site.location;
    let size = site
        .path
        .metadata()
        .map_or(0, |file| if file.is_file() { file.len() } else { 0 });
    if size == 0 {
        return Ok(());
    }
    // SQLite says of a file of one byte that it is empty: it writes one itself, for a fault of MS-DOS volumes on macOS.
    if size == 1 && !cfg!(target_vendor = "apple") {
        return Err(no_database(location));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(mut connection) = Connection::open_with_flags(immutable_uri(&site.path), flags) else {
        return Ok(());
    };
    match defence::restrict(&mut connection, Permit::Store).and_then(|()| Identity::read(&connection)) {
        Ok(identity) => identity.check(location),
        Err(error) if is_no_database(&error) && !has_log(site) => Err(no_database(location)),
        Err(_) => Ok(()),
    }
}

fn is_no_database(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::NotADatabase)
}

/// A power cut in the middle of a write to the first page leaves a file that is no database without what SQLite has beside it
/// to mend it: whose it is, is seen when that is done.
fn has_log(site: &Site) -> bool {
    /// By what SQLite knows them, too. What is something else it would remove.
    const BEGINNINGS: [(&str, &[u8]); 3] = [
        ("-journal", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"),
        ("-wal", b"\x37\x7f\x06\x82"),
        ("-wal", b"\x37\x7f\x06\x83"),
    ];
    BEGINNINGS.iter().any(|(end, beginning)| {
        let mut found = [0; 8];
        let read = File::open(beside(&site.path, end)).and_then(|mut file| file.read_exact(&mut found));
        read.is_ok() && found.starts_with(beginning)
    })
}

/// Refuses to replace what is not one of ours, as far as that can be told without a trace. Nothing, and a file of nothing,
/// may be replaced.
pub(super) fn check_is_store(site: &Site) -> Result<()> {
    let size = site.path.metadata().map_or(0, |file| file.len());
    if size == 0 {
        return Ok(());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let found = Connection::open_with_flags(immutable_uri(&site.path), flags).and_then(|mut connection| {
        defence::restrict(&mut connection, Permit::Store)?;
        Identity::read(&connection)
    });
    match found {
        Ok(identity) if identity.is_empty() || identity.application_id == APPLICATION_ID => {
            identity.check(&site.location)
        }
        Ok(identity) => Err(not_a_store(&site.location, identity.application_id)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Err(no_database(&site.location)),
            _ => Err(site.explain(&error)),
        },
    }
}

/// Which schema a store has, as far as a damaged one can tell; refuses what is none.
pub(super) fn version_of_damaged(connection: &Connection, site: &Site) -> Result<i32> {
    let read = || -> rusqlite::Result<Identity> {
        Ok(Identity {
            application_id: connection.pragma_query_value(None, "application_id", |row| row.get(0))?,
            version: connection.pragma_query_value(None, "user_version", |row| row.get(0))?,
            tables: 1,
        })
    };
    match read() {
        Ok(identity) => identity.check(&site.location).map(|()| identity.version),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Err(no_database(&site.location)),
        Err(error) => Err(site.explain(&error)),
    }
}

fn not_a_store(location: &str, application_id: i32) -> Error {
    Error::new(
        Kind::Mismatch,
        format!(
            "{location} is not a Turnkeep store (its application id is 0x{application_id:X}); it was left untouched"
        ),
    )
}

fn no_database(location: &str) -> Error {
    Error::new(
        Kind::Mismatch,
        format!("{location} is not a Turnkeep store (not an SQLite database at all); it was left untouched"),
    )
}

/// SQLite reads an `immutable` file without locking it, recovering it or leaving files beside it.
fn immutable_uri(path: &Path) -> String {
    // An authority that is empty, so that a path may begin with two slashes; a drive letter wants a slash before it.
    let mut uri = String::from(if cfg!(windows) { "file:///" } else { "file://" });
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'/' | b':' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(byte)),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// Checks whose file it is by the connection that is going to change it, before it changes anything.
pub(super) fn check_before_changing(connection: &Connection, site: &Site) -> Result<()> {
    let explain = |error: rusqlite::Error| match is_no_database(&error) {
        true => no_database(&site.location),
        false => site.explain(&error),
    };
    // At one moment: somebody else may be bringing the store up to date.
    let moment = connection.unchecked_transaction().map_err(explain)?;
    let identity = Identity::read(&moment).map_err(explain)?;
    identity.check(&site.location)?;
    objects::check(&moment, site, identity.version)?;
    moment.finish().map_err(explain)
}

/// Checks whose file it is once more, and applies the migrations that it lacks, all in one transaction.
pub(super) fn bring_up_to_date(connection: &mut Connection, opener: &Opener) -> Result<()> {
    let site = &opener.site;
    let explain = |error: rusqlite::Error| site.explain(&error);
    let identity = Identity::read(connection).map_err(explain)?;
    identity.check(&site.location)?;
    if identity.version == MIGRATIONS.len() as i32 {
        return Ok(());
    }
    if opener.read_only {
        return Err(Error::new(
            Kind::ReadOnly,
            format!(
                "{} has schema {} and must be brought to {}; open it once without read_only",
                site.location,
                identity.version,
                MIGRATIONS.len()
            ),
        ));
    }
    migrate(connection, site)
}

fn migrate(connection: &mut Connection, site: &Site) -> Result<()> {
    let explain = |error: rusqlite::Error| site.explain(&error);
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(explain)?;
    // Somebody else may have done it while we waited for the lock.
    let identity = Identity::read(&transaction).map_err(explain)?;
    identity.check(&site.location)?;
    let done = usize::try_from(identity.version).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration).map_err(explain)?;
    }
    if identity.is_empty() {
        found(&transaction).map_err(explain)?;
    }
    transaction
        .pragma_update(None, "user_version", MIGRATIONS.len() as i32)
        .map_err(explain)?;
    transaction.commit().map_err(explain)
}

/// What a store has from the day it is made.
fn found(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.execute(
        "INSERT INTO meta (name, value) VALUES ('store_id', ?1), ('created', ?2), ('last_key', 0), ('flushes', 0)",
        (new_uuid().to_string(), now()),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_any_character_is_a_uri_that_means_it() {
        assert_eq!(
            immutable_uri(Path::new("//a b/c?d#e%f")),
            "file:////a%20b/c%3Fd%23e%25f?immutable=1"
        );
    }
}

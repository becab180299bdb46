//! Statements held and run by SQLite's own C API, where rusqlite's way of it takes longer than what is done: ranges of rows,
//! which is every message's way into memory; the statements of an append; the beginning and end of every transaction. And the
//! log's file, which nothing else reaches.
//!
//! rusqlite looks a statement up by its text each time, copies each text that it binds, and clears what was bound: half as many
//! instructions as SQLite needs for the insert itself. And it asks each column for its type before it reads it, and that takes
//! longer than the reading: two fifths of a window after a cache miss. Here a column is read as what the schema, whose tables
//! are STRICT, says that it is. The only `unsafe` in the storage, with what lies below.

#[cfg(unix)]
mod fork;

#[cfg(unix)]
pub(super) use fork::watch_forks;

/// There is no fork elsewhere.
#[cfg(not(unix))]
pub(super) fn watch_forks() -> Result<()> {
    Ok(())
}

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Error, Result, ffi};
use std::ffi::{CStr, c_int};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// A prepared statement. It must be dropped before its connection is closed, which fails else.
pub(super) struct Statement {
    statement: NonNull<ffi::sqlite3_stmt>,
    parameters: usize,
}

// SAFETY: whoever holds the connection holds its statements, one thread at a time; SQLite does not mind which.
unsafe impl Send for Statement {}

/// The row that a statement stands on.
pub(super) struct Row<'a> {
    statement: NonNull<ffi::sqlite3_stmt>,
    stays: PhantomData<&'a Statement>,
}

impl Statement {
    pub(super) fn prepare(connection: &Connection, sql: &str) -> Result<Self> {
        let len = c_int::try_from(sql.len()).map_err(|_| Error::InvalidQuery)?;
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open, and only used here now; the text has its length.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                connection.handle(),
                sql.as_ptr().cast(),
                len,
                ffi::SQLITE_PREPARE_PERSISTENT,
                &raw mut statement,
                ptr::null_mut(),
            )
        };
        if code != ffi::SQLITE_OK {
            // SAFETY: as above.
            return Err(unsafe { failure(connection.handle(), code) });
        }
        let statement = NonNull::new(statement).ok_or(Error::InvalidQuery)?;
        // SAFETY: the statement is prepared.
        let parameters = unsafe { ffi::sqlite3_bind_parameter_count(statement.as_ptr()) };
        Ok(Self {
            statement,
            parameters: usize::try_from(parameters).unwrap_or(0),
        })
    }

    /// Runs a statement that has no parameters.
    pub(super) fn run(&mut self) -> Result<()> {
        self.rows(&[], |_| Ok(true))
    }

    /// Runs a statement that changes rows, and says how many it changed.
    pub(super) fn execute(&mut self, parameters: &[ValueRef<'_>]) -> Result<u64> {
        self.rows(parameters, |_| Ok(true))?;
        // SAFETY: a statement knows its connection, which is open as long as it is there.
        let changed = unsafe { ffi::sqlite3_changes64(ffi::sqlite3_db_handle(self.statement.as_ptr())) };
        Ok(changed.unsigned_abs())
    }

    /// Visits the rows between two keys, until there are no more or a visit says `false`.
    pub(super) fn each(&mut self, range: (i64, i64), visit: impl FnMut(&Row<'_>) -> Result<bool>) -> Result<()> {
        self.rows(&[ValueRef::Integer(range.0), ValueRef::Integer(range.1)], visit)
    }

    /// Binds every parameter anew, since SQLite keeps the address of a text that was bound and not the text: it is never stepped
    /// with one that was bound before.
    fn bind(&mut self, parameters: &[ValueRef<'_>]) -> Result<()> {
        if parameters.len() != self.parameters {
            return Err(Error::InvalidParameterCount(parameters.len(), self.parameters));
        }
        let statement = self.statement.as_ptr();
        for (index, parameter) in (1..).zip(parameters) {
            // SAFETY: the statement is prepared and stands before its first row. What is bound by its address is borrowed until
            // the statement has run, and bound anew before it runs again.
            self.check(unsafe {
                match *parameter {
                    ValueRef::Null => ffi::sqlite3_bind_null(statement, index),
                    ValueRef::Integer(number) => ffi::sqlite3_bind_int64(statement, index, number),
                    ValueRef::Real(number) => ffi::sqlite3_bind_double(statement, index, number),
                    ValueRef::Text(text) => ffi::sqlite3_bind_text64(
                        statement,
                        index,
                        text.as_ptr().cast(),
                        text.len() as u64,
                        ffi::SQLITE_STATIC(),
                        ffi::SQLITE_UTF8 as u8,
                    ),
                    ValueRef::Blob(bytes) => ffi::sqlite3_bind_blob64(
                        statement,
                        index,
                        bytes.as_ptr().cast(),
                        bytes.len() as u64,
                        ffi::SQLITE_STATIC(),
                    ),
                }
            })?;
        }
        Ok(())
    }

    fn rows(&mut self, parameters: &[ValueRef<'_>], mut visit: impl FnMut(&Row<'_>) -> Result<bool>) -> Result<()> {
        self.bind(parameters)?;
        let statement = Reset(self.statement);
        loop {
            // SAFETY: the statement is prepared.
            match unsafe { ffi::sqlite3_step(self.statement.as_ptr()) } {
                ffi::SQLITE_ROW => {
                    let row = Row {
                        statement: statement.0,
                        stays: PhantomData,
                    };
                    if !visit(&row)? {
                        return Ok(());
                    }
                }
                ffi::SQLITE_DONE => return Ok(()),
                code => return self.check(code),
            }
        }
    }

    fn check(&self, code: c_int) -> Result<()> {
        if code == ffi::SQLITE_OK {
            return Ok(());
        }
        // SAFETY: a statement knows its connection, which is open as long as it is there.
        Err(unsafe { failure(ffi::sqlite3_db_handle(self.statement.as_ptr()), code) })
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the statement is prepared, and not used again.
        unsafe { ffi::sqlite3_finalize(self.statement.as_ptr()) };
    }
}

/// Lets go of the rows, whatever happens to the visitor.
struct Reset(NonNull<ffi::sqlite3_stmt>);

impl Drop for Reset {
    fn drop(&mut self) {
        // SAFETY: the statement is prepared.
        unsafe { ffi::sqlite3_reset(self.0.as_ptr()) };
    }
}

impl Row<'_> {
    /// An integer.
    pub(super) fn integer(&self, column: usize) -> i64 {
        // SAFETY: the statement stands on a row; SQLite answers 0 for a column that is not there.
        unsafe { ffi::sqlite3_column_int64(self.statement.as_ptr(), column as c_int) }
    }

    /// An integer that must fit.
    pub(super) fn number<T: TryFrom<i64>>(&self, column: usize) -> Result<T> {
        let number = self.integer(column);
        T::try_from(number).map_err(|_| Error::IntegralValueOutOfRange(column, number))
    }

    /// A text that is never NULL in the table: if it is here, the row is damaged, or SQLite had no memory for the text.
    pub(super) fn text_or_fail(&self, column: usize) -> Result<&str> {
        self.text(column)?.ok_or_else(|| {
            // SAFETY: the statement stands on a row.
            match unsafe { ffi::sqlite3_column_type(self.statement.as_ptr(), column as c_int) } {
                ffi::SQLITE_NULL => Error::InvalidColumnType(column, "NOT NULL".to_owned(), Type::Null),
                _ => Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None),
            }
        })
    }

    /// Bytes, until the next row; `None` for NULL, and where there are none.
    pub(super) fn blob(&self, column: usize) -> Option<&[u8]> {
        let statement = self.statement.as_ptr();
        // SAFETY: the statement stands on a row.
        let blob = unsafe { ffi::sqlite3_column_blob(statement, column as c_int) };
        if blob.is_null() {
            return None;
        }
        // SAFETY: as above; the length is asked for after the bytes, as SQLite wants it.
        let len = unsafe { ffi::sqlite3_column_bytes(statement, column as c_int) };
        // SAFETY: as for a text.
        Some(unsafe { std::slice::from_raw_parts(blob.cast(), usize::try_from(len).unwrap_or(0)) })
    }

    /// A text, until the next row; `None` for NULL.
    pub(super) fn text(&self, column: usize) -> Result<Option<&str>> {
        let statement = self.statement.as_ptr();
        // SAFETY: the statement stands on a row.
        let text = unsafe { ffi::sqlite3_column_text(statement, column as c_int) };
        if text.is_null() {
            return Ok(None);
        }
        // SAFETY: as above; the length is asked for after the text, as SQLite wants it.
        let len = unsafe { ffi::sqlite3_column_bytes(statement, column as c_int) };
        // SAFETY: SQLite gave so many bytes, which stay until the next step or reset; both need the statement that the row
        // was borrowed from.
        let bytes = unsafe { std::slice::from_raw_parts(text, usize::try_from(len).unwrap_or(0)) };
        std::str::from_utf8(bytes)
            .map(Some)
            .map_err(|error| Error::Utf8Error(column, error))
    }
}

/// Loads no extension, by whatever call: this SQLite is built to load them.
pub(super) fn forbid_extensions(connection: &Connection) -> Result<()> {
    // SAFETY: the connection is open, and only used here now.
    match unsafe { ffi::sqlite3_enable_load_extension(connection.handle(), 0) } {
        ffi::SQLITE_OK => Ok(()),
        // SAFETY: as above.
        code => Err(unsafe { failure(connection.handle(), code) }),
    }
}

/// How much of the log is read and written at once.
const PART: usize = 1 << 16;

/// Writes the bytes of the write-ahead log to where they are, and flushes them. The caller has a transaction open for writing in
/// which nothing was changed yet.
pub(super) fn write_log_once_more(connection: &Connection) -> Result<()> {
    let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
    // SAFETY: the connection is open; asked this, SQLite writes a pointer to one of its files, which lives as long as it.
    let code = unsafe {
        ffi::sqlite3_file_control(
            connection.handle(),
            c"main".as_ptr(),
            ffi::SQLITE_FCNTL_JOURNAL_POINTER,
            (&raw mut file).cast(),
        )
    };
    ok(code)?;
    // SAFETY: a file that is not open has no methods; those of one that is are SQLite's own and stay.
    let Some(methods) = (unsafe { file.as_ref().and_then(|file| file.pMethods.as_ref()) }) else {
        return Ok(());
    };
    let (Some(size), Some(read), Some(write), Some(sync)) =
        (methods.xFileSize, methods.xRead, methods.xWrite, methods.xSync)
    else {
        return Err(Error::InvalidQuery);
    };
    let mut end = 0;
    // SAFETY: the file is open, and as long as the transaction is, nobody else writes to it.
    ok(unsafe { size(file, &raw mut end) })?;
    let mut part = vec![0u8; PART];
    let mut at = 0;
    while at < end {
        let len = (end - at).min(PART as i64) as c_int;
        // SAFETY: as above; the part has room for so many bytes.
        ok(unsafe { read(file, part.as_mut_ptr().cast(), len, at) })?;
        // SAFETY: as above; they were just read.
        ok(unsafe { write(file, part.as_ptr().cast(), len, at) })?;
        at += i64::from(len);
    }
    // SAFETY: as above.
    ok(unsafe { sync(file, ffi::SQLITE_SYNC_FULL) })
}

fn ok(code: c_int) -> Result<()> {
    match code {
        ffi::SQLITE_OK => Ok(()),
        code => Err(Error::SqliteFailure(ffi::Error::new(code), None)),
    }
}

/// What SQLite says of a call that failed just now.
///
/// # Safety
/// The connection is open.
unsafe fn failure(connection: *mut ffi::sqlite3, code: c_int) -> Error {
    // SAFETY: the caller's connection is open; the message stays until its next call, and ends in a NUL.
    let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(connection)) };
    Error::SqliteFailure(ffi::Error::new(code), Some(message.to_string_lossy().into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE t (key INTEGER PRIMARY KEY, text TEXT); INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, '')")
            .unwrap();
        connection
    }

    const RANGE: &str = "SELECT key, text FROM t WHERE key BETWEEN ?1 AND ?2 ORDER BY key";

    #[test]
    fn a_range_is_read_in_order_and_can_be_read_again() {
        let connection = table();
        let mut range = Statement::prepare(&connection, RANGE).unwrap();
        for _ in 0..2 {
            let mut rows = Vec::new();
            range
                .each((1, 3), |row| {
                    rows.push((row.integer(0), row.text(1)?.map(str::to_owned)));
                    Ok(true)
                })
                .unwrap();
            assert_eq!(rows, [(1, Some("a".into())), (2, None), (3, Some(String::new()))]);
        }
    }

    #[test]
    fn a_visitor_that_has_enough_or_fails_ends_the_reading() {
        let connection = table();
        let mut range = Statement::prepare(&connection, RANGE).unwrap();
        let mut visited = 0;
        range
            .each((1, 3), |_| {
                visited += 1;
                Ok(false)
            })
            .unwrap();
        assert_eq!(visited, 1);
        assert!(range.each((1, 3), |_| Err(Error::InvalidQuery)).is_err());
        // Nothing is left open: the table can be dropped.
        connection.execute_batch("DROP TABLE t").unwrap();
    }

    #[test]
    fn a_statement_that_cannot_be_prepared_says_why() {
        let error = Statement::prepare(&table(), "SELECT nothing").map(drop).unwrap_err();
        assert!(error.to_string().contains("nothing"), "{error}");
    }

    #[test]
    fn a_text_that_is_missing_where_one_must_be_is_damage_and_no_lack_of_memory() {
        let connection = table();
        let mut range = Statement::prepare(&connection, RANGE).unwrap();
        let result = range.each((2, 2), |row| row.text_or_fail(1).map(|_| true));
        assert!(
            matches!(result, Err(Error::InvalidColumnType(1, _, Type::Null))),
            "{result:?}"
        );
    }

    #[test]
    fn what_is_bound_is_kept_as_it_was_and_the_changed_rows_are_counted() {
        let connection = table();
        let mut insert = Statement::prepare(&connection, "INSERT INTO t VALUES (?1, ?2)").unwrap();
        for (key, text) in [(4, Some("four".to_owned())), (5, None), (6, Some(String::new()))] {
            let changed = insert
                .execute(&[ValueRef::Integer(key), text.as_deref().into()])
                .unwrap();
            assert_eq!(changed, 1);
        }
        let mut update = Statement::prepare(&connection, "UPDATE t SET text = 'x' WHERE key > ?1").unwrap();
        assert_eq!(update.execute(&[ValueRef::Integer(5)]), Ok(1));
        assert_eq!(update.execute(&[ValueRef::Integer(6)]), Ok(0));
        let read = |key: i64| -> Option<String> {
            let sql = "SELECT text FROM t WHERE key = ?1";
            connection.query_row(sql, [key], |row| row.get(0)).unwrap()
        };
        assert_eq!(
            (read(4).as_deref(), read(5), read(6).as_deref()),
            (Some("four"), None, Some("x"))
        );
    }

    #[test]
    fn a_statement_runs_with_all_of_its_parameters_or_not_at_all() {
        let connection = table();
        let mut insert = Statement::prepare(&connection, "INSERT INTO t VALUES (?1, ?2)").unwrap();
        assert_eq!(
            insert.execute(&[ValueRef::Integer(4)]),
            Err(Error::InvalidParameterCount(1, 2))
        );
        assert_eq!(insert.run(), Err(Error::InvalidParameterCount(0, 2)));
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        let connection = table();
        let mut range = Statement::prepare(&connection, "SELECT -1, ?1 + ?2").unwrap();
        let result = range.each((0, 0), |row| row.number::<u32>(0).map(|_| true));
        assert_eq!(result, Err(Error::IntegralValueOutOfRange(0, -1)));
    }
}

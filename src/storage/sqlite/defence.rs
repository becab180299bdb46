//! What SQLite may do on a connection, and how much of it. Whoever wrote a file wrote its schema, too: nothing that stands there
//! is executed, and no statement does what none of ours asks for.
//!
//! SQLite asks the permit while it prepares a statement, never while it runs one.

use super::raw;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, Result};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// A store, to be read and written.
    Store,
    /// A copy of a damaged store, to be read.
    Salvage,
    /// Another program's database, to be read with tables of our own beside it.
    Foreign,
}

/// All that the schemas of a store have; tables of the full text's own have `search_` before their names.
const TABLES: [&str; 13] = [
    "events",
    "messages",
    "meta",
    "paths",
    "receipts",
    "search",
    "segments",
    "sessions",
    "sqlite_master",
    "sqlite_schema",
    "sqlite_stat1",
    "sqlite_stat4",
    "tags",
];

/// Tables that are functions.
const TABLES_OF_SQLITE: [&str; 5] = [
    "dbstat",
    "json_each",
    "pragma_application_id",
    "pragma_quick_check",
    "pragma_user_version",
];

/// What the statements here call, and what SQLite's own ALTER TABLE, ANALYZE and VACUUM do.
const FUNCTIONS: [&str; 26] = [
    "bm25",
    "coalesce",
    "count",
    "glob",
    "iif",
    "json_group_array",
    "length",
    "like",
    "match",
    "max",
    "min",
    "octet_length",
    "printf",
    "quote",
    "replace",
    "row_number",
    "sqlite_rename_test",
    "sqlite_rename_quotefix",
    "substr",
    "sum",
    "trim",
    "turnkeep_contains",
    "turnkeep_merged",
    "turnkeep_metadata",
    "typeof",
    "unicode",
];

const FUNCTIONS_FOR_FOREIGN: [&str; 8] = [
    "count",
    "json",
    "max",
    "min",
    "coalesce",
    "octet_length",
    "typeof",
    "length",
];

const PRAGMAS: [&str; 18] = [
    "analysis_limit",
    "application_id",
    "cell_size_check",
    "checkpoint_fullfsync",
    "data_version",
    "freelist_count",
    "fullfsync",
    "integrity_check",
    "journal_mode",
    "journal_size_limit",
    "page_count",
    "page_size",
    "query_only",
    "quick_check",
    "synchronous",
    "user_version",
    "wal_autocheckpoint",
    "wal_checkpoint",
];

const PRAGMAS_FOR_SALVAGE: [&str; 5] = [
    "application_id",
    "cell_size_check",
    "user_version",
    "wal_checkpoint",
    "writable_schema",
];

const PRAGMAS_FOR_FOREIGN: [&str; 3] = ["application_id", "cell_size_check", "table_xinfo"];

/// What our own statements need with room. SQLite's own limits are thousands of times as high.
const LIMITS: [(Limit, i32); 10] = [
    (Limit::SQLITE_LIMIT_ATTACHED, 0),
    (Limit::SQLITE_LIMIT_COLUMN, 200),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 20),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 16),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100),
    (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 0),
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 250),
    (Limit::SQLITE_LIMIT_VDBE_OP, 100_000),
    (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
];

/// The longest statement. A table's description in a file is one, too.
const MOST_SQL_BYTES: i32 = 100_000;

/// Restricts a connection to what it is for.
pub(crate) fn restrict(connection: &mut Connection, permit: Permit) -> Result<()> {
    raw::forbid_extensions(connection)?;
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        // Salvage goes on where SQLite's own description of the tables is damaged.
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, permit != Permit::Salvage),
    ] {
        connection.set_db_config(setting, value)?;
    }
    connection.pragma_update(None, "cell_size_check", true)?;
    for (limit, most) in LIMITS {
        connection.set_limit(limit, most)?;
    }
    if permit != Permit::Foreign {
        connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MOST_SQL_BYTES)?;
    }
    connection.authorizer(Some(move |asked: AuthContext<'_>| {
        if permit.allows(&asked) {
            Authorization::Allow
        } else {
            Authorization::Deny
        }
    }))
}

/// Runs something that SQLite does through a second database of its own, without a name: VACUUM.
pub(super) fn with_scratch_database<T>(
    connection: &Connection,
    run: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    let done = run(connection);
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    done
}

impl Permit {
    fn allows(self, asked: &AuthContext<'_>) -> bool {
        match asked.action {
            AuthAction::Select
            | AuthAction::Recursive
            | AuthAction::Transaction { .. }
            | AuthAction::Savepoint { .. } => true,
            // Without a column it is a question for the number of rows, and may name a part of the statement itself.
            AuthAction::Read { column_name: "", .. } => true,
            AuthAction::Read { table_name, .. } => self.may_read(table_name),
            AuthAction::Function { function_name } => self.functions().contains(&function_name),
            AuthAction::Pragma { pragma_name, .. } => self.pragmas().contains(&pragma_name),
            _ => match self {
                Self::Store => changes_a_store(&asked.action),
                Self::Salvage => false,
                Self::Foreign => changes_what_is_temporary(asked),
            },
        }
    }

    fn may_read(self, table: &str) -> bool {
        match self {
            Self::Store => is_of_store(table) || TABLES_OF_SQLITE.contains(&table),
            Self::Salvage => is_of_store(table),
            Self::Foreign => true,
        }
    }

    fn functions(self) -> &'static [&'static str] {
        match self {
            Self::Store | Self::Salvage => &FUNCTIONS,
            Self::Foreign => &FUNCTIONS_FOR_FOREIGN,
        }
    }

    fn pragmas(self) -> &'static [&'static str] {
        match self {
            Self::Store => &PRAGMAS,
            Self::Salvage => &PRAGMAS_FOR_SALVAGE,
            Self::Foreign => &PRAGMAS_FOR_FOREIGN,
        }
    }
}

fn is_of_store(table: &str) -> bool {
    TABLES.contains(&table) || table.starts_with("search_")
}

fn changes_a_store(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
        | AuthAction::CreateTable { table_name }
        | AuthAction::CreateIndex { table_name, .. }
        | AuthAction::DropTable { table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::Analyze { table_name } => is_of_store(table_name),
        AuthAction::Reindex { index_name } => index_name
            .split_once("_by_")
            .is_some_and(|(table, _)| is_of_store(table)),
        AuthAction::CreateVtable {
            table_name,
            module_name,
        } => (*table_name, *module_name) == ("search", "fts5"),
        // What VACUUM writes into has no name, and is gone with it.
        AuthAction::Attach { filename } => filename.is_empty(),
        AuthAction::Detach { database_name } => database_name.starts_with("vacuum"),
        _ => false,
    }
}

fn changes_what_is_temporary(asked: &AuthContext<'_>) -> bool {
    match asked.action {
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::DropTempTable { .. } => true,
        AuthAction::Insert { .. }
        | AuthAction::Update { .. }
        | AuthAction::Delete { .. }
        | AuthAction::Reindex { .. } => asked.database_name == Some("temp"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restricted(permit: Permit) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE messages (a); CREATE TABLE others (a); CREATE TABLE tags (a)")
            .unwrap();
        restrict(&mut connection, permit).unwrap();
        connection
    }

    fn is_refused(connection: &Connection, sql: &str) -> bool {
        connection
            .prepare(sql)
            .and_then(|mut statement| statement.query([])?.next().map(drop))
            .is_err()
    }

    #[test]
    fn a_store_does_nothing_that_no_statement_of_ours_asks_for() {
        let connection = restricted(Permit::Store);
        for sql in [
            "SELECT load_extension('harm')",
            "ATTACH 'harm.db' AS harm",
            "ATTACH '' AS harm",
            "PRAGMA writable_schema = 1",
            "PRAGMA temp_store_directory = '/'",
            "PRAGMA trusted_schema = 1",
            "SELECT a FROM others",
            "DELETE FROM others",
            "CREATE TABLE harm (a)",
            "CREATE TEMP TABLE tags (a)",
            "DROP TABLE others",
            "CREATE TRIGGER harm AFTER INSERT ON messages BEGIN SELECT 1; END",
            "CREATE VIEW harm AS SELECT 1",
            "CREATE VIRTUAL TABLE messages_too USING rtree (a, b, c)",
            "SELECT randomblob(10)",
            "SELECT fts3_tokenizer('simple')",
            "SELECT name FROM pragma_table_list",
            "VACUUM INTO 'harm.db'",
        ] {
            assert!(is_refused(&connection, sql), "{sql}");
        }
        for sql in [
            "SELECT count(*) FROM messages",
            "INSERT INTO messages VALUES (1)",
            "PRAGMA user_version",
        ] {
            assert!(!is_refused(&connection, sql), "{sql}");
        }
    }

    #[test]
    fn a_store_is_vacuumed_and_attaches_nothing_afterwards() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE messages (a)").unwrap();
        restrict(&mut connection, Permit::Store).unwrap();
        with_scratch_database(&connection, |connection| connection.execute_batch("VACUUM")).unwrap();
        assert_eq!(connection.limit(Limit::SQLITE_LIMIT_ATTACHED), Ok(0));
    }

    #[test]
    fn what_is_salvaged_or_imported_is_read_only() {
        for permit in [Permit::Salvage, Permit::Foreign] {
            let connection = restricted(permit);
            for sql in [
                "SELECT load_extension('harm')",
                "ATTACH 'harm.db' AS harm",
                "INSERT INTO messages VALUES (1)",
                "UPDATE messages SET a = 1",
                "DELETE FROM tags",
                "DROP TABLE tags",
                "VACUUM",
                "VACUUM INTO 'harm.db'",
                "PRAGMA journal_mode = wal",
                "CREATE TEMP VIEW harm AS SELECT 1",
            ] {
                assert!(is_refused(&connection, sql), "{permit:?}: {sql}");
            }
            assert!(!is_refused(&connection, "SELECT max(a) FROM messages"));
        }
        let foreign = restricted(Permit::Foreign);
        foreign
            .execute_batch("CREATE TEMP TABLE mine AS SELECT a FROM others; INSERT INTO temp.mine VALUES (1)")
            .unwrap();
    }

    #[test]
    fn what_is_prepared_already_asks_nobody() {
        let mut connection = restricted(Permit::Store);
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let its_asked = std::sync::Arc::clone(&asked);
        connection
            .authorizer(Some(move |_: AuthContext<'_>| {
                its_asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Authorization::Allow
            }))
            .unwrap();
        let mut statement = connection.prepare("INSERT INTO messages VALUES (?1)").unwrap();
        let when_prepared = asked.load(std::sync::atomic::Ordering::Relaxed);
        assert!(when_prepared > 0);
        for number in 0..100 {
            statement.execute([number]).unwrap();
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), when_prepared);
    }
}

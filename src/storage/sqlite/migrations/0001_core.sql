-- Sessions, their messages, the receipts of keyed appends. Why each table looks as it does: docs/design.md, "Storage".
-- Times are microseconds since 1970-01-01 UTC.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    key            INTEGER PRIMARY KEY,
    id             TEXT NOT NULL UNIQUE,
    user_id        TEXT NOT NULL DEFAULT '',
    name           TEXT,
    title          TEXT NOT NULL DEFAULT '',
    model          TEXT NOT NULL DEFAULT '',
    status         INTEGER NOT NULL DEFAULT 1,
    metadata       TEXT NOT NULL DEFAULT '{}',
    window_tokens  INTEGER,
    created        INTEGER NOT NULL,
    updated        INTEGER NOT NULL,
    expires        INTEGER,
    parent         INTEGER,
    fork_seq       INTEGER NOT NULL DEFAULT 0,
    -- The stretch that new messages go to. Stretches before it, which a fork shares, are in paths.
    tail_segment   INTEGER NOT NULL,
    tail_first_seq INTEGER NOT NULL DEFAULT 1,
    head_seq       INTEGER NOT NULL DEFAULT 0,
    token_total    INTEGER NOT NULL DEFAULT 0,
    turn_count     INTEGER NOT NULL DEFAULT 0,
    revision       INTEGER NOT NULL DEFAULT 1,
    -- Where the window planner stood: JSON, only ever a shortcut.
    window_memo    TEXT,
    summary_tokens INTEGER NOT NULL DEFAULT 0,
    summary        TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX sessions_by_name ON sessions (user_id, name) WHERE name IS NOT NULL;
-- For the list of one owner; it holds the keys, too. A session without an owner costs nothing here.
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE user_id <> '';

CREATE TABLE paths (
    session   INTEGER NOT NULL,
    first_seq INTEGER NOT NULL,
    segment   INTEGER NOT NULL,
    PRIMARY KEY (session, first_seq)
) STRICT, WITHOUT ROWID;

-- key = segment << 32 | seq. A message has one path of ancestors, so seq, total_tokens and turn hold for every session
-- that shares it. The short columns come first: a planner's replay reads no content.
CREATE TABLE messages (
    key          INTEGER PRIMARY KEY,
    role         INTEGER NOT NULL,
    flags        INTEGER NOT NULL,
    tokens       INTEGER NOT NULL,
    total_tokens INTEGER NOT NULL,
    turn         INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    tool_call_id TEXT,
    model        TEXT,
    metadata     TEXT,
    tool_calls   TEXT,
    content      TEXT NOT NULL
) STRICT;

CREATE TABLE receipts (
    session         INTEGER NOT NULL,
    idempotency_key TEXT NOT NULL,
    first_seq       INTEGER NOT NULL,
    last_seq        INTEGER NOT NULL,
    revision        INTEGER NOT NULL,
    PRIMARY KEY (session, idempotency_key)
) STRICT, WITHOUT ROWID;

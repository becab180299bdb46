-- Branches, tags, expiry, limits, search, the event log. Why each looks as it does: docs/design.md, "Storage".

-- Nothing could fork until now: the table is empty. A list of segments for each session, as it was meant, makes a fork of a
-- fork of a fork as dear as the list is long.
DROP TABLE paths;
-- The segment that a segment goes on from, and its own first message; one that begins a conversation has no row.
CREATE TABLE segments (
    segment   INTEGER PRIMARY KEY,
    parent    INTEGER NOT NULL,
    first_seq INTEGER NOT NULL
) STRICT;
-- Who goes on from a segment, and from where.
CREATE INDEX segments_by_parent ON segments (parent, first_seq);
-- Whose tail a segment is, where the session's own number does not say it.
CREATE INDEX sessions_by_tail ON sessions (tail_segment) WHERE tail_segment <> key;
CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;

-- The bytes of the messages' texts, and how many there may be.
ALTER TABLE sessions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN max_bytes INTEGER;
-- Beside expires, which is a time: so long after the last change.
ALTER TABLE sessions ADD COLUMN expires_after INTEGER;

-- The bytes of the session up to and with this message, as total_tokens are its tokens.
ALTER TABLE messages ADD COLUMN total_bytes INTEGER NOT NULL DEFAULT 0;
-- The content, compressed by zstd; content is empty then.
ALTER TABLE messages ADD COLUMN packed BLOB;

UPDATE messages SET total_bytes = sums.total FROM (
    SELECT key, sum(octet_length(content) + coalesce(octet_length(tool_calls), 0) + coalesce(octet_length(metadata), 0))
        OVER (PARTITION BY key >> 32 ORDER BY key) AS total
    FROM messages
) AS sums WHERE sums.key = messages.key;
UPDATE sessions SET bytes =
    (SELECT total_bytes FROM messages WHERE messages.key = sessions.tail_segment << 32 | sessions.head_seq)
    WHERE head_seq > 0;

CREATE TABLE tags (
    session INTEGER NOT NULL,
    tag     TEXT NOT NULL,
    PRIMARY KEY (session, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_by_tag ON tags (tag, session);

-- Full text: a document is a message or, by the number of its session below zero, a session's name, title and summary. Documents are
-- numbered by the time of what they are about, so that the newest come first without sorting.
CREATE VIRTUAL TABLE search USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'ascii');
CREATE TABLE search_documents (
    document INTEGER PRIMARY KEY,
    key      INTEGER NOT NULL UNIQUE
) STRICT;
-- What is not indexed yet: the messages of a segment from a seq on, or a session (below zero, its seq is 0).
CREATE TABLE search_outbox (
    segment  INTEGER PRIMARY KEY,
    next_seq INTEGER NOT NULL
) STRICT;
INSERT INTO search_outbox SELECT tail_segment, tail_first_seq FROM sessions WHERE head_seq > 0;
INSERT INTO search_outbox SELECT -key, 0 FROM sessions WHERE title <> '' OR summary <> '' OR name IS NOT NULL;

-- The log of changes, for those who poll; a bounded number of them.
CREATE TABLE events (
    number           INTEGER PRIMARY KEY,
    at               INTEGER NOT NULL,
    kind             INTEGER NOT NULL,
    session_id       TEXT NOT NULL,
    other_session_id TEXT NOT NULL,
    revision         INTEGER NOT NULL,
    first_seq        INTEGER NOT NULL,
    last_seq         INTEGER NOT NULL,
    count            INTEGER NOT NULL
) STRICT;

/*
 * Turnkeep keeps conversations for programs that run language models.
 *
 * A host opens a store, appends messages to sessions, and asks before each prompt which messages go into the model's
 * window. Every message that it was told is kept is kept; every window is valid, fits, and is the same on every machine.
 *
 *     turnkeep_store *store;
 *     turnkeep_session *session;
 *     turnkeep_window *window;
 *     turnkeep_store_open("chat.db", NULL, &store, NULL);
 *     turnkeep_session_create(store, NULL, &session, NULL);
 *     turnkeep_session_append(session, TURNKEEP_ROLE_USER, "Hello!", 6, NULL, NULL);
 *     turnkeep_session_window(session, NULL, &window, NULL);
 *     for (size_t i = 0; i < turnkeep_window_len(window); i++) feed(turnkeep_window_at(window, i)->content);
 *     turnkeep_window_free(window);
 *     turnkeep_session_close(session);
 *     turnkeep_store_close(store, NULL);
 *
 * Everything in this file follows these rules:
 *
 *  1. Names: turnkeep_noun_verb for functions, turnkeep_noun for types, TURNKEEP_NOUN_VALUE for constants.
 *  2. What can fail returns a turnkeep_status and takes `error` last: pass NULL, or the address of a pointer that is NULL,
 *     which is filled only on failure and freed by turnkeep_error_free. What cannot fail returns its value. On failure
 *     nothing was changed and no output was written; what may be otherwise says so. Where it was the disk's flush that failed,
 *     that is so for this handle, and who opens the file anew may find the change done. There is no last error.
 *  3. You own what a function gave you through its ** parameters: give it back with its own _close or _free, which take
 *     NULL. A required pointer that is NULL is INVALID elsewhere, and the error names it.
 *  4. Handles, const or not, may be used by any number of threads at once, and what they give out never changes; only
 *     _close and _free must be the last use. Results hold no lock and no part of the file.
 *     In a child of fork() what the parent opened is CLOSED, to be opened anew; results may be read and freed, handles closed.
 *  5. Strings in end in a NUL where they are ids, names, paths or JSON; contents have a length. All are UTF-8; ids and names
 *     have no control characters; JSON is less than 128 levels deep, with numbers that a double holds and no lone surrogates.
 *     Strings out are turnkeep_text, borrowed from the object you hold, a turnkeep_document where there is no other.
 *     Arrays of strings have a count beside them. Nothing else is ever allocated for you.
 *  6. Structs that you fill have struct_size first, and are made by their _INIT macro; zero means default. Fields are only
 *     ever added at the end, so a program keeps running with a newer library. A struct from a newer header is UNSUPPORTED.
 *  7. Results are read by _len and _at. Lists page by an opaque token.
 *  8. Callbacks get your user_data, and you get it back by destroy. They run on the thread of the call that caused them, or
 *     on the store's own thread for what it does by itself. No lock is held then, except inside an import or an export (see
 *     there). They may call the library, but close nothing that the call they run in was given; and must not throw.
 *  9. Nothing is printed, no signal is caught, nothing aborts. A fault inside the library is the status PANIC.
 * 10. The functions are the same in every build: what is not built in answers UNSUPPORTED; see turnkeep_has_feature.
 *
 * 1 Basics   2 Store   3 Session   4 Message   5 Window   6 Turn   7 Branch   8 List   9 Search   10 Events   11 Metrics
 * 12 Maintenance   13 Transfer
 *
 * Generated from src/ffi by `make header`: do not edit.
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_H
#define TURNKEEP_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(TURNKEEP_STATIC)
#define TURNKEEP_API __declspec(dllimport)
#else
#define TURNKEEP_API
#endif

/* The version of this header: compare with turnkeep_version_number. */
#define TURNKEEP_VERSION_MAJOR 0
#define TURNKEEP_VERSION_MINOR 1
#define TURNKEEP_VERSION_PATCH 0
#define TURNKEEP_VERSION "0.1.0"
#define TURNKEEP_VERSION_NUMBER (0 * 1000000 + 1 * 1000 + 0)

#ifdef __cplusplus
extern "C" {
#endif

/* 1 Basics ----------------------------------------------------------------------------------------------------------
 * Text, versions, status and errors.
 */

/*
 * A piece of text: `len` bytes of UTF-8 at `data`, then a NUL that does not count. Borrowed from the object you got
 * it from. `data` is never NULL; a text that is absent is empty. Content may hold NUL bytes of its own: trust `len`.
 */
typedef struct {
    /* The first byte. */
    const char *data;
    /* The number of bytes, without the NUL. */
    size_t len;
} turnkeep_text;

/* A text that was made for you, such as a page of metrics. Threads: any number at once. */
typedef struct turnkeep_document turnkeep_document;

/* What went wrong. Threads: any, one at a time for turnkeep_error_free. */
typedef struct turnkeep_error turnkeep_error;

/* How a call went: TURNKEEP_OK, or one of the negative TURNKEEP_ERROR_ numbers, which never change. */
typedef int32_t turnkeep_status;

/* It was done. */
#define TURNKEEP_OK 0

/* An argument is wrong: a required pointer is NULL, a number is out of range, a text breaks a rule. */
#define TURNKEEP_ERROR_INVALID (-1)

/* What is asked for is not there: a session, a message, a file. */
#define TURNKEEP_ERROR_NOT_FOUND (-2)

/* What is to be made is there already: the id, the name or the file is taken. */
#define TURNKEEP_ERROR_EXISTS (-3)

/* The revision is not the expected one: somebody else changed the session. */
#define TURNKEEP_ERROR_CONFLICT (-4)

/* Somebody else held the store for longer than the busy timeout. */
#define TURNKEEP_ERROR_BUSY (-5)

/* The store was opened read-only, or its file may not be written. */
#define TURNKEEP_ERROR_READONLY (-6)

/* The file is damaged. */
#define TURNKEEP_ERROR_CORRUPT (-7)

/* The file system or SQLite failed. */
#define TURNKEEP_ERROR_STORAGE (-8)

/* The disk is full. */
#define TURNKEEP_ERROR_FULL (-9)

/* A text is not UTF-8. */
#define TURNKEEP_ERROR_ENCODING (-10)

/* This build or this version cannot do it. */
#define TURNKEEP_ERROR_UNSUPPORTED (-11)

/* A callback of the host returned a failure. */
#define TURNKEEP_ERROR_ABORTED (-12)

/* It does not fit. */
#define TURNKEEP_ERROR_TOO_LARGE (-13)

/* What is there is something else: not a Turnkeep store, not the request of the first try. */
#define TURNKEEP_ERROR_MISMATCH (-14)

/* The store was closed. */
#define TURNKEEP_ERROR_CLOSED (-15)

/* A fault inside Turnkeep, caught at its boundary; the store can be used on. */
#define TURNKEEP_ERROR_PANIC (-16)

/* Returns the version of the library at run time, "0.1.0". Static. Since 0.1. */
TURNKEEP_API const char *turnkeep_version(void);

/*
 * Returns the version of the library at run time as a number, made as TURNKEEP_VERSION_NUMBER is, to compare with
 * it. Since 0.1.
 */
TURNKEEP_API uint32_t turnkeep_version_number(void);

/*
 * Returns 1 if a feature is built in, else 0. There are "tokenizer-openai" and, in builds for tests, "test-panic".
 * NULL and unknown names answer 0. Since 0.1.
 */
TURNKEEP_API int32_t turnkeep_has_feature(const char *name);

/*
 * Returns the name of a status without its prefix: "OK", "NOT_FOUND"; "UNKNOWN" for a number that is none. Static.
 * Since 0.1.
 */
TURNKEEP_API const char *turnkeep_status_name(turnkeep_status status);

/* Returns the status that the failed call returned; TURNKEEP_OK for NULL. Since 0.1. */
TURNKEEP_API turnkeep_status turnkeep_error_status(const turnkeep_error *error);

/*
 * Returns one line for people: what was being done, with what, what is wrong, what to do. Never a message's content.
 * Borrowed from the error; empty for NULL. Since 0.1.
 */
TURNKEEP_API turnkeep_text turnkeep_error_message(const turnkeep_error *error);

/* Frees an error. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_error_free(turnkeep_error *error);

/* Returns the text, borrowed from the document; empty for NULL. Since 0.1. */
TURNKEEP_API turnkeep_text turnkeep_document_text(const turnkeep_document *document);

/* Frees a document. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_document_free(turnkeep_document *document);

/* 2 Store -----------------------------------------------------------------------------------------------------------
 * One database of sessions: a SQLite file, or memory.
 */

/* Flushed to the disk before it is acknowledged: survives a power cut. The default. */
#define TURNKEEP_DURABILITY_DISK 1

/* Handed to the operating system: survives the death of the process. */
#define TURNKEEP_DURABILITY_OS 2

/*
 * Acknowledged at once, written within the autosave interval, by turnkeep_store_flush or by turnkeep_store_close.
 * Only for exclusive stores and stores in memory, since a sequence number once told must stay true.
 */
#define TURNKEEP_DURABILITY_DEFERRED 3

/* Only in receipts: the store is in memory, and its contents end with it. */
#define TURNKEEP_DURABILITY_MEMORY 4

/*
 * One database of sessions: a file, or memory. Threads: any number at once, except that turnkeep_store_close is the
 * last call with it. Sessions and results that came from it may outlive it; sessions then answer CLOSED. So does,
 * but for turnkeep_store_unsubscribe, every function that takes a store, in a callback that runs while it is being
 * closed: their lists of errors leave that out.
 */
typedef struct turnkeep_store turnkeep_store;

/*
 * Counts the tokens of a text of text_len bytes (no NUL follows): writes the number to *tokens and returns
 * TURNKEEP_OK, or returns a failure, and the call that needed the count fails with ABORTED. Called on the thread of
 * that call, with no lock held; in an import under the same conditions as its progress. Must be safe to call from
 * many threads if the store is used from many. Must not throw.
 */
typedef turnkeep_status (*turnkeep_count_tokens_fn)(void *user_data,
                                                    const char *text,
                                                    size_t text_len,
                                                    uint64_t *tokens);

/* Gives the host its user_data back, once. When, is said where it is given. */
typedef void (*turnkeep_destroy_fn)(void *user_data);

/* How to open a store. */
typedef struct {
    /* sizeof(turnkeep_store_options). */
    size_t struct_size;
    /* A TURNKEEP_DURABILITY_ number for appends and changes; 0 is DISK. */
    int32_t durability;
    /* With DEFERRED: how long an acknowledged change may stay unwritten, in milliseconds; 0 is 1 000. */
    uint32_t autosave_ms;
    /* How many sessions the cache holds; 0 is 100. */
    uint64_t cache_sessions;
    /* How many bytes the cache holds; 0 is 64 MiB. */
    uint64_t cache_bytes;
    /* The window of sessions that set none, in tokens; 0 is 8 192. */
    uint64_t window_tokens;
    /* How long to wait for another process that writes, in milliseconds; 0 is 5 000. */
    uint32_t busy_timeout_ms;
    /* How many connections read at the same time; 0 is as many as the machine has cores; at most 1 024. */
    uint32_t readers;
    /* 1 keeps every other process out, and is faster. Not with read_only; only on Unix. */
    int32_t exclusive;
    /* 1 changes nothing, not even the file's schema. */
    int32_t read_only;
    /* 1 fails with NOT_FOUND instead of making a new store. */
    int32_t must_exist;
    /*
     * 1 keeps no search index up to date, and turnkeep_store_search answers UNSUPPORTED; a store that is opened
     * without it later catches up.
     */
    int32_t no_search;
    /* Counts tokens; NULL is the vocabulary below, then the estimate max(characters / 4, words * 3 / 4) + 4. */
    turnkeep_count_tokens_fn count_tokens;
    /* Given to count_tokens and destroy. */
    void *user_data;
    /*
     * Called with user_data when the store and every session of it are closed, also when opening it failed, unless
     * struct_size was wrong; may be NULL.
     */
    turnkeep_destroy_fn destroy;
    /* "cl100k_base" or "o200k_base", with the feature tokenizer-openai; NULL is none. */
    const char *tokenizer;
    /*
     * How long sessions stay that have neither expires_us nor expires_after_ms of their own, in milliseconds; 0 is
     * for ever. What is over is deleted by turnkeep_store_cleanup, and by itself with cleanup_interval_ms.
     */
    uint64_t expire_after_ms;
    /* 1 counts expire_after_ms from a session's last change, as expires_after_ms is counted; 0 from its creation. */
    int32_t expire_sliding;
    /* How often expired sessions are deleted, in milliseconds; 0 is only when asked to. */
    uint32_t cleanup_interval_ms;
    /*
     * How many of the last changes an event log in the store keeps for turnkeep_store_events_after, now and then a
     * 64th more; 0 writes none. Every process that changes the store must write it, or its changes are not in it.
     * Not with read_only.
     */
    uint64_t event_log_rows;
    /* How many bytes the texts of a session's messages may have, for new sessions; 0 is any number. */
    uint64_t max_session_bytes;
    /*
     * Contents of at least so many bytes are kept compressed by zstd, if that makes them smaller; 0 is none. Below
     * 1 024 it does not pay. A store with such contents is read whatever this is.
     */
    uint64_t compress_min_bytes;
    /* How hard zstd tries: 1 to 22; 0 is 3. */
    int32_t compression_level;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_store_options;

/*
 * Opens a store, and makes a new one, with the folders above it, where there is none. `location` is a path, or
 * ":memory:" for a store that ends with its handle. `options` may be NULL. Close *out with turnkeep_store_close.
 * Threads: any; any number of processes may open one file, also at the same moment. Errors: MISMATCH (something
 * else, which is left untouched), UNSUPPORTED (of a newer version, on a network file system, with an SQLite before
 * 3.51.3), NOT_FOUND (must_exist), BUSY (exclusive, here or there), STORAGE, READONLY, FULL, CORRUPT, ENCODING,
 * INVALID. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_open(
    const char *location,
    const turnkeep_store_options *options,
    turnkeep_store **out,
    turnkeep_error **error);

/*
 * Opens a store as the table [session] of a TOML file at `path` says, by the names of turnkeep_store_options and a
 * few that others have used: docs/using.md lists them. Close *out with turnkeep_store_close. Threads: any. Errors:
 * NOT_FOUND (no such file), INVALID (an unknown key, which is named with the nearest that is known; a wrong value,
 * which is named with its line), and those of turnkeep_store_open. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_open_config(
    const char *path,
    turnkeep_store **out,
    turnkeep_error **error);

/*
 * Returns where the store is, as it was given to turnkeep_store_open. Borrowed from the store; empty for NULL.
 * Since 0.1.
 */
TURNKEEP_API turnkeep_text turnkeep_store_location(const turnkeep_store *store);

/*
 * Writes what was acknowledged as DEFERRED, and flushes everything acknowledged so far to the disk. If deferred
 * changes were lost, to a full disk for example, every change is refused until this function has said so, once.
 * Threads: any. Errors: INVALID, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_flush(
    const turnkeep_store *store,
    turnkeep_error **error);

/*
 * Flushes and closes a store, and frees its handle, whatever it returns: call turnkeep_store_flush before if a
 * failure must leave you the store. NULL is allowed. Waits for what other threads are reading and writing, and for a
 * callback of yours that the store's own thread runs (not inside a callback of an import, of an export from memory,
 * or of another store's own thread): hold no lock that it wants. One that runs elsewhere may end later, before
 * destroy. Errors: as turnkeep_store_flush. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_close(
    turnkeep_store *store,
    turnkeep_error **error);

/*
 * Deletes every session whose time is over, and writes how many to *deleted unless it is NULL. What forks share
 * stays. Threads: any. Errors: INVALID, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_cleanup(
    const turnkeep_store *store,
    uint64_t *deleted,
    turnkeep_error **error);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_STORE_OPTIONS_INIT {sizeof(turnkeep_store_options), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0}

/* 3 Session ---------------------------------------------------------------------------------------------------------
 * One conversation: create, open, describe, change, delete.
 */

/* In use. */
#define TURNKEEP_SESSION_ACTIVE 1

/* Put away: still listed and found. */
#define TURNKEEP_SESSION_ARCHIVED 2

/* Thrown away: neither listed nor found unless asked for, until it is restored or deleted. */
#define TURNKEEP_SESSION_TRASHED 3

/* In turnkeep_session_changes.window_tokens: back to the store's. */
#define TURNKEEP_WINDOW_OF_STORE UINT64_MAX

/* In turnkeep_session_changes.expires_us: no such time. */
#define TURNKEEP_EXPIRES_NEVER (-1)

/* In turnkeep_session_changes.expires_after_ms and max_bytes: no such limit. */
#define TURNKEEP_UNLIMITED UINT64_MAX

/*
 * One conversation of a store. Threads: any number at once. A handle is cheap and holds no memory of the session's
 * messages; it answers NOT_FOUND when the session was deleted, also by a turnkeep_session_erase that answered BUSY,
 * and CLOSED when the store was closed.
 */
typedef struct turnkeep_session turnkeep_session;

/* Descriptions of sessions, as of one moment. Threads: any number at once. */
typedef struct turnkeep_session_list turnkeep_session_list;

/* A session to create. Every text may be NULL. */
typedef struct {
    /* sizeof(turnkeep_session_options). */
    size_t struct_size;
    /* 1 to 255 bytes without control characters; NULL makes a UUIDv7. */
    const char *id;
    /* The owner, at most 255 bytes; NULL and "" are nobody. */
    const char *user_id;
    /* Unique among the owner's sessions, those of nobody included; at most 255 bytes; NULL and "" are none. */
    const char *name;
    /* What it is about, at most 4 096 bytes. */
    const char *title;
    /* The model it is held with, at most 255 bytes. */
    const char *model;
    /* What has been said so far: a window that left something out shows it in front. */
    const char *summary;
    /* A JSON object, kept byte for byte; NULL is {}. */
    const char *metadata;
    /* Its window in tokens; 0 is the store's. */
    uint64_t window_tokens;
    /* When a cleanup may delete it: microseconds since 1970-01-01 UTC; 0 is no such time. */
    int64_t expires_us;
    /*
     * How long after its last change a cleanup may delete it, in milliseconds; 0 is no such time. Of the two what
     * comes first counts; turnkeep_store_options.expire_after_ms counts where neither is given.
     */
    uint64_t expires_after_ms;
    /* How many bytes of text its messages may have; 0 is any number. An append that passes it is TOO_LARGE. */
    uint64_t max_bytes;
    /* Its tags, each 1 to 255 bytes without control characters. */
    const char *const *tags;
    /* How many there are. */
    size_t tag_count;
    /*
     * The id of a session to be like: what is not given here is as there, the instructions at its head included, but
     * not the id, the name, the summary, expires_us, the status and the other messages. Tags given here are added to
     * those there. Not for a fork; NULL is none.
     */
    const char *like;
} turnkeep_session_options;

/* What to change of a session. What is NULL or 0 stays as it is. */
typedef struct {
    /* sizeof(turnkeep_session_changes). */
    size_t struct_size;
    /* Change only if the session has this revision, else CONFLICT; 0 is any. */
    uint64_t expected_revision;
    /* A new name; "" takes it away. */
    const char *name;
    /* A new title. */
    const char *title;
    /* A new model. */
    const char *model;
    /* A new summary; "" takes it away. */
    const char *summary;
    /* A JSON object in place of the old one. */
    const char *metadata;
    /* A new window in tokens, or TURNKEEP_WINDOW_OF_STORE. */
    uint64_t window_tokens;
    /* A JSON merge patch (RFC 7396) for the metadata; not with metadata. */
    const char *metadata_patch;
    /* Tags that it gets. */
    const char *const *add_tags;
    /* How many there are. */
    size_t add_tag_count;
    /* Tags that it loses, before it gets the others. */
    const char *const *remove_tags;
    /* How many there are. */
    size_t remove_tag_count;
    /* A new time for a cleanup to delete it, or TURNKEEP_EXPIRES_NEVER. */
    int64_t expires_us;
    /* A new time to live after its last change, in milliseconds, or TURNKEEP_UNLIMITED. */
    uint64_t expires_after_ms;
    /* A new limit for the text of its messages, or TURNKEEP_UNLIMITED. What is there already stays. */
    uint64_t max_bytes;
    /* A TURNKEEP_SESSION_ number: archive, trash, restore. */
    int32_t status;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_session_changes;

/* Everything about a session but its messages, as of one moment. Times are microseconds since 1970-01-01 UTC. */
typedef struct {
    /* Its id. */
    turnkeep_text id;
    /* The owner; empty is nobody. */
    turnkeep_text user_id;
    /* Its name; empty is none. */
    turnkeep_text name;
    /* What it is about. */
    turnkeep_text title;
    /* The model it is held with. */
    turnkeep_text model;
    /* What has been said so far; empty is none. */
    turnkeep_text summary;
    /* A JSON object. */
    turnkeep_text metadata;
    /* The session it was forked from; empty is none. When that is deleted it is the one before. */
    turnkeep_text parent_id;
    /* When it was created. */
    int64_t created_us;
    /* When it or its messages were last changed. */
    int64_t updated_us;
    /* When a cleanup may delete it; 0 is no such time. */
    int64_t expires_us;
    /* Grows by one with every change. */
    uint64_t revision;
    /* The place of its last message; 0 is none yet. */
    uint64_t head_seq;
    /* The message behind which it was forked; 0 is none. */
    uint64_t fork_seq;
    /* How many messages it has. */
    uint64_t message_count;
    /* How many tokens they have. */
    uint64_t total_tokens;
    /* Its window in tokens; 0 is the store's. */
    uint64_t window_tokens;
    /* Its tags, in order. */
    const turnkeep_text *tags;
    /* How many there are. */
    size_t tag_count;
    /* How long after its last change a cleanup may delete it, in milliseconds; 0 is no such time. */
    uint64_t expires_after_ms;
    /* The bytes of its messages' texts: contents, tool calls, metadata. */
    uint64_t bytes;
    /* How many there may be; 0 is any number. */
    uint64_t max_bytes;
    /* A TURNKEEP_SESSION_ number. */
    int32_t status;
    /* 0. */
    uint32_t reserved;
} turnkeep_session_info;

/*
 * Creates a session. `options` may be NULL. Close *out with turnkeep_session_close. Threads: any. Errors: EXISTS
 * (the id, or the owner's name, is taken), NOT_FOUND (`like`), INVALID, ENCODING, ABORTED (count_tokens failed),
 * TOO_LARGE, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_create(
    const turnkeep_store *store,
    const turnkeep_session_options *options,
    turnkeep_session **out,
    turnkeep_error **error);

/*
 * Opens a session by its id. Close *out with turnkeep_session_close. Threads: any. Errors: NOT_FOUND, INVALID,
 * ENCODING, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_open(
    const turnkeep_store *store,
    const char *id,
    turnkeep_session **out,
    turnkeep_error **error);

/*
 * Writes 1 to *exists if there is a session with this id, else 0. Threads: any. Errors: INVALID, ENCODING, BUSY,
 * CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_exists(
    const turnkeep_store *store,
    const char *id,
    int32_t *exists,
    turnkeep_error **error);

/*
 * Deletes a session with all its messages, but for what forks share; turnkeep_session_erase also leaves no copy of
 * its text in the store's files. Threads: any. Errors: NOT_FOUND, INVALID, ENCODING, READONLY, BUSY, FULL, CORRUPT,
 * STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_delete(
    const turnkeep_store *store,
    const char *id,
    turnkeep_error **error);

/* Frees a session's handle; the session stays. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_session_close(turnkeep_session *session);

/* Returns the session's id. Borrowed from the handle; empty for NULL. Since 0.1. */
TURNKEEP_API turnkeep_text turnkeep_session_id(const turnkeep_session *session);

/*
 * Describes a session: a list of one. Free *out with turnkeep_session_list_free. Threads: any. Errors: NOT_FOUND,
 * INVALID, CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_describe(
    const turnkeep_session *session,
    turnkeep_session_list **out,
    turnkeep_error **error);

/*
 * Changes a session: all of `changes`, or nothing. Writes the new revision to *revision unless it is NULL. Threads:
 * any. Errors: CONFLICT (not the expected revision), EXISTS (the name is taken), NOT_FOUND, INVALID, ENCODING,
 * ABORTED (count_tokens failed), TOO_LARGE, CLOSED, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_update(
    const turnkeep_session *session,
    const turnkeep_session_changes *changes,
    uint64_t *revision,
    turnkeep_error **error);

/* Returns the number of sessions in a list; 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_session_list_len(const turnkeep_session_list *list);

/* Returns a session of a list, borrowed from it; NULL for a NULL list or an index that is too large. Since 0.1. */
TURNKEEP_API const turnkeep_session_info *turnkeep_session_list_at(
    const turnkeep_session_list *list,
    size_t index);

/*
 * Returns what turnkeep_session_list_options.page takes for the next page; empty at the end. Borrowed from the list.
 * Since 0.1.
 */
TURNKEEP_API turnkeep_text turnkeep_session_list_next_page(const turnkeep_session_list *list);

/* Frees a list. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_session_list_free(turnkeep_session_list *list);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_SESSION_OPTIONS_INIT {sizeof(turnkeep_session_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, NULL}
#define TURNKEEP_SESSION_CHANGES_INIT {sizeof(turnkeep_session_changes), 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, 0, NULL, 0, 0, 0, 0, 0, 0}

/* 4 Message ---------------------------------------------------------------------------------------------------------
 * Append, read, take away.
 */

/* The rarer fields of a message. */
typedef struct {
    /* The assistant's tool calls: a JSON array in the shape of the OpenAI chat API, byte for byte as appended. */
    turnkeep_text tool_calls;
    /* Which call a tool message answers. */
    turnkeep_text tool_call_id;
    /* The model that wrote it. */
    turnkeep_text model;
    /* The host's JSON object, byte for byte as appended. */
    turnkeep_text metadata;
} turnkeep_message_details;

/*
 * A message. Borrowed from the result you got it from, and unchanging. This struct never grows: results are arrays
 * of it, and what later versions add hangs on details.
 */
typedef struct {
    /* What is said. */
    turnkeep_text content;
    /* When it was said: microseconds since 1970-01-01 UTC. */
    int64_t created_us;
    /* The tokens of the session up to and with this message. */
    uint64_t total_tokens;
    /* The rarer fields; NULL when the message has none of them. */
    const turnkeep_message_details *details;
    /* Its place in the session: 1, 2, 3 ... 0 for the session's summary, which a window shows as a system message. */
    uint64_t seq;
    /* The number of its turn: how many user messages there were up to and with it. 0 before the first. */
    uint32_t turn;
    /* Its tokens. */
    uint32_t tokens;
    /* A TURNKEEP_ROLE_ number. */
    int32_t role;
    /* TURNKEEP_MESSAGE_ bits. */
    uint32_t flags;
} turnkeep_message;

/* The host's instructions. At the head of a session they stay in every window. */
#define TURNKEEP_ROLE_SYSTEM 1

/* The person. Begins a turn. */
#define TURNKEEP_ROLE_USER 2

/* The model. */
#define TURNKEEP_ROLE_ASSISTANT 3

/* The result of a tool call: follows the assistant message that made the call, or another result of it. */
#define TURNKEEP_ROLE_TOOL 4

/* Instructions of the application's developer. At the head of a session they stay in every window. */
#define TURNKEEP_ROLE_DEVELOPER 5

/* The message stays in every window. */
#define TURNKEEP_MESSAGE_PINNED 1

/* The token count is the estimate. Set by the library. */
#define TURNKEEP_MESSAGE_ESTIMATED 2

/* Not of the history: the session's summary, in a window. Set by the library. */
#define TURNKEEP_MESSAGE_SUMMARY 4

/* In turnkeep_new_message.tokens: count it. */
#define TURNKEEP_TOKENS_COUNT 0

/* In turnkeep_new_message.tokens: it counts as 0. */
#define TURNKEEP_TOKENS_NONE (-1)

/* Where a message or a turn is asked for by its number: the last one. */
#define TURNKEEP_LAST UINT64_MAX

/*
 * Messages of a session, in order, as of one moment. Threads: any number at once. Outlives its session and its
 * store.
 */
typedef struct turnkeep_messages turnkeep_messages;

/* What an append did. Written only on success. */
typedef struct {
    /* sizeof(turnkeep_receipt), set by the caller. */
    size_t struct_size;
    /* The place of the first message appended. */
    uint64_t first_seq;
    /* The place of the last message appended. */
    uint64_t last_seq;
    /* The session's revision after it. */
    uint64_t revision;
    /* What it survives: a TURNKEEP_DURABILITY_ number. */
    int32_t durability;
    /* 1 if this is the first receipt again, for a retry with the same idempotency key. */
    int32_t repeated;
} turnkeep_receipt;

/* A message to append. Only role is needed. */
typedef struct {
    /* sizeof(turnkeep_new_message). */
    size_t struct_size;
    /* A TURNKEEP_ROLE_ number. */
    int32_t role;
    /* TURNKEEP_MESSAGE_PINNED or 0. */
    uint32_t flags;
    /* What is said: UTF-8, NUL bytes allowed; NULL for a length of 0. */
    const char *content;
    /* In bytes. */
    size_t content_len;
    /* Its tokens, or TURNKEEP_TOKENS_COUNT, or TURNKEEP_TOKENS_NONE. */
    int64_t tokens;
    /* When it was said: microseconds since 1970-01-01 UTC; 0 is now. Does not decide the order. */
    int64_t created_us;
    /*
     * For an assistant message: a JSON array of calls in the shape of the OpenAI chat API, whose ids, where they
     * have them, are 1 to 255 bytes; NULL is none.
     */
    const char *tool_calls;
    /* For a tool message: the id of the call that it answers, 1 to 255 bytes; NULL where calls have no ids. */
    const char *tool_call_id;
    /* The model that wrote it, at most 255 bytes; NULL is none. */
    const char *model;
    /* A JSON object, kept byte for byte; NULL is none. */
    const char *metadata;
} turnkeep_new_message;

/* How to append. */
typedef struct {
    /* sizeof(turnkeep_append_options). */
    size_t struct_size;
    /* Append only if the session has this revision, else CONFLICT; 0 is any. */
    uint64_t expected_revision;
    /* A retry with the same key answers with the first receipt and appends nothing; NULL is none. 1 to 255 bytes. */
    const char *idempotency_key;
    /* A TURNKEEP_DURABILITY_ number; 0 is the store's. */
    int32_t durability;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_append_options;

/*
 * Appends a message. `receipt` may be NULL. When it returns TURNKEEP_OK the message is kept as the store's
 * durability says. Threads: any; the messages of one thread keep their order. Errors: NOT_FOUND, INVALID, ENCODING,
 * TOO_LARGE, ABORTED (count_tokens failed), CLOSED, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_append(
    const turnkeep_session *session,
    int32_t role,
    const char *content,
    size_t content_len,
    turnkeep_receipt *receipt,
    turnkeep_error **error);

/*
 * Appends `count` messages, all of them or none. `options` and `receipt` may be NULL. Threads and errors as
 * turnkeep_session_append, and CONFLICT (not the expected revision), MISMATCH (the idempotency key was used for
 * another number of messages), UNSUPPORTED (DEFERRED in a store that is neither exclusive nor in memory). Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_append_batch(
    const turnkeep_session *session,
    const turnkeep_new_message *messages,
    size_t count,
    const turnkeep_append_options *options,
    turnkeep_receipt *receipt,
    turnkeep_error **error);

/*
 * Creates a session with its first messages, in one transaction: a template. `options` may be NULL, `count` may be
 * 0. Otherwise as turnkeep_session_create, with the errors of turnkeep_session_append_batch, too. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_create_with(
    const turnkeep_store *store,
    const turnkeep_session_options *options,
    const turnkeep_new_message *messages,
    size_t count,
    turnkeep_session **out,
    turnkeep_error **error);

/*
 * Removes all messages of a session, its summary, and what its idempotency keys stood for; the next message appended
 * is 1 again. Writes the new revision to *revision unless it is NULL. `expected_revision` as in
 * turnkeep_append_options. Threads: any. Errors: CONFLICT, NOT_FOUND, INVALID, CLOSED, READONLY, BUSY, FULL,
 * CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_clear(
    const turnkeep_session *session,
    uint64_t expected_revision,
    uint64_t *revision,
    turnkeep_error **error);

/*
 * Keeps the instructions at the head of a session and the newest of its other messages: at most `max_messages`, and
 * at most `max_tokens` tokens, from the beginning of a step on; 0 is any number, but not for both. What stays is
 * numbered anew from 1, and is no longer shared with forks, which keep what they have; where nothing is cut, nothing
 * changes, the revision included. Otherwise as turnkeep_session_clear. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_truncate(
    const turnkeep_session *session,
    uint64_t max_messages,
    uint64_t max_tokens,
    uint64_t expected_revision,
    uint64_t *revision,
    turnkeep_error **error);

/*
 * Reads all messages. Free *out with turnkeep_messages_free. Threads: any. Errors: NOT_FOUND, INVALID, CLOSED, BUSY,
 * CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_history(
    const turnkeep_session *session,
    turnkeep_messages **out,
    turnkeep_error **error);

/* Reads the last `count` messages, or all if there are fewer. Otherwise as turnkeep_session_history. Since 0.1. */
TURNKEEP_API turnkeep_status turnkeep_session_last(
    const turnkeep_session *session,
    uint64_t count,
    turnkeep_messages **out,
    turnkeep_error **error);

/*
 * Reads the messages from `first_seq`, which is 1 or more, to `last_seq`, which is not below it, both included;
 * those that come after the last one are left out. Otherwise as turnkeep_session_history. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_range(
    const turnkeep_session *session,
    uint64_t first_seq,
    uint64_t last_seq,
    turnkeep_messages **out,
    turnkeep_error **error);

/*
 * Reads one message: a result of one. NOT_FOUND if it is not there. Otherwise as turnkeep_session_history.
 * Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_message(
    const turnkeep_session *session,
    uint64_t seq,
    turnkeep_messages **out,
    turnkeep_error **error);

/* Returns the number of messages in a result; 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_messages_len(const turnkeep_messages *messages);

/*
 * Returns a message of a result, borrowed from it; NULL for a NULL result or an index that is too large. The
 * messages of one result lie one after the other: at index 0 begins an array of turnkeep_messages_len. Since 0.1.
 */
TURNKEEP_API const turnkeep_message *turnkeep_messages_at(
    const turnkeep_messages *messages,
    size_t index);

/* Frees a result. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_messages_free(turnkeep_messages *messages);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_RECEIPT_INIT {sizeof(turnkeep_receipt), 0, 0, 0, 0, 0}
#define TURNKEEP_NEW_MESSAGE_INIT {sizeof(turnkeep_new_message), 0, 0, NULL, 0, 0, 0, NULL, NULL, NULL, NULL}
#define TURNKEEP_APPEND_OPTIONS_INIT {sizeof(turnkeep_append_options), 0, NULL, 0, 0}

/* 5 Window ----------------------------------------------------------------------------------------------------------
 * The messages for the next prompt.
 */

/*
 * What is in a window and what is not. Its messages are, in order: front_messages that are pinned, kept or the
 * summary, then every message from cut_seq to head_seq.
 */
typedef struct {
    /* What its messages use, message_overhead included. */
    uint64_t tokens;
    /* What they may use: max_tokens less reserve_tokens. */
    uint64_t budget_tokens;
    /* The first message of the part without holes. It stays the same from turn to turn until the budget is passed. */
    uint64_t cut_seq;
    /* The session's last message; 0 is none yet. */
    uint64_t head_seq;
    /* How many messages come before cut_seq's. */
    uint64_t front_messages;
    /* How many messages of the session were left out. */
    uint64_t left_out_messages;
    /* Their tokens, without message_overhead. */
    uint64_t left_out_tokens;
    /* The first message left out; 0 is none. Pinned messages after it may be in the window. */
    uint64_t left_out_first_seq;
    /* The last message left out; 0 is none. */
    uint64_t left_out_last_seq;
    /* The session's revision that the window shows. */
    uint64_t revision;
} turnkeep_window_report;

/* Leave out the session's summary. */
#define TURNKEEP_LEAVE_OUT_SUMMARY 1

/* Do not keep pinned messages: they go with the turns they belong to. */
#define TURNKEEP_LEAVE_OUT_PINS 2

/*
 * The messages for the next prompt, as of one moment. Threads: any number at once. Outlives its session and its
 * store.
 */
typedef struct turnkeep_window turnkeep_window;

/* What to ask of a window. Zero means default everywhere. */
typedef struct {
    /* sizeof(turnkeep_window_options). */
    size_t struct_size;
    /* The window in tokens; 0 is the session's, then the store's. */
    uint64_t max_tokens;
    /* Tokens of it that are kept free for the answer. */
    uint64_t reserve_tokens;
    /*
     * Tokens of it that are kept free for the summary from the first message on, so that a new summary never moves
     * the cut; 0 lets the summary take what it needs.
     */
    uint64_t summary_tokens;
    /* Tokens that the prompt's template adds to each message. */
    uint32_t message_overhead;
    /*
     * How much of what the messages in front leave free is used after the cut has moved, in percent; 0 is 75; 100
     * drops a turn each turn.
     */
    uint32_t low_water_percent;
    /* How many turns from the beginning stay in front. */
    uint32_t keep_first_turns;
    /* How many messages it may hold; 0 is any number. */
    uint32_t max_messages;
    /* A sum of TURNKEEP_LEAVE_OUT_ numbers. */
    uint32_t leave_out;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_window_options;

/*
 * Returns the messages for the next prompt: what is pinned, then the newest whole turns that fit. Never changes the
 * history, never holds a tool result without its call. `options` may be NULL. Free *out with turnkeep_window_free.
 * Threads: any. Errors: TOO_LARGE (the newest step does not fit with what stays in front: pins, kept turns, the
 * turn's own question, the summary; the message says what needs how much), NOT_FOUND, INVALID, CLOSED, BUSY,
 * CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_window(
    const turnkeep_session *session,
    const turnkeep_window_options *options,
    turnkeep_window **out,
    turnkeep_error **error);

/*
 * Opens a session as turnkeep_session_open does, reads its last message (none if it is empty) into *last, and its
 * window into *window, one after the other and not as of one moment; both may be NULL. `options` as for
 * turnkeep_session_window. Give them back with turnkeep_session_close, turnkeep_messages_free and
 * turnkeep_window_free. Threads: any. Errors: as turnkeep_session_open and turnkeep_session_window. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_resume(
    const turnkeep_store *store,
    const char *id,
    const turnkeep_window_options *options,
    turnkeep_session **out,
    turnkeep_messages **last,
    turnkeep_window **window,
    turnkeep_error **error);

/* Returns the number of messages in a window; 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_window_len(const turnkeep_window *window);

/* Returns a message of a window, borrowed from it; NULL for a NULL window or an index that is too large. Since 0.1. */
TURNKEEP_API const turnkeep_message *turnkeep_window_at(
    const turnkeep_window *window,
    size_t index);

/*
 * Returns what is in a window and what was left out, borrowed from the window; NULL for NULL. The name ends in _of
 * because the type has the plain one. Since 0.1.
 */
TURNKEEP_API const turnkeep_window_report *turnkeep_window_report_of(const turnkeep_window *window);

/*
 * Returns how many leading messages two windows share: the same seq, role, content, tool calls and tool call id,
 * byte for byte, which is what an engine need not read again. Model and metadata are not compared. 0 if one is NULL.
 * Since 0.1.
 */
TURNKEEP_API size_t turnkeep_window_common_prefix(
    const turnkeep_window *one,
    const turnkeep_window *other);

/* Frees a window. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_window_free(turnkeep_window *window);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_WINDOW_OPTIONS_INIT {sizeof(turnkeep_window_options), 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* 6 Turn ------------------------------------------------------------------------------------------------------------
 * Questions and answers: append, read, write as text.
 */

/* Where a number of turns is asked for: all of them. */
#define TURNKEEP_ALL UINT64_MAX

/* Turns of a session, in order, as of one moment. Threads: any number at once. */
typedef struct turnkeep_turns turnkeep_turns;

/* A question and its answer, to be appended in one call. An input is needed: a text, a file's name, or both. */
typedef struct {
    /* sizeof(turnkeep_exchange). */
    size_t struct_size;
    /* What was asked: UTF-8, NUL bytes allowed; NULL for a length of 0. */
    const char *input;
    /* In bytes. */
    size_t input_len;
    /* The name of the file that was given; NULL is none. */
    const char *input_name;
    /* Its type, such as "application/pdf"; NULL is none. */
    const char *input_type;
    /* What was answered: UTF-8, NUL bytes allowed; NULL for a length of 0. */
    const char *answer;
    /* In bytes. */
    size_t answer_len;
    /* How long the answer took, in microseconds. */
    int64_t processing_us;
    /* What it cost, as you count. */
    uint64_t tokens_used;
    /* The model that answered, at most 255 bytes; NULL is none. */
    const char *model;
    /* A JSON object, kept with the answer byte for byte; NULL is none. */
    const char *metadata;
} turnkeep_exchange;

/* A turn: a user message and all that follows, up to the next user message. Borrowed from the result. */
typedef struct {
    /* What was asked. */
    turnkeep_text input;
    /* The name of the file that was given; empty is none. */
    turnkeep_text input_name;
    /* Its type; empty is none. */
    turnkeep_text input_type;
    /* The last thing that the assistant said in the turn. */
    turnkeep_text answer;
    /* The answer's JSON object as you gave it; empty is none. */
    turnkeep_text metadata;
    /* 1, 2, 3 ... in its session; 0 is what stands before the first user message. */
    uint64_t number;
    /* Its first message. */
    uint64_t first_seq;
    /* Its last message. */
    uint64_t last_seq;
    /* The tokens of its messages. */
    uint64_t tokens;
    /* When it began, in microseconds since 1970-01-01 UTC. */
    int64_t created_us;
    /* How long the answer took, in microseconds; 0 where nobody told. */
    int64_t processing_us;
    /* What it cost; 0 where nobody told. */
    uint64_t tokens_used;
} turnkeep_turn;

/*
 * Appends a question and its answer as a turn, both or neither, and writes its number to *number unless it is NULL.
 * `options` and `receipt` may be NULL. It is kept as a user and an assistant message; what these cannot hold stands
 * in their metadata under "turnkeep:exchange". Threads and errors: as turnkeep_session_append_batch. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_append_exchange(
    const turnkeep_session *session,
    const turnkeep_exchange *exchange,
    const turnkeep_append_options *options,
    uint64_t *number,
    turnkeep_receipt *receipt,
    turnkeep_error **error);

/*
 * Reads the turns from `first` to `last`, both included, as far as they are there: TURNKEEP_LAST is the last turn, 0
 * what stands before the first user message. Free *out with turnkeep_turns_free. Threads: any. Errors: NOT_FOUND,
 * INVALID (first is behind last), CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_turns(
    const turnkeep_session *session,
    uint64_t first,
    uint64_t last,
    turnkeep_turns **out,
    turnkeep_error **error);

/* Reads the last `count` turns; 0 are none. Otherwise as turnkeep_session_turns. Since 0.1. */
TURNKEEP_API turnkeep_status turnkeep_session_last_turns(
    const turnkeep_session *session,
    uint64_t count,
    turnkeep_turns **out,
    turnkeep_error **error);

/* Returns the number of turns in a result; 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_turns_len(const turnkeep_turns *turns);

/* Returns a turn of a result, borrowed from it; NULL for a NULL result or an index that is too large. Since 0.1. */
TURNKEEP_API const turnkeep_turn *turnkeep_turns_at(
    const turnkeep_turns *turns,
    size_t index);

/* Frees a result. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_turns_free(turnkeep_turns *turns);

/*
 * Writes the summary and the last `max_turns` turns, inputs included, as text for a prompt: 0 are none, TURNKEEP_ALL
 * all. `max_characters`, unless it is 0, drops the oldest turns until the rest fits; nothing is cut inside a turn.
 * Free *out with turnkeep_document_free. Threads: any. Errors: TOO_LARGE (the newest turn alone does not fit),
 * NOT_FOUND, INVALID, CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_context_text(
    const turnkeep_session *session,
    uint64_t max_turns,
    uint64_t max_characters,
    turnkeep_document **out,
    turnkeep_error **error);

/*
 * Makes a file's name for the answer to an input: RESPONSE_<session>_ex<turn>_<stem of original>_<hash>.pdf, or
 * ERROR_... if `is_error` is 1. At most 255 bytes, without separators, dots, control characters or anything else
 * that a file system minds; the hash keeps two inputs apart. Free *out with turnkeep_document_free. Threads: any.
 * Errors: INVALID, ENCODING, NOT_FOUND, CLOSED. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_file_name(
    const turnkeep_session *session,
    uint64_t turn,
    const char *original,
    int32_t is_error,
    turnkeep_document **out,
    turnkeep_error **error);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_EXCHANGE_INIT {sizeof(turnkeep_exchange), NULL, 0, NULL, NULL, NULL, 0, 0, 0, NULL, NULL}

/* 7 Branch ----------------------------------------------------------------------------------------------------------
 * Fork, rewind, replace, regenerate, compare, adopt; the tree of forks.
 */

/* Replace in the session itself: what was there is removed, unless a fork shares it. The default. */
#define TURNKEEP_BRANCH_REWIND 1

/* Replace in a new session that shares what comes before; the old one stays as it is. */
#define TURNKEEP_BRANCH_FORK 2

/* How to replace messages. */
typedef struct {
    /* sizeof(turnkeep_branch_options). */
    size_t struct_size;
    /* Only with REWIND: change only if the session has this revision, else CONFLICT; 0 is any. */
    uint64_t expected_revision;
    /* Only with FORK: what the new session is, as for turnkeep_session_fork; may be NULL. */
    const turnkeep_session_options *fork;
    /* A TURNKEEP_BRANCH_ number; 0 is REWIND. */
    int32_t branching;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_branch_options;

/* How two sessions are alike. Written only on success. */
typedef struct {
    /* sizeof(turnkeep_comparison), set by the caller. */
    size_t struct_size;
    /*
     * The last message that both share; 0 is none. What comes behind it are the two tails: read them by
     * turnkeep_session_range.
     */
    uint64_t common_seq;
    /* The last message of the one. */
    uint64_t one_head_seq;
    /* The last message of the other. */
    uint64_t other_head_seq;
} turnkeep_comparison;

/*
 * Creates a session that shares the messages of another up to `at_seq`: 0 is none of them, TURNKEEP_LAST all.
 * Nothing is copied, however long the session is. What `options`, which may be NULL, leaves out is as in the other
 * session, but for the id, the name, expires_us and the status; tags given are added to those there; `like` is
 * refused. Close *out with turnkeep_session_close. Threads: any. Errors: NOT_FOUND (the session, or message at_seq),
 * EXISTS (the id or name is taken), INVALID, ENCODING, ABORTED (count_tokens failed), TOO_LARGE, CLOSED, READONLY,
 * BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_fork(
    const turnkeep_session *session,
    uint64_t at_seq,
    const turnkeep_session_options *options,
    turnkeep_session **out,
    turnkeep_error **error);

/*
 * Takes back every message behind `to_seq`; 0 takes back all. What a fork shares stays with the fork. Idempotency
 * keys of what is gone can be used again; the summary stays. Writes the new revision to *revision unless it is NULL.
 * `expected_revision` as in turnkeep_append_options. Threads: any. Errors: NOT_FOUND (the session, or message
 * to_seq), CONFLICT, INVALID, CLOSED, READONLY, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_rewind(
    const turnkeep_session *session,
    uint64_t to_seq,
    uint64_t expected_revision,
    uint64_t *revision,
    turnkeep_error **error);

/*
 * Replaces message `seq` and everything behind it by `count` others, all of it or nothing: in the session itself, or
 * in a fork. `options` and `receipt` may be NULL; `count` may be 0, and then the receipt has no messages. With
 * TURNKEEP_BRANCH_FORK *out is the new session, to be closed with turnkeep_session_close; else `out` must be NULL.
 * Threads: any. Errors: as turnkeep_session_fork, turnkeep_session_rewind and turnkeep_session_append_batch.
 * Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_replace(
    const turnkeep_session *session,
    uint64_t seq,
    const turnkeep_new_message *messages,
    size_t count,
    const turnkeep_branch_options *options,
    turnkeep_session **out,
    turnkeep_receipt *receipt,
    turnkeep_error **error);

/*
 * Takes back the answer to the turn of message `seq` (TURNKEEP_LAST: the last turn) with everything behind it, so
 * that the session, or a fork of it, ends with the user's message again and can be answered anew. `options` and
 * `out` as in turnkeep_session_replace. Threads: any. Errors: INVALID (there is no question before it, or no answer
 * yet), and as turnkeep_session_replace. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_regenerate(
    const turnkeep_session *session,
    uint64_t seq,
    const turnkeep_branch_options *options,
    turnkeep_session **out,
    turnkeep_error **error);

/*
 * Says how far two sessions of one store share their messages. Threads: any. Errors: NOT_FOUND, INVALID (sessions of
 * two stores), CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_compare(
    const turnkeep_session *session,
    const turnkeep_session *other,
    turnkeep_comparison *comparison,
    turnkeep_error **error);

/*
 * Appends the messages of another session, which may be of another store, from `first_seq` to `last_seq`, both
 * included, as far as they are there: a merge by picking. Each keeps its role, texts, tokens and time, and its
 * metadata gets "turnkeep:origin" with the session and seq it came from. `options` and `receipt` may be NULL.
 * Threads: any. Errors: NOT_FOUND (also: no such messages), and as turnkeep_session_append_batch. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_adopt(
    const turnkeep_session *session,
    const turnkeep_session *from,
    uint64_t first_seq,
    uint64_t last_seq,
    const turnkeep_append_options *options,
    turnkeep_receipt *receipt,
    turnkeep_error **error);

/*
 * Lists the sessions that were forked from this one, oldest first. Free *out with turnkeep_session_list_free.
 * Threads: any. Errors: NOT_FOUND, INVALID, CLOSED, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_forks(
    const turnkeep_session *session,
    turnkeep_session_list **out,
    turnkeep_error **error);

/*
 * Lists the session that this one was forked from, the one that that was forked from, and so on. Otherwise as
 * turnkeep_session_forks. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_ancestors(
    const turnkeep_session *session,
    turnkeep_session_list **out,
    turnkeep_error **error);

/*
 * Lists the whole tree that a session belongs to: from the first ancestor on, each session before its own forks;
 * parent_id and fork_seq say where it hangs. Otherwise as turnkeep_session_forks. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_tree(
    const turnkeep_session *session,
    turnkeep_session_list **out,
    turnkeep_error **error);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_BRANCH_OPTIONS_INIT {sizeof(turnkeep_branch_options), 0, NULL, 0, 0}
#define TURNKEEP_COMPARISON_INIT {sizeof(turnkeep_comparison), 0, 0, 0}

/* 8 List ------------------------------------------------------------------------------------------------------------
 * One filter for lists, counts, searches and changes to many sessions.
 */

/* In turnkeep_filter.statuses: those in use. */
#define TURNKEEP_FILTER_ACTIVE 256

/* In turnkeep_filter.statuses: those put away. */
#define TURNKEEP_FILTER_ARCHIVED 512

/* In turnkeep_filter.statuses: those thrown away. */
#define TURNKEEP_FILTER_TRASHED 1024

/* In turnkeep_filter.has_messages: those with messages. */
#define TURNKEEP_FILTER_WITH_MESSAGES 1

/* In turnkeep_filter.has_messages: those without. */
#define TURNKEEP_FILTER_WITHOUT_MESSAGES 2

/* In turnkeep_metadata_condition.relation: there is something at the place, null included. */
#define TURNKEEP_RELATION_EXISTS 1

/* What is there equals the value: numbers by what they are worth, objects whatever the order of their members. */
#define TURNKEEP_RELATION_EQUAL 2

/*
 * What is there is less than the value: of two numbers, or of two strings by their code points; nothing else is
 * less.
 */
#define TURNKEEP_RELATION_LESS 3

/* What is there is greater than the value, likewise. */
#define TURNKEEP_RELATION_GREATER 4

/* What a place in a session's metadata must hold. */
typedef struct {
    /* sizeof(turnkeep_metadata_condition). */
    size_t struct_size;
    /* Where: a JSON Pointer (RFC 6901), "/project/name"; "" is the whole object. Required. */
    const char *pointer;
    /* The value: JSON, a string in its quotes; NULL for TURNKEEP_RELATION_EXISTS. */
    const char *value;
    /* How what is there relates to the value: a TURNKEEP_RELATION_ number. Required. */
    int32_t relation;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_metadata_condition;

/*
 * Which sessions: those that meet all of it. What is NULL or 0 asks for nothing, but that trashed sessions are left
 * out unless `statuses` asks for them. A time is a text: 2026-11-20 is the whole day, 2026-11-20T12:30 the whole
 * minute, 2026-11-20T12:30:00 the whole second, the end included; it may end in Z or an offset like +02:00. A list
 * of which there are 0 must be NULL: a forgotten number would widen what is deleted.
 */
typedef struct {
    /* sizeof(turnkeep_filter). */
    size_t struct_size;
    /* Only this owner's ("" is nobody's); NULL is everybody's. */
    const char *user_id;
    /* TURNKEEP_FILTER_ACTIVE, _ARCHIVED and _TRASHED, added up; 0 is active and archived ones. */
    uint32_t statuses;
    /* TURNKEEP_FILTER_WITH_MESSAGES or _WITHOUT_MESSAGES; 0 is both. */
    int32_t has_messages;
    /* With every one of these tags. */
    const char *const *all_tags;
    /* How many there are. */
    size_t all_tag_count;
    /* With at least one of these tags. */
    const char *const *any_tags;
    /* How many there are. */
    size_t any_tag_count;
    /* Held with this model. */
    const char *model;
    /* With this text in its name or its title, whatever the case and the accents. Every character stands for itself. */
    const char *text;
    /* With metadata that meets every one of these. */
    const turnkeep_metadata_condition *metadata;
    /* How many there are. */
    size_t metadata_count;
    /* Created then or later. */
    const char *created_from;
    /* Created then or earlier. */
    const char *created_to;
    /* Last changed then or later. */
    const char *updated_from;
    /* Last changed then or earlier. */
    const char *updated_to;
    /*
     * A cleanup may delete it then or later, by its own expires_us or expires_after_ms; what has neither is left
     * out.
     */
    const char *expires_from;
    /* A cleanup may delete it then or earlier, likewise. */
    const char *expires_to;
    /* Forked from the session with this id. */
    const char *parent_id;
    /* The offset from UTC of times that say none: 120 is +02:00. */
    int32_t utc_offset_minutes;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_filter;

/* By creation. */
#define TURNKEEP_SORT_CREATED 1

/* By the last change. */
#define TURNKEEP_SORT_UPDATED 2

/* By id, in the order of code points. */
#define TURNKEEP_SORT_ID 3

/* By the number of tokens. */
#define TURNKEEP_SORT_TOKENS 4

/* By the number of messages. */
#define TURNKEEP_SORT_MESSAGES 5

/* By name, in the order of code points; those without one come before all names. */
#define TURNKEEP_SORT_NAME 6

/* Puts sessions away. */
#define TURNKEEP_BULK_ARCHIVE 1

/* Throws sessions away: they can be restored. */
#define TURNKEEP_BULK_TRASH 2

/* Makes sessions active again. For trashed ones the filter must ask: TURNKEEP_FILTER_TRASHED. */
#define TURNKEEP_BULK_RESTORE 3

/* Gives sessions a tag. */
#define TURNKEEP_BULK_ADD_TAG 4

/* Takes a tag away from sessions. */
#define TURNKEEP_BULK_REMOVE_TAG 5

/* Deletes sessions with all their messages, for good. */
#define TURNKEEP_BULK_DELETE 6

/* Which sessions to list, and how. */
typedef struct {
    /* sizeof(turnkeep_session_list_options). */
    size_t struct_size;
    /* Which sessions; NULL is all that are not trashed. */
    const turnkeep_filter *filter;
    /*
     * What turnkeep_session_list_next_page answered for the page before, with the same filter, sort and direction;
     * NULL and "" are the first page.
     */
    const char *page;
    /* How many sessions a page holds; 0 is 50, at most 1 000. */
    uint32_t limit;
    /* A TURNKEEP_SORT_ number; 0 is by creation. Where it is the same, the order of creation decides. */
    int32_t sort;
    /* 1 to begin with the smallest or first, 0 with the largest or last. */
    int32_t ascending;
    /* Must be 0. */
    uint32_t reserved;
} turnkeep_session_list_options;

/*
 * Lists sessions, a page at a time, without reading a message. Pages stay right while others write: each begins
 * where the one before ended, so a session that stays where it is in the order is listed once. `options` may be
 * NULL: those created last first. Free *out with turnkeep_session_list_free. Threads: any. Errors: INVALID (a page
 * that no list gave, or one with another filter or order; a time or a metadata path that is none), ENCODING, BUSY,
 * CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_list_sessions(
    const turnkeep_store *store,
    const turnkeep_session_list_options *options,
    turnkeep_session_list **out,
    turnkeep_error **error);

/*
 * Writes to *count how many sessions there are. `filter` may be NULL: all that are not trashed. Threads: any.
 * Errors: INVALID, ENCODING, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_count_sessions(
    const turnkeep_store *store,
    const turnkeep_filter *filter,
    uint64_t *count,
    turnkeep_error **error);

/*
 * Does the same, a TURNKEEP_BULK_ number, to every session that `filter` finds: to all of them or, on failure, to
 * none. NULL and an empty filter find every session that is not trashed: TURNKEEP_BULK_DELETE then deletes them all.
 * `tag` is for ADD_TAG and REMOVE_TAG, else NULL. Writes to *changed, unless it is NULL, for how many that made a
 * difference; the others keep their revision. Threads: any. Errors: INVALID, ENCODING, READONLY, BUSY, FULL,
 * CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_change_sessions(
    const turnkeep_store *store,
    const turnkeep_filter *filter,
    int32_t action,
    const char *tag,
    uint64_t *changed,
    turnkeep_error **error);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_METADATA_CONDITION_INIT {sizeof(turnkeep_metadata_condition), NULL, NULL, 0, 0}
#define TURNKEEP_FILTER_INIT {sizeof(turnkeep_filter), NULL, 0, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0}
#define TURNKEEP_SESSION_LIST_OPTIONS_INIT {sizeof(turnkeep_session_list_options), NULL, NULL, 0, 0, 0, 0}

/* 9 Search ----------------------------------------------------------------------------------------------------------
 * Messages and sessions, by their words.
 */

/* What was said last comes first. The default. */
#define TURNKEEP_SEARCH_NEWEST 1

/* What fits best comes first, by BM25. */
#define TURNKEEP_SEARCH_RANK 2

/* In turnkeep_search_options.roles: what the host instructed. */
#define TURNKEEP_ROLES_SYSTEM 512

/* In turnkeep_search_options.roles: what the person said. */
#define TURNKEEP_ROLES_USER 1024

/* In turnkeep_search_options.roles: what the model said. */
#define TURNKEEP_ROLES_ASSISTANT 2048

/* In turnkeep_search_options.roles: results of tool calls. */
#define TURNKEEP_ROLES_TOOL 4096

/* In turnkeep_search_options.roles: what the application's developer instructed. */
#define TURNKEEP_ROLES_DEVELOPER 8192

/* What a search found, as of one moment. Threads: any number at once. Outlives its store. */
typedef struct turnkeep_search_results turnkeep_search_results;

/*
 * What to search for. The text is what a person types: every word of it must be there, whatever the case and the
 * accents; words in "quotes" must follow one another; a star at the end of a word asks for words that begin so.
 * Everything else only separates words: no text is an error, and a text without words finds nothing. docs/using.md
 * says more.
 */
typedef struct {
    /* sizeof(turnkeep_search_options). */
    size_t struct_size;
    /* What to search for, at most 16 KiB; NULL is "". */
    const char *text;
    /* In which sessions; NULL is all that are not trashed. */
    const turnkeep_filter *filter;
    /* Only what was said from then on: a date (the whole day), or a date and a time; NULL is any time. */
    const char *message_from;
    /* Only what was said until then, that day or second included; NULL is any time. */
    const char *message_to;
    /* The offset from UTC of the two, where they say none: 120 is +02:00. */
    int32_t utc_offset_minutes;
    /* A TURNKEEP_SEARCH_ number; 0 is TURNKEEP_SEARCH_NEWEST. */
    int32_t order;
    /*
     * Only messages of these roles: TURNKEEP_ROLES_ numbers, added up; 0 is all of them, and sessions by title, name
     * and summary.
     */
    uint32_t roles;
    /*
     * With TURNKEEP_SEARCH_RANK: how long scoring may take, in milliseconds; 0 is 200. It takes longer where a word
     * is so frequent that counting it alone does.
     */
    uint32_t time_limit_ms;
    /* How many hits at most; 0 is 20, at most 1 000. */
    uint32_t limit;
    /* How many messages before, and how many after, each hit come with it; at most 100. */
    uint32_t neighbours;
    /* How many characters of a hit's text are shown; 0 is 160. */
    uint32_t snippet_chars;
    /*
     * 1 takes the text for an expression of SQLite's FTS5, for hosts that build one; an error in it is INVALID. What
     * the words in it match is marked in hits wherever it stands.
     */
    int32_t raw;
} turnkeep_search_options;

/* A piece of a snippet that was asked for. */
typedef struct {
    /* Its first byte. */
    size_t begin;
    /* The byte after its last. */
    size_t end;
} turnkeep_mark;

/* A message, or a session, that was found. Borrowed from the results. */
typedef struct {
    /*
     * The session's id. A message that sessions share is one hit: of the session that it was appended to, if the
     * filter lets that through, else of the fork that was made first.
     */
    turnkeep_text session_id;
    /* The session's title. */
    turnkeep_text title;
    /*
     * The part of the text around the first thing that was asked for, with an ellipsis where it was cut. For a
     * session the text is its title, name and summary, a line for each.
     */
    turnkeep_text snippet;
    /* The pieces of the snippet that were asked for, in order, none twice. */
    const turnkeep_mark *marks;
    /* How many there are. */
    size_t mark_count;
    /* The neighbours, and the message itself among them, in order; NULL if none were asked for, or for a session. */
    const turnkeep_message *messages;
    /* How many there are. */
    size_t message_count;
    /* Which of them is the message itself. */
    size_t message_index;
    /* The message's place in the session; 0 is the session itself. */
    uint64_t seq;
    /* When it was said, or when the session had last changed as it was indexed: microseconds since 1970-01-01 UTC. */
    int64_t created_us;
    /* How well it fits, the more the better; 0 with TURNKEEP_SEARCH_NEWEST. */
    double score;
    /* A TURNKEEP_ROLE_ number; 0 for a session. */
    int32_t role;
    /* 0. */
    uint32_t reserved;
} turnkeep_hit;

/*
 * Searches messages, and titles, names and summaries of sessions: all that was acknowledged before the call, which
 * indexes what is not indexed yet. A read-only store cannot do that, and finds what others have indexed. `options`
 * may be NULL, which finds nothing. Free *out with turnkeep_search_results_free. Threads: any. Errors: INVALID,
 * TOO_LARGE (the text), UNSUPPORTED (no_search), ENCODING, BUSY, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_search(
    const turnkeep_store *store,
    const turnkeep_search_options *options,
    turnkeep_search_results **out,
    turnkeep_error **error);

/* Returns the number of hits; 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_search_results_len(const turnkeep_search_results *results);

/* Returns a hit, borrowed from the results; NULL for NULL or an index that is too large. Since 0.1. */
TURNKEEP_API const turnkeep_hit *turnkeep_search_results_at(
    const turnkeep_search_results *results,
    size_t index);

/*
 * Returns 1 if everything was looked at, 0 if the time for ranking ran out: then these are the best of what was
 * scored, the newest first to be so. 0 for NULL. Since 0.1.
 */
TURNKEEP_API int32_t turnkeep_search_results_complete(const turnkeep_search_results *results);

/* Frees results. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_search_results_free(turnkeep_search_results *results);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_SEARCH_OPTIONS_INIT {sizeof(turnkeep_search_options), NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0}

/* 10 Events ---------------------------------------------------------------------------------------------------------
 * What happened, after it was kept.
 */

/* The store was opened; at_us says when. The first event of every subscription. */
#define TURNKEEP_EVENT_STORE_OPENED 1

/* There is a new session that is no fork. */
#define TURNKEEP_EVENT_SESSION_CREATED 2

/* A session was deleted, by a call that did not erase it. */
#define TURNKEEP_EVENT_SESSION_DELETED 3

/* A session was opened by its id. */
#define TURNKEEP_EVENT_SESSION_ACCESSED 4

/* count messages were appended, from first_seq to last_seq. */
#define TURNKEEP_EVENT_MESSAGE_ADDED 5

/* A session lost all its messages. */
#define TURNKEEP_EVENT_SESSION_CLEARED 6

/* A session's window size was set. Hosts know the name from elsewhere. */
#define TURNKEEP_EVENT_SESSION_CONTEXT_UPDATED 7

/* A cleanup deleted count sessions, each of which was told as EXPIRED before. */
#define TURNKEEP_EVENT_SESSIONS_CLEANED_UP 8

/* The metrics were reset. */
#define TURNKEEP_EVENT_METRICS_RESET 9

/* The store was closed. The last event of every subscription. */
#define TURNKEEP_EVENT_STORE_CLOSED 10

/* There is a new session, which came from elsewhere with count messages. */
#define TURNKEEP_EVENT_SESSION_IMPORTED 11

/* There is a new session, which shares the first count messages of other_session_id, up to last_seq. */
#define TURNKEEP_EVENT_FORKED 12

/* A session lost its last count messages; last_seq is the last that is left. */
#define TURNKEEP_EVENT_REWOUND 13

/* A session lost count messages, its oldest behind the instructions at its head; those left are numbered from 1 on. */
#define TURNKEEP_EVENT_TRUNCATED 14

/* A session's name, title, model, metadata, expiry or size limit was set. */
#define TURNKEEP_EVENT_SESSION_UPDATED 15

/* A session got or lost count tags. */
#define TURNKEEP_EVENT_TAGGED 16

/* A session was put away. */
#define TURNKEEP_EVENT_ARCHIVED 17

/* A session was thrown away, and can be restored. */
#define TURNKEEP_EVENT_TRASHED 18

/* A session's status was set to active. */
#define TURNKEEP_EVENT_RESTORED 19

/* A session was deleted, and no copy of its text is left in the store's files. */
#define TURNKEEP_EVENT_ERASED 20

/* A session was deleted because its time was over. */
#define TURNKEEP_EVENT_EXPIRED 21

/* A session's summary was set. */
#define TURNKEEP_EVENT_SUMMARY_CHANGED 22

/*
 * A window begins at another message, first_seq, than the last one with the same options: count messages further.
 * What an engine has read of the old one after what stands in front must be read again.
 */
#define TURNKEEP_EVENT_WINDOW_CUT_MOVED 23

/* The file was found to be damaged: nothing more is written to it. */
#define TURNKEEP_EVENT_CORRUPTION_FOUND 24

/* Events of a store's event log. Threads: any number at once. Outlives its store. */
typedef struct turnkeep_events turnkeep_events;

/*
 * Something that happened. Borrowed, from the list that it is in or for the duration of the callback. What a field
 * does not apply to is 0 or empty.
 */
typedef struct {
    /*
     * Grows by one with each event of a change, in the order of commit: with event_log_rows over all processes and
     * for ever, else since the store was opened and while somebody listens. 0 for STORE_OPENED, SESSION_ACCESSED,
     * METRICS_RESET, STORE_CLOSED, WINDOW_CUT_MOVED and CORRUPTION_FOUND, which are no changes and are not in the
     * log.
     */
    uint64_t number;
    /* When: microseconds since 1970-01-01 UTC. */
    int64_t at_us;
    /* The session; empty for what happened to the store, and in the log also for sessions that were erased. */
    turnkeep_text session_id;
    /* The session that a fork shares messages with. */
    turnkeep_text other_session_id;
    /* The kind's name: "message_added". */
    turnkeep_text name;
    /* The session's revision after it; 0 where it is gone, or was changed with many others. */
    uint64_t revision;
    /* The first message that it is about. */
    uint64_t first_seq;
    /* The last message that it is about. */
    uint64_t last_seq;
    /* How many messages, tags or sessions it is about. */
    uint64_t count;
    /* A TURNKEEP_EVENT_ number; a newer library may tell of kinds that you do not know. */
    int32_t kind;
    /* 0. */
    uint32_t reserved;
} turnkeep_event;

/*
 * Is told of an event, after its commit and before the call that caused it returns; never inside another event
 * callback on the same thread: what a callback causes is told when that has returned. May call the library, but not
 * close the store. Must be safe to call from many threads if the store is used from many: then events may come in
 * another order than that of their numbers. What is not TURNKEEP_OK is counted (turnkeep_metrics.event_failures),
 * and changes nothing else. Must not throw.
 */
typedef turnkeep_status (*turnkeep_event_fn)(void *user_data,
                                             const turnkeep_event *event);

/*
 * Has a function called for every event of this store's handle, from STORE_OPENED, which it hears before this call
 * returns (or, where that is inside a callback of another subscription, after it), to STORE_CLOSED. What other
 * processes do is only in the event log. `destroy`, which may be NULL, gives user_data back when the subscription or
 * the store has ended and no call of `function` runs any more; also when this call fails. Writes what
 * turnkeep_store_unsubscribe takes to *subscription unless it is NULL. Threads: any. Errors: INVALID. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_subscribe(
    const turnkeep_store *store,
    turnkeep_event_fn function,
    void *user_data,
    turnkeep_destroy_fn destroy,
    uint64_t *subscription,
    turnkeep_error **error);

/*
 * Ends a subscription: no call begins any more when this function returns; one that another thread is making may
 * still go on, and destroy is called when it has ended. May be called from the callback itself. Threads: any.
 * Errors: NOT_FOUND, INVALID. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_unsubscribe(
    const turnkeep_store *store,
    uint64_t subscription,
    turnkeep_error **error);

/* Returns the name of a kind of event: "message_added"; "unknown" for a number that is none. Static. Since 0.1. */
TURNKEEP_API const char *turnkeep_event_name(int32_t kind);

/*
 * Reads the store's event log: at most `limit` events with numbers above `cursor`, in the order of commit, whoever
 * committed them. Begin with the cursor 0, go on with the number of the last event that you got. A limit of 0 is
 * 1 000; at most 10 000. Where no log was ever written (turnkeep_store_options.event_log_rows) there are none. Free
 * *out with turnkeep_events_free. Threads: any. Errors: INVALID, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_events_after(
    const turnkeep_store *store,
    uint64_t cursor,
    uint32_t limit,
    turnkeep_events **out,
    turnkeep_error **error);

/* Returns the number of events; 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_events_len(const turnkeep_events *events);

/* Returns an event, borrowed from the list; NULL for a NULL list or an index that is too large. Since 0.1. */
TURNKEEP_API const turnkeep_event *turnkeep_events_at(
    const turnkeep_events *events,
    size_t index);

/*
 * Returns 1 if events between the cursor and the first one here are not kept any more, or if the log ends before the
 * cursor, as that of a restored backup does; then read anew what you follow, and go on from the last number here, or
 * from 0. Else, and for NULL, 0. Since 0.1.
 */
TURNKEEP_API int32_t turnkeep_events_lost(const turnkeep_events *events);

/* Frees a list of events. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_events_free(turnkeep_events *events);

/* 11 Metrics --------------------------------------------------------------------------------------------------------
 * Counters and distributions.
 */

/*
 * What a store's handle did since its metrics were last reset, and what the store holds. Percentiles are within a
 * hundredth; times are nanoseconds where their names end in _ns.
 */
typedef struct {
    /* sizeof(turnkeep_metrics). */
    size_t struct_size;
    /* When the store was opened: microseconds since 1970-01-01 UTC. */
    int64_t opened_us;
    /* When the metrics were last reset; opened_us if they never were. */
    int64_t reset_us;
    /* New sessions, forks included. */
    uint64_t sessions_created;
    /* Sessions deleted, erased or expired. */
    uint64_t sessions_deleted;
    /* Messages appended. */
    uint64_t messages_appended;
    /* Their tokens. */
    uint64_t tokens_appended;
    /* Windows asked for. */
    uint64_t windows;
    /* Searches. */
    uint64_t searches;
    /* Windows, histories, ranges and messages answered from memory. */
    uint64_t cache_hits;
    /* Those for which the storage was read. */
    uint64_t cache_misses;
    /* Sessions dropped from the cache to make room. */
    uint64_t cache_evictions;
    /* Transactions committed. */
    uint64_t commits;
    /* Transactions that had to wait for another process, or another store on the same file, to end its own. */
    uint64_t busy_waits;
    /* How long they waited, in microseconds. */
    uint64_t busy_wait_us;
    /* Transactions that failed as BUSY. */
    uint64_t busy_failures;
    /* Calls of event callbacks. */
    uint64_t events_delivered;
    /* Those that did not return TURNKEEP_OK. */
    uint64_t event_failures;
    /* How many appends were committed together: half of the commits with appends had no more. */
    uint64_t appends_per_commit_p50;
    /* The same for 90 of 100 commits. */
    uint64_t appends_per_commit_p90;
    /* The same for 99 of 100 commits. */
    uint64_t appends_per_commit_p99;
    /* The most that were. */
    uint64_t appends_per_commit_max;
    /* How many appends were timed: all that succeeded. */
    uint64_t append_count;
    /* Half of them took no longer. */
    uint64_t append_p50_ns;
    /* 90 of 100 took no longer. */
    uint64_t append_p90_ns;
    /* 99 of 100 took no longer. */
    uint64_t append_p99_ns;
    /* The longest took so long. */
    uint64_t append_max_ns;
    /* How many windows were timed: of each thread's the first, and then one of 64. */
    uint64_t window_count;
    /* Half of them took no longer. */
    uint64_t window_p50_ns;
    /* 90 of 100 took no longer. */
    uint64_t window_p90_ns;
    /* 99 of 100 took no longer. */
    uint64_t window_p99_ns;
    /* The longest took so long. */
    uint64_t window_max_ns;
    /* Sessions in the cache now. */
    uint64_t cache_sessions;
    /* Bytes that their messages take now. */
    uint64_t cache_bytes;
    /* The length of its write-ahead log's file now; 0 in memory. */
    uint64_t wal_bytes;
    /* Sessions in use, in the whole store, whoever wrote them; so are the rest. */
    uint64_t active_sessions;
    /* Sessions put away. */
    uint64_t archived_sessions;
    /* Sessions thrown away. */
    uint64_t trashed_sessions;
    /* Messages of all sessions; one that forks share counts in each of them. */
    uint64_t total_messages;
    /* Tokens of all sessions. */
    uint64_t total_tokens;
    /* Bytes of the texts of all sessions. */
    uint64_t total_bytes;
    /* From creation to the last change, in microseconds, of all sessions together. */
    uint64_t total_duration_us;
} turnkeep_metrics;

/*
 * Fills *metrics. Looks at every session's row, but at no message. Threads: any. Errors: INVALID, BUSY, CORRUPT,
 * STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_metrics(
    const turnkeep_store *store,
    turnkeep_metrics *metrics,
    turnkeep_error **error);

/*
 * Begins to count and to time anew. What Prometheus is given of counters, and since_open in the JSON, go on.
 * Threads: any. Errors: INVALID. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_reset_metrics(
    const turnkeep_store *store,
    turnkeep_error **error);

/*
 * Writes the metrics as one JSON object: counters since opening and since the last reset, distributions, gauges,
 * totals, and averages for each session. Free *out with turnkeep_document_free. Threads: any. Errors: INVALID, BUSY,
 * CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_metrics_json(
    const turnkeep_store *store,
    turnkeep_document **out,
    turnkeep_error **error);

/*
 * Writes the metrics in the text format of Prometheus, version 0.0.4, with the store's location as the label
 * "store". Otherwise as turnkeep_store_metrics_json. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_metrics_prometheus(
    const turnkeep_store *store,
    turnkeep_document **out,
    turnkeep_error **error);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_METRICS_INIT {sizeof(turnkeep_metrics), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* 12 Maintenance ----------------------------------------------------------------------------------------------------
 * Backup, check, vacuum, optimize, sizes, salvage, erase.
 */

/* What a check found. Threads: any number at once. */
typedef struct turnkeep_check_report turnkeep_check_report;

/* What a salvage could not read, and what it made of the rest. Threads: any number at once. */
typedef struct turnkeep_salvage_report turnkeep_salvage_report;

/*
 * Is told how much of something is done, and how much there is: of a backup in pages, of an export in messages, of
 * an import in bytes or rows. Returns TURNKEEP_OK to go on; anything else stops, and the call fails with ABORTED.
 * Must not throw.
 */
typedef turnkeep_status (*turnkeep_progress_fn)(void *user_data,
                                                uint64_t done,
                                                uint64_t total);

/* How to back up. */
typedef struct {
    /* sizeof(turnkeep_backup_options). */
    size_t struct_size;
    /* 1 replaces a store that is at the target and that nobody uses. What is no store is never replaced. */
    int32_t overwrite;
    /* Must be 0. */
    uint32_t reserved;
    /* Called every 2 MB and at the end; NULL is none. */
    turnkeep_progress_fn progress;
    /* Given to progress. */
    void *user_data;
} turnkeep_backup_options;

/* What a check looked at. Borrowed from its report. */
typedef struct {
    /* How many problems there are. The first 1 000 are told. */
    uint64_t problems;
    /* Sessions. */
    uint64_t sessions;
    /* Messages. One that forks share is one. */
    uint64_t messages;
    /* Entries of the search index. */
    uint64_t search_entries;
    /* Pages of the database. */
    uint64_t pages;
} turnkeep_check_counts;

/* How large a store is, in bytes. Written only on success. */
typedef struct {
    /* sizeof(turnkeep_sizes), set by the caller. */
    size_t struct_size;
    /* Sessions with their segments, tags and receipts. */
    uint64_t sessions;
    /* Messages. */
    uint64_t messages;
    /* The search index, and what belongs to it. */
    uint64_t search;
    /* Indexes of everything else. */
    uint64_t indexes;
    /* Events, settings, the description of the tables. */
    uint64_t other;
    /* Pages that hold nothing and will be used again; turnkeep_store_vacuum gives them back. */
    uint64_t free_pages;
    /* All of the above. */
    uint64_t database;
    /* The file of its write-ahead log, which keeps the length that it grew to; 0 in memory. */
    uint64_t wal_file;
} turnkeep_sizes;

/* What a salvage did. Borrowed from its report. */
typedef struct {
    /* How many things could not be read. The first 1 000 are told. */
    uint64_t problems;
    /* Sessions in the new store that were sessions before. */
    uint64_t sessions;
    /* Sessions that were made for messages behind a hole, or without a session. */
    uint64_t sessions_added;
    /* Sessions of which nothing could be read but the id. */
    uint64_t sessions_lost;
    /* Messages in the new store. One that forks share is one. */
    uint64_t messages;
    /* Messages that should have been there and could not be read, as far as that can be told. */
    uint64_t messages_lost;
} turnkeep_salvage_counts;

/* What an erasure did. Written only on success. */
typedef struct {
    /* sizeof(turnkeep_erase_report), set by the caller. */
    size_t struct_size;
    /* Messages that are gone. */
    uint64_t messages_erased;
    /* Messages that stay because forks have them, too. */
    uint64_t messages_kept_by_forks;
    /* 1 if its write-ahead log was emptied; 0 in memory, where there is none. */
    uint32_t wal_truncated;
    /* 0. */
    uint32_t reserved;
} turnkeep_erase_report;

/*
 * Copies a store, in a file or in memory, into a new file at `path`, as of one moment, while others go on:
 * everything acknowledged before the call, DEFERRED changes included. The copy gets its name, and the same store id,
 * when it is whole; until then the name ends in ".partial". `options` may be NULL. Threads: any. Errors: EXISTS,
 * INVALID (the store itself, a folder), NOT_FOUND (no such folder), MISMATCH (overwrite, and what is there is no
 * store), BUSY (overwrite, and somebody uses it), ABORTED (progress), ENCODING, FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_backup(
    const turnkeep_store *store,
    const char *path,
    const turnkeep_backup_options *options,
    turnkeep_error **error);

/*
 * Looks whether everything in a store is as it should be, while others go on: the file, the search index, whether
 * every session has every one of its messages, whether counters are right. Takes as long as reading all of it.
 * Problems are no failure: they are in *out. If the file itself is damaged, nothing more is written to it. Free *out
 * with turnkeep_check_report_free. Threads: any. Errors: INVALID, BUSY, CORRUPT (not even the list of tables can be
 * read), STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_check(
    const turnkeep_store *store,
    turnkeep_check_report **out,
    turnkeep_error **error);

/*
 * Returns how many problems are told, 1 000 at most; 0 means that all is well, and is the answer for NULL.
 * Since 0.1.
 */
TURNKEEP_API size_t turnkeep_check_report_len(const turnkeep_check_report *report);

/*
 * Returns a problem as a sentence for people, borrowed from the report; empty for NULL or an index that is too
 * large. Since 0.1.
 */
TURNKEEP_API turnkeep_text turnkeep_check_report_at(
    const turnkeep_check_report *report,
    size_t index);

/* Returns what was looked at, borrowed from the report; NULL for NULL. Since 0.1. */
TURNKEEP_API const turnkeep_check_counts *turnkeep_check_report_counts(const turnkeep_check_report *report);

/* Frees a check's report. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_check_report_free(turnkeep_check_report *report);

/*
 * Writes the database anew, without the room that deleted messages left, and gives that back to the file system.
 * Needs room for a second copy meanwhile, and whoever writes waits. Threads: any. Errors: INVALID, READONLY, BUSY,
 * FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_vacuum(
    const turnkeep_store *store,
    turnkeep_error **error);

/*
 * Merges the search index into its most compact form, and gathers statistics by which SQLite chooses between
 * indexes: worth a call after large changes. Whoever writes waits. Threads: any. Errors: as turnkeep_store_vacuum.
 * Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_optimize(
    const turnkeep_store *store,
    turnkeep_error **error);

/*
 * Tells how large each part of a store is. Looks at every page. Threads: any. Errors: INVALID, BUSY, CORRUPT,
 * STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_sizes(
    const turnkeep_store *store,
    turnkeep_sizes *sizes,
    turnkeep_error **error);

/*
 * Copies what can be read of a damaged store into a new one at `target`, which must not exist. The source is left as
 * it is: close it everywhere first. A session keeps what lies before its first message that cannot be read; what
 * lies behind becomes sessions of their own, whose names docs/using.md tells. Needs room for a copy of the source
 * beside the target. Free *out with turnkeep_salvage_report_free. Threads: any. Errors: NOT_FOUND, MISMATCH (no
 * Turnkeep store), BUSY (open in this process), EXISTS, UNSUPPORTED (of a newer version), CORRUPT (nothing can be
 * read), INVALID, ENCODING, FULL, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_salvage(
    const char *source,
    const char *target,
    turnkeep_salvage_report **out,
    turnkeep_error **error);

/* Returns how many losses are told, 1 000 at most; 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_salvage_report_len(const turnkeep_salvage_report *report);

/*
 * Returns what could not be read, and what was made of it, as a sentence for people, borrowed from the report; empty
 * for NULL or an index that is too large. Since 0.1.
 */
TURNKEEP_API turnkeep_text turnkeep_salvage_report_at(
    const turnkeep_salvage_report *report,
    size_t index);

/* Returns how much was brought over, borrowed from the report; NULL for NULL. Since 0.1. */
TURNKEEP_API const turnkeep_salvage_counts *turnkeep_salvage_report_counts(const turnkeep_salvage_report *report);

/* Frees a salvage's report. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_salvage_report_free(turnkeep_salvage_report *report);

/*
 * Deletes a session as turnkeep_session_delete does, and leaves no copy of its text in any file of the store:
 * docs/using.md says what that is, and what it cannot reach. What forks share stays. Takes as long as
 * turnkeep_store_vacuum. If somebody reads for longer than the busy timeout the session is deleted, its text is
 * still in the files, and the call fails with BUSY: the same call again finishes it, also after a restart, and then
 * reports 0 messages. `report` may be NULL. Threads: any. Errors: NOT_FOUND, INVALID, ENCODING, READONLY, BUSY,
 * FULL, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_session_erase(
    const turnkeep_store *store,
    const char *id,
    turnkeep_erase_report *report,
    turnkeep_error **error);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_BACKUP_OPTIONS_INIT {sizeof(turnkeep_backup_options), 0, 0, NULL, NULL}
#define TURNKEEP_SIZES_INIT {sizeof(turnkeep_sizes), 0, 0, 0, 0, 0, 0, 0, 0}
#define TURNKEEP_ERASE_REPORT_INIT {sizeof(turnkeep_erase_report), 0, 0, 0, 0}

/* 13 Transfer -------------------------------------------------------------------------------------------------------
 * Export and import: files of other programs, and an own format that carries everything.
 */

/* Turnkeep's own JSON Lines, which carry everything. Both ways. */
#define TURNKEEP_FORMAT_TURNKEEP 1

/* JSON Lines with messages as in the OpenAI chat API, a session a line. Both ways. */
#define TURNKEEP_FORMAT_OPENAI 2

/* ShareGPT. Both ways. */
#define TURNKEEP_FORMAT_SHAREGPT 3

/* A table with a row for each message, which a spreadsheet opens without running anything in it. Both ways. */
#define TURNKEEP_FORMAT_CSV 4

/* Markdown, to read. Export only. */
#define TURNKEEP_FORMAT_MARKDOWN 5

/* Plain text, to read. Export only. */
#define TURNKEEP_FORMAT_TEXT 6

/* One HTML page that needs nothing else, to read and to search. Export only. */
#define TURNKEEP_FORMAT_HTML 7

/* The JSON array of Gemma.cpp sessions. Both ways. */
#define TURNKEEP_FORMAT_GEMMA_SESSIONS 8

/* What the web UI of llama.cpp exports. Import only, like all that follow. */
#define TURNKEEP_FORMAT_LLAMA_CPP 9

/* ChatGPT's data export: conversations.json, several of them, or the zip or folder with them. */
#define TURNKEEP_FORMAT_CHATGPT 10

/* Claude's data export: conversations.json, or the zip or folder with it. */
#define TURNKEEP_FORMAT_CLAUDE 11

/* The database of a QV session manager. */
#define TURNKEEP_FORMAT_QV_DB 12

/* The database of coda's session module. */
#define TURNKEEP_FORMAT_CODA_DB 13

/* The database of Gemma.cpp sessions. */
#define TURNKEEP_FORMAT_GEMMA_SESSIONS_DB 14

/* The database of an e-ink session manager. */
#define TURNKEEP_FORMAT_EINK_DB 15

/* A session whose id the store has already is not taken in. */
#define TURNKEEP_EXISTING_SKIP 1

/* It takes the place of the one in the store, which is deleted. */
#define TURNKEEP_EXISTING_OVERWRITE 2

/* It gets a new id, and both are there. */
#define TURNKEEP_EXISTING_KEEP_BOTH 3

/* A session that the store had already stayed as it was. */
#define TURNKEEP_PROBLEM_SKIPPED 1

/* A session could not be taken in: nothing of it was. */
#define TURNKEEP_PROBLEM_FAILED 2

/* Something that no session could take was left out. */
#define TURNKEEP_PROBLEM_LEFT_OUT 3

/* Something was taken in otherwise than it stood in the source. */
#define TURNKEEP_PROBLEM_CHANGED 4

/* What an import or an export did. Threads: any number at once. */
typedef struct turnkeep_transfer_report turnkeep_transfer_report;

/* What to export, and how. */
typedef struct {
    /* sizeof(turnkeep_export_options). */
    size_t struct_size;
    /* A TURNKEEP_FORMAT_ number that is not import only. Required. */
    int32_t format;
    /* Must be 0. */
    uint32_t reserved;
    /* Which sessions; NULL is all, whatever their status. */
    const turnkeep_filter *filter;
    /* Only these sessions, by id. Not together with filter. A list of which there are 0 must be NULL. */
    const char *const *session_ids;
    /* How many there are. */
    size_t session_id_count;
    /* Told how many messages are written; NULL is none. */
    turnkeep_progress_fn progress;
    /* Given to progress. */
    void *user_data;
} turnkeep_export_options;

/*
 * Takes the next bytes of an export: UTF-8, cut anywhere. Returns TURNKEEP_OK to go on; anything else stops, and the
 * export fails with ABORTED. Must not throw.
 */
typedef turnkeep_status (*turnkeep_write_fn)(void *user_data,
                                             const char *data,
                                             size_t len);

/* What to import, and how. */
typedef struct {
    /* sizeof(turnkeep_import_options). */
    size_t struct_size;
    /* A TURNKEEP_FORMAT_ number that is not export only; 0 looks into the source. */
    int32_t format;
    /* What becomes of a session whose id the store has already: a TURNKEEP_EXISTING_ number; 0 is SKIP. */
    int32_t existing;
    /* 1 reads and checks everything and reports what would come of it, and keeps nothing. */
    int32_t dry_run;
    /* Must be 0. */
    uint32_t reserved;
    /* Told how much of the source is read, in bytes or, of a database, rows; NULL is none. */
    turnkeep_progress_fn progress;
    /* Given to progress. */
    void *user_data;
} turnkeep_import_options;

/* What an import or an export did. Borrowed from its report. */
typedef struct {
    /* Sessions that were taken in, or written. */
    uint64_t sessions;
    /* Their messages. One that forks share counts once, unless the format has it written for each. */
    uint64_t messages;
    /* Import: of the sessions, those that share messages with another. */
    uint64_t forks;
    /* Import: sessions that the store had already, and that stayed as they were. */
    uint64_t skipped;
    /* Import: sessions of which nothing was taken in. */
    uint64_t failed;
    /* Import: sessions of the store that made room. */
    uint64_t overwritten;
    /* Import: how many problems there were. The first 1 000 are told. */
    uint64_t problems;
    /* Export: bytes written. */
    uint64_t bytes;
    /* The TURNKEEP_FORMAT_ number of what was read or written. */
    int32_t format;
    /* 0. */
    uint32_t reserved;
} turnkeep_transfer_counts;

/* Something that was not taken in as it stood in the source. Borrowed from its report. */
typedef struct {
    /* The session's id in the source; empty if it has none there. */
    turnkeep_text session_id;
    /* Where in the source: a line, a row. */
    turnkeep_text place;
    /* What is the matter, as a sentence. */
    turnkeep_text reason;
    /* A TURNKEEP_PROBLEM_ number. */
    int32_t kind;
    /* 0. */
    uint32_t reserved;
} turnkeep_transfer_problem;

/* Something that the source had and the store, or the store and the format, cannot carry. Borrowed from its report. */
typedef struct {
    /* What it is, in the plural: "images", "tags". */
    turnkeep_text what;
    /* How many. */
    uint64_t count;
} turnkeep_transfer_loss;

/*
 * Writes sessions into a file, in the order in which they were created and as of one moment. The file is written
 * beside `path` and takes its place when it is whole and flushed; a failure leaves what was there. Only its owner
 * may read it. Writes to *out, unless `out` is NULL, a report: free it with turnkeep_transfer_report_free. Threads:
 * any; progress is called on this one, and must not change the store, nor read it if it is in memory (then it is as
 * inside an import, for other stores, too): BUSY. Errors: INVALID (no format, a path that is no file), EXISTS (a
 * database is there), UNSUPPORTED (a format that is import only), NOT_FOUND (a session, the folder), ABORTED
 * (progress), FULL, ENCODING, BUSY, CORRUPT, STORAGE. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_export_file(
    const turnkeep_store *store,
    const char *path,
    const turnkeep_export_options *options,
    turnkeep_transfer_report **out,
    turnkeep_error **error);

/*
 * The same in chunks, through `write`, which must not be NULL and is called on this thread under the same conditions
 * as progress. Errors: as turnkeep_store_export_file; ABORTED (write, progress). Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_export(
    const turnkeep_store *store,
    const turnkeep_export_options *options,
    turnkeep_write_fn write,
    void *user_data,
    turnkeep_transfer_report **out,
    turnkeep_error **error);

/*
 * Takes in the sessions of a source, in one transaction. What arrives is checked like what is appended. What is
 * wrong with one session is told in the report, and nothing of that session is kept; what is wrong with the whole
 * fails, and nothing at all is kept. The source is only read, a database included. `options` may be NULL. Writes to
 * *out, unless `out` is NULL, a report: free it with turnkeep_transfer_report_free. Threads: any; other changes wait
 * until it is done, in other processes for their busy timeout; progress is called on this thread and must not change
 * the store, nor search it for what is not indexed yet, nor read it if it is in memory, nor change (nor, in memory,
 * read) another store that another thread just then imports into or exports from memory, nor wait longer than 0.1 s
 * for a session that another thread reads: BUSY. Errors: INVALID (what the source is cannot be told, or it is not
 * what `format` says), NOT_FOUND (no such file), UNSUPPORTED (a format that is export only, or of a later version),
 * ABORTED (progress), ENCODING, TOO_LARGE (a line, a conversation), READONLY, BUSY, FULL, CORRUPT, STORAGE.
 * Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_store_import(
    const turnkeep_store *store,
    const char *path,
    const turnkeep_import_options *options,
    turnkeep_transfer_report **out,
    turnkeep_error **error);

/* What was done. NULL for NULL. Since 0.1. */
TURNKEEP_API const turnkeep_transfer_counts *turnkeep_transfer_report_counts(const turnkeep_transfer_report *report);

/* How many problems it tells. 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_transfer_report_len(const turnkeep_transfer_report *report);

/* One problem. NULL past the end and for NULL. Since 0.1. */
TURNKEEP_API const turnkeep_transfer_problem *turnkeep_transfer_report_at(
    const turnkeep_transfer_report *report,
    size_t index);

/* How many kinds of losses there are. 0 for NULL. Since 0.1. */
TURNKEEP_API size_t turnkeep_transfer_report_loss_len(const turnkeep_transfer_report *report);

/* One kind of losses. NULL past the end and for NULL. Since 0.1. */
TURNKEEP_API const turnkeep_transfer_loss *turnkeep_transfer_report_loss_at(
    const turnkeep_transfer_report *report,
    size_t index);

/* Frees a report. NULL is allowed. Since 0.1. */
TURNKEEP_API void turnkeep_transfer_report_free(turnkeep_transfer_report *report);

/*
 * Writes to *format the TURNKEEP_FORMAT_ number of a name: "turnkeep", "openai", "html" and so on, the constant in
 * small letters with hyphens. Errors: INVALID (no such name; the message lists them), ENCODING. Since 0.1.
 */
TURNKEEP_API turnkeep_status turnkeep_format_by_name(
    const char *name,
    int32_t *format,
    turnkeep_error **error);

/* What such a struct begins as: its size, everything else default. */
#define TURNKEEP_EXPORT_OPTIONS_INIT {sizeof(turnkeep_export_options), 0, 0, NULL, NULL, 0, NULL, NULL}
#define TURNKEEP_IMPORT_OPTIONS_INIT {sizeof(turnkeep_import_options), 0, 0, 0, 0, NULL, NULL}

#ifdef __cplusplus
}
#endif

#endif

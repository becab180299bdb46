/*
 * Callbacks that call back: kinds of stores, what a callback does, and calls that have callbacks.
 *
 * Whatever hangs ends the program by an alarm, which says what was being tried.
 */

#ifndef TURNKEEP_TESTS_REENTRY_H
#define TURNKEEP_TESTS_REENTRY_H

#include "check.h"

#include <signal.h>

enum { SECONDS = 60, PATIENCE_MS = 50 };

/* What is being tried, for whoever must say that it hangs. */
static char trying[256] = "nothing yet";

static inline void say_that_it_hangs(int number) {
    static const char says[] = "reentry: this hangs: ";
    ssize_t written = write(2, says, sizeof says - 1);
    written += write(2, trying, strlen(trying));
    written += write(2, "\n", 1);
    _exit(number != 0 && written > 0);
}

static inline void try_it(const char *callback, const char *kind, const char *function, const char *subject) {
    snprintf(trying, sizeof trying, "%s, %s, %s, %s", callback, kind, function, subject);
    alarm(SECONDS);
}

/* Kinds of stores ----------------------------------------------------------------------------------------------------- */

struct kind {
    const char *name;
    int32_t durability;
    /* Tried less, since it takes long. */
    int flushes;
    int in_memory;
    int exclusive;
    int read_only;
    /* The callback uses another store on the same file. */
    int through_other;
};

static const struct kind kinds[] = {
    {"in memory", 0, 0, 1, 0, 0, 0},
    {"exclusive and deferred", TURNKEEP_DURABILITY_DEFERRED, 0, 0, 1, 0, 0},
    {"exclusive and flushed", TURNKEEP_DURABILITY_DISK, 1, 0, 1, 0, 0},
    {"shared", TURNKEEP_DURABILITY_OS, 0, 0, 0, 0, 0},
    {"shared, through another store on the file", TURNKEEP_DURABILITY_OS, 0, 0, 0, 0, 1},
    {"read-only", 0, 0, 0, 0, 1, 0},
};

/* What a case is about. The callback is of a call on `store`, or on `outer` of it, and uses `asked`. */
static const struct kind *kind;
static char path[PATH_BYTES];
static char source[PATH_BYTES];
static char uncounted[PATH_BYTES];
static turnkeep_store *store;
static turnkeep_store *asked;
static turnkeep_session *outer;
static turnkeep_session *subject;
static const char *const user_data = "u";

/* What a callback does, once; and whether it has. */
static turnkeep_status (*doing)(void);
static turnkeep_status answered;
static int calls;

static inline turnkeep_status call_back(void) {
    turnkeep_status (*function)(void) = doing;
    doing = NULL;
    if (function != NULL) {
        answered = function();
        calls++;
    }
    return TURNKEEP_OK;
}

static inline turnkeep_status count(void *data, const char *text, size_t length, uint64_t *tokens) {
    CHECK(data == (const void *)user_data && text != NULL);
    *tokens = length / 4 + 1;
    return call_back();
}

static inline turnkeep_status progress(void *data, uint64_t done, uint64_t total) {
    (void)data, (void)done, (void)total;
    return call_back();
}

static inline turnkeep_status take(void *data, const char *bytes, size_t length) {
    (void)data, (void)bytes, (void)length;
    return call_back();
}

static inline turnkeep_store *open_kind(int counts, uint32_t cleanup_interval_ms) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.durability = kind->durability;
    options.exclusive = kind->exclusive;
    options.read_only = kind->read_only;
    /* Another process is none there, so that only an erasure waits, for whoever looks at an old moment. */
    options.busy_timeout_ms = kind->through_other ? 0 : PATIENCE_MS;
    options.autosave_ms = 20;
    options.cache_sessions = 1;
    options.readers = 1;
    options.cleanup_interval_ms = cleanup_interval_ms;
    options.count_tokens = counts ? count : NULL;
    options.user_data = counts ? (void *)(uintptr_t)user_data : NULL;
    return open_with(kind->in_memory ? ":memory:" : path, &options);
}

/* What calls give -------------------------------------------------------------------------------------------------- */

/* What they give, to be freed. */
static struct {
    turnkeep_error *error;
    turnkeep_session *session;
    turnkeep_session_list *list;
    turnkeep_messages *messages;
    turnkeep_window *window;
    turnkeep_turns *turns;
    turnkeep_document *document;
    turnkeep_search_results *results;
    turnkeep_events *events;
    turnkeep_check_report *check;
    turnkeep_salvage_report *salvage;
    turnkeep_transfer_report *transfer;
    uint64_t number;
    int32_t truth;
    turnkeep_receipt receipt;
    turnkeep_comparison comparison;
    turnkeep_metrics metrics;
    turnkeep_sizes sizes;
} out;

static inline void begin_out(void) {
    memset(&out, 0, sizeof out);
    out.receipt.struct_size = sizeof out.receipt;
    out.comparison.struct_size = sizeof out.comparison;
    out.metrics.struct_size = sizeof out.metrics;
    out.sizes.struct_size = sizeof out.sizes;
}

static inline void free_out(void) {
    turnkeep_error_free(out.error);
    turnkeep_session_close(out.session);
    turnkeep_session_list_free(out.list);
    turnkeep_messages_free(out.messages);
    turnkeep_window_free(out.window);
    turnkeep_turns_free(out.turns);
    turnkeep_document_free(out.document);
    turnkeep_search_results_free(out.results);
    turnkeep_events_free(out.events);
    turnkeep_check_report_free(out.check);
    turnkeep_salvage_report_free(out.salvage);
    turnkeep_transfer_report_free(out.transfer);
    begin_out();
}

static const turnkeep_search_options search = {sizeof search, "quiet", NULL, NULL, NULL, 0, 0, 0, 0, 0, 2, 0, 0};
static const turnkeep_export_options own_format = {
    sizeof own_format, TURNKEEP_FORMAT_TURNKEEP, 0, NULL, NULL, 0, NULL, NULL};

/* Calls with callbacks --------------------------------------------------------------------------------------------- */

static inline turnkeep_status append_to_outer(void) {
    return turnkeep_session_append(outer, TURNKEEP_ROLE_USER, "loud", 4, NULL, &failure);
}

static inline turnkeep_status export_with_progress(void) {
    turnkeep_export_options options = own_format;
    options.progress = progress;
    return turnkeep_store_export_file(store, fresh_path(), &options, NULL, &failure);
}

static inline turnkeep_status export_to_a_function(void) {
    return turnkeep_store_export(store, &own_format, take, NULL, NULL, &failure);
}

static inline turnkeep_status import_with(const char *file, turnkeep_progress_fn function) {
    turnkeep_import_options options = TURNKEEP_IMPORT_OPTIONS_INIT;
    options.existing = TURNKEEP_EXISTING_OVERWRITE;
    options.progress = function;
    return turnkeep_store_import(store, file, &options, NULL, &failure);
}

static inline turnkeep_status import_with_progress(void) { return import_with(source, progress); }

static inline turnkeep_status back_up_with_progress(void) {
    turnkeep_backup_options options = TURNKEEP_BACKUP_OPTIONS_INIT;
    options.progress = progress;
    return turnkeep_store_backup(store, fresh_path(), &options, &failure);
}

static inline turnkeep_status close_it(void) { return turnkeep_store_close(store, &failure); }

/* Before and after --------------------------------------------------------------------------------------------------- */

static inline turnkeep_session *with_two_messages(const char *id) {
    turnkeep_session *session = create(store, id);
    say(session, "quiet");
    answer(session, "quiet");
    return session;
}

static inline void make_sources(void) {
    turnkeep_export_options options = own_format;
    turnkeep_store *from = open_store(kind->read_only ? path : fresh_path());
    snprintf(source, sizeof source, "%s", fresh_path());
    snprintf(uncounted, sizeof uncounted, "%s", fresh_path());
    store = asked = from;
    turnkeep_session_close(with_two_messages("outer"));
    turnkeep_session_close(with_two_messages("cold"));
    turnkeep_session_close(with_two_messages("warm"));
    OK(turnkeep_store_export_file(from, source, &options, NULL, &failure));
    options.format = TURNKEEP_FORMAT_OPENAI;
    OK(turnkeep_store_export_file(from, uncounted, &options, NULL, &failure));
    close_store(from);
}

static inline void expect_sound(turnkeep_store *of) {
    turnkeep_check_report *report = NULL;
    OK(turnkeep_store_check(of, &report, &failure));
    if (turnkeep_check_report_len(report) > 0)
        check_fail(__FILE__, __LINE__, "%s: %s", trying, turnkeep_check_report_at(report, 0).data);
    turnkeep_check_report_free(report);
}

/* What is in memory is what is in the storage. */
static inline void expect_memory_to_be_true(turnkeep_session *session) {
    turnkeep_session_list *list = NULL;
    turnkeep_window *window;
    turnkeep_status status = turnkeep_session_describe(session, &list, NULL);
    if (status == TURNKEEP_ERROR_NOT_FOUND) return;
    CHECK_EQUAL(status, TURNKEEP_OK);
    CHECK_EQUAL(count_messages(session), turnkeep_session_list_at(list, 0)->message_count);
    window = window_of(session, NULL);
    CHECK_EQUAL(turnkeep_window_report_of(window)->revision, turnkeep_session_list_at(list, 0)->revision);
    turnkeep_window_free(window);
    turnkeep_session_list_free(list);
}

#endif

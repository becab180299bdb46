/*
 * Callbacks that call back: every function that takes a store, a session or both, from inside every callback there is, with
 * every kind of store. Each call returns, with what the header promises; so does the call around it; and the store is sound.
 */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: the watchdog is an alarm as POSIX has it");
    return 0;
}
#else

#include "../support/reentry.h"

static turnkeep_session *warm;
static turnkeep_session *cold;
static turnkeep_session *spare;
static uint64_t subscription;
static int32_t heard_kind;

static turnkeep_status hear(void *data, const turnkeep_event *event) {
    (void)data;
    return event->kind == heard_kind ? call_back() : TURNKEEP_OK;
}

/* Functions to call --------------------------------------------------------------------------------------------------- */

static const char *const tags[] = {"seen"};
static const turnkeep_session_changes changes = {sizeof changes, 0, NULL, "title", NULL, "quiet", NULL, 0, NULL,
                                                 tags,           1, NULL, 0,       0,    0,       0,    0, 0};
static const turnkeep_new_message one = {
    sizeof one, TURNKEEP_ROLE_USER, 0, "quiet", 5, TURNKEEP_TOKENS_COUNT, 0, NULL, NULL, NULL, NULL};
static const turnkeep_exchange exchange = {sizeof exchange, "quiet", 5, NULL, NULL, "quiet", 5, 0, 0, NULL, NULL};
static const turnkeep_session_options like_subject = {
    sizeof like_subject, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, NULL, 0, "cold"};
static turnkeep_status open_another(void) {
    turnkeep_store *another = NULL;
    turnkeep_status status = turnkeep_store_open(kind->in_memory ? ":memory:" : path, NULL, &another, &out.error);
    return status == TURNKEEP_OK ? turnkeep_store_close(another, &out.error) : status;
}

static turnkeep_status close_handle(void) {
    turnkeep_session_close(spare);
    spare = NULL;
    return TURNKEEP_OK;
}

static turnkeep_status ask_for_names(void) {
    CHECK(turnkeep_session_id(subject).len > 0 && turnkeep_store_location(asked).len > 0);
    return TURNKEEP_OK;
}

enum nature { READS, SEARCHES, CHANGES, TENDS, WAITS_FOR_NOTHING, ANYTHING };

/* Name, nature, arguments. What READS is refused only where there is one connection, what SEARCHES also where somebody writes. */
#define CALLS_WITH_A_SESSION(X)                                                                           \
    X(turnkeep_session_describe, READS, (subject, &out.list, &out.error))                                 \
    X(turnkeep_session_history, READS, (subject, &out.messages, &out.error))                              \
    X(turnkeep_session_last, READS, (subject, 1, &out.messages, &out.error))                              \
    X(turnkeep_session_range, READS, (subject, 1, 2, &out.messages, &out.error))                          \
    X(turnkeep_session_message, READS, (subject, 1, &out.messages, &out.error))                           \
    X(turnkeep_session_window, READS, (subject, NULL, &out.window, &out.error))                           \
    X(turnkeep_session_turns, READS, (subject, 1, 2, &out.turns, &out.error))                             \
    X(turnkeep_session_last_turns, READS, (subject, 1, &out.turns, &out.error))                           \
    X(turnkeep_session_context_text, READS, (subject, 2, 0, &out.document, &out.error))                   \
    X(turnkeep_session_file_name, READS, (subject, 1, "a", 0, &out.document, &out.error))                 \
    X(turnkeep_session_compare, READS, (subject, subject, &out.comparison, &out.error))                   \
    X(turnkeep_session_forks, READS, (subject, &out.list, &out.error))                                    \
    X(turnkeep_session_ancestors, READS, (subject, &out.list, &out.error))                                \
    X(turnkeep_session_tree, READS, (subject, &out.list, &out.error))                                     \
    X(turnkeep_session_update, CHANGES, (subject, &changes, &out.number, &out.error))                     \
    X(turnkeep_session_append, CHANGES, (subject, TURNKEEP_ROLE_USER, "quiet", 5, NULL, &out.error))      \
    X(turnkeep_session_append_batch, CHANGES, (subject, &one, 1, NULL, &out.receipt, &out.error))         \
    X(turnkeep_session_append_exchange, CHANGES, (subject, &exchange, NULL, NULL, NULL, &out.error))      \
    X(turnkeep_session_clear, CHANGES, (subject, 0, NULL, &out.error))                                    \
    X(turnkeep_session_truncate, CHANGES, (subject, 1, 0, 0, NULL, &out.error))                           \
    X(turnkeep_session_fork, CHANGES, (subject, 1, NULL, &out.session, &out.error))                       \
    X(turnkeep_session_rewind, CHANGES, (subject, 1, 0, NULL, &out.error))                                \
    X(turnkeep_session_replace, CHANGES, (subject, 2, &one, 1, NULL, NULL, &out.receipt, &out.error))     \
    X(turnkeep_session_regenerate, CHANGES, (subject, 2, NULL, NULL, &out.error))                         \
    X(turnkeep_session_adopt, CHANGES, (subject, subject, 1, 2, NULL, &out.receipt, &out.error))          \
    X(turnkeep_session_resume, READS,                                                                     \
      (asked, turnkeep_session_id(subject).data, NULL, &out.session, &out.messages, NULL, &out.error))    \
    X(turnkeep_session_open, READS, (asked, turnkeep_session_id(subject).data, &out.session, &out.error)) \
    X(turnkeep_session_delete, CHANGES, (asked, turnkeep_session_id(subject).data, &out.error))           \
    X(turnkeep_session_erase, TENDS, (asked, turnkeep_session_id(subject).data, NULL, &out.error))        \
    X(close_handle, WAITS_FOR_NOTHING, ())                                                                \
    X(ask_for_names, WAITS_FOR_NOTHING, ())

#define CALLS_WITH_A_STORE(X)                                                                                        \
    X(turnkeep_session_exists, READS, (asked, "cold", &out.truth, &out.error))                                       \
    X(turnkeep_session_create, CHANGES, (asked, &like_subject, &out.session, &out.error))                            \
    X(turnkeep_session_create_with, CHANGES, (asked, NULL, &one, 1, &out.session, &out.error))                       \
    X(turnkeep_store_list_sessions, READS, (asked, NULL, &out.list, &out.error))                                     \
    X(turnkeep_store_count_sessions, READS, (asked, NULL, &out.number, &out.error))                                  \
    X(turnkeep_store_change_sessions, CHANGES, (asked, NULL, TURNKEEP_BULK_ADD_TAG, "all", &out.number, &out.error)) \
    X(turnkeep_store_search, SEARCHES, (asked, &search, &out.results, &out.error))                                   \
    X(turnkeep_store_events_after, READS, (asked, 0, 0, &out.events, &out.error))                                    \
    X(turnkeep_store_metrics, READS, (asked, &out.metrics, &out.error))                                              \
    X(turnkeep_store_metrics_json, READS, (asked, &out.document, &out.error))                                        \
    X(turnkeep_store_metrics_prometheus, READS, (asked, &out.document, &out.error))                                  \
    X(turnkeep_store_reset_metrics, WAITS_FOR_NOTHING, (asked, &out.error))                                          \
    X(turnkeep_store_subscribe, WAITS_FOR_NOTHING, (asked, hear, NULL, NULL, NULL, &out.error))                      \
    X(turnkeep_store_unsubscribe, ANYTHING, (asked, subscription, &out.error))                                       \
    X(turnkeep_store_flush, TENDS, (asked, &out.error))                                                              \
    X(turnkeep_store_cleanup, TENDS, (asked, &out.number, &out.error))                                               \
    X(turnkeep_store_backup, TENDS, (asked, fresh_path(), NULL, &out.error))                                         \
    X(turnkeep_store_check, READS, (asked, &out.check, &out.error))                                                  \
    X(turnkeep_store_vacuum, TENDS, (asked, &out.error))                                                             \
    X(turnkeep_store_optimize, TENDS, (asked, &out.error))                                                           \
    X(turnkeep_store_sizes, TENDS, (asked, &out.sizes, &out.error))                                                  \
    X(turnkeep_store_export, TENDS, (asked, &own_format, take, NULL, &out.transfer, &out.error))                     \
    X(turnkeep_store_export_file, TENDS, (asked, fresh_path(), &own_format, NULL, &out.error))                       \
    X(turnkeep_store_import, TENDS, (asked, source, NULL, &out.transfer, &out.error))                                \
    X(turnkeep_store_salvage, ANYTHING, (path, fresh_path(), &out.salvage, &out.error))                              \
    X(open_another, ANYTHING, ())

#define DEFINE(name, nature, arguments) \
    static turnkeep_status do_##name(void) { return name arguments; }
CALLS_WITH_A_SESSION(DEFINE)
CALLS_WITH_A_STORE(DEFINE)

struct function {
    const char *name;
    enum nature nature;
    int of_session;
    turnkeep_status (*call)(void);
};

#define OF_SESSION(name, nature, arguments) {#name, nature, 1, do_##name},
#define OF_STORE(name, nature, arguments) {#name, nature, 0, do_##name},
static const struct function functions[] = {CALLS_WITH_A_SESSION(OF_SESSION) CALLS_WITH_A_STORE(OF_STORE)};

/* Callbacks to call from ---------------------------------------------------------------------------------------------- */

static void give_back(void *data) {
    (void)data;
    call_back();
}

static turnkeep_status create_with_a_message(void) {
    turnkeep_new_message loud = message_of(TURNKEEP_ROLE_USER, "loud");
    turnkeep_session *created = NULL;
    turnkeep_status status = turnkeep_session_create_with(store, NULL, &loud, 1, &created, &failure);
    turnkeep_session_close(created);
    return status;
}

static turnkeep_status replace_in_outer(void) {
    turnkeep_new_message loud = message_of(TURNKEEP_ROLE_USER, "loud");
    return turnkeep_session_replace(outer, 1, &loud, 1, NULL, NULL, NULL, &failure);
}

static turnkeep_status open_outer(void) {
    turnkeep_session *opened = NULL;
    turnkeep_status status = turnkeep_session_open(store, "outer", &opened, &failure);
    turnkeep_session_close(opened);
    return status;
}

static turnkeep_status subscribe_anew(void) {
    uint64_t anew = 0;
    turnkeep_status status = turnkeep_store_subscribe(store, hear, NULL, NULL, &anew, &failure);
    return status == TURNKEEP_OK ? turnkeep_store_unsubscribe(store, anew, &failure) : status;
}

static turnkeep_status unsubscribe_what_is_given_back(void) {
    uint64_t anew = 0;
    turnkeep_status status = turnkeep_store_subscribe(store, hear, NULL, give_back, &anew, &failure);
    return status == TURNKEEP_OK ? turnkeep_store_unsubscribe(store, anew, &failure) : status;
}

static turnkeep_status fail_to_open(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *none = NULL;
    options.must_exist = 1;
    options.destroy = give_back;
    FAILS(NOT_FOUND, "", turnkeep_store_open(fresh_path(), &options, &none, &failure));
    return TURNKEEP_OK;
}

static turnkeep_status let_the_stores_own_thread_clean_up(void) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *over = NULL;
    turnkeep_status status;
    options.expires_us = 1;
    status = turnkeep_session_create(store, &options, &over, &failure);
    turnkeep_session_close(over);
    while (__atomic_load_n(&calls, __ATOMIC_ACQUIRE) == 0) usleep(1000);
    return status;
}

static turnkeep_status import_and_count(void) { return import_with(uncounted, NULL); }

static turnkeep_status cause_an_event(void *data, uint64_t done, uint64_t total) {
    (void)data, (void)done, (void)total;
    return turnkeep_store_reset_metrics(store, NULL);
}

static turnkeep_status import_with_an_event_inside(void) { return import_with(source, cause_an_event); }

/* HOLDS is an export or import, inside which the store must not be changed; LOOKS keeps an old moment alive. */
enum { HOLDS = 1, LOOKS = 2, NEEDS_TO_WRITE = 4, CLOSES = 8, COUNTS = 16 };

struct callback {
    const char *name;
    int32_t event;
    int traits;
    turnkeep_status (*cause)(void);
};

static const struct callback callbacks[] = {
    {"event of an append", TURNKEEP_EVENT_MESSAGE_ADDED, NEEDS_TO_WRITE, append_to_outer},
    {"event of an opening", TURNKEEP_EVENT_SESSION_ACCESSED, 0, open_outer},
    {"event of its own subscription", TURNKEEP_EVENT_STORE_OPENED, 0, subscribe_anew},
    {"event on the store's own thread", TURNKEEP_EVENT_EXPIRED, NEEDS_TO_WRITE, let_the_stores_own_thread_clean_up},
    {"event inside an import", TURNKEEP_EVENT_METRICS_RESET, HOLDS | NEEDS_TO_WRITE, import_with_an_event_inside},
    {"event of the close", TURNKEEP_EVENT_STORE_CLOSED, CLOSES, close_it},
    {"count of an append", 0, NEEDS_TO_WRITE | COUNTS, append_to_outer},
    {"count of a new session", 0, NEEDS_TO_WRITE | COUNTS, create_with_a_message},
    {"count of a replacement", 0, NEEDS_TO_WRITE | COUNTS, replace_in_outer},
    {"count of an import", 0, HOLDS | NEEDS_TO_WRITE | COUNTS, import_and_count},
    {"progress of an import", 0, HOLDS | NEEDS_TO_WRITE, import_with_progress},
    {"progress of an export", 0, HOLDS | LOOKS, export_with_progress},
    {"chunk of an export", 0, HOLDS | LOOKS, export_to_a_function},
    {"progress of a backup", 0, LOOKS, back_up_with_progress},
    {"destroy of a subscription", 0, 0, unsubscribe_what_is_given_back},
    {"destroy of an opening that failed", 0, 0, fail_to_open},
};

/* Everything in everything -------------------------------------------------------------------------------------------- */

static turnkeep_store *open_other(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.busy_timeout_ms = PATIENCE_MS;
    options.cache_sessions = 1;
    options.readers = 1;
    return open_with(path, &options);
}

static void prepare(void) {
    if (!kind->read_only) {
        turnkeep_session_close(with_two_messages("outer"));
        cold = with_two_messages("cold");
        say(cold, "quiet");
        OK(turnkeep_session_rewind(cold, 2, 0, NULL, &failure));
        turnkeep_session_close(cold);
        turnkeep_session_close(with_two_messages("warm"));
    }
    outer = open_session(store, "outer");
    cold = open_session(asked, "cold");
    warm = open_session(asked, "warm");
    turnkeep_window_free(window_of(warm, NULL));
    OK(turnkeep_store_subscribe(store, hear, NULL, NULL, &subscription, &failure));
}

static void tidy(void) {
    turnkeep_status status = turnkeep_store_unsubscribe(store, subscription, NULL);
    CHECK(status == TURNKEEP_OK || status == TURNKEEP_ERROR_NOT_FOUND);
    expect_memory_to_be_true(outer);
    expect_memory_to_be_true(cold);
    expect_memory_to_be_true(warm);
    expect_sound(store);
}

static void delete_all(void) {
    if (kind->read_only) return;
    turnkeep_session_close(create(store, NULL));
    OK(turnkeep_store_change_sessions(store, NULL, TURNKEEP_BULK_DELETE, NULL, NULL, &failure));
}

static int may_answer(const struct callback *callback, const struct function *function, turnkeep_status status) {
    const int held = (callback->traits & HOLDS) != 0;
    const int closes = (callback->traits & CLOSES) != 0;
    const int writes = function->nature == CHANGES || function->nature == TENDS;
    if (function->nature == ANYTHING) return status != TURNKEEP_ERROR_PANIC;
    switch (status) {
    case TURNKEEP_OK:
        if (closes) return function->nature == WAITS_FOR_NOTHING;
        return !(held && function->nature == CHANGES) || kind->through_other;
    case TURNKEEP_ERROR_CLOSED: return closes;
    case TURNKEEP_ERROR_READONLY: return kind->read_only && writes;
    case TURNKEEP_ERROR_BUSY:
        if (function->nature == READS) return held && kind->in_memory;
        if (function->nature == SEARCHES) return held && (kind->in_memory || !(callback->traits & LOOKS));
        return (writes && (held || kind->through_other)) || (function->nature == TENDS && (callback->traits & LOOKS));
    default: return 0;
    }
}

static void try_function(const struct callback *callback, const struct function *function, const char *subject_name) {
    turnkeep_status status;
    try_it(callback->name, kind->name, function->name, subject_name);
    begin_out();
    prepare();
    subject = strcmp(subject_name, "cold") == 0 ? cold : strcmp(subject_name, "warm") == 0 ? warm : outer;
    spare = open_session(asked, "cold");
    heard_kind = callback->event;
    __atomic_store_n(&calls, 0, __ATOMIC_RELEASE);
    doing = function->call;
    status = callback->cause();
    if (calls != 1) check_fail(__FILE__, __LINE__, "%s: it was not called", trying);
    if (!may_answer(callback, function, answered))
        check_fail(__FILE__, __LINE__, "%s: %s: %s", trying, turnkeep_status_name(answered),
                   turnkeep_error_message(out.error).data);
    if (subject == outer && status == TURNKEEP_ERROR_NOT_FOUND) {
        turnkeep_error_free(failure);
        failure = NULL;
        status = TURNKEEP_OK;
    }
    if (status != TURNKEEP_OK)
        check_fail(__FILE__, __LINE__, "%s: the call around it: %s: %s", trying, turnkeep_status_name(status),
                   turnkeep_error_message(failure).data);
    if (!(callback->traits & CLOSES)) tidy();
    free_out();
    turnkeep_session_close(spare);
    turnkeep_session_close(outer);
    turnkeep_session_close(cold);
    turnkeep_session_close(warm);
    if (callback->traits & CLOSES) store = asked = open_kind(0, 0);
    delete_all();
}

static void try_callback(const struct callback *callback) {
    static const char *const subjects[] = {"cold", "warm", "outer"};
    const int tries_all = !kind->flushes && (callback->traits & (NEEDS_TO_WRITE | LOOKS));
    size_t index, number;
    if (kind->read_only && (callback->traits & NEEDS_TO_WRITE)) return;
    if (kind->through_other && (callback->traits & CLOSES)) return;
    if (kind->flushes && !(callback->traits & (HOLDS | LOOKS))) return;
    store = asked = open_kind((callback->traits & COUNTS) != 0, callback->event == TURNKEEP_EVENT_EXPIRED ? 5 : 0);
    if (kind->through_other) asked = open_other();
    for (index = 0; index < sizeof functions / sizeof *functions; index++)
        for (number = 0; number < (functions[index].of_session && tries_all ? 3u : 1u); number++)
            try_function(callback, &functions[index], subjects[number]);
    if (asked != store) close_store(asked);
    close_store(store);
}

static void every_callback_may_call_every_function_and_all_of_them_return(void) {
    size_t number, index;
    for (number = 0; number < sizeof kinds / sizeof *kinds; number++) {
        kind = &kinds[number];
        snprintf(path, sizeof path, "%s", fresh_path());
        make_sources();
        for (index = 0; index < sizeof callbacks / sizeof *callbacks; index++) try_callback(&callbacks[index]);
    }
    alarm(0);
}
int main(int argc, char **argv) {
    begin(argc, argv);
    signal(SIGALRM, say_that_it_hangs);
    RUN(every_callback_may_call_every_function_and_all_of_them_return);
    return 0;
}

#endif

/* Events through the C API: what a callback is told, when its user_data is given back, and what the log says. */

#include "../support/check.h"

/* What a callback has heard. */
struct heard {
    turnkeep_store *store;
    uint64_t subscription;
    int destroyed;
    int calls;
    turnkeep_status returns;
    int32_t last_kind;
    uint64_t last_number;
    char last_id[256];
    uint64_t messages;
    int unsubscribe_at;
};

static turnkeep_status note(void *user_data, const turnkeep_event *event) {
    struct heard *heard = (struct heard *)user_data;
    heard->calls++;
    heard->last_kind = event->kind;
    heard->last_number = event->number;
    CHECK(event->session_id.len < sizeof heard->last_id);
    memcpy(heard->last_id, event->session_id.data, event->session_id.len + 1);
    CHECK_TEXT(event->name, turnkeep_event_name(event->kind));
    CHECK_EQUAL(event->reserved, 0);
    CHECK(event->at_us > 0);
    if (event->kind == TURNKEEP_EVENT_MESSAGE_ADDED) heard->messages += event->count;
    if (heard->calls == heard->unsubscribe_at)
        CHECK_EQUAL(turnkeep_store_unsubscribe(heard->store, heard->subscription, NULL), TURNKEEP_OK);
    return heard->returns;
}

static void give_back(void *user_data) {
    struct heard *heard = (struct heard *)user_data;
    heard->destroyed++;
}

static void subscribe(turnkeep_store *store, struct heard *heard) {
    heard->store = store;
    OK(turnkeep_store_subscribe(store, note, heard, give_back, &heard->subscription, &failure));
}

static void a_callback_is_told_what_happens(void) {
    struct heard heard = {0};
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session;
    subscribe(store, &heard);
    CHECK_EQUAL(heard.calls, 1);
    CHECK_EQUAL(heard.last_kind, TURNKEEP_EVENT_STORE_OPENED);
    session = create(store, "chat");
    CHECK_EQUAL(heard.last_kind, TURNKEEP_EVENT_SESSION_CREATED);
    CHECK_EQUAL(heard.last_number, 1);
    CHECK_EQUAL(strcmp(heard.last_id, "chat"), 0);
    say(session, "hello");
    answer(session, "hi");
    CHECK_EQUAL(heard.messages, 2);
    CHECK_EQUAL(heard.last_number, 3);
    OK(turnkeep_session_clear(session, 0, NULL, &failure));
    CHECK_EQUAL(heard.last_kind, TURNKEEP_EVENT_SESSION_CLEARED);
    turnkeep_session_close(session);
    OK(turnkeep_session_delete(store, "chat", &failure));
    CHECK_EQUAL(heard.last_kind, TURNKEEP_EVENT_SESSION_DELETED);
    CHECK_EQUAL(heard.destroyed, 0);
    close_store(store);
    CHECK_EQUAL(heard.last_kind, TURNKEEP_EVENT_STORE_CLOSED);
    CHECK_EQUAL(heard.destroyed, 1);
}

static void a_callback_may_remove_itself(void) {
    struct heard heard = {0};
    turnkeep_store *store = open_store(fresh_path());
    heard.unsubscribe_at = 2;
    subscribe(store, &heard);
    turnkeep_session_close(create(store, NULL));
    CHECK_EQUAL(heard.destroyed, 1);
    turnkeep_session_close(create(store, NULL));
    CHECK_EQUAL(heard.calls, 2);
    FAILS(NOT_FOUND, "no subscription", turnkeep_store_unsubscribe(store, heard.subscription, &failure));
    close_store(store);
    CHECK_EQUAL(heard.destroyed, 1);
}

static void a_callback_that_fails_does_not_fail_the_call(void) {
    struct heard heard = {0};
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
    heard.returns = TURNKEEP_ERROR_FULL;
    subscribe(store, &heard);
    turnkeep_session_close(create(store, NULL));
    CHECK_EQUAL(heard.calls, 2);
    OK(turnkeep_store_metrics(store, &metrics, &failure));
    CHECK_EQUAL(metrics.events_delivered, 2);
    CHECK_EQUAL(metrics.event_failures, 2);
    close_store(store);
}

static turnkeep_status read_statistics(void *user_data, const turnkeep_event *event) {
    struct heard *heard = (struct heard *)user_data;
    turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
    turnkeep_document *page = NULL;
    turnkeep_session_list *list = NULL;
    if (event->kind == TURNKEEP_EVENT_STORE_CLOSED) return TURNKEEP_OK;
    OK(turnkeep_store_metrics(heard->store, &metrics, &failure));
    OK(turnkeep_store_metrics_json(heard->store, &page, &failure));
    OK(turnkeep_store_list_sessions(heard->store, NULL, &list, &failure));
    CHECK_EQUAL(turnkeep_session_list_len(list), metrics.active_sessions);
    turnkeep_session_list_free(list);
    turnkeep_document_free(page);
    heard->calls++;
    return TURNKEEP_OK;
}

/* The Gemma.cpp manager holds its lock there, and waits for itself. */
static void statistics_are_read_inside_a_callback(void) {
    struct heard heard = {0};
    turnkeep_store *store = memory_store();
    turnkeep_session *session;
    heard.store = store;
    OK(turnkeep_store_subscribe(store, read_statistics, &heard, NULL, NULL, &failure));
    session = create(store, NULL);
    say(session, "hello");
    turnkeep_session_close(session);
    CHECK_EQUAL(heard.calls, 3);
    close_store(store);
}

static turnkeep_status answer_questions(void *user_data, const turnkeep_event *event) {
    turnkeep_store *store = (turnkeep_store *)user_data;
    turnkeep_session *session;
    if (event->kind != TURNKEEP_EVENT_MESSAGE_ADDED || event->last_seq % 2 == 0) return TURNKEEP_OK;
    session = open_session(store, event->session_id.data);
    answer(session, "answered by the callback");
    turnkeep_session_close(session);
    return TURNKEEP_OK;
}

static void a_callback_may_append(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "chat");
    OK(turnkeep_store_subscribe(store, answer_questions, store, NULL, NULL, &failure));
    say(session, "one?");
    say(session, "two?");
    CHECK_HISTORY(session, "one?", "answered by the callback", "two?", "answered by the callback");
    turnkeep_session_close(session);
    close_store(store);
}

static turnkeep_status ask_everything(void *user_data, const turnkeep_event *event) {
    struct heard *heard = (struct heard *)user_data;
    turnkeep_store *store = heard->store;
    turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
    turnkeep_sizes sizes = TURNKEEP_SIZES_INIT;
    turnkeep_session *session = NULL;
    turnkeep_session_list *list = NULL;
    turnkeep_search_results *results = NULL;
    turnkeep_events *events = NULL;
    turnkeep_check_report *report = NULL;
    int32_t exists = 9;
    uint64_t number = 9;
    if (event->kind != TURNKEEP_EVENT_STORE_CLOSED) return TURNKEEP_OK;
    FAILS(CLOSED, "closed", turnkeep_session_create(store, NULL, &session, &failure));
    FAILS(CLOSED, "closed", turnkeep_session_open(store, "chat", &session, &failure));
    FAILS(CLOSED, "closed", turnkeep_session_exists(store, "chat", &exists, &failure));
    FAILS(CLOSED, "closed", turnkeep_session_delete(store, "chat", &failure));
    FAILS(CLOSED, "closed", turnkeep_session_erase(store, "chat", NULL, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_list_sessions(store, NULL, &list, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_count_sessions(store, NULL, &number, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_change_sessions(store, NULL, TURNKEEP_BULK_DELETE, NULL, &number, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_search(store, NULL, &results, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_events_after(store, 0, 0, &events, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_metrics(store, &metrics, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_reset_metrics(store, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_flush(store, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_cleanup(store, &number, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_backup(store, fresh_path(), NULL, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_check(store, &report, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_vacuum(store, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_optimize(store, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_sizes(store, &sizes, &failure));
    FAILS(CLOSED, "closed", turnkeep_store_subscribe(store, note, NULL, NULL, NULL, &failure));
    heard->calls++;
    return TURNKEEP_OK;
}

static void while_a_store_is_closed_its_functions_answer_closed(void) {
    struct heard heard = {0};
    heard.store = open_store(fresh_path());
    OK(turnkeep_store_subscribe(heard.store, ask_everything, &heard, NULL, NULL, &failure));
    turnkeep_session_close(create(heard.store, "chat"));
    close_store(heard.store);
    CHECK_EQUAL(heard.calls, 1);
}

static turnkeep_events *events_after(turnkeep_store *store, uint64_t cursor) {
    turnkeep_events *events = NULL;
    OK(turnkeep_store_events_after(store, cursor, 0, &events, &failure));
    CHECK(events != NULL);
    return events;
}

static void the_log_is_polled_from_a_cursor(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    const char *path = fresh_path();
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_events *events;
    const turnkeep_event *event;
    options.event_log_rows = 100000;
    store = open_with(path, &options);
    session = create(store, "chat");
    say(session, "hello");
    turnkeep_session_close(session);
    close_store(store);

    store = open_store(path);
    events = events_after(store, 1);
    CHECK_EQUAL(turnkeep_events_len(events), 1);
    CHECK_EQUAL(turnkeep_events_lost(events), 0);
    event = turnkeep_events_at(events, 0);
    CHECK(turnkeep_events_at(events, 1) == NULL);
    close_store(store);
    CHECK_EQUAL(event->number, 2);
    CHECK_EQUAL(event->kind, TURNKEEP_EVENT_MESSAGE_ADDED);
    CHECK_TEXT(event->name, "message_added");
    CHECK_TEXT(event->session_id, "chat");
    CHECK_TEXT(event->other_session_id, "");
    CHECK_EQUAL(event->first_seq, 1);
    CHECK_EQUAL(event->last_seq, 1);
    CHECK_EQUAL(event->revision, 2);
    turnkeep_events_free(events);
}

static void a_reader_who_comes_too_late_is_told(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_events *events;
    int number;
    options.event_log_rows = 5;
    store = open_with(fresh_path(), &options);
    for (number = 0; number < 9; number++) turnkeep_session_close(create(store, NULL));
    events = events_after(store, 2);
    CHECK_EQUAL(turnkeep_events_len(events), 5);
    CHECK_EQUAL(turnkeep_events_at(events, 0)->number, 5);
    CHECK_EQUAL(turnkeep_events_lost(events), 1);
    turnkeep_events_free(events);
    events = events_after(store, 4);
    CHECK_EQUAL(turnkeep_events_lost(events), 0);
    turnkeep_events_free(events);
    close_store(store);
}

static void every_kind_has_a_name(void) {
    CHECK_EQUAL(strcmp(turnkeep_event_name(TURNKEEP_EVENT_WINDOW_CUT_MOVED), "window_cut_moved"), 0);
    CHECK_EQUAL(strcmp(turnkeep_event_name(TURNKEEP_EVENT_STORE_OPENED), "store_opened"), 0);
    CHECK_EQUAL(strcmp(turnkeep_event_name(0), "unknown"), 0);
    CHECK_EQUAL(strcmp(turnkeep_event_name(INT32_MIN), "unknown"), 0);
}

#ifndef _WIN32
#include "../support/process.h"

enum { PROCESSES = 3, APPENDS = 60 };

static int append_with_a_log(void *argument) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    int number;
    options.event_log_rows = 100000;
    store = open_with((const char *)argument, &options);
    session = open_session(store, "chat");
    for (number = 0; number < APPENDS; number++) say(session, "hello");
    turnkeep_session_close(session);
    close_store(store);
    return 0;
}

static void the_log_is_gapless_over_processes(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    char path[PATH_BYTES];
    pid_t children[PROCESSES];
    turnkeep_store *store;
    turnkeep_events *events;
    size_t index;
    snprintf(path, sizeof path, "%s", fresh_path());
    options.event_log_rows = 100000;
    store = open_with(path, &options);
    turnkeep_session_close(create(store, "chat"));
    close_store(store);
    for (index = 0; index < PROCESSES; index++) children[index] = start(append_with_a_log, path);
    for (index = 0; index < PROCESSES; index++) expect_success(children[index]);
    store = open_store(path);
    events = events_after(store, 0);
    CHECK_EQUAL(turnkeep_events_len(events), 1 + PROCESSES * APPENDS);
    for (index = 0; index < turnkeep_events_len(events); index++) {
        const turnkeep_event *event = turnkeep_events_at(events, index);
        CHECK_EQUAL(event->number, index + 1);
        /* The order of the numbers is that of the messages. */
        CHECK_EQUAL(event->last_seq, index);
    }
    turnkeep_events_free(events);
    close_store(store);
}
#endif

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_callback_is_told_what_happens);
    RUN(a_callback_may_remove_itself);
    RUN(a_callback_that_fails_does_not_fail_the_call);
    RUN(statistics_are_read_inside_a_callback);
    RUN(a_callback_may_append);
    RUN(while_a_store_is_closed_its_functions_answer_closed);
    RUN(the_log_is_polled_from_a_cursor);
    RUN(a_reader_who_comes_too_late_is_told);
    RUN(every_kind_has_a_name);
#ifndef _WIN32
    RUN(the_log_is_gapless_over_processes);
#endif
    return 0;
}

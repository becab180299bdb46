/* Section 2 of the header: options, flush, close, and the host's token counter. */

#include "../support/check.h"

#ifdef __linux__
#include <dirent.h>
#endif

static void the_version_is_that_of_the_header(void) {
    CHECK(strcmp(turnkeep_version(), TURNKEEP_VERSION) == 0);
    CHECK_EQUAL(turnkeep_version_number(), TURNKEEP_VERSION_NUMBER);
}

static void every_status_has_a_name(void) {
    static const char *const names[] = {"OK",       "INVALID",   "NOT_FOUND", "EXISTS", "CONFLICT", "BUSY",
                                        "READONLY", "CORRUPT",   "STORAGE",   "FULL",   "ENCODING", "UNSUPPORTED",
                                        "ABORTED",  "TOO_LARGE", "MISMATCH",  "CLOSED", "PANIC"};
    int number;
    for (number = 0; number <= 16; number++) CHECK(strcmp(turnkeep_status_name(-number), names[number]) == 0);
    CHECK(strcmp(turnkeep_status_name(-17), "UNKNOWN") == 0);
    CHECK(strcmp(turnkeep_status_name(1), "UNKNOWN") == 0);
    CHECK(strcmp(turnkeep_status_name(INT32_MIN), "UNKNOWN") == 0);
}

static void a_store_knows_where_it_is(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    CHECK_TEXT(turnkeep_store_location(store), path);
    close_store(store);
    store = memory_store();
    CHECK_TEXT(turnkeep_store_location(store), ":memory:");
    close_store(store);
}

static void every_option_is_taken(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    const char *path = fresh_path();
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_window *window;
    int number;
    options.durability = TURNKEEP_DURABILITY_OS;
    options.autosave_ms = 10;
    options.cache_sessions = 2;
    options.cache_bytes = 1000;
    options.window_tokens = 777;
    options.busy_timeout_ms = 100;
    options.readers = 1;
    store = open_with(path, &options);
    /* Far more than the cache holds: all of it is read back. */
    for (number = 0; number < 20; number++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", number);
        session = create(store, id);
        CHECK_EQUAL(say(session, "a question that is longer than most").durability, TURNKEEP_DURABILITY_OS);
        answer(session, "an answer that is longer than most");
        turnkeep_session_close(session);
    }
    for (number = 0; number < 20; number++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", number);
        session = open_session(store, id);
        CHECK_HISTORY(session, "a question that is longer than most", "an answer that is longer than most");
        window = window_of(session, NULL);
        CHECK_EQUAL(turnkeep_window_report_of(window)->budget_tokens, 777);
        CHECK_EQUAL(turnkeep_window_len(window), 2);
        turnkeep_window_free(window);
        turnkeep_session_close(session);
    }
    close_store(store);
    options.must_exist = 1;
    options.read_only = 1;
    close_store(open_with(path, &options));
}

static void numbers_out_of_range_are_refused(void) {
    const char *path = fresh_path();
    turnkeep_store *store = NULL;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.window_tokens = UINT64_MAX;
    FAILS(INVALID, "window_tokens", turnkeep_store_open(path, &options, &store, &failure));
    options.window_tokens = 0;
    options.readers = UINT32_MAX;
    FAILS(INVALID, "readers", turnkeep_store_open(path, &options, &store, &failure));
    options.readers = 0;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    FAILS(UNSUPPORTED, "exclusive", turnkeep_store_open(path, &options, &store, &failure));
    options.durability = TURNKEEP_DURABILITY_MEMORY;
    FAILS(INVALID, "durability", turnkeep_store_open(":memory:", &options, &store, &failure));
    options.durability = 0;
    options.tokenizer = "no such vocabulary";
    FAILS(UNSUPPORTED, "tokenizer", turnkeep_store_open(path, &options, &store, &failure));
    CHECK(store == NULL);
    CHECK(!is_there(path));
}

static void the_largest_numbers_are_no_harm(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    options.autosave_ms = UINT32_MAX;
    options.cache_sessions = UINT64_MAX;
    options.cache_bytes = UINT64_MAX;
    options.busy_timeout_ms = UINT32_MAX;
    options.readers = 1024;
    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    store = open_with(fresh_path(), &options);
    session = create(store, NULL);
    say(session, "x");
    turnkeep_window_free(window_of(session, NULL));
    CHECK_HISTORY(session, "x");
    turnkeep_session_close(session);
    close_store(store);
}

static void flush_and_close_keep_what_was_deferred(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    const char *path = fresh_path();
    turnkeep_store *store;
    turnkeep_session *session;
    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    options.autosave_ms = UINT32_MAX;
    store = open_with(path, &options);
    session = create(store, "s");
    say(session, "one");
    OK(turnkeep_store_flush(store, &failure));
    say(session, "two");
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "s");
    CHECK_HISTORY(session, "one", "two");
    turnkeep_session_close(session);
    close_store(store);
}

static void a_store_in_memory_can_be_flushed(void) {
    turnkeep_store *store = memory_store();
    OK(turnkeep_store_flush(store, &failure));
    close_store(store);
}

static void two_stores_in_memory_have_nothing_in_common(void) {
    turnkeep_store *one = memory_store();
    turnkeep_store *two = memory_store();
    turnkeep_session_close(create(one, "s"));
    CHECK_EQUAL(session_exists(two, "s"), 0);
    close_store(one);
    close_store(two);
}

static void two_exclusive_stores_on_one_file_are_refused_in_one_process_too(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    const char *path = fresh_path();
    turnkeep_store *exclusive;
    turnkeep_store *other = NULL;
    options.exclusive = 1;
    options.busy_timeout_ms = 50;
    exclusive = open_with(path, &options);
    FAILS(BUSY, "exclusive", turnkeep_store_open(path, &options, &other, &failure));
    options.exclusive = 0;
    FAILS(BUSY, "exclusive", turnkeep_store_open(path, &options, &other, &failure));
    options.read_only = 1;
    FAILS(BUSY, "exclusive", turnkeep_store_open(path, &options, &other, &failure));
    options.read_only = 0;
    CHECK(other == NULL);
    turnkeep_session_close(create(exclusive, "s"));
    close_store(exclusive);
    other = open_with(path, &options);
    CHECK_EQUAL(session_exists(other, "s"), 1);
    options.exclusive = 1;
    FAILS(BUSY, "exclusive", turnkeep_store_open(path, &options, &exclusive, &failure));
    close_store(other);
    close_store(open_with(path, &options));
}

/* A counter of the host: counts bytes, knows what it was asked, and fails or calls back when told to. */
struct counter {
    int calls;
    int destroyed;
    char last[64];
    turnkeep_status answer;
    uint64_t tokens;
    turnkeep_store *store;
    turnkeep_session *session;
};

static turnkeep_status count_tokens(void *user_data, const char *text, size_t text_len, uint64_t *tokens) {
    struct counter *counter = (struct counter *)user_data;
    counter->calls++;
    snprintf(counter->last, sizeof counter->last, "%.*s", (int)text_len, text);
    if (counter->store != NULL) {
        /* Calls back into the library from within a call of it. */
        turnkeep_session *other = open_session(counter->store, "other");
        CHECK(count_messages(other) > 0);
        turnkeep_window_free(window_of(other, NULL));
        OK(turnkeep_session_append_batch(
            other, &(turnkeep_new_message){sizeof(turnkeep_new_message), 2, 0, "x", 1, 1, 0, 0, 0, 0, 0}, 1, NULL, NULL,
            &failure));
        if (counter->session != NULL) CHECK_EQUAL(revision_of(counter->session), 1);
        turnkeep_session_close(other);
        turnkeep_session_close(create(counter->store, NULL));
        OK(turnkeep_store_flush(counter->store, &failure));
    }
    *tokens = counter->tokens != 0 ? counter->tokens : text_len;
    return counter->answer;
}

static void destroy(void *user_data) { ((struct counter *)user_data)->destroyed++; }

static turnkeep_store_options counted_by(struct counter *counter) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    memset(counter, 0, sizeof *counter);
    options.user_data = counter;
    options.count_tokens = count_tokens;
    options.destroy = destroy;
    return options;
}

static void the_host_counts_tokens_and_sees_the_text(void) {
    struct counter counter;
    turnkeep_store_options options = counted_by(&counter);
    turnkeep_store *store = open_with(fresh_path(), &options);
    turnkeep_session *session = create(store, NULL);
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_ASSISTANT, "Hi.");
    turnkeep_messages *messages;
    CHECK_EQUAL(counter.calls, 0);
    say(session, "Hello!");
    CHECK_EQUAL(counter.calls, 1);
    CHECK(strcmp(counter.last, "Hello!") == 0);
    message.tokens = 3;
    append_batch(session, &message, 1, NULL);
    CHECK_EQUAL(counter.calls, 1);
    changes.summary = "They said hello.";
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    CHECK(strcmp(counter.last, "They said hello.") == 0);
    OK(turnkeep_session_append(session, TURNKEEP_ROLE_USER, NULL, 0, NULL, &failure));
    messages = history(session);
    CHECK_EQUAL(turnkeep_messages_at(messages, 0)->tokens, 6);
    CHECK_EQUAL(turnkeep_messages_at(messages, 0)->flags, 0);
    CHECK_EQUAL(turnkeep_messages_at(messages, 1)->tokens, 3);
    CHECK_EQUAL(turnkeep_messages_at(messages, 2)->tokens, 0);
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    CHECK_EQUAL(counter.destroyed, 0);
    close_store(store);
    CHECK_EQUAL(counter.destroyed, 1);
}

static void a_counter_that_fails_aborts_the_call_and_nothing_is_changed(void) {
    struct counter counter;
    turnkeep_store_options options = counted_by(&counter);
    turnkeep_session_options summarised = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_store *store = open_with(fresh_path(), &options);
    turnkeep_session *session = create(store, NULL);
    turnkeep_session *none = NULL;
    turnkeep_new_message batch[2];
    say(session, "kept");
    counter.answer = -77;
    FAILS(ABORTED, "-77", turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    batch[0] = message_of(TURNKEEP_ROLE_USER, "given");
    batch[0].tokens = 1;
    batch[1] = message_of(TURNKEEP_ROLE_USER, "counted");
    FAILS(ABORTED, "message 1 of the batch", turnkeep_session_append_batch(session, batch, 2, NULL, NULL, &failure));
    changes.summary = "s";
    changes.title = "t";
    FAILS(ABORTED, "count_tokens", turnkeep_session_update(session, &changes, NULL, &failure));
    summarised.id = "summarised";
    summarised.summary = "s";
    FAILS(ABORTED, "count_tokens", turnkeep_session_create(store, &summarised, &none, &failure));
    CHECK(none == NULL);
    CHECK_EQUAL(session_exists(store, "summarised"), 0);
    CHECK_EQUAL(revision_of(session), 2);
    CHECK_HISTORY(session, "kept");
    counter.answer = 1; /* a positive number is no success either */
    FAILS(ABORTED, "", turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    counter.answer = TURNKEEP_OK;
    counter.tokens = UINT64_MAX;
    FAILS(TOO_LARGE, "18446744073709551615",
          turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    counter.tokens = 5;
    CHECK_EQUAL(say(session, "and on").last_seq, 2);
    turnkeep_session_close(session);
    close_store(store);
    CHECK_EQUAL(counter.destroyed, 1);
}

static void a_counter_may_call_back_into_the_library(void) {
    struct counter counter;
    turnkeep_store_options options = counted_by(&counter);
    turnkeep_store *store = open_with(fresh_path(), &options);
    turnkeep_session *other = create(store, "other");
    turnkeep_session *session = create(store, NULL);
    say(other, "x");
    counter.store = store;
    counter.session = session;
    CHECK_EQUAL(say(session, "Hello!").last_seq, 1);
    CHECK_EQUAL(count_messages(other), 2);
    turnkeep_session_close(session);
    turnkeep_session_close(other);
    close_store(store);
    CHECK_EQUAL(counter.destroyed, 1);
}

static void user_data_is_given_back_once_even_if_opening_fails(void) {
    struct counter counter;
    turnkeep_store_options options = counted_by(&counter);
    turnkeep_store *store = NULL;
    FAILS(INVALID, "location", turnkeep_store_open(NULL, &options, &store, &failure));
    CHECK_EQUAL(counter.destroyed, 1);
    FAILS(ENCODING, "location", turnkeep_store_open("\xFF", &options, &store, &failure));
    CHECK_EQUAL(counter.destroyed, 2);
    FAILS(INVALID, "out", turnkeep_store_open(":memory:", &options, NULL, &failure));
    CHECK_EQUAL(counter.destroyed, 3);
    FAILS(INVALID, "folder", turnkeep_store_open(check_folder, &options, &store, &failure));
    CHECK_EQUAL(counter.destroyed, 4);
    options.must_exist = 1;
    FAILS(NOT_FOUND, "", turnkeep_store_open(fresh_path(), &options, &store, &failure));
    CHECK_EQUAL(counter.destroyed, 5);
    options.must_exist = 7;
    FAILS(INVALID, "must_exist", turnkeep_store_open(fresh_path(), &options, &store, &failure));
    CHECK_EQUAL(counter.destroyed, 6);
    options.must_exist = 0;
    options.tokenizer = "cl100k_base";
    FAILS(INVALID, "give one", turnkeep_store_open(fresh_path(), &options, &store, &failure));
    CHECK_EQUAL(counter.destroyed, 7);
    options.tokenizer = NULL;
    options.count_tokens = NULL;
    close_store(open_with(":memory:", &options));
    CHECK_EQUAL(counter.destroyed, 8);
    /* Where a struct has another size, nobody knows where destroy is. */
    options.struct_size = 1;
    FAILS(INVALID, "struct_size", turnkeep_store_open(":memory:", &options, &store, &failure));
    CHECK_EQUAL(counter.destroyed, 8);
    CHECK(store == NULL);
    CHECK_EQUAL(counter.calls, 0);
}

static void user_data_is_given_back_when_the_last_session_is_closed(void) {
    struct counter counter;
    turnkeep_store_options options = counted_by(&counter);
    turnkeep_store *store = open_with(fresh_path(), &options);
    turnkeep_session *session = create(store, NULL);
    close_store(store);
    FAILS(CLOSED, "", turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    turnkeep_session_close(session);
    CHECK_EQUAL(counter.destroyed, 1);
}

static void a_location_is_a_path_whatever_it_looks_like(void) {
#ifndef _WIN32
    /* SQLite would read some of these as URIs, as no file at all, or as something in memory. */
    static const char *const names[] = {"file:uri.db?mode=memory",
                                        "file::memory:",
                                        ":memory:?",
                                        "a b%20c?d#e&f.db",
                                        "memory:",
                                        "\xC3\xA4\xF0\x9F\x98\x80.db",
                                        "'quoted'.db",
                                        " ",
                                        "-wal",
                                        "x.db-journal"};
    size_t index;
    for (index = 0; index < sizeof names / sizeof *names; index++) {
        turnkeep_store *store = open_store(names[index]);
        turnkeep_session *session = create(store, "s");
        say(session, "kept");
        turnkeep_session_close(session);
        close_store(store);
        if (!is_there(names[index])) check_fail(__FILE__, __LINE__, "there is no file '%s'", names[index]);
        store = open_store(names[index]);
        session = open_session(store, "s");
        CHECK_HISTORY(session, "kept");
        turnkeep_session_close(session);
        close_store(store);
    }
#else
    skip("these are no names for files here");
#endif
}

#ifdef __linux__
static int count_entries(const char *folder) {
    DIR *entries = opendir(folder);
    int count = 0;
    CHECK(entries != NULL);
    while (readdir(entries) != NULL) count++;
    closedir(entries);
    return count;
}
#endif

static void two_hundred_stores_and_sessions_leave_no_descriptor_and_no_thread(void) {
#ifdef __linux__
    const char *path = fresh_path();
    int files = 0;
    int threads = 0;
    int round;
    for (round = -10; round < 200; round++) {
        turnkeep_store *store = open_store(path);
        turnkeep_session *session = round == -10 ? create(store, "s") : open_session(store, "s");
        turnkeep_session *forgotten = open_session(store, "s");
        turnkeep_store *refused = NULL;
        if (round == 0) {
            files = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
        }
        say(session, "x");
        turnkeep_messages_free(history(session));
        turnkeep_window_free(window_of(session, NULL));
        FAILS(INVALID, "folder", turnkeep_store_open(check_folder, NULL, &refused, &failure));
        if (round % 2 == 0) {
            turnkeep_session_close(session);
            turnkeep_session_close(forgotten);
            close_store(store);
        } else {
            close_store(store);
            turnkeep_session_close(session);
            turnkeep_session_close(forgotten);
        }
        if (round == -1) {
            /* A store that is open for each count: what stays is what grows. */
            store = open_store(path);
            close_store(store);
        }
    }
    {
        turnkeep_store *store = open_store(path);
        turnkeep_session *session = open_session(store, "s");
        CHECK_EQUAL(count_entries("/proc/self/fd"), files);
        CHECK_EQUAL(count_entries("/proc/self/task"), threads);
        turnkeep_session_close(session);
        close_store(store);
    }
#else
    skip("there is no /proc");
#endif
}

static void a_vocabulary_that_is_not_built_in_is_unsupported(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    options.tokenizer = "o200k_base";
    if (turnkeep_has_feature("tokenizer-openai")) {
        close_store(open_with(":memory:", &options));
    } else {
        FAILS(UNSUPPORTED, "feature tokenizer-openai", turnkeep_store_open(":memory:", &options, &store, &failure));
        CHECK(store == NULL);
    }
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(the_version_is_that_of_the_header);
    RUN(every_status_has_a_name);
    RUN(a_store_knows_where_it_is);
    RUN(every_option_is_taken);
    RUN(numbers_out_of_range_are_refused);
    RUN(the_largest_numbers_are_no_harm);
    RUN(flush_and_close_keep_what_was_deferred);
    RUN(a_store_in_memory_can_be_flushed);
    RUN(two_stores_in_memory_have_nothing_in_common);
    RUN(two_exclusive_stores_on_one_file_are_refused_in_one_process_too);
    RUN(the_host_counts_tokens_and_sees_the_text);
    RUN(a_counter_that_fails_aborts_the_call_and_nothing_is_changed);
    RUN(a_counter_may_call_back_into_the_library);
    RUN(user_data_is_given_back_once_even_if_opening_fails);
    RUN(user_data_is_given_back_when_the_last_session_is_closed);
    RUN(a_location_is_a_path_whatever_it_looks_like);
    RUN(a_vocabulary_that_is_not_built_in_is_unsupported);
    RUN(two_hundred_stores_and_sessions_leave_no_descriptor_and_no_thread);
    return 0;
}

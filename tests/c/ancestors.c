/*
 * The faults of the session stores that Turnkeep takes the place of, each as a test that it is not here. Those that need
 * threads or processes are in threads.cpp and processes.c, leaks and callbacks in store.c.
 */

#include "../support/check.h"

#include <sys/stat.h>
#include <time.h>

/* Closes a store with one session "s" and opens it again. */
static void reopen(const char *path, turnkeep_store **store, turnkeep_session **session) {
    turnkeep_session_close(*session);
    close_store(*store);
    *store = open_store(path);
    *session = open_session(*store, "s");
}

/* Sessions of the C++ manager lose for ever what is beyond twice their window. */
static void history_is_never_cut_by_appends(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    turnkeep_messages *messages;
    int number;
    options.id = "s";
    options.window_tokens = 50;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    append(session, TURNKEEP_ROLE_SYSTEM, "You are helpful.");
    for (number = 2; number <= 1000; number++) {
        char content[32];
        snprintf(content, sizeof content, "message %d", number);
        append(session, number % 2 == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT, content);
        turnkeep_window_free(window_of(session, NULL));
    }
    reopen(path, &store, &session);
    messages = history(session);
    CHECK_EQUAL(turnkeep_messages_len(messages), 1000);
    CHECK_TEXT(turnkeep_messages_at(messages, 0)->content, "You are helpful.");
    CHECK_TEXT(turnkeep_messages_at(messages, 1)->content, "message 2");
    CHECK_TEXT(turnkeep_messages_at(messages, 999)->content, "message 1000");
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    close_store(store);
}

/* ... and the system prompt is the first to go. */
static void the_system_prompt_stays_in_the_window(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    int number;
    options.max_tokens = 60;
    append(session, TURNKEEP_ROLE_SYSTEM, "You are helpful.");
    for (number = 0; number < 100; number++) {
        turnkeep_window *window;
        say(session, "And then?");
        window = window_of(session, &options);
        CHECK_TEXT(turnkeep_window_at(window, 0)->content, "You are helpful.");
        CHECK_EQUAL(turnkeep_window_at(window, 0)->role, TURNKEEP_ROLE_SYSTEM);
        turnkeep_window_free(window);
        answer(session, "Then this.");
    }
    turnkeep_session_close(session);
    close_store(store);
}

/* Its ids are 32 hexadecimal digits with dashes, and no UUIDs. */
static void made_ids_are_real_uuids_of_version_7_and_sort_by_time(void) {
    turnkeep_store *store = memory_store();
    char before[40] = "";
    int number;
    for (number = 0; number < 1000; number++) {
        turnkeep_session *session = create(store, NULL);
        turnkeep_text id = turnkeep_session_id(session);
        unsigned long long milliseconds;
        char digits[13];
        size_t index;
        CHECK_EQUAL(id.len, 36);
        for (index = 0; index < 36; index++) {
            if (index == 8 || index == 13 || index == 18 || index == 23) CHECK(id.data[index] == '-');
            else CHECK(strchr("0123456789abcdef", id.data[index]) != NULL);
        }
        CHECK(id.data[14] == '7');
        CHECK(strchr("89ab", id.data[19]) != NULL);
        memcpy(digits, id.data, 8);
        memcpy(digits + 8, id.data + 9, 4);
        digits[12] = 0;
        milliseconds = strtoull(digits, NULL, 16);
        CHECK(llabs((long long)(milliseconds / 1000) - (long long)time(NULL)) <= 2);
        CHECK(strcmp(before, id.data) < 0);
        memcpy(before, id.data, 37);
        turnkeep_session_close(session);
    }
    close_store(store);
}

#ifndef _WIN32
static long long size_of_wal(const char *path) {
    struct stat file;
    char wal[PATH_BYTES];
    CHECK(snprintf(wal, sizeof wal, "%s-wal", path) < PATH_BYTES);
    CHECK_EQUAL(stat(wal, &file), 0);
    return (long long)file.st_size;
}

/* What one append to a session of so many messages writes, with or without a window before it. */
static long long bytes_of_an_append(int messages, int with_window) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    char content[201];
    long long before;
    memset(content, 'x', 200);
    content[200] = 0;
    while (messages > 0) {
        turnkeep_new_message batch[100];
        int count = messages < 100 ? messages : 100;
        int index;
        for (index = 0; index < count; index++) batch[index] = message_of(TURNKEEP_ROLE_USER, content);
        append_batch(session, batch, (size_t)count, NULL);
        if (with_window) turnkeep_window_free(window_of(session, NULL));
        messages -= count;
    }
    reopen(path, &store, &session);
    if (with_window) turnkeep_window_free(window_of(session, NULL));
    before = size_of_wal(path);
    say(session, content);
    before = size_of_wal(path) - before;
    turnkeep_session_close(session);
    close_store(store);
    return before;
}

#endif

/* One message on top of 1 000 makes it write the whole session: 586 kB. */
static void an_append_writes_as_little_to_a_long_session_as_to_a_short_one(void) {
#ifndef _WIN32
    enum { PAGE_IN_WAL = 4096 + 24 };
    int with_window;
    for (with_window = 0; with_window < 2; with_window++) {
        long long small = bytes_of_an_append(10, with_window);
        long long large = bytes_of_an_append(5000, with_window);
        CHECK(small > 0 && small <= 5 * PAGE_IN_WAL);
        CHECK(llabs(large - small) <= 2 * PAGE_IN_WAL);
    }
#else
    skip("the file is locked");
#endif
}

/* A token that ends inside a character makes every later save of its session fail. */
static void a_split_character_is_refused_and_the_session_lives_on(void) {
    static const char *const halves[] = {"\xC3", "\xA4", "\xF0\x9F", "\x98\x80", "abc\xE2\x82"};
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    size_t index;
    say(session, "before");
    for (index = 0; index < sizeof halves / sizeof *halves; index++) {
        FAILS(ENCODING, "content is not UTF-8",
              turnkeep_session_append(session, TURNKEEP_ROLE_ASSISTANT, halves[index], strlen(halves[index]), NULL,
                                      &failure));
        CHECK_EQUAL(count_messages(session), 1);
    }
    CHECK_EQUAL(answer(session, "\xC3\xA4\xF0\x9F\x98\x80").last_seq, 2);
    reopen(path, &store, &session);
    CHECK_EQUAL(say(session, "after").last_seq, 3);
    CHECK_HISTORY(session, "before", "\xC3\xA4\xF0\x9F\x98\x80", "after");
    turnkeep_session_close(session);
    close_store(store);
}

/* Deleting an unknown id says true there; updating one says nothing in another. */
static void an_unknown_id_is_not_found_everywhere(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = NULL;
    FAILS(NOT_FOUND, "no session 'nobody'", turnkeep_session_open(store, "nobody", &session, &failure));
    FAILS(NOT_FOUND, "no session 'nobody'", turnkeep_session_delete(store, "nobody", &failure));
    CHECK_EQUAL(session_exists(store, "nobody"), 0);
    CHECK(session == NULL);
    close_store(store);
}

/* Two managers on one file overwrite each other, in the C++ manager as in a copy of a Python one. */
static void two_stores_on_one_file_do_not_overwrite_each_other(void) {
    const char *path = fresh_path();
    turnkeep_store *stores[2];
    turnkeep_session *sessions[2];
    turnkeep_session_changes title = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session_changes model = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_messages *messages;
    turnkeep_session_list *list;
    int number;
    stores[0] = open_store(path);
    stores[1] = open_store(path);
    sessions[0] = create(stores[0], "s");
    sessions[1] = open_session(stores[1], "s");
    for (number = 0; number < 100; number++) {
        char content[16];
        snprintf(content, sizeof content, "%d", number);
        CHECK_EQUAL(say(sessions[number % 3 % 2], content).last_seq, number + 1);
    }
    title.title = "by one";
    model.model = "by-two";
    OK(turnkeep_session_update(sessions[0], &title, NULL, &failure));
    OK(turnkeep_session_update(sessions[1], &model, NULL, &failure));
    for (number = 0; number < 2; number++) {
        int index;
        messages = history(sessions[number]);
        CHECK_EQUAL(turnkeep_messages_len(messages), 100);
        for (index = 0; index < 100; index++)
            CHECK_EQUAL(atoi(turnkeep_messages_at(messages, (size_t)index)->content.data), index);
        turnkeep_messages_free(messages);
        list = describe(sessions[number]);
        CHECK_TEXT(turnkeep_session_list_at(list, 0)->title, "by one");
        CHECK_TEXT(turnkeep_session_list_at(list, 0)->model, "by-two");
        turnkeep_session_list_free(list);
        turnkeep_session_close(sessions[number]);
        close_store(stores[number]);
    }
}

/* What is a day old is deleted unasked there. */
static void nothing_is_deleted_unasked(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "of 1970");
    turnkeep_session_list *list;
    message.created_us = 1;
    append_batch(session, &message, 1, NULL);
    reopen(path, &store, &session);
    list = describe(session);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->expires_us, 0);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->status, TURNKEEP_SESSION_ACTIVE);
    turnkeep_session_list_free(list);
    CHECK_HISTORY(session, "of 1970");
    turnkeep_session_close(session);
    close_store(store);
}

/* CreateOptions.metadata is never stored there. */
static void metadata_given_at_creation_is_kept(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    turnkeep_session_list *list;
    options.id = "s";
    options.metadata = "{\"user\": \"ada\", \"n\": 1e3}";
    OK(turnkeep_session_create(store, &options, &session, &failure));
    reopen(path, &store, &session);
    list = describe(session);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->metadata, "{\"user\": \"ada\", \"n\": 1e3}");
    turnkeep_session_list_free(list);
    turnkeep_session_close(session);
    close_store(store);
}

/* Messages are ordered by the text of their time in a Python one, so that a clock step reorders a chat. */
static void a_clock_step_does_not_reorder_a_chat(void) {
    static const int64_t clock[] = {1700000000000000, 1600000000000000, -5, 1800000000000000, INT64_MIN, INT64_MAX, 1};
    static const char *const contents[] = {"1", "2", "3", "4", "5", "6", "7"};
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_messages *messages;
    size_t index;
    int reopened;
    for (index = 0; index < 7; index++) {
        turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, contents[index]);
        message.created_us = clock[index];
        CHECK_EQUAL(append_batch(session, &message, 1, NULL).last_seq, index + 1);
    }
    for (reopened = 0; reopened < 2; reopened++) {
        turnkeep_window *window = window_of(session, NULL);
        messages = history(session);
        for (index = 0; index < 7; index++) {
            CHECK_TEXT(turnkeep_messages_at(messages, index)->content, contents[index]);
            CHECK_TEXT(turnkeep_window_at(window, index)->content, contents[index]);
            CHECK_EQUAL(turnkeep_messages_at(messages, index)->created_us, clock[index]);
        }
        turnkeep_messages_free(messages);
        turnkeep_window_free(window);
        reopen(path, &store, &session);
    }
    turnkeep_session_close(session);
    close_store(store);
}

/* Cleared messages come back there with the next save. */
static void cleared_messages_do_not_come_back(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_store *other = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_session *same = open_session(other, "s");
    say(session, "old");
    CHECK_HISTORY(same, "old");
    OK(turnkeep_session_clear(session, 0, NULL, &failure));
    say(same, "new");
    CHECK_HISTORY(session, "new");
    CHECK_HISTORY(same, "new");
    turnkeep_session_close(same);
    close_store(other);
    reopen(path, &store, &session);
    CHECK_HISTORY(session, "new");
    turnkeep_session_close(session);
    close_store(store);
}

/* Another's window keeps the oldest messages, leaves a hole in the middle, and system messages overrun its limit. */
static void a_window_keeps_the_newest_without_a_hole_and_within_its_limit(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    int number;
    options.max_tokens = 120;
    append(session, TURNKEEP_ROLE_SYSTEM, "one");
    for (number = 0; number < 60; number++) {
        turnkeep_window *window;
        const turnkeep_window_report *report;
        size_t index;
        uint64_t tokens = 0;
        say(session, "What is the time, and what is the weather like where you are?");
        if (number % 5 == 4) append(session, TURNKEEP_ROLE_SYSTEM, "A system message in the middle of it all.");
        window = window_of(session, &options);
        report = turnkeep_window_report_of(window);
        for (index = 0; index < turnkeep_window_len(window); index++) {
            const turnkeep_message *message = turnkeep_window_at(window, index);
            tokens += message->tokens;
            if (index >= report->front_messages)
                CHECK_EQUAL(message->seq, report->cut_seq + index - report->front_messages);
        }
        CHECK(tokens <= 120);
        CHECK_EQUAL(turnkeep_window_at(window, index - 1)->seq, report->head_seq);
        turnkeep_window_free(window);
        answer(session, "Late, and dark.");
    }
    turnkeep_session_close(session);
    close_store(store);
}

/* max_exchanges = 0 gives all of them in another. */
static void the_last_0_messages_are_none(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_messages *messages = NULL;
    say(session, "x");
    OK(turnkeep_session_last(session, 0, &messages, &failure));
    CHECK_EQUAL(turnkeep_messages_len(messages), 0);
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    close_store(store);
}

/* It prints to stdout. */
static void nothing_is_printed(void) {
#ifndef _WIN32
    const char *path = fresh_path();
    int before[2];
    FILE *file = fopen(in_scratch("printed.txt"), "wb");
    turnkeep_store *store;
    turnkeep_store *none = NULL;
    turnkeep_session *session;
    size_t length;
    char *printed;
    CHECK(file != NULL);
    fflush(NULL);
    before[0] = dup(1);
    before[1] = dup(2);
    CHECK(dup2(fileno(file), 1) == 1 && dup2(fileno(file), 2) == 2);
    fclose(file);

    store = open_store(path);
    session = create(store, "s");
    say(session, "x");
    FAILS(INVALID, "", turnkeep_session_append(session, 0, "x", 1, NULL, &failure));
    FAILS(ENCODING, "", turnkeep_session_append(session, 1, "\xFF", 1, NULL, &failure));
    FAILS(INVALID, "", turnkeep_store_open(check_folder, NULL, &none, &failure));
    write_file(in_scratch("text.txt"), "no database", 11);
    FAILS(MISMATCH, "", turnkeep_store_open(in_scratch("text.txt"), NULL, &none, &failure));
    FAILS(NOT_FOUND, "", turnkeep_session_delete(store, "nobody", &failure));
    close_store(store);
    FAILS(CLOSED, "", turnkeep_session_append(session, 1, "x", 1, NULL, &failure));
    turnkeep_session_close(session);

    CHECK(dup2(before[0], 1) == 1 && dup2(before[1], 2) == 2);
    close(before[0]);
    close(before[1]);
    printed = read_file(in_scratch("printed.txt"), &length);
    if (length != 0) check_fail(__FILE__, __LINE__, "it printed: %s", printed);
    free(printed);
#else
    skip("descriptors are something else here");
#endif
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(history_is_never_cut_by_appends);
    RUN(the_system_prompt_stays_in_the_window);
    RUN(made_ids_are_real_uuids_of_version_7_and_sort_by_time);
    RUN(an_append_writes_as_little_to_a_long_session_as_to_a_short_one);
    RUN(a_split_character_is_refused_and_the_session_lives_on);
    RUN(an_unknown_id_is_not_found_everywhere);
    RUN(two_stores_on_one_file_do_not_overwrite_each_other);
    RUN(nothing_is_deleted_unasked);
    RUN(metadata_given_at_creation_is_kept);
    RUN(a_clock_step_does_not_reorder_a_chat);
    RUN(cleared_messages_do_not_come_back);
    RUN(a_window_keeps_the_newest_without_a_hole_and_within_its_limit);
    RUN(the_last_0_messages_are_none);
    RUN(nothing_is_printed);
    return 0;
}

/*
 * Section 5 of the header, as C sees it. Which messages a window holds is tested against a reference in the library's
 * own tests; here is what reaches a host.
 */

#include "../support/check.h"

/* Appends a message of so many tokens. */
static void add(turnkeep_session *session, int32_t role, const char *content, int64_t tokens) {
    turnkeep_new_message message = message_of(role, content);
    message.tokens = tokens;
    append_batch(session, &message, 1, NULL);
}

/* Appends turns of a question and an answer, of ten tokens each. */
static void add_turns(turnkeep_session *session, int count) {
    while (count-- > 0) {
        add(session, TURNKEEP_ROLE_USER, "question", 10);
        add(session, TURNKEEP_ROLE_ASSISTANT, "answer", 10);
    }
}

static turnkeep_window_options of_tokens(uint64_t max_tokens) {
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    options.max_tokens = max_tokens;
    return options;
}

/* Checks what is true of every window, and frees it. Returns what it says of itself. */
static turnkeep_window_report check_window(turnkeep_window *window, uint32_t overhead) {
    turnkeep_window_report report = *turnkeep_window_report_of(window);
    size_t count = turnkeep_window_len(window);
    uint64_t tokens = 0;
    size_t index;
    for (index = 0; index < count; index++) {
        const turnkeep_message *message = turnkeep_window_at(window, index);
        tokens += message->tokens + overhead;
        if (index >= report.front_messages) CHECK_EQUAL(message->seq, report.cut_seq + index - report.front_messages);
    }
    CHECK(turnkeep_window_at(window, count) == NULL);
    CHECK(turnkeep_window_at(window, SIZE_MAX) == NULL);
    CHECK_EQUAL(report.tokens, tokens);
    CHECK(report.tokens <= report.budget_tokens);
    if (count > 0) CHECK_EQUAL(turnkeep_window_at(window, count - 1)->seq, report.head_seq);
    turnkeep_window_free(window);
    return report;
}

static void a_window_holds_everything_while_it_fits(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_window_report report = check_window(window_of(session, NULL), 0);
    CHECK_EQUAL(report.head_seq, 0);
    CHECK_EQUAL(report.tokens, 0);
    CHECK_EQUAL(report.budget_tokens, 8192);
    add_turns(session, 5);
    report = check_window(window_of(session, NULL), 0);
    CHECK_EQUAL(report.tokens, 100);
    CHECK_EQUAL(report.cut_seq, 1);
    CHECK_EQUAL(report.head_seq, 10);
    CHECK_EQUAL(report.front_messages, 0);
    CHECK_EQUAL(report.left_out_messages, 0);
    CHECK_EQUAL(report.left_out_tokens, 0);
    CHECK_EQUAL(report.left_out_first_seq, 0);
    CHECK_EQUAL(report.left_out_last_seq, 0);
    CHECK_EQUAL(report.revision, 11);
    turnkeep_session_close(session);
    close_store(store);
}

static void a_window_that_is_full_is_cut_deep_and_then_left_alone(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_window_options options = of_tokens(100);
    turnkeep_window_report report;
    turnkeep_window *before;
    turnkeep_window *after;
    add_turns(session, 5);
    report = check_window(window_of(session, &options), 0);
    CHECK_EQUAL(report.cut_seq, 1);
    add(session, TURNKEEP_ROLE_USER, "question", 10);
    before = window_of(session, &options);
    report = *turnkeep_window_report_of(before);
    CHECK_EQUAL(report.cut_seq, 5); /* 11 messages are 110 tokens; at most 75 are left */
    CHECK_EQUAL(report.tokens, 70);
    CHECK_EQUAL(report.left_out_messages, 4);
    CHECK_EQUAL(report.left_out_tokens, 40);
    CHECK_EQUAL(report.left_out_first_seq, 1);
    CHECK_EQUAL(report.left_out_last_seq, 4);
    add(session, TURNKEEP_ROLE_ASSISTANT, "answer", 10);
    after = window_of(session, &options);
    CHECK_EQUAL(turnkeep_window_report_of(after)->cut_seq, 5);
    CHECK_EQUAL(turnkeep_window_common_prefix(before, after), 7);
    CHECK_EQUAL(turnkeep_window_common_prefix(after, before), 7);
    CHECK_EQUAL(turnkeep_window_common_prefix(after, after), 8);
    CHECK_EQUAL(turnkeep_window_common_prefix(after, NULL), 0);
    check_window(before, 0);
    check_window(after, 0);
    CHECK_EQUAL(count_messages(session), 12);
    turnkeep_session_close(session);
    close_store(store);
}

static void the_prefix_that_two_windows_share_is_shared_byte_for_byte(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *one = create(store, "one");
    turnkeep_session *two = create(store, "two");
    turnkeep_window *first;
    turnkeep_window *second;
    add(one, TURNKEEP_ROLE_USER, "Hello", 1);
    add(one, TURNKEEP_ROLE_ASSISTANT, "Hi", 1);
    add(one, TURNKEEP_ROLE_USER, "What is new?", 1);
    add(two, TURNKEEP_ROLE_USER, "Hello", 1);
    add(two, TURNKEEP_ROLE_ASSISTANT, "Hi", 1);
    add(two, TURNKEEP_ROLE_USER, "What is old?", 1);
    first = window_of(one, NULL);
    second = window_of(two, NULL);
    CHECK_EQUAL(turnkeep_window_common_prefix(first, second), 2);
    turnkeep_window_free(first);
    turnkeep_window_free(second);
    turnkeep_session_close(one);
    turnkeep_session_close(two);
    close_store(store);
}

static void a_window_is_the_same_after_reopening_and_in_another_handle(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_store *other = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_session *same;
    turnkeep_window_options options = of_tokens(200);
    turnkeep_window *windows[3];
    size_t index;
    add(session, TURNKEEP_ROLE_SYSTEM, "Be brief.", 20);
    for (index = 0; index < 40; index++) {
        add_turns(session, 1);
        turnkeep_window_free(window_of(session, &options));
    }
    windows[0] = window_of(session, &options);
    same = open_session(other, "s");
    windows[1] = window_of(same, &options);
    turnkeep_session_close(same);
    turnkeep_session_close(session);
    close_store(other);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "s");
    windows[2] = window_of(session, &options);
    for (index = 1; index < 3; index++) {
        CHECK_EQUAL(turnkeep_window_len(windows[index]), turnkeep_window_len(windows[0]));
        CHECK_EQUAL(turnkeep_window_common_prefix(windows[index], windows[0]), turnkeep_window_len(windows[0]));
        CHECK(memcmp(turnkeep_window_report_of(windows[index]), turnkeep_window_report_of(windows[0]),
                     sizeof(turnkeep_window_report)) == 0);
    }
    for (index = 0; index < 3; index++) check_window(windows[index], 0);
    turnkeep_session_close(session);
    close_store(store);
}

static void the_size_is_asked_for_or_the_sessions_or_the_stores(void) {
    turnkeep_store_options store_options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_window_options options = of_tokens(50);
    turnkeep_store *store;
    turnkeep_session *session;
    store_options.window_tokens = 1000;
    store = open_with(":memory:", &store_options);
    session = create(store, NULL);
    add_turns(session, 1);
    CHECK_EQUAL(check_window(window_of(session, NULL), 0).budget_tokens, 1000);
    changes.window_tokens = 500;
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    CHECK_EQUAL(check_window(window_of(session, NULL), 0).budget_tokens, 500);
    CHECK_EQUAL(check_window(window_of(session, &options), 0).budget_tokens, 50);
    changes.window_tokens = TURNKEEP_WINDOW_OF_STORE;
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    CHECK_EQUAL(check_window(window_of(session, NULL), 0).budget_tokens, 1000);
    turnkeep_session_close(session);
    close_store(store);
}

static void reserve_overhead_and_number_of_messages_are_kept_to(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_window_options options = of_tokens(200);
    turnkeep_window_report report;
    add_turns(session, 20);
    options.reserve_tokens = 50;
    report = check_window(window_of(session, &options), 0);
    CHECK_EQUAL(report.budget_tokens, 150);
    options.message_overhead = 3;
    report = check_window(window_of(session, &options), 3);
    CHECK_EQUAL(report.tokens % 13, 0);
    options.max_messages = 4;
    report = check_window(window_of(session, &options), 3);
    CHECK(report.head_seq - report.cut_seq < 4);
    options.low_water_percent = 100;
    options.max_messages = 0;
    options.message_overhead = 0;
    options.reserve_tokens = 0;
    report = check_window(window_of(session, &options), 0);
    CHECK_EQUAL(report.tokens, 200);
    turnkeep_session_close(session);
    close_store(store);
}

static void what_is_pinned_stands_in_front(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_window_options options = of_tokens(120);
    turnkeep_new_message pinned = message_of(TURNKEEP_ROLE_USER, "My name is Ada.");
    turnkeep_window *window;
    add(session, TURNKEEP_ROLE_SYSTEM, "Be brief.", 10);
    add(session, TURNKEEP_ROLE_DEVELOPER, "Answer in French.", 10);
    add_turns(session, 3);
    pinned.tokens = 10;
    pinned.flags = TURNKEEP_MESSAGE_PINNED;
    append_batch(session, &pinned, 1, NULL);
    add_turns(session, 20);

    window = window_of(session, &options);
    CHECK_EQUAL(turnkeep_window_report_of(window)->front_messages, 3);
    CHECK_TEXT(turnkeep_window_at(window, 0)->content, "Be brief.");
    CHECK_TEXT(turnkeep_window_at(window, 1)->content, "Answer in French.");
    CHECK_TEXT(turnkeep_window_at(window, 2)->content, "My name is Ada.");
    CHECK_EQUAL(turnkeep_window_at(window, 2)->seq, 9);
    CHECK_EQUAL(turnkeep_window_at(window, 2)->flags, TURNKEEP_MESSAGE_PINNED);
    CHECK_EQUAL(turnkeep_window_report_of(window)->left_out_first_seq, 3);
    check_window(window, 0);

    /* Instructions at the head stay: they are not flagged. */
    options.leave_out = TURNKEEP_LEAVE_OUT_PINS;
    CHECK_EQUAL(check_window(window_of(session, &options), 0).front_messages, 2);
    options.leave_out = 0;
    options.keep_first_turns = 1;
    window = window_of(session, &options);
    CHECK_EQUAL(turnkeep_window_at(window, 2)->seq, 3);
    CHECK_EQUAL(turnkeep_window_at(window, 3)->seq, 4);
    check_window(window, 0);
    turnkeep_session_close(session);
    close_store(store);
}

static void the_summary_stands_where_something_was_cut(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_window_options options = of_tokens(100);
    turnkeep_window *window;
    const turnkeep_message *summary;
    changes.summary = "They greeted each other.";
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    add(session, TURNKEEP_ROLE_SYSTEM, "Be brief.", 10);
    add_turns(session, 1);
    CHECK_EQUAL(check_window(window_of(session, &options), 0).front_messages, 0);
    add_turns(session, 20);
    window = window_of(session, &options);
    summary = turnkeep_window_at(window, 1);
    CHECK_TEXT(summary->content, "They greeted each other.");
    CHECK_EQUAL(summary->seq, 0);
    CHECK_EQUAL(summary->role, TURNKEEP_ROLE_SYSTEM);
    CHECK_EQUAL(summary->flags & TURNKEEP_MESSAGE_SUMMARY, TURNKEEP_MESSAGE_SUMMARY);
    CHECK_EQUAL(summary->tokens, 24 / 4 + 4);
    check_window(window, 0);
    options.leave_out = TURNKEEP_LEAVE_OUT_SUMMARY;
    CHECK_EQUAL(check_window(window_of(session, &options), 0).front_messages, 1);
    turnkeep_session_close(session);
    close_store(store);
}

static void a_window_never_begins_with_a_tool_result(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    uint64_t max_tokens;
    int turn;
    for (turn = 0; turn < 12; turn++) {
        turnkeep_new_message step[4];
        step[0] = message_of(TURNKEEP_ROLE_USER, "What is the weather?");
        step[1] = message_of(TURNKEEP_ROLE_ASSISTANT, "");
        step[1].tool_calls = "[{\"id\":\"a\"},{\"id\":\"b\"}]";
        step[2] = message_of(TURNKEEP_ROLE_TOOL, "Rain.");
        step[2].tool_call_id = "a";
        step[3] = message_of(TURNKEEP_ROLE_TOOL, "Wind.");
        step[3].tool_call_id = "b";
        step[0].tokens = step[1].tokens = step[2].tokens = step[3].tokens = 5;
        append_batch(session, step, 4, NULL);
        add(session, TURNKEEP_ROLE_ASSISTANT, "Rain and wind.", 5);
    }
    for (max_tokens = 10; max_tokens < 320; max_tokens++) {
        turnkeep_window_options options = of_tokens(max_tokens);
        turnkeep_window *window = window_of(session, &options);
        int32_t before = TURNKEEP_ROLE_USER;
        size_t index;
        for (index = 0; index < turnkeep_window_len(window); index++) {
            int32_t role = turnkeep_window_at(window, index)->role;
            if (role == TURNKEEP_ROLE_TOOL) CHECK(before == TURNKEEP_ROLE_ASSISTANT || before == TURNKEEP_ROLE_TOOL);
            if (index == 0) CHECK(role != TURNKEEP_ROLE_TOOL);
            before = role;
        }
        check_window(window, 0);
    }
    turnkeep_session_close(session);
    close_store(store);
}

static void what_cannot_fit_is_refused_with_numbers(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_window_options options = of_tokens(100);
    turnkeep_window *window = NULL;
    add_turns(session, 3);
    add(session, TURNKEEP_ROLE_USER, "a very long question", 120);
    options.reserve_tokens = 20;
    FAILS(TOO_LARGE, "needs 120 tokens; 80 are left of 100 after 20",
          turnkeep_session_window(session, &options, &window, &failure));
    CHECK(window == NULL);
    CHECK_EQUAL(count_messages(session), 7);
    options.reserve_tokens = 100;
    FAILS(INVALID, "reserve_tokens is 100", turnkeep_session_window(session, &options, &window, &failure));
    options.reserve_tokens = UINT64_MAX;
    FAILS(INVALID, "reserve_tokens", turnkeep_session_window(session, &options, &window, &failure));
    options = of_tokens(UINT64_MAX);
    FAILS(INVALID, "max_tokens is", turnkeep_session_window(session, &options, &window, &failure));
    options = of_tokens(1000);
    CHECK_EQUAL(check_window(window_of(session, &options), 0).tokens, 180);
    /* Numbers that would overflow where they are added up. */
    options.message_overhead = UINT32_MAX;
    FAILS(TOO_LARGE, "", turnkeep_session_window(session, &options, &window, &failure));
    options = of_tokens(INT64_MAX / 2);
    options.reserve_tokens = INT64_MAX / 2 - 1;
    options.keep_first_turns = UINT32_MAX;
    FAILS(TOO_LARGE, "", turnkeep_session_window(session, &options, &window, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_window_holds_everything_while_it_fits);
    RUN(a_window_that_is_full_is_cut_deep_and_then_left_alone);
    RUN(the_prefix_that_two_windows_share_is_shared_byte_for_byte);
    RUN(a_window_is_the_same_after_reopening_and_in_another_handle);
    RUN(the_size_is_asked_for_or_the_sessions_or_the_stores);
    RUN(reserve_overhead_and_number_of_messages_are_kept_to);
    RUN(what_is_pinned_stands_in_front);
    RUN(the_summary_stands_where_something_was_cut);
    RUN(a_window_never_begins_with_a_tool_result);
    RUN(what_cannot_fit_is_refused_with_numbers);
    return 0;
}

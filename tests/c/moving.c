/*
 * What users of four other session managers do, where no other test here does just that. docs/moving.md lists all of it with the
 * tests that do it.
 */

#include "../support/check.h"

static turnkeep_message message_at(turnkeep_session *session, uint64_t seq, turnkeep_messages **keep) {
    OK(turnkeep_session_message(session, seq, keep, &failure));
    return *turnkeep_messages_at(*keep, 0);
}

/* coda: token_usage {prompt, completion, total}, cost and attachments of a message. */
static void usage_cost_and_attachments_of_a_message_are_kept_in_its_metadata(void) {
    static const char json[] = "{\"usage\":{\"prompt\":120,\"completion\":30,\"total\":150},\"cost\":0.0021,"
                               "\"attachments\":[{\"name\":\"a.png\"}]}";
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "s");
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_ASSISTANT, "Here.");
    turnkeep_messages *kept = NULL;
    message.metadata = json;
    message.model = "gemma";
    append_batch(session, &message, 1, NULL);
    CHECK_TEXT(message_at(session, 1, &kept).details->metadata, json);
    CHECK_TEXT(turnkeep_messages_at(kept, 0)->details->model, "gemma");
    turnkeep_messages_free(kept);
    turnkeep_session_close(session);
    close_store(store);
}

/* coda: get_session_context(id, max_messages, max_tokens, model) -> (messages, truncated), in a mode that is a share of the
 * model's limit: aggressive 90 %, balanced 75 %, conservative 60 %, with the summary in front. */
static void a_context_is_a_share_of_the_models_limit_and_says_whether_it_is_truncated(void) {
    static const uint64_t percents[] = {90, 75, 60};
    const uint64_t limit = 1000;
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "s");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    size_t mode;
    int turn;
    changes.summary = "So far.";
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    for (turn = 0; turn < 60; turn++) {
        say(session, "What comes next in this long conversation?");
        answer(session, "Another answer of about the same length.");
    }
    for (mode = 0; mode < 3; mode++) {
        turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
        const turnkeep_window_report *report;
        turnkeep_window *window;
        options.max_tokens = limit * percents[mode] / 100;
        window = window_of(session, &options);
        report = turnkeep_window_report_of(window);
        CHECK(report->tokens <= options.max_tokens);
        CHECK(report->left_out_messages > 0);
        CHECK_TEXT(turnkeep_window_at(window, 0)->content, "So far.");
        CHECK_TEXT(turnkeep_window_at(window, turnkeep_window_len(window) - 1)->content,
                   "Another answer of about the same length.");
        turnkeep_window_free(window);
        options.max_messages = 5;
        window = window_of(session, &options);
        CHECK(turnkeep_window_len(window) <= 5);
        turnkeep_window_free(window);
    }
    turnkeep_session_close(session);
    close_store(store);
}

/* coda: tool history and summary, with a count for each tool. */
static void the_use_of_tools_is_counted_from_the_history(void) {
    static const char *const calls[] = {"[{\"id\":\"1\",\"function\":{\"name\":\"read\"}}]",
                                        "[{\"id\":\"2\",\"function\":{\"name\":\"grep\"}}]",
                                        "[{\"id\":\"3\",\"function\":{\"name\":\"read\"}}]"};
    static const char *const ids[] = {"1", "2", "3"};
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "s");
    turnkeep_messages *messages;
    int reads = 0, results = 0;
    size_t index;
    for (index = 0; index < 3; index++) {
        turnkeep_new_message step[2];
        step[0] = message_of(TURNKEEP_ROLE_ASSISTANT, "");
        step[0].tool_calls = calls[index];
        step[1] = message_of(TURNKEEP_ROLE_TOOL, "result");
        step[1].tool_call_id = ids[index];
        append_batch(session, step, 2, NULL);
    }
    messages = history(session);
    for (index = 0; index < turnkeep_messages_len(messages); index++) {
        const turnkeep_message *message = turnkeep_messages_at(messages, index);
        results += message->role == TURNKEEP_ROLE_TOOL;
        reads += strstr(message->details->tool_calls.data, "\"read\"") != NULL;
    }
    CHECK_EQUAL(reads, 2);
    CHECK_EQUAL(results, 3);
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    close_store(store);
}

/* QV: save_conversation(conversation, messages) inserts or replaces. */
static void a_conversation_is_saved_again_as_a_whole(void) {
    static const char *const contents[] = {"Edited?", "Yes."};
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "s");
    turnkeep_new_message messages[2];
    say(session, "one");
    answer(session, "two");
    say(session, "three");
    messages[0] = message_of(TURNKEEP_ROLE_USER, contents[0]);
    messages[1] = message_of(TURNKEEP_ROLE_ASSISTANT, contents[1]);
    OK(turnkeep_session_replace(session, 1, messages, 2, NULL, NULL, NULL, &failure));
    check_history(__FILE__, __LINE__, session, contents, 2);
    turnkeep_session_close(session);
    close_store(store);
}

static size_t hits(turnkeep_store *store, const char *text) {
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_search_results *results = NULL;
    size_t count;
    options.text = text;
    OK(turnkeep_store_search(store, &options, &results, &failure));
    count = turnkeep_search_results_len(results);
    turnkeep_search_results_free(results);
    return count;
}

/* QV: search_conversations(text) over titles and message texts; coda: search_sessions(query, limit). */
static void conversations_are_searched_by_title_and_by_message(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    options.title = "Gardening";
    OK(turnkeep_session_create(store, &options, &session, &failure));
    say(session, "When do I plant tulips? It's 100% urgent; I can't wait, c++ or not.");
    CHECK_EQUAL(hits(store, "gardening"), 1);
    CHECK_EQUAL(hits(store, "TULIPS"), 1);
    CHECK_EQUAL(hits(store, "can't"), 1);
    CHECK_EQUAL(hits(store, "c++"), 1);
    CHECK_EQUAL(hits(store, "%"), 0);
    CHECK_EQUAL(hits(store, ""), 0);
    turnkeep_session_close(session);
    close_store(store);
}

/* Gemma.cpp: touch(), get_last_activity(). */
static void a_session_is_touched(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "s");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session_list *before = describe(session);
    turnkeep_session_list *after;
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    after = describe(session);
    CHECK(turnkeep_session_list_at(after, 0)->updated_us >= turnkeep_session_list_at(before, 0)->updated_us);
    CHECK_EQUAL(turnkeep_session_list_at(after, 0)->revision, turnkeep_session_list_at(before, 0)->revision + 1);
    turnkeep_session_list_free(before);
    turnkeep_session_list_free(after);
    turnkeep_session_close(session);
    close_store(store);
}

/* Gemma.cpp: get_context_messages(), get_context_tokens(), get_total_tokens(), under a limit that can be changed. */
static void the_tokens_of_the_window_and_of_all_are_told(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "s");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session_list *info;
    turnkeep_window *window;
    int number;
    for (number = 0; number < 20; number++) say(session, "a message of some tokens");
    changes.window_tokens = 50;
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    info = describe(session);
    window = window_of(session, NULL);
    CHECK(turnkeep_window_report_of(window)->tokens <= 50);
    CHECK_EQUAL(turnkeep_window_report_of(window)->tokens + turnkeep_window_report_of(window)->left_out_tokens,
                turnkeep_session_list_at(info, 0)->total_tokens);
    turnkeep_window_free(window);
    turnkeep_session_list_free(info);
    turnkeep_session_close(session);
    close_store(store);
}

/* e-ink: list_active_conversations(); coda: get_active_sessions(limit, offset). */
static void only_active_conversations_are_listed(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *active = create(store, "active");
    turnkeep_session *ended = create(store, "ended");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    turnkeep_session_list *list = NULL;
    changes.status = TURNKEEP_SESSION_ARCHIVED;
    OK(turnkeep_session_update(ended, &changes, NULL, &failure));
    filter.statuses = TURNKEEP_FILTER_ACTIVE;
    options.filter = &filter;
    options.limit = 10;
    OK(turnkeep_store_list_sessions(store, &options, &list, &failure));
    CHECK_EQUAL(turnkeep_session_list_len(list), 1);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->id, "active");
    turnkeep_session_list_free(list);
    turnkeep_session_close(active);
    turnkeep_session_close(ended);
    close_store(store);
}

/* QV: old files are migrated when they are opened. */
static void a_file_of_an_older_version_is_brought_up_to_date_by_opening_it(void) {
    char from[PATH_BYTES];
    const char *path = fresh_path();
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_messages *messages;
    size_t length;
    char *bytes;
    const char *folder_end = strrchr(__FILE__, '/');
    CHECK(folder_end != NULL);
    snprintf(from, sizeof from, "%.*s/../fixtures/schema_1.db", (int)(folder_end - __FILE__), __FILE__);
    bytes = read_file(from, &length);
    write_file(path, bytes, length);
    free(bytes);
    store = open_store(path);
    session = open_session(store, "fixture");
    messages = history(session);
    CHECK_EQUAL(turnkeep_messages_len(messages), 23);
    turnkeep_messages_free(messages);
    CHECK_EQUAL(hits(store, "remember"), 1);
    say(session, "And on we go.");
    turnkeep_session_close(session);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(usage_cost_and_attachments_of_a_message_are_kept_in_its_metadata);
    RUN(a_context_is_a_share_of_the_models_limit_and_says_whether_it_is_truncated);
    RUN(the_use_of_tools_is_counted_from_the_history);
    RUN(a_conversation_is_saved_again_as_a_whole);
    RUN(conversations_are_searched_by_title_and_by_message);
    RUN(a_session_is_touched);
    RUN(the_tokens_of_the_window_and_of_all_are_told);
    RUN(only_active_conversations_are_listed);
    RUN(a_file_of_an_older_version_is_brought_up_to_date_by_opening_it);
    return 0;
}

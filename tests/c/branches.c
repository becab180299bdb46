/*
 * Branches through the C ABI: what users of the session stores that Turnkeep takes the place of have, and the faults that
 * they had with it.
 */

#include "../support/check.h"

/* A session "main" of two turns: "a", "b", "c", "d". */
static turnkeep_session *chat_of_two_turns(turnkeep_store *store) {
    turnkeep_session *session = create(store, "main");
    say(session, "a");
    answer(session, "b");
    say(session, "c");
    answer(session, "d");
    return session;
}

static turnkeep_session *fork_at(turnkeep_session *session, uint64_t at_seq, const char *id) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *fork = NULL;
    options.id = id;
    OK(turnkeep_session_fork(session, at_seq, &options, &fork, &failure));
    CHECK(fork != NULL);
    return fork;
}

static void check_ids(turnkeep_session_list *list, const char *expected) {
    char ids[256] = "";
    size_t index;
    for (index = 0; index < turnkeep_session_list_len(list); index++) {
        strcat(ids, turnkeep_session_list_at(list, index)->id.data);
        strcat(ids, " ");
    }
    if (strcmp(ids, expected) != 0) check_fail(__FILE__, __LINE__, "'%s' is not '%s'", ids, expected);
    turnkeep_session_list_free(list);
}

/* create_session(name, branch_from=other): a name, an origin, and everything else as there. */
static void a_session_is_created_as_a_branch_of_another_with_a_name_of_its_own(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *branch = NULL;
    turnkeep_session_list *list;
    options.name = "experiment";
    OK(turnkeep_session_fork(session, TURNKEEP_LAST, &options, &branch, &failure));
    say(branch, "e");
    CHECK_HISTORY(branch, "a", "b", "c", "d", "e");
    CHECK_HISTORY(session, "a", "b", "c", "d");
    list = describe(branch);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->name, "experiment");
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->parent_id, "main");
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->fork_seq, 4);
    turnkeep_session_list_free(list);
    turnkeep_session_close(branch);
    FAILS(EXISTS, "experiment", turnkeep_session_fork(session, 1, &options, &branch, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

/* parent_id and branch_point_message_id: from any message, also after the store was opened anew. */
static void a_branch_begins_behind_any_message(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session *fork;
    uint64_t at;
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "main");
    for (at = 0; at <= 4; at++) {
        static const char *const contents[] = {"a", "b", "c", "d"};
        fork = fork_at(session, at, NULL);
        check_history(__FILE__, __LINE__, fork, contents, (size_t)at);
        CHECK_EQUAL(say(fork, "mine").first_seq, at + 1);
        turnkeep_session_close(fork);
    }
    CHECK_HISTORY(session, "a", "b", "c", "d");
    turnkeep_session_close(session);
    close_store(store);
}

/* Branches there lose metadata and counters. */
static void a_branch_keeps_metadata_tags_counters_and_the_window(void) {
    static const char *const tags[] = {"work", "draft"};
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    turnkeep_session *fork;
    turnkeep_session_list *lists[2];
    const turnkeep_session_info *one;
    const turnkeep_session_info *other;
    turnkeep_window *windows[2];
    options.id = "main";
    options.title = "A title";
    options.model = "gemma";
    options.metadata = "{\"k\": 1.50}";
    options.window_tokens = 500;
    options.tags = tags;
    options.tag_count = 2;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    say(session, "a question of some length");
    answer(session, "an answer of some length");
    fork = fork_at(session, TURNKEEP_LAST, "fork");
    lists[0] = describe(session);
    lists[1] = describe(fork);
    one = turnkeep_session_list_at(lists[0], 0);
    other = turnkeep_session_list_at(lists[1], 0);
    CHECK_TEXT(other->title, "A title");
    CHECK_TEXT(other->model, "gemma");
    CHECK_TEXT(other->metadata, "{\"k\": 1.50}");
    CHECK_EQUAL(other->window_tokens, 500);
    CHECK_EQUAL(other->tag_count, 2);
    CHECK_TEXT(other->tags[0], "draft");
    CHECK_TEXT(other->tags[1], "work");
    CHECK_EQUAL(other->message_count, 2);
    CHECK(other->total_tokens > 0 && other->total_tokens == one->total_tokens);
    CHECK(other->bytes > 0 && other->bytes == one->bytes);
    windows[0] = window_of(session, NULL);
    windows[1] = window_of(fork, NULL);
    CHECK_EQUAL(turnkeep_window_common_prefix(windows[0], windows[1]), 2);
    turnkeep_window_free(windows[0]);
    turnkeep_window_free(windows[1]);
    turnkeep_session_list_free(lists[0]);
    turnkeep_session_list_free(lists[1]);
    turnkeep_session_close(session);
    turnkeep_session_close(fork);
    close_store(store);
}

/* A session with branches cannot be deleted there. */
static void a_session_with_branches_is_deleted_and_they_stay_whole(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session *middle = fork_at(session, 3, "middle");
    turnkeep_session *leaf;
    turnkeep_session_list *list;
    say(middle, "m");
    leaf = fork_at(middle, TURNKEEP_LAST, "leaf");
    say(leaf, "l");
    turnkeep_session_close(session);
    turnkeep_session_close(middle);
    OK(turnkeep_session_delete(store, "middle", &failure));
    CHECK_HISTORY(leaf, "a", "b", "c", "m", "l");
    list = describe(leaf);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->parent_id, "main");
    turnkeep_session_list_free(list);
    OK(turnkeep_session_delete(store, "main", &failure));
    turnkeep_session_close(leaf);
    close_store(store);
    store = open_store(path);
    leaf = open_session(store, "leaf");
    CHECK_HISTORY(leaf, "a", "b", "c", "m", "l");
    list = describe(leaf);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->parent_id, "");
    turnkeep_session_list_free(list);
    turnkeep_session_close(leaf);
    close_store(store);
}

/* Forking by copying takes the messages away from the original in another store. */
static void a_fork_takes_nothing_away_from_the_original(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session *fork = fork_at(session, TURNKEEP_LAST, "fork");
    OK(turnkeep_session_clear(fork, 0, NULL, &failure));
    CHECK_HISTORY(session, "a", "b", "c", "d");
    turnkeep_session_close(fork);
    OK(turnkeep_session_delete(store, "fork", &failure));
    CHECK_HISTORY(session, "a", "b", "c", "d");
    turnkeep_session_close(session);
    close_store(store);
}

static void a_rewind_takes_back_the_newest_messages_and_nothing_of_a_fork(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session *fork = fork_at(session, 3, "fork");
    uint64_t before = revision_of(session);
    uint64_t revision = 0;
    FAILS(CONFLICT, "expected revision", turnkeep_session_rewind(session, 1, before + 1, &revision, &failure));
    CHECK_EQUAL(revision, 0);
    OK(turnkeep_session_rewind(session, 1, before, &revision, &failure));
    CHECK_EQUAL(revision, before + 1);
    CHECK_EQUAL(answer(session, "B").first_seq, 2);
    CHECK_HISTORY(session, "a", "B");
    CHECK_HISTORY(fork, "a", "b", "c");
    OK(turnkeep_session_rewind(session, 0, 0, NULL, &failure));
    CHECK_EQUAL(count_messages(session), 0);
    turnkeep_session_close(session);
    turnkeep_session_close(fork);
    close_store(store);
}

static void a_message_is_edited_here_or_in_a_fork(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session_options new_session = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_branch_options options = TURNKEEP_BRANCH_OPTIONS_INIT;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_session *fork = NULL;
    turnkeep_session *untouched = NULL;
    turnkeep_new_message messages[2];
    messages[0] = message_of(TURNKEEP_ROLE_USER, "C");
    messages[1] = message_of(TURNKEEP_ROLE_ASSISTANT, "D");
    new_session.id = "edited";
    options.branching = TURNKEEP_BRANCH_FORK;
    options.fork = &new_session;
    OK(turnkeep_session_replace(session, 3, messages, 2, &options, &fork, &receipt, &failure));
    CHECK_TEXT(turnkeep_session_id(fork), "edited");
    CHECK_EQUAL(receipt.first_seq, 3);
    CHECK_EQUAL(receipt.last_seq, 4);
    CHECK_HISTORY(fork, "a", "b", "C", "D");
    CHECK_HISTORY(session, "a", "b", "c", "d");
    FAILS(INVALID, "there would be no new session",
          turnkeep_session_replace(session, 1, messages, 1, NULL, &untouched, &receipt, &failure));
    FAILS(INVALID, "there would be no new session",
          turnkeep_session_regenerate(session, TURNKEEP_LAST, NULL, &untouched, &failure));
    CHECK(untouched == NULL);
    CHECK_HISTORY(session, "a", "b", "c", "d");
    OK(turnkeep_session_replace(session, 1, messages, 1, NULL, NULL, &receipt, &failure));
    CHECK_EQUAL(receipt.last_seq, 1);
    CHECK_EQUAL(receipt.revision, revision_of(session));
    CHECK_HISTORY(session, "C");
    OK(turnkeep_session_replace(session, 1, NULL, 0, NULL, NULL, &receipt, &failure));
    CHECK_EQUAL(receipt.first_seq, 0);
    CHECK_EQUAL(receipt.last_seq, 0);
    CHECK_EQUAL(receipt.revision, revision_of(session));
    CHECK_EQUAL(receipt.durability, TURNKEEP_DURABILITY_DISK);
    turnkeep_session_close(session);
    turnkeep_session_close(fork);
    close_store(store);
}

/* A tool result that answers nothing could stand in no prompt, also when it comes by a replacement. */
static void a_replacement_that_fails_leaves_everything_as_it_was(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_branch_options options = TURNKEEP_BRANCH_OPTIONS_INIT;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_session *fork = NULL;
    turnkeep_new_message messages[2];
    turnkeep_session_list *list = NULL;
    uint64_t before = revision_of(session);
    messages[0] = message_of(TURNKEEP_ROLE_USER, "good");
    messages[1] = message_of(TURNKEEP_ROLE_TOOL, "bad");
    messages[1].tool_call_id = "no call";
    FAILS(INVALID, "", turnkeep_session_replace(session, 2, messages, 2, NULL, NULL, &receipt, &failure));
    options.branching = TURNKEEP_BRANCH_FORK;
    FAILS(INVALID, "", turnkeep_session_replace(session, 2, messages, 2, &options, &fork, &receipt, &failure));
    CHECK(fork == NULL);
    CHECK_EQUAL(receipt.last_seq, 0);
    CHECK_EQUAL(revision_of(session), before);
    CHECK_HISTORY(session, "a", "b", "c", "d");
    OK(turnkeep_store_list_sessions(store, NULL, &list, &failure));
    CHECK_EQUAL(turnkeep_session_list_len(list), 1);
    turnkeep_session_list_free(list);
    turnkeep_session_close(session);
    close_store(store);
}

static void an_answer_is_given_anew_here_or_in_a_fork(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_branch_options options = TURNKEEP_BRANCH_OPTIONS_INIT;
    turnkeep_session *fork = NULL;
    options.branching = TURNKEEP_BRANCH_FORK;
    OK(turnkeep_session_regenerate(session, 2, &options, &fork, &failure));
    answer(fork, "B");
    CHECK_HISTORY(fork, "a", "B");
    CHECK_HISTORY(session, "a", "b", "c", "d");
    OK(turnkeep_session_regenerate(session, TURNKEEP_LAST, NULL, NULL, &failure));
    CHECK_HISTORY(session, "a", "b", "c");
    FAILS(INVALID, "no answer yet", turnkeep_session_regenerate(session, TURNKEEP_LAST, NULL, NULL, &failure));
    FAILS(INVALID, "no answer yet", turnkeep_session_regenerate(session, 3, NULL, NULL, &failure));
    answer(session, "D");
    CHECK_HISTORY(session, "a", "b", "c", "D");
    turnkeep_session_close(session);
    turnkeep_session_close(fork);
    close_store(store);
}

static void two_branches_are_compared_and_what_one_has_is_picked_into_the_other(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session *fork = fork_at(session, 2, "draft");
    turnkeep_session *stranger = create(store, "stranger");
    turnkeep_comparison comparison = TURNKEEP_COMPARISON_INIT;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_messages *messages = NULL;
    say(fork, "x");
    answer(fork, "y");
    say(fork, "z");
    OK(turnkeep_session_compare(session, fork, &comparison, &failure));
    CHECK_EQUAL(comparison.common_seq, 2);
    CHECK_EQUAL(comparison.one_head_seq, 4);
    CHECK_EQUAL(comparison.other_head_seq, 5);
    CHECK_EQUAL(comparison.struct_size, sizeof comparison);
    OK(turnkeep_session_adopt(session, fork, comparison.common_seq + 1, 4, NULL, &receipt, &failure));
    CHECK_EQUAL(receipt.first_seq, 5);
    CHECK_EQUAL(receipt.last_seq, 6);
    CHECK_HISTORY(session, "a", "b", "c", "d", "x", "y");
    OK(turnkeep_session_message(session, 6, &messages, &failure));
    CHECK_TEXT(turnkeep_messages_at(messages, 0)->details->metadata,
               "{\"turnkeep:origin\":{\"seq\":4,\"session\":\"draft\"}}");
    turnkeep_messages_free(messages);
    OK(turnkeep_session_adopt(session, fork, 5, TURNKEEP_LAST, NULL, NULL, &failure));
    CHECK_EQUAL(count_messages(session), 7);
    OK(turnkeep_session_compare(session, stranger, &comparison, &failure));
    CHECK_EQUAL(comparison.common_seq, 0);
    turnkeep_session_close(session);
    turnkeep_session_close(fork);
    turnkeep_session_close(stranger);
    close_store(store);
}

static void forks_ancestors_and_the_whole_tree_are_listed(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session *one = fork_at(session, 1, "one");
    turnkeep_session *two = fork_at(session, 2, "two");
    turnkeep_session *leaf = fork_at(one, 0, "leaf");
    turnkeep_session_list *list = NULL;
    OK(turnkeep_session_forks(session, &list, &failure));
    CHECK_TEXT(turnkeep_session_list_next_page(list), "");
    check_ids(list, "one two ");
    OK(turnkeep_session_ancestors(leaf, &list, &failure));
    check_ids(list, "one main ");
    OK(turnkeep_session_tree(two, &list, &failure));
    check_ids(list, "main one leaf two ");
    turnkeep_session_close(session);
    turnkeep_session_close(one);
    turnkeep_session_close(two);
    turnkeep_session_close(leaf);
    close_store(store);
}

/* "Resumable at any point": from a message on, as a session of its own. */
static void a_conversation_is_resumed_at_any_point(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = chat_of_two_turns(store);
    turnkeep_session *fork = NULL;
    turnkeep_messages *last = NULL;
    turnkeep_window *window = NULL;
    turnkeep_session_close(fork_at(session, 3, "from c"));
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    OK(turnkeep_session_resume(store, "from c", NULL, &fork, &last, &window, &failure));
    CHECK_EQUAL(turnkeep_messages_len(last), 1);
    CHECK_TEXT(turnkeep_messages_at(last, 0)->content, "c");
    CHECK_EQUAL(turnkeep_window_len(window), 3);
    answer(fork, "otherwise");
    CHECK_HISTORY(fork, "a", "b", "c", "otherwise");
    turnkeep_messages_free(last);
    turnkeep_window_free(window);
    turnkeep_session_close(fork);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_session_is_created_as_a_branch_of_another_with_a_name_of_its_own);
    RUN(a_branch_begins_behind_any_message);
    RUN(a_branch_keeps_metadata_tags_counters_and_the_window);
    RUN(a_session_with_branches_is_deleted_and_they_stay_whole);
    RUN(a_fork_takes_nothing_away_from_the_original);
    RUN(a_rewind_takes_back_the_newest_messages_and_nothing_of_a_fork);
    RUN(a_message_is_edited_here_or_in_a_fork);
    RUN(a_replacement_that_fails_leaves_everything_as_it_was);
    RUN(an_answer_is_given_anew_here_or_in_a_fork);
    RUN(two_branches_are_compared_and_what_one_has_is_picked_into_the_other);
    RUN(forks_ancestors_and_the_whole_tree_are_listed);
    RUN(a_conversation_is_resumed_at_any_point);
    return 0;
}

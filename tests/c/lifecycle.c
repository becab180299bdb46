/*
 * What a session goes through beside its messages, through the C ABI: what users of the session stores that Turnkeep takes
 * the place of have, and the faults that they had with it.
 */

#include "../support/check.h"

#include <time.h>

static void wait_milliseconds(long milliseconds) {
#ifdef _WIN32
    clock_t end = clock() + milliseconds * CLOCKS_PER_SEC / 1000;
    while (clock() < end) continue;
#else
    struct timespec time = {0, milliseconds * 1000000};
    nanosleep(&time, NULL);
#endif
}

static int64_t now_us(void) { return (int64_t)time(NULL) * 1000000; }

static void update(turnkeep_session *session, const turnkeep_session_changes *changes) {
    OK(turnkeep_session_update(session, changes, NULL, &failure));
}

static turnkeep_session *create_with(turnkeep_store *store, const turnkeep_session_options *options) {
    turnkeep_session *session = NULL;
    OK(turnkeep_session_create(store, options, &session, &failure));
    CHECK(session != NULL);
    return session;
}

static void check_tags(turnkeep_session *session, const char *expected) {
    turnkeep_session_list *list = describe(session);
    const turnkeep_session_info *info = turnkeep_session_list_at(list, 0);
    char tags[256] = "";
    size_t index;
    for (index = 0; index < info->tag_count; index++) {
        CHECK_EQUAL(info->tags[index].data[info->tags[index].len], 0);
        strcat(tags, info->tags[index].data);
        strcat(tags, " ");
    }
    if (strcmp(tags, expected) != 0) check_fail(__FILE__, __LINE__, "'%s' is not '%s'", tags, expected);
    turnkeep_session_list_free(list);
}

static int32_t status_of(turnkeep_session *session) {
    turnkeep_session_list *list = describe(session);
    int32_t status = turnkeep_session_list_at(list, 0)->status;
    turnkeep_session_list_free(list);
    return status;
}

/* session.tags, and tags of update_session. */
static void tags_are_given_added_and_taken_away(void) {
    static const char *const given[] = {"work", "a tag with spaces", "work"};
    static const char *const added[] = {"\xC3\xA4pfel", "new"};
    static const char *const removed[] = {"work", "never there", "new"};
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *session;
    options.id = "s";
    options.tags = given;
    options.tag_count = 3;
    session = create_with(store, &options);
    check_tags(session, "a tag with spaces work ");
    changes.add_tags = added;
    changes.add_tag_count = 2;
    changes.remove_tags = removed;
    changes.remove_tag_count = 3;
    update(session, &changes);
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "s");
    check_tags(session, "a tag with spaces new \xC3\xA4pfel ");
    turnkeep_session_close(session);
    session = create(store, "without");
    check_tags(session, "");
    turnkeep_session_close(session);
    close_store(store);
}

/* update_metadata({...}) */
static void metadata_is_updated_key_by_key_and_the_rest_stays(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *session;
    turnkeep_session_list *list;
    options.metadata = "{\"project\":\"x\",\"deep\":{\"a\":1,\"b\":2},\"old\":true}";
    session = create_with(store, &options);
    changes.metadata_patch = "{\"project\":\"y\",\"deep\":{\"b\":null,\"c\":3},\"old\":null,\"new\":[1]}";
    update(session, &changes);
    list = describe(session);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->metadata,
               "{\"project\":\"y\",\"deep\":{\"a\":1,\"c\":3},\"new\":[1]}");
    turnkeep_session_list_free(list);
    changes.metadata_patch = "[1]";
    FAILS(INVALID, "metadata_patch", turnkeep_session_update(session, &changes, NULL, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

/* archive_session and delete (soft) of one; the status of another can never change. */
static void a_session_is_archived_thrown_away_and_restored(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    say(session, "kept");
    CHECK_EQUAL(status_of(session), TURNKEEP_SESSION_ACTIVE);
    changes.status = TURNKEEP_SESSION_ARCHIVED;
    update(session, &changes);
    CHECK_EQUAL(status_of(session), TURNKEEP_SESSION_ARCHIVED);
    changes.status = TURNKEEP_SESSION_TRASHED;
    update(session, &changes);
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "s");
    CHECK_EQUAL(status_of(session), TURNKEEP_SESSION_TRASHED);
    CHECK_HISTORY(session, "kept");
    changes.status = TURNKEEP_SESSION_ACTIVE;
    update(session, &changes);
    CHECK_EQUAL(status_of(session), TURNKEEP_SESSION_ACTIVE);
    turnkeep_session_close(session);
    close_store(store);
}

/* session_ttl and cleanup_expired_sessions(), which say how many; sessions_cleaned_up. */
static void sessions_expire_after_the_stores_time_and_a_cleanup_counts_them(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_messages *messages = NULL;
    uint64_t deleted = 99;
    options.expire_after_ms = 1;
    store = open_with(fresh_path(), &options);
    session = create(store, "one");
    say(session, "x");
    turnkeep_session_close(create(store, "two"));
    wait_milliseconds(5);
    OK(turnkeep_store_cleanup(store, &deleted, &failure));
    CHECK_EQUAL(deleted, 2);
    CHECK_EQUAL(session_exists(store, "one"), 0);
    FAILS(NOT_FOUND, "deleted", turnkeep_session_history(session, &messages, &failure));
    OK(turnkeep_store_cleanup(store, &deleted, &failure));
    CHECK_EQUAL(deleted, 0);
    turnkeep_session_close(session);
    close_store(store);
}

/* enable_auto_cleanup and cleanup_interval. */
static void expired_sessions_are_cleaned_up_by_the_store_itself(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_session_options kept = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_store *store;
    int tries;
    options.expire_after_ms = 1;
    options.cleanup_interval_ms = 1;
    store = open_with(fresh_path(), &options);
    kept.id = "kept";
    kept.expires_us = now_us() + (int64_t)3600 * 1000000;
    turnkeep_session_close(create_with(store, &kept));
    turnkeep_session_close(create(store, "gone"));
    for (tries = 0; session_exists(store, "gone") == 1; tries++) {
        CHECK(tries < 10000);
        wait_milliseconds(1);
    }
    CHECK_EQUAL(session_exists(store, "kept"), 1);
    close_store(store);
}

/* TTL deletes after 24 hours there, unasked. */
static void without_an_expiry_a_cleanup_deletes_nothing_however_old(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "s");
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "of 1970");
    uint64_t deleted = 99;
    message.created_us = 1;
    append_batch(session, &message, 1, NULL);
    OK(turnkeep_store_cleanup(store, &deleted, &failure));
    CHECK_EQUAL(deleted, 0);
    CHECK_HISTORY(session, "of 1970");
    turnkeep_session_close(session);
    close_store(store);
}

static void each_session_can_have_an_expiry_of_its_own_and_lose_it(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *session;
    turnkeep_session_list *list;
    uint64_t deleted = 99;
    options.id = "over";
    options.expires_us = now_us() - 1;
    turnkeep_session_close(create_with(store, &options));
    options.id = "idle";
    options.expires_us = 0;
    options.expires_after_ms = 1;
    turnkeep_session_close(create_with(store, &options));
    options.id = "saved";
    session = create_with(store, &options);
    changes.expires_us = TURNKEEP_EXPIRES_NEVER;
    changes.expires_after_ms = TURNKEEP_UNLIMITED;
    update(session, &changes);
    wait_milliseconds(5);
    OK(turnkeep_store_cleanup(store, &deleted, &failure));
    CHECK_EQUAL(deleted, 2);
    list = describe(session);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->expires_us, 0);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->expires_after_ms, 0);
    turnkeep_session_list_free(list);
    changes.expires_us = now_us() - 1;
    changes.expires_after_ms = 3600000;
    update(session, &changes);
    list = describe(session);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->expires_us, changes.expires_us);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->expires_after_ms, 3600000);
    turnkeep_session_list_free(list);
    OK(turnkeep_store_cleanup(store, &deleted, &failure));
    CHECK_EQUAL(deleted, 1);
    turnkeep_session_close(session);
    close_store(store);
}

/* update_session_context_size(id, n) */
static void the_size_of_a_sessions_window_is_changed_while_it_is_in_use(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "s");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_window *window;
    int number;
    for (number = 0; number < 40; number++) {
        say(session, "And what about this one?");
        answer(session, "That one, too.");
    }
    window = window_of(session, NULL);
    CHECK_EQUAL(turnkeep_window_report_of(window)->budget_tokens, 8192);
    CHECK_EQUAL(turnkeep_window_len(window), 80);
    turnkeep_window_free(window);
    changes.window_tokens = 100;
    update(session, &changes);
    window = window_of(session, NULL);
    CHECK_EQUAL(turnkeep_window_report_of(window)->budget_tokens, 100);
    CHECK(turnkeep_window_len(window) < 80);
    turnkeep_window_free(window);
    changes.window_tokens = TURNKEEP_WINDOW_OF_STORE;
    update(session, &changes);
    window = window_of(session, NULL);
    CHECK_EQUAL(turnkeep_window_len(window), 80);
    turnkeep_window_free(window);
    turnkeep_session_close(session);
    close_store(store);
}

/* max_session_size of [session] */
static void a_session_has_a_size_limit_that_refuses_and_never_cuts(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *session;
    turnkeep_session_list *list;
    options.max_bytes = 10;
    session = create_with(store, &options);
    say(session, "123456");
    FAILS(TOO_LARGE, "max_bytes is 10",
          turnkeep_session_append(session, TURNKEEP_ROLE_ASSISTANT, "12345", 5, NULL, &failure));
    answer(session, "1234");
    CHECK_HISTORY(session, "123456", "1234");
    changes.max_bytes = 5;
    update(session, &changes);
    CHECK_HISTORY(session, "123456", "1234");
    changes.max_bytes = TURNKEEP_UNLIMITED;
    update(session, &changes);
    say(session, "and on");
    list = describe(session);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->bytes, 16);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->max_bytes, 0);
    turnkeep_session_list_free(list);
    turnkeep_session_close(session);
    close_store(store);
}

/* truncate_messages(max_messages=n) */
static void a_session_is_cut_to_its_newest_messages_and_keeps_its_instructions(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_session *fork = NULL;
    uint64_t before;
    uint64_t revision = 0;
    append(session, TURNKEEP_ROLE_SYSTEM, "rules");
    say(session, "q1");
    answer(session, "a1");
    say(session, "q2");
    answer(session, "a2");
    OK(turnkeep_session_fork(session, TURNKEEP_LAST, NULL, &fork, &failure));
    before = revision_of(session);
    FAILS(CONFLICT, "expected revision", turnkeep_session_truncate(session, 2, 0, before + 1, &revision, &failure));
    OK(turnkeep_session_truncate(session, 2, 0, before, &revision, &failure));
    CHECK_EQUAL(revision, before + 1);
    CHECK_HISTORY(session, "rules", "q2", "a2");
    CHECK_HISTORY(fork, "rules", "q1", "a1", "q2", "a2");
    CHECK_EQUAL(say(session, "q3").first_seq, 4);
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "s");
    CHECK_HISTORY(session, "rules", "q2", "a2", "q3");
    OK(turnkeep_session_truncate(session, 0, 1000000, 0, NULL, &failure));
    CHECK_HISTORY(session, "rules", "q2", "a2", "q3");
    turnkeep_session_close(session);
    turnkeep_session_close(fork);
    close_store(store);
}

/* Session templates: a session that starts from a system prompt. */
static void a_session_begins_from_a_template_of_messages(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_new_message messages[3];
    turnkeep_session *session = NULL;
    messages[0] = message_of(TURNKEEP_ROLE_SYSTEM, "Be brief.");
    messages[1] = message_of(TURNKEEP_ROLE_USER, "Hi");
    messages[2] = message_of(TURNKEEP_ROLE_ASSISTANT, "Hello");
    options.id = "s";
    OK(turnkeep_session_create_with(store, &options, messages, 3, &session, &failure));
    CHECK_HISTORY(session, "Be brief.", "Hi", "Hello");
    CHECK_EQUAL(revision_of(session), 1);
    turnkeep_session_close(session);
    session = NULL;
    options.id = "bad";
    messages[2].content = "\xFF";
    messages[2].content_len = 1;
    FAILS(ENCODING, "message 2", turnkeep_session_create_with(store, &options, messages, 3, &session, &failure));
    CHECK(session == NULL);
    CHECK_EQUAL(session_exists(store, "bad"), 0);
    close_store(store);
}

static void a_session_is_the_template_of_others(void) {
    static const char *const tags[] = {"support"};
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_options like = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *pattern;
    turnkeep_session *session;
    turnkeep_session_list *list;
    options.id = "support";
    options.title = "Support";
    options.model = "gemma";
    options.metadata = "{\"team\":1}";
    options.tags = tags;
    options.tag_count = 1;
    pattern = create_with(store, &options);
    append(pattern, TURNKEEP_ROLE_SYSTEM, "Be brief.");
    say(pattern, "a secret");
    like.like = "support";
    like.title = "Sales";
    session = create_with(store, &like);
    CHECK_HISTORY(session, "Be brief.");
    list = describe(session);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->title, "Sales");
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->model, "gemma");
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->metadata, "{\"team\":1}");
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->parent_id, "");
    turnkeep_session_list_free(list);
    check_tags(session, "support ");
    turnkeep_session_close(session);
    turnkeep_session_close(pattern);
    OK(turnkeep_session_delete(store, "support", &failure));
    close_store(store);
}

/* resume_conversation(id) -> {conversation, last_message} */
static void a_conversation_is_resumed_with_its_last_message_in_one_call(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_messages *last = NULL;
    turnkeep_window *window = NULL;
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    turnkeep_session_close(session);
    session = NULL;
    OK(turnkeep_session_resume(store, "s", NULL, &session, &last, &window, &failure));
    CHECK_EQUAL(turnkeep_messages_len(last), 0);
    CHECK_EQUAL(turnkeep_window_len(window), 0);
    turnkeep_messages_free(last);
    turnkeep_window_free(window);
    say(session, "q");
    answer(session, "a");
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    options.max_tokens = 500;
    OK(turnkeep_session_resume(store, "s", &options, &session, &last, &window, &failure));
    CHECK_TEXT(turnkeep_messages_at(last, 0)->content, "a");
    CHECK_EQUAL(turnkeep_messages_at(last, 0)->seq, 2);
    CHECK_EQUAL(turnkeep_window_len(window), 2);
    CHECK_EQUAL(turnkeep_window_report_of(window)->budget_tokens, 500);
    turnkeep_messages_free(last);
    turnkeep_window_free(window);
    CHECK_EQUAL(say(session, "and on").first_seq, 3);
    turnkeep_session_close(session);
    session = NULL;
    last = NULL;
    window = NULL;
    options.max_tokens = 1;
    FAILS(TOO_LARGE, "", turnkeep_session_resume(store, "s", &options, &session, &last, &window, &failure));
    CHECK(session == NULL && last == NULL && window == NULL);
    close_store(store);
}

/* delete_conversation(id), which leaves every message in the file there. */
static void a_conversation_is_deleted_with_all_its_messages_tags_and_turns(void) {
    static const char *const tags[] = {"t"};
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session;
    turnkeep_turns *turns = NULL;
    options.id = "s";
    options.tags = tags;
    options.tag_count = 1;
    session = create_with(store, &options);
    say(session, "q");
    OK(turnkeep_session_delete(store, "s", &failure));
    FAILS(NOT_FOUND, "deleted", turnkeep_session_turns(session, 0, 9, &turns, &failure));
    turnkeep_session_close(session);
    options.tags = NULL;
    options.tag_count = 0;
    session = create_with(store, &options);
    check_tags(session, "");
    CHECK_EQUAL(count_messages(session), 0);
    turnkeep_session_close(session);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(tags_are_given_added_and_taken_away);
    RUN(metadata_is_updated_key_by_key_and_the_rest_stays);
    RUN(a_session_is_archived_thrown_away_and_restored);
    RUN(sessions_expire_after_the_stores_time_and_a_cleanup_counts_them);
    RUN(expired_sessions_are_cleaned_up_by_the_store_itself);
    RUN(without_an_expiry_a_cleanup_deletes_nothing_however_old);
    RUN(each_session_can_have_an_expiry_of_its_own_and_lose_it);
    RUN(the_size_of_a_sessions_window_is_changed_while_it_is_in_use);
    RUN(a_session_has_a_size_limit_that_refuses_and_never_cuts);
    RUN(a_session_is_cut_to_its_newest_messages_and_keeps_its_instructions);
    RUN(a_session_begins_from_a_template_of_messages);
    RUN(a_session_is_the_template_of_others);
    RUN(a_conversation_is_resumed_with_its_last_message_in_one_call);
    RUN(a_conversation_is_deleted_with_all_its_messages_tags_and_turns);
    return 0;
}

/* Section 3 of the header: sessions are created, described, changed, listed and deleted. */

#include "../support/check.h"

static turnkeep_session_info info_of(turnkeep_session_list *list) {
    CHECK_EQUAL(turnkeep_session_list_len(list), 1);
    CHECK(turnkeep_session_list_at(list, 1) == NULL);
    CHECK_TEXT(turnkeep_session_list_next_page(list), "");
    return *turnkeep_session_list_at(list, 0);
}

static void a_new_session_has_nothing_but_an_id(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = NULL;
    turnkeep_session_list *list;
    turnkeep_session_info info;
    OK(turnkeep_session_create(store, NULL, &session, &failure));
    list = describe(session);
    info = info_of(list);
    CHECK_EQUAL(info.id.len, 36);
    CHECK_TEXT(info.id, turnkeep_session_id(session).data);
    CHECK_TEXT(info.user_id, "");
    CHECK_TEXT(info.name, "");
    CHECK_TEXT(info.title, "");
    CHECK_TEXT(info.model, "");
    CHECK_TEXT(info.summary, "");
    CHECK_TEXT(info.metadata, "{}");
    CHECK_TEXT(info.parent_id, "");
    CHECK(info.created_us > 1500000000000000);
    CHECK_EQUAL(info.updated_us, info.created_us);
    CHECK_EQUAL(info.expires_us, 0);
    CHECK_EQUAL(info.revision, 1);
    CHECK_EQUAL(info.head_seq, 0);
    CHECK_EQUAL(info.fork_seq, 0);
    CHECK_EQUAL(info.message_count, 0);
    CHECK_EQUAL(info.total_tokens, 0);
    CHECK_EQUAL(info.window_tokens, 0);
    CHECK_EQUAL(info.status, TURNKEEP_SESSION_ACTIVE);
    turnkeep_session_list_free(list);
    turnkeep_session_close(session);
    close_store(store);
}

static void check_described(turnkeep_session *session) {
    turnkeep_session_list *list = describe(session);
    turnkeep_session_info info = info_of(list);
    CHECK_TEXT(info.id, "support/42 \xF0\x9F\x98\x80");
    CHECK_TEXT(turnkeep_session_id(session), "support/42 \xF0\x9F\x98\x80");
    CHECK_TEXT(info.user_id, "\xC3\x84"
                             "da");
    CHECK_TEXT(info.name, "billing");
    CHECK_TEXT(info.title, "Why is my\nbill so high?");
    CHECK_TEXT(info.model, "gemma-3-27b");
    CHECK_TEXT(info.summary, "She pays too much.");
    CHECK_TEXT(info.metadata, "{ \"plan\": \"pro\", \"seats\": [1, 2] }");
    CHECK_EQUAL(info.window_tokens, 4096);
    CHECK_EQUAL(info.revision, 3);
    CHECK_EQUAL(info.head_seq, 2);
    CHECK_EQUAL(info.message_count, 2);
    CHECK_EQUAL(info.total_tokens, 11);
    CHECK(info.updated_us >= info.created_us);
    turnkeep_session_list_free(list);
}

static void a_session_is_described_with_all_its_fields(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "Why?");
    options.id = "support/42 \xF0\x9F\x98\x80";
    options.user_id = "\xC3\x84"
                      "da";
    options.name = "billing";
    options.title = "Why is my\nbill so high?";
    options.model = "gemma-3-27b";
    options.summary = "She pays too much.";
    options.metadata = "{ \"plan\": \"pro\", \"seats\": [1, 2] }";
    options.window_tokens = 4096;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    message.tokens = 5;
    append_batch(session, &message, 1, NULL);
    message.tokens = 6;
    append_batch(session, &message, 1, NULL);
    check_described(session);
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "support/42 \xF0\x9F\x98\x80");
    check_described(session);
    turnkeep_session_close(session);
    close_store(store);
}

static void the_callers_strings_are_copied(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    turnkeep_session_list *list;
    char id[] = "mine";
    char title[] = "title";
    options.id = id;
    options.title = title;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    memset(id, '?', sizeof id - 1);
    memset(title, '?', sizeof title - 1);
    list = describe(session);
    CHECK_TEXT(info_of(list).id, "mine");
    CHECK_TEXT(info_of(list).title, "title");
    CHECK_TEXT(turnkeep_session_id(session), "mine");
    turnkeep_session_list_free(list);
    turnkeep_session_close(session);
    close_store(store);
}

static void each_field_is_updated_alone_and_the_others_stay(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    /* In this order: name, title, model, summary, metadata. */
    const char *expected[5] = {"n0", "t0", "m0", "s0", "{\"v\":0}"};
    static const char *const news[5] = {"n1", "t1", "m1", "s1", "{\"v\":1}"};
    uint64_t revision = 0;
    int field;
    options.name = expected[0];
    options.title = expected[1];
    options.model = expected[2];
    options.summary = expected[3];
    options.metadata = expected[4];
    options.window_tokens = 100;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    for (field = 0; field < 6; field++) {
        turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
        turnkeep_session_list *list;
        turnkeep_session_info info;
        changes.name = field == 0 ? news[0] : NULL;
        changes.title = field == 1 ? news[1] : NULL;
        changes.model = field == 2 ? news[2] : NULL;
        changes.summary = field == 3 ? news[3] : NULL;
        changes.metadata = field == 4 ? news[4] : NULL;
        changes.window_tokens = field == 5 ? 200 : 0;
        if (field < 5) expected[field] = news[field];
        OK(turnkeep_session_update(session, &changes, &revision, &failure));
        CHECK_EQUAL(revision, field + 2);
        list = describe(session);
        info = info_of(list);
        CHECK_EQUAL(info.revision, revision);
        CHECK_TEXT(info.name, expected[0]);
        CHECK_TEXT(info.title, expected[1]);
        CHECK_TEXT(info.model, expected[2]);
        CHECK_TEXT(info.summary, expected[3]);
        CHECK_TEXT(info.metadata, expected[4]);
        CHECK_EQUAL(info.window_tokens, field == 5 ? 200 : 100);
        turnkeep_session_list_free(list);
    }
    turnkeep_session_close(session);
    close_store(store);
}

static void an_update_can_take_away_name_summary_and_window(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *session = NULL;
    turnkeep_session_list *list;
    options.name = "n";
    options.title = "t";
    options.model = "m";
    options.summary = "s";
    options.window_tokens = 100;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    changes.name = changes.title = changes.model = changes.summary = "";
    changes.window_tokens = TURNKEEP_WINDOW_OF_STORE;
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    list = describe(session);
    CHECK_TEXT(info_of(list).name, "");
    CHECK_TEXT(info_of(list).title, "");
    CHECK_TEXT(info_of(list).model, "");
    CHECK_TEXT(info_of(list).summary, "");
    CHECK_EQUAL(info_of(list).window_tokens, 0);
    turnkeep_session_list_free(list);
    turnkeep_session_close(session);
    close_store(store);
}

static void an_update_at_another_revision_is_a_conflict_and_changes_nothing(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session_list *list;
    uint64_t revision = 99;
    say(session, "x");
    changes.expected_revision = 1;
    changes.title = "late";
    FAILS(CONFLICT, "expected revision 1, the session has 2",
          turnkeep_session_update(session, &changes, &revision, &failure));
    CHECK_EQUAL(revision, 99);
    list = describe(session);
    CHECK_TEXT(info_of(list).title, "");
    CHECK_EQUAL(info_of(list).revision, 2);
    turnkeep_session_list_free(list);
    changes.expected_revision = 2;
    OK(turnkeep_session_update(session, &changes, &revision, &failure));
    CHECK_EQUAL(revision, 3);
    turnkeep_session_close(session);
    close_store(store);
}

static turnkeep_status create_named(turnkeep_store *store, const char *user_id, const char *name) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    turnkeep_status status;
    options.user_id = user_id;
    options.name = name;
    status = turnkeep_session_create(store, &options, &session, &failure);
    turnkeep_session_close(session);
    return status;
}

static void a_name_is_unique_among_its_owners_sessions(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *session;
    OK(create_named(store, NULL, "todo"));
    OK(create_named(store, "ada", "todo"));
    OK(create_named(store, "bob", "todo"));
    OK(create_named(store, "ada", "Todo"));
    OK(create_named(store, "ada", NULL));
    OK(create_named(store, "ada", ""));
    OK(create_named(store, "ada", ""));
    FAILS(EXISTS, "name 'todo'", create_named(store, "ada", "todo"));
    FAILS(EXISTS, "without an owner", create_named(store, "", "todo"));
    session = create(store, NULL);
    changes.name = "todo";
    FAILS(EXISTS, "name 'todo'", turnkeep_session_update(session, &changes, NULL, &failure));
    CHECK_EQUAL(revision_of(session), 1);
    changes.name = "other";
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

static void an_id_is_1_to_255_bytes_without_control_characters(void) {
    static const char *const good[] = {"x", "a/../b", "'; DROP TABLE sessions; --", "%_*?", " ", "\xF0\x9F\x98\x80"};
    static const char *const bad[] = {"", "a\nb", "\x7F", "\x01", "\xC2\x9B"};
    turnkeep_store *store = memory_store();
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    char id[257];
    int32_t exists = 0;
    size_t index;
    for (index = 0; index < sizeof good / sizeof *good; index++) {
        turnkeep_session_close(create(store, good[index]));
        session = open_session(store, good[index]);
        CHECK_TEXT(turnkeep_session_id(session), good[index]);
        turnkeep_session_close(session);
    }
    memset(id, 'i', sizeof id - 1);
    id[256] = 0;
    session = NULL;
    for (index = 0; index < sizeof bad / sizeof *bad + 1; index++) {
        options.id = index < sizeof bad / sizeof *bad ? bad[index] : id;
        FAILS(INVALID, "id ", turnkeep_session_create(store, &options, &session, &failure));
        FAILS(INVALID, "id ", turnkeep_session_open(store, options.id, &session, &failure));
        FAILS(INVALID, "id ", turnkeep_session_exists(store, options.id, &exists, &failure));
        FAILS(INVALID, "id ", turnkeep_session_delete(store, options.id, &failure));
    }
    CHECK(session == NULL);
    id[255] = 0;
    turnkeep_session_close(create(store, id));
    CHECK_EQUAL(session_exists(store, id), 1);
    FAILS(EXISTS, "there is a session 'x' already",
          (options.id = "x", turnkeep_session_create(store, &options, &session, &failure)));
    close_store(store);
}

static void texts_that_are_too_long_are_refused(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    char *text = (char *)malloc(5001);
    CHECK(text != NULL);
    memset(text, 'x', 5000);
    text[5000] = 0;
    options.title = text;
    FAILS(INVALID, "title is 5000 bytes long", turnkeep_session_create(store, &options, &session, &failure));
    options.title = NULL;
    options.user_id = text;
    FAILS(INVALID, "user_id is 5000", turnkeep_session_create(store, &options, &session, &failure));
    options.user_id = NULL;
    options.name = text;
    FAILS(INVALID, "name is 5000", turnkeep_session_create(store, &options, &session, &failure));
    options.name = NULL;
    options.model = text;
    FAILS(INVALID, "model is 5000", turnkeep_session_create(store, &options, &session, &failure));
    options.model = NULL;
    options.summary = text;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    turnkeep_session_close(session);
    close_store(store);
    free(text);
}

static void a_window_size_is_within_reason(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *session = NULL;
    options.window_tokens = UINT64_MAX;
    FAILS(INVALID, "too large", turnkeep_session_create(store, &options, &session, &failure));
    options.window_tokens = INT64_MAX;
    FAILS(INVALID, "too large", turnkeep_session_create(store, &options, &session, &failure));
    session = create(store, NULL);
    changes.window_tokens = UINT64_MAX - 1;
    FAILS(INVALID, "too large", turnkeep_session_update(session, &changes, NULL, &failure));
    CHECK_EQUAL(revision_of(session), 1);
    turnkeep_session_close(session);
    close_store(store);
}

static turnkeep_session_list *list_page(turnkeep_store *store, const char *user_id, const char *page, uint32_t limit) {
    turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_session_list *list = NULL;
    filter.user_id = user_id;
    options.filter = &filter;
    options.page = page;
    options.limit = limit;
    OK(turnkeep_store_list_sessions(store, &options, &list, &failure));
    return list;
}

static void sessions_are_listed_newest_first(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session_list *list = NULL;
    int number;
    for (number = 0; number < 60; number++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", number);
        turnkeep_session_close(create(store, id));
    }
    close_store(store);
    store = open_store(path);
    OK(turnkeep_store_list_sessions(store, NULL, &list, &failure));
    CHECK_EQUAL(turnkeep_session_list_len(list), 50);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->id, "s59");
    CHECK_TEXT(turnkeep_session_list_at(list, 49)->id, "s10");
    CHECK(turnkeep_session_list_at(list, 50) == NULL);
    CHECK(turnkeep_session_list_at(list, SIZE_MAX) == NULL);
    CHECK(turnkeep_session_list_next_page(list).len > 0);
    turnkeep_session_list_free(list);
    list = list_page(store, NULL, NULL, 60);
    CHECK_EQUAL(turnkeep_session_list_len(list), 60);
    CHECK_TEXT(turnkeep_session_list_next_page(list), "");
    turnkeep_session_list_free(list);
    close_store(store);
}

static void pages_neither_repeat_nor_hide_a_session_while_others_create_and_delete(void) {
    turnkeep_store *store = open_store(fresh_path());
    char page[64] = "";
    int expected = 99;
    int pages = 0;
    int number;
    for (number = 0; number < 100; number++) {
        char id[16];
        snprintf(id, sizeof id, "s%d", number);
        turnkeep_session_close(create(store, id));
    }
    do {
        turnkeep_session_list *list = list_page(store, NULL, page, 7);
        size_t index;
        for (index = 0; index < turnkeep_session_list_len(list); index++) {
            char id[16];
            snprintf(id, sizeof id, "s%d", expected--);
            CHECK_TEXT(turnkeep_session_list_at(list, index)->id, id);
        }
        /* The session that the next page begins after is deleted, and a new one appears in front. */
        if (index > 0) OK(turnkeep_session_delete(store, turnkeep_session_list_at(list, index - 1)->id.data, &failure));
        turnkeep_session_close(create(store, NULL));
        snprintf(page, sizeof page, "%s", turnkeep_session_list_next_page(list).data);
        turnkeep_session_list_free(list);
        pages++;
    } while (page[0] != 0);
    CHECK_EQUAL(expected, -1);
    CHECK_EQUAL(pages, 15);
    close_store(store);
}

static void a_list_can_be_of_one_owner_or_of_nobody(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_list *list;
    OK(create_named(store, "ada", "a"));
    OK(create_named(store, "bob", "b"));
    OK(create_named(store, "ada", "c"));
    OK(create_named(store, NULL, "d"));
    list = list_page(store, "ada", NULL, 0);
    CHECK_EQUAL(turnkeep_session_list_len(list), 2);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->name, "c");
    CHECK_TEXT(turnkeep_session_list_at(list, 1)->name, "a");
    turnkeep_session_list_free(list);
    list = list_page(store, "", NULL, 0);
    CHECK_EQUAL(turnkeep_session_list_len(list), 1);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->name, "d");
    turnkeep_session_list_free(list);
    list = list_page(store, "nobody we know", NULL, 0);
    CHECK_EQUAL(turnkeep_session_list_len(list), 0);
    CHECK_TEXT(turnkeep_session_list_next_page(list), "");
    turnkeep_session_list_free(list);
    list = list_page(store, NULL, NULL, 0);
    CHECK_EQUAL(turnkeep_session_list_len(list), 4);
    turnkeep_session_list_free(list);
    close_store(store);
}

static void a_page_that_no_list_gave_is_refused(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    turnkeep_session_list *list = NULL;
    options.page = "2";
    FAILS(INVALID, "page is not what a list gave", turnkeep_store_list_sessions(store, &options, &list, &failure));
    options.page = NULL;
    options.limit = 1001;
    FAILS(INVALID, "limit is 1001", turnkeep_store_list_sessions(store, &options, &list, &failure));
    options.limit = 1000;
    OK(turnkeep_store_list_sessions(store, &options, &list, &failure));
    turnkeep_session_list_free(list);
    close_store(store);
}

static void a_list_outlives_its_store(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_list *list;
    OK(create_named(store, "ada", "todo"));
    list = list_page(store, NULL, NULL, 0);
    close_store(store);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->user_id, "ada");
    turnkeep_session_list_free(list);
}

static void a_deleted_session_is_gone_and_its_id_is_free(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_store *other = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_session *elsewhere = open_session(other, "s");
    turnkeep_session *again;
    turnkeep_messages *messages = NULL;
    say(session, "old");
    CHECK_HISTORY(elsewhere, "old");
    CHECK_EQUAL(session_exists(other, "s"), 1);
    OK(turnkeep_session_delete(store, "s", &failure));
    CHECK_EQUAL(session_exists(store, "s"), 0);
    CHECK_EQUAL(session_exists(other, "s"), 0);
    FAILS(NOT_FOUND, "no session 's'", turnkeep_session_delete(store, "s", &failure));
    again = create(store, "s");
    CHECK_EQUAL(count_messages(again), 0);
    say(again, "new");
    /* The old handles do not become handles of the new session. */
    FAILS(NOT_FOUND, "deleted", turnkeep_session_history(session, &messages, &failure));
    FAILS(NOT_FOUND, "deleted", turnkeep_session_history(elsewhere, &messages, &failure));
    FAILS(NOT_FOUND, "deleted", turnkeep_session_append(elsewhere, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    CHECK_HISTORY(again, "new");
    turnkeep_session_close(again);
    turnkeep_session_close(session);
    turnkeep_session_close(elsewhere);
    close_store(store);
    close_store(other);
}

static void two_handles_of_a_session_see_the_same(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *one = create(store, "s");
    turnkeep_session *two = open_session(store, "s");
    say(one, "from one");
    say(two, "from two");
    CHECK_HISTORY(one, "from one", "from two");
    CHECK_HISTORY(two, "from one", "from two");
    turnkeep_session_close(one);
    CHECK_HISTORY(two, "from one", "from two");
    turnkeep_session_close(two);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_new_session_has_nothing_but_an_id);
    RUN(a_session_is_described_with_all_its_fields);
    RUN(the_callers_strings_are_copied);
    RUN(each_field_is_updated_alone_and_the_others_stay);
    RUN(an_update_can_take_away_name_summary_and_window);
    RUN(an_update_at_another_revision_is_a_conflict_and_changes_nothing);
    RUN(a_name_is_unique_among_its_owners_sessions);
    RUN(an_id_is_1_to_255_bytes_without_control_characters);
    RUN(texts_that_are_too_long_are_refused);
    RUN(a_window_size_is_within_reason);
    RUN(sessions_are_listed_newest_first);
    RUN(pages_neither_repeat_nor_hide_a_session_while_others_create_and_delete);
    RUN(a_list_can_be_of_one_owner_or_of_nobody);
    RUN(a_page_that_no_list_gave_is_refused);
    RUN(a_list_outlives_its_store);
    RUN(a_deleted_session_is_gone_and_its_id_is_free);
    RUN(two_handles_of_a_session_see_the_same);
    return 0;
}

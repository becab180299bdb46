/* Section 8 of the header: filters, lists, counts, changes to many sessions. */

#include "../support/check.h"

#include <time.h>

/* A session of five fields; NULL is none. */
static void make(turnkeep_store *store, const char *id, const char *user_id, const char *name, const char *title,
                 const char *metadata) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    options.id = id;
    options.user_id = user_id;
    options.name = name;
    options.title = title;
    options.metadata = metadata;
    options.model = title;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    turnkeep_session_close(session);
}

/* Four sessions; the last one has two messages, the others none. */
static turnkeep_store *library(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session;
    make(store, "a", "ada", "first", "Saure \xC3\x84PFEL", "{\"n\": 1, \"project\": {\"name\": \"turnkeep\"}}");
    make(store, "b", "ada", NULL, "100%", "{\"n\": 2}");
    make(store, "c", NULL, "last", "1000", NULL);
    make(store, "d", "bob", NULL, "", NULL);
    session = open_session(store, "d");
    say(session, "hello");
    answer(session, "you");
    turnkeep_session_close(session);
    return store;
}

/* The ids that a list has, in its order, as one text. */
static const char *ids_of(const turnkeep_session_list *list) {
    static char ids[64];
    size_t index;
    ids[0] = 0;
    for (index = 0; index < turnkeep_session_list_len(list); index++)
        strncat(ids, turnkeep_session_list_at(list, index)->id.data, sizeof ids - strlen(ids) - 1);
    return ids;
}

static void check_list(int line, turnkeep_store *store, const turnkeep_session_list_options *options, const char *ids) {
    turnkeep_session_list *list = NULL;
    OK(turnkeep_store_list_sessions(store, options, &list, &failure));
    if (strcmp(ids_of(list), ids) != 0) check_fail(__FILE__, line, "'%s' is not '%s'", ids_of(list), ids);
    turnkeep_session_list_free(list);
}

/* What a filter finds, in the order of creation; and that the count says the same. */
static void check_found(int line, turnkeep_store *store, const turnkeep_filter *filter, const char *ids) {
    turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    uint64_t count = 99;
    options.filter = filter;
    options.ascending = 1;
    check_list(line, store, &options, ids);
    OK(turnkeep_store_count_sessions(store, filter, &count, &failure));
    check_equal(__FILE__, line, "count", (long long)count, (long long)strlen(ids));
}

#define FOUND(store, ids, ...) \
    check_found(__LINE__, store, &(turnkeep_filter){.struct_size = sizeof(turnkeep_filter), __VA_ARGS__}, ids)

#define CONDITION(where, how, what) \
    &(turnkeep_metadata_condition) { sizeof(turnkeep_metadata_condition), where, what, how, 0 }

static uint64_t change(turnkeep_store *store, const turnkeep_filter *filter, int32_t action, const char *tag) {
    uint64_t changed = 99;
    OK(turnkeep_store_change_sessions(store, filter, action, tag, &changed, &failure));
    return changed;
}

static void each_field_of_a_filter_finds_what_it_says(void) {
    turnkeep_store *store = library();
    const char *const tags[] = {"t", "u"};
    turnkeep_filter hers = TURNKEEP_FILTER_INIT;
    hers.user_id = "ada";
    CHECK_EQUAL(change(store, &hers, TURNKEEP_BULK_ADD_TAG, "t"), 2);
    hers.model = "100%";
    CHECK_EQUAL(change(store, &hers, TURNKEEP_BULK_ADD_TAG, "u"), 1);
    check_found(__LINE__, store, NULL, "abcd");
    FOUND(store, "abcd", .user_id = NULL);
    FOUND(store, "ab", .user_id = "ada");
    FOUND(store, "c", .user_id = "");
    FOUND(store, "abcd", .statuses = TURNKEEP_FILTER_ACTIVE | TURNKEEP_FILTER_TRASHED);
    FOUND(store, "", .statuses = TURNKEEP_FILTER_ARCHIVED);
    FOUND(store, "d", .has_messages = TURNKEEP_FILTER_WITH_MESSAGES);
    FOUND(store, "abc", .has_messages = TURNKEEP_FILTER_WITHOUT_MESSAGES);
    FOUND(store, "b", .all_tags = tags, .all_tag_count = 2);
    FOUND(store, "ab", .any_tags = tags, .any_tag_count = 2);
    FOUND(store, "c", .model = "1000");
    FOUND(store, "a", .text = "\xC3\xA4pfel");
    FOUND(store, "b", .text = "%");
    FOUND(store, "c", .text = "LAST");
    FOUND(store, "a", .metadata = CONDITION("/project/name", TURNKEEP_RELATION_EQUAL, "\"turnkeep\""),
          .metadata_count = 1);
    FOUND(store, "ab", .metadata = CONDITION("/n", TURNKEEP_RELATION_EXISTS, NULL), .metadata_count = 1);
    FOUND(store, "a", .metadata = CONDITION("/n", TURNKEEP_RELATION_LESS, "2"), .metadata_count = 1);
    FOUND(store, "b", .metadata = CONDITION("/n", TURNKEEP_RELATION_GREATER, "1.5"), .metadata_count = 1);
    FOUND(store, "", .parent_id = "a");
    FOUND(store, "", .expires_from = "1970-01-01");
    FOUND(store, "", .expires_to = "9999-12-31");
    FOUND(store, "ab", .user_id = "ada", .any_tags = tags, .any_tag_count = 1);
    close_store(store);
}

static void format_date(char *date, size_t size, int64_t seconds) {
    time_t time = (time_t)seconds;
    CHECK(strftime(date, size, "%Y-%m-%d", gmtime(&time)) == 10);
}

static void a_day_is_found_with_its_end_and_in_its_time_zone(void) {
    turnkeep_store *store = library();
    turnkeep_session *session = open_session(store, "a");
    turnkeep_session_list *list = describe(session);
    int64_t created = turnkeep_session_list_at(list, 0)->created_us / 1000000;
    char today[32], yesterday[32], tomorrow[32], far_east[32];
    turnkeep_session_list_free(list);
    turnkeep_session_close(session);
    format_date(today, sizeof today, created);
    format_date(yesterday, sizeof yesterday, created - 86400);
    format_date(tomorrow, sizeof tomorrow, created + 86400);
    format_date(far_east, sizeof far_east, created + 14 * 3600);
    /* All four were created within the same second or two: midnight may lie between them. */
    FOUND(store, "abcd", .created_from = today, .created_to = tomorrow);
    FOUND(store, "abcd", .updated_from = today, .updated_to = tomorrow);
    FOUND(store, "", .created_to = yesterday);
    FOUND(store, "", .updated_to = yesterday);
    FOUND(store, "abcd", .created_from = yesterday, .updated_to = tomorrow);
    FOUND(store, "abcd", .created_from = far_east, .utc_offset_minutes = 14 * 60);
    close_store(store);
}

static void lists_sort_by_every_column_both_ways(void) {
    static const struct {
        int32_t sort;
        const char *descending;
    } sorts[] = {
        {0, "dcba"},
        {TURNKEEP_SORT_CREATED, "dcba"},
        {TURNKEEP_SORT_UPDATED, "dcba"},
        {TURNKEEP_SORT_ID, "dcba"},
        {TURNKEEP_SORT_TOKENS, "dcba"},
        {TURNKEEP_SORT_MESSAGES, "dcba"},
        {TURNKEEP_SORT_NAME, "cadb"},
    };
    turnkeep_store *store = library();
    size_t index;
    for (index = 0; index < sizeof sorts / sizeof *sorts; index++) {
        turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
        const char *ids = sorts[index].descending;
        char ascending[] = {ids[3], ids[2], ids[1], ids[0], 0};
        options.sort = sorts[index].sort;
        check_list(__LINE__, store, &options, ids);
        options.ascending = 1;
        check_list(__LINE__, store, &options, ascending);
    }
    close_store(store);
}

static void pages_of_a_sorted_list_follow_each_other(void) {
    turnkeep_store *store = library();
    turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    turnkeep_session_list *list = NULL, *next = NULL;
    options.sort = TURNKEEP_SORT_NAME;
    options.limit = 3;
    OK(turnkeep_store_list_sessions(store, &options, &list, &failure));
    CHECK(strcmp(ids_of(list), "cad") == 0);
    options.page = turnkeep_session_list_next_page(list).data;
    OK(turnkeep_store_list_sessions(store, &options, &next, &failure));
    CHECK(strcmp(ids_of(next), "b") == 0);
    CHECK_TEXT(turnkeep_session_list_next_page(next), "");
    turnkeep_session_list_free(next);
    next = NULL;
    options.ascending = 1;
    FAILS(INVALID, "another filter or another order", turnkeep_store_list_sessions(store, &options, &next, &failure));
    CHECK(next == NULL);
    turnkeep_session_list_free(list);
    close_store(store);
}

static void many_sessions_change_at_once(void) {
    turnkeep_store *store = library();
    turnkeep_session *session = open_session(store, "a");
    turnkeep_filter hers = TURNKEEP_FILTER_INIT;
    turnkeep_filter trashed = TURNKEEP_FILTER_INIT;
    hers.user_id = "ada";
    trashed.statuses = TURNKEEP_FILTER_TRASHED;
    CHECK_EQUAL(change(store, &hers, TURNKEEP_BULK_ARCHIVE, NULL), 2);
    FOUND(store, "ab", .statuses = TURNKEEP_FILTER_ARCHIVED);
    CHECK_EQUAL(revision_of(session), 2);
    CHECK_EQUAL(change(store, &hers, TURNKEEP_BULK_ARCHIVE, NULL), 0);
    CHECK_EQUAL(revision_of(session), 2);
    CHECK_EQUAL(change(store, &hers, TURNKEEP_BULK_TRASH, NULL), 2);
    check_found(__LINE__, store, NULL, "cd");
    CHECK_EQUAL(change(store, &trashed, TURNKEEP_BULK_RESTORE, NULL), 2);
    check_found(__LINE__, store, NULL, "abcd");
    CHECK_EQUAL(change(store, NULL, TURNKEEP_BULK_ADD_TAG, "t"), 4);
    CHECK_EQUAL(change(store, &hers, TURNKEEP_BULK_REMOVE_TAG, "t"), 2);
    FOUND(store, "cd", .any_tags = &(const char *){"t"}, .any_tag_count = 1);
    CHECK_EQUAL(change(store, &hers, TURNKEEP_BULK_DELETE, NULL), 2);
    check_found(__LINE__, store, NULL, "cd");
    FAILS(NOT_FOUND, "'a'", turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

/* The QV manager's README: delete all conversations of one day. */
static void all_sessions_of_one_day_are_deleted(void) {
    turnkeep_store *store = library();
    turnkeep_filter day = TURNKEEP_FILTER_INIT;
    day.created_from = "2020-02-29";
    day.created_to = "2020-02-29";
    CHECK_EQUAL(change(store, &day, TURNKEEP_BULK_DELETE, NULL), 0);
    day.created_to = "2999-12-31";
    CHECK_EQUAL(change(store, &day, TURNKEEP_BULK_DELETE, NULL), 4);
    check_found(__LINE__, store, NULL, "");
    close_store(store);
}

static void a_store_that_is_read_only_is_listed_and_counted_and_not_changed(void) {
    const char *path = fresh_path();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = open_store(path);
    uint64_t changed = 99;
    make(store, "a", NULL, NULL, "title", NULL);
    close_store(store);
    options.read_only = 1;
    store = open_with(path, &options);
    FOUND(store, "a", .text = "TITLE");
    FAILS(READONLY, "read-only",
          turnkeep_store_change_sessions(store, NULL, TURNKEEP_BULK_DELETE, NULL, &changed, &failure));
    CHECK_EQUAL(changed, 99);
    check_found(__LINE__, store, NULL, "a");
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(each_field_of_a_filter_finds_what_it_says);
    RUN(a_day_is_found_with_its_end_and_in_its_time_zone);
    RUN(lists_sort_by_every_column_both_ways);
    RUN(pages_of_a_sorted_list_follow_each_other);
    RUN(many_sessions_change_at_once);
    RUN(all_sessions_of_one_day_are_deleted);
    RUN(a_store_that_is_read_only_is_listed_and_counted_and_not_changed);
    return 0;
}

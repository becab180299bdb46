/*
 * What a host can do wrong with filters, lists, counts and changes to many sessions (see ../support/hostile.h).
 */

#include "../support/hostile.h"

/* A filter with nothing set but one field, to `bad`. */
#define FILTER(field) WITH(turnkeep_filter, field)

/* A filter with one metadata condition: that there is something at the root, but for one field. */
#define CONDITION(...)                                                                                               \
    (&(turnkeep_filter){                                                                                             \
        .struct_size = sizeof(turnkeep_filter),                                                                      \
        .metadata = &(turnkeep_metadata_condition){.struct_size = sizeof(turnkeep_metadata_condition), __VA_ARGS__}, \
        .metadata_count = 1})

static turnkeep_status count(const turnkeep_filter *filter, turnkeep_error **error) {
    uint64_t found = 99;
    turnkeep_status status = turnkeep_store_count_sessions(store, filter, &found, error);
    CHECK(status == TURNKEEP_OK || found == 99);
    return status;
}

static turnkeep_status list(const turnkeep_session_list_options *options, turnkeep_error **error) {
    turnkeep_session_list *out = NULL;
    turnkeep_status status = turnkeep_store_list_sessions(store, options, &out, error);
    CHECK(status == TURNKEEP_OK || out == NULL);
    turnkeep_session_list_free(out);
    return status;
}

static turnkeep_status change(const turnkeep_filter *filter, int32_t action, const char *tag, turnkeep_error **error) {
    uint64_t changed = 99;
    turnkeep_status status = turnkeep_store_change_sessions(store, filter, action, tag, &changed, error);
    CHECK(status == TURNKEEP_OK || changed == 99);
    return status;
}

static void null_in_counts_and_changes(void) {
    turnkeep_filter nobody = TURNKEEP_FILTER_INIT;
    uint64_t out = 99;
    nobody.user_id = "nobody of this name";
    NULL_REFUSED(turnkeep_store_count_sessions, store, turnkeep_store_count_sessions(NULL, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_store_count_sessions, count, turnkeep_store_count_sessions(store, NULL, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_count_sessions, error,
                 turnkeep_store_count_sessions(store, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(out, 99);
    NULL_ALLOWED(turnkeep_store_count_sessions, filter,
                 turnkeep_store_count_sessions(store, NULL, &out, &failure) == TURNKEEP_OK);
    CHECK_EQUAL(out, 1);
    out = 99;
    NULL_REFUSED(turnkeep_store_change_sessions, store,
                 turnkeep_store_change_sessions(NULL, NULL, TURNKEEP_BULK_DELETE, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_store_change_sessions, tag,
                 turnkeep_store_change_sessions(store, NULL, TURNKEEP_BULK_ADD_TAG, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_store_change_sessions, tag,
                 turnkeep_store_change_sessions(store, NULL, TURNKEEP_BULK_REMOVE_TAG, NULL, &out, &failure));
    NULL_ALLOWED(turnkeep_store_change_sessions, error,
                 turnkeep_store_change_sessions(store, NULL, 0, NULL, &out, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(out, 99);
    NULL_ALLOWED(turnkeep_store_change_sessions, changed,
                 turnkeep_store_change_sessions(store, &nobody, TURNKEEP_BULK_DELETE, NULL, NULL, &failure) ==
                     TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_change_sessions, filter,
                 turnkeep_store_change_sessions(spare, NULL, TURNKEEP_BULK_ARCHIVE, NULL, &out, &failure) ==
                     TURNKEEP_OK);
    CHECK_EQUAL(out, 1);
}

static void null_in_filters(void) {
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_metadata_condition condition = TURNKEEP_METADATA_CONDITION_INIT;
    const char *const tags[] = {"a", NULL};
    filter.all_tag_count = 1;
    FAILS(INVALID, "all_tags is NULL", count(&filter, &failure));
    filter.all_tags = tags;
    filter.all_tag_count = 2;
    FAILS(INVALID, "all_tags is NULL", count(&filter, &failure));
    filter.all_tag_count = SIZE_MAX;
    FAILS(INVALID, "more than memory can hold", count(&filter, &failure));
    filter.all_tag_count = 0;
    FAILS(INVALID, "all_tags is given, and its count is 0", count(&filter, &failure));
    FAILS(INVALID, "all_tags is given, and its count is 0", change(&filter, TURNKEEP_BULK_DELETE, NULL, &failure));
    filter.all_tags = NULL;
    filter.any_tags = tags;
    FAILS(INVALID, "any_tags is given, and its count is 0", count(&filter, &failure));
    filter.any_tags = NULL;
    filter.any_tag_count = 1;
    FAILS(INVALID, "any_tags is NULL", count(&filter, &failure));
    filter.any_tag_count = 0;
    filter.metadata_count = 1;
    FAILS(INVALID, "metadata is NULL", count(&filter, &failure));
    filter.metadata_count = SIZE_MAX;
    FAILS(INVALID, "more than memory can hold", count(&filter, &failure));
    filter.metadata_count = 0;
    filter.metadata = &condition;
    FAILS(INVALID, "metadata is given, and its count is 0", count(&filter, &failure));
    filter.metadata_count = 1;
    condition.relation = TURNKEEP_RELATION_EXISTS;
    FAILS(INVALID, "pointer is NULL", count(&filter, &failure));
    condition.pointer = "/a";
    condition.value = "1";
    FAILS(INVALID, "leave it NULL", count(&filter, &failure));
    condition.relation = TURNKEEP_RELATION_EQUAL;
    condition.value = NULL;
    FAILS(INVALID, "value is NULL", count(&filter, &failure));
    check_unchanged(__LINE__);
}

static void structs_of_a_wrong_size_are_refused(void) {
    turnkeep_metadata_condition conditions[] = {TURNKEEP_METADATA_CONDITION_INIT, TURNKEEP_METADATA_CONDITION_INIT};
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    SIZE(turnkeep_filter, count(sized, &failure));
    SIZE(turnkeep_filter, change(sized, TURNKEEP_BULK_DELETE, NULL, &failure));
    SIZE(turnkeep_filter,
         list(&(turnkeep_session_list_options){.struct_size = sizeof(turnkeep_session_list_options), .filter = sized},
              &failure));
    SIZE(turnkeep_metadata_condition,
         count(&(turnkeep_filter){.struct_size = sizeof(turnkeep_filter), .metadata = sized, .metadata_count = 1},
               &failure));
    conditions[0].pointer = "";
    conditions[0].relation = TURNKEEP_RELATION_EXISTS;
    conditions[1].struct_size = 8;
    filter.metadata = conditions;
    filter.metadata_count = 2;
    FAILS(INVALID, "turnkeep_metadata_condition.struct_size is 8", count(&filter, &failure));
}

static void text_that_is_not_utf_8_is_refused(void) {
    TEXT(turnkeep_filter, user_id, count(FILTER(user_id), &error));
    TEXT(turnkeep_filter, model, count(FILTER(model), &error));
    TEXT(turnkeep_filter, text, count(FILTER(text), &error));
    TEXT(turnkeep_filter, created_from, count(FILTER(created_from), &error));
    TEXT(turnkeep_filter, created_to, count(FILTER(created_to), &error));
    TEXT(turnkeep_filter, updated_from, count(FILTER(updated_from), &error));
    TEXT(turnkeep_filter, updated_to, count(FILTER(updated_to), &error));
    TEXT(turnkeep_filter, expires_from, count(FILTER(expires_from), &error));
    TEXT(turnkeep_filter, expires_to, count(FILTER(expires_to), &error));
    TEXT(turnkeep_filter, parent_id, count(FILTER(parent_id), &error));
    TEXT(turnkeep_filter, all_tags,
         count(&(turnkeep_filter){.struct_size = sizeof(turnkeep_filter), .all_tags = &bad, .all_tag_count = 1},
               &error));
    TEXT(turnkeep_filter, any_tags,
         count(&(turnkeep_filter){.struct_size = sizeof(turnkeep_filter), .any_tags = &bad, .any_tag_count = 1},
               &error));
    TEXT(turnkeep_metadata_condition, pointer,
         count(CONDITION(.pointer = bad, .relation = TURNKEEP_RELATION_EXISTS), &error));
    TEXT(turnkeep_metadata_condition, value,
         count(CONDITION(.pointer = "", .value = bad, .relation = TURNKEEP_RELATION_EQUAL), &error));
    TEXT(turnkeep_store_change_sessions, tag, change(NULL, TURNKEEP_BULK_ADD_TAG, bad, &error));
}

static void numbers_that_mean_nothing_are_refused(void) {
#define LIST(field) WITH(turnkeep_session_list_options, field)
    NUMBER(turnkeep_filter, statuses, uint32_t, count(FILTER(statuses), &failure), TURNKEEP_SESSION_ACTIVE,
           TURNKEEP_SESSION_TRASHED, 0x800, UINT32_MAX);
    NUMBER(turnkeep_filter, has_messages, int32_t, count(FILTER(has_messages), &failure), -1, 3, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_filter, utc_offset_minutes, int32_t, count(FILTER(utc_offset_minutes), &failure), -1440, 1440,
           INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_metadata_condition, relation, int32_t,
           count(CONDITION(.pointer = "", .value = "1", .relation = bad), &failure), 0, -1, 5, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_session_list_options, sort, int32_t, list(LIST(sort), &failure), -1, 7, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_session_list_options, ascending, int32_t, list(LIST(ascending), &failure), -1, 2, INT32_MAX);
    NUMBER(turnkeep_store_change_sessions, action, int32_t, change(NULL, bad, NULL, &failure), 0, -1, 7, INT32_MIN,
           INT32_MAX);
    FAILS(INVALID, "reserved is 1",
          count(&(turnkeep_filter){.struct_size = sizeof(turnkeep_filter), .reserved = 1}, &failure));
    FAILS(INVALID, "reserved is 1",
          count(CONDITION(.pointer = "", .relation = TURNKEEP_RELATION_EXISTS, .reserved = 1), &failure));
    FAILS(INVALID, "reserved is 1",
          list(&(turnkeep_session_list_options){.struct_size = sizeof(turnkeep_session_list_options), .reserved = 1},
               &failure));
    check_unchanged(__LINE__);
}

static void texts_that_mean_nothing_are_refused(void) {
    const char *bad;
    const char *const empty = "";
#define REFUSED(text, says, filter)                                                 \
    do {                                                                            \
        bad = text;                                                                 \
        FAILS(INVALID, says, count(filter, &failure));                              \
        FAILS(INVALID, says, change(filter, TURNKEEP_BULK_DELETE, NULL, &failure)); \
    } while (0)
    REFUSED("tomorrow", "created_from is 'tomorrow'", FILTER(created_from));
    REFUSED("2026-02-30", "created_to is '2026-02-30'", FILTER(created_to));
    REFUSED("", "updated_from is ''", FILTER(updated_from));
    REFUSED("2026-11-20T25:00", "updated_to is", FILTER(updated_to));
    REFUSED("2026", "expires_from is", FILTER(expires_from));
    REFUSED("2026-11-20+02:00", "expires_to is", FILTER(expires_to));
    REFUSED("", "parent_id is empty", FILTER(parent_id));
    REFUSED("a\nb", "user_id has a control character", FILTER(user_id));
    REFUSED("a\x7F", "model has a control character", FILTER(model));
    REFUSED("$.a", "'$.a' is not a JSON Pointer", CONDITION(.pointer = bad, .relation = TURNKEEP_RELATION_EXISTS));
    REFUSED("blue", "value is not JSON", CONDITION(.pointer = "/a", .value = bad, .relation = TURNKEEP_RELATION_EQUAL));
    REFUSED("null", "neither a number nor a string",
            CONDITION(.pointer = "/a", .value = bad, .relation = TURNKEEP_RELATION_LESS));
    FAILS(INVALID, "a tag is empty",
          count(&(turnkeep_filter){.struct_size = sizeof(turnkeep_filter), .any_tags = &empty, .any_tag_count = 1},
                &failure));
    FAILS(INVALID, "created_from ('2026-11-21') lies after created_to ('2026-11-20')",
          count(&(turnkeep_filter){.struct_size = sizeof(turnkeep_filter),
                                   .created_from = "2026-11-21",
                                   .created_to = "2026-11-20"},
                &failure));
    FAILS(INVALID, "tag is empty", change(NULL, TURNKEEP_BULK_ADD_TAG, "", &failure));
    FAILS(INVALID, "leave it NULL", change(NULL, TURNKEEP_BULK_DELETE, "x", &failure));
    check_unchanged(__LINE__);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);
    RUN(null_in_counts_and_changes);
    RUN(null_in_filters);
    RUN(structs_of_a_wrong_size_are_refused);
    RUN(text_that_is_not_utf_8_is_refused);
    RUN(numbers_that_mean_nothing_are_refused);
    RUN(texts_that_mean_nothing_are_refused);
    return end_hostile();
}

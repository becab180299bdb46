/*
 * Numbers without a sign that mean nothing: limits that are passed, and room for later that is not zero (see
 * ../support/hostile.h).
 */

#include "../support/hostile.h"

static turnkeep_status list(const turnkeep_session_list_options *options, turnkeep_error **error) {
    turnkeep_session_list *out = NULL;
    turnkeep_status status = turnkeep_store_list_sessions(store, options, &out, error);
    CHECK(status == TURNKEEP_OK || out == NULL);
    turnkeep_session_list_free(out);
    return status;
}

static turnkeep_status list_with(const turnkeep_filter *filter, turnkeep_error **error) {
    turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    options.filter = filter;
    return list(&options, error);
}

static turnkeep_status list_where(const turnkeep_metadata_condition *condition, turnkeep_error **error) {
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    filter.metadata = condition;
    filter.metadata_count = 1;
    return list_with(&filter, error);
}

static void limits_that_are_passed_are_refused(void) {
    turnkeep_store *opened = NULL;
    turnkeep_events *events = NULL;
    NUMBER(turnkeep_store_options, readers, uint32_t,
           turnkeep_store_open(":memory:", WITH(turnkeep_store_options, readers), &opened, &failure), 1025, 65536,
           UINT32_MAX);
    NUMBER(turnkeep_session_list_options, limit, uint32_t, list(WITH(turnkeep_session_list_options, limit), &failure),
           1001, 65536, UINT32_MAX);
    NUMBER(turnkeep_store_events_after, limit, uint32_t, turnkeep_store_events_after(store, 0, bad, &events, &failure),
           10001, 65536, UINT32_MAX);
    CHECK(opened == NULL && events == NULL);
}

static void room_for_later_must_be_zero(void) {
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_window *window = NULL;
#define CONDITION                                                                       \
    (&(turnkeep_metadata_condition){.struct_size = sizeof(turnkeep_metadata_condition), \
                                    .pointer = "",                                      \
                                    .relation = TURNKEEP_RELATION_EXISTS,               \
                                    .reserved = bad})
    NUMBER(turnkeep_append_options, reserved, uint32_t,
           turnkeep_session_append_batch(session, &message, 1, WITH(turnkeep_append_options, reserved), NULL, &failure),
           1, UINT32_MAX);
    NUMBER(turnkeep_window_options, reserved, uint32_t,
           turnkeep_session_window(session, WITH(turnkeep_window_options, reserved), &window, &failure), 1, UINT32_MAX);
    NUMBER(turnkeep_filter, reserved, uint32_t, list_with(WITH(turnkeep_filter, reserved), &failure), 1, UINT32_MAX);
    NUMBER(turnkeep_metadata_condition, reserved, uint32_t, list_where(CONDITION, &failure), 1, UINT32_MAX);
    NUMBER(turnkeep_session_list_options, reserved, uint32_t,
           list(WITH(turnkeep_session_list_options, reserved), &failure), 1, UINT32_MAX);
    CHECK(window == NULL);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);
    RUN(limits_that_are_passed_are_refused);
    RUN(room_for_later_must_be_zero);
    return end_hostile();
}

/*
 * What a host can do wrong with the functions of the header's sections 1 to 5 (see ../support/hostile.h).
 */

#include "../support/hostile.h"

static void null_in_the_basics(void) {
    NULL_ALLOWED(turnkeep_has_feature, name, turnkeep_has_feature(NULL) == 0);
    NULL_ALLOWED(turnkeep_error_status, error, turnkeep_error_status(NULL) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_error_message, error, turnkeep_error_message(NULL).len == 0);
    NULL_ALLOWED(turnkeep_error_message, error, turnkeep_error_message(NULL).data[0] == 0);
    NULL_ALLOWED(turnkeep_error_free, error, (turnkeep_error_free(NULL), 1));
    NULL_ALLOWED(turnkeep_document_text, document, turnkeep_document_text(NULL).len == 0);
    NULL_ALLOWED(turnkeep_document_free, document, (turnkeep_document_free(NULL), 1));
}

static void null_in_stores(void) {
    turnkeep_store *opened = NULL;
    NULL_REFUSED(turnkeep_store_open, location, turnkeep_store_open(NULL, NULL, &opened, &failure));
    NULL_REFUSED(turnkeep_store_open, out, turnkeep_store_open(":memory:", NULL, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_open, options, turnkeep_store_open(":memory:", NULL, &opened, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_open, error, turnkeep_store_open(NULL, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_ALLOWED(turnkeep_store_location, store, turnkeep_store_location(NULL).len == 0);
    NULL_ALLOWED(turnkeep_store_location, store, turnkeep_store_location(NULL).data[0] == 0);
    NULL_REFUSED(turnkeep_store_flush, store, turnkeep_store_flush(NULL, &failure));
    NULL_ALLOWED(turnkeep_store_flush, error, turnkeep_store_flush(NULL, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_ALLOWED(turnkeep_store_close, store, turnkeep_store_close(NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_close, error, turnkeep_store_close(opened, NULL) == TURNKEEP_OK);
}

static void null_in_sessions(void) {
    turnkeep_session *out = NULL;
    turnkeep_session_list *list = NULL;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    uint64_t revision = 99;
    int32_t exists = 99;
    NULL_REFUSED(turnkeep_session_create, store, turnkeep_session_create(NULL, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_session_create, out, turnkeep_session_create(store, NULL, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_create, options, turnkeep_session_create(spare, NULL, &out, &failure) == TURNKEEP_OK);
    turnkeep_session_close(out);
    out = NULL;
    NULL_ALLOWED(turnkeep_session_create, error,
                 turnkeep_session_create(store, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_open, store, turnkeep_session_open(NULL, "s", &out, &failure));
    NULL_REFUSED(turnkeep_session_open, id, turnkeep_session_open(store, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_session_open, out, turnkeep_session_open(store, "s", NULL, &failure));
    NULL_ALLOWED(turnkeep_session_open, error,
                 turnkeep_session_open(store, "?", &out, NULL) == TURNKEEP_ERROR_NOT_FOUND);
    CHECK(out == NULL);
    NULL_REFUSED(turnkeep_session_exists, store, turnkeep_session_exists(NULL, "s", &exists, &failure));
    NULL_REFUSED(turnkeep_session_exists, id, turnkeep_session_exists(store, NULL, &exists, &failure));
    NULL_REFUSED(turnkeep_session_exists, exists, turnkeep_session_exists(store, "s", NULL, &failure));
    NULL_ALLOWED(turnkeep_session_exists, error,
                 turnkeep_session_exists(store, "", &exists, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(exists, 99);
    NULL_REFUSED(turnkeep_session_delete, store, turnkeep_session_delete(NULL, "s", &failure));
    NULL_REFUSED(turnkeep_session_delete, id, turnkeep_session_delete(store, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_delete, error, turnkeep_session_delete(store, "?", NULL) == TURNKEEP_ERROR_NOT_FOUND);
    NULL_ALLOWED(turnkeep_session_close, session, (turnkeep_session_close(NULL), 1));
    NULL_ALLOWED(turnkeep_session_id, session, turnkeep_session_id(NULL).len == 0);
    NULL_ALLOWED(turnkeep_session_id, session, turnkeep_session_id(NULL).data[0] == 0);
    NULL_REFUSED(turnkeep_session_describe, session, turnkeep_session_describe(NULL, &list, &failure));
    NULL_REFUSED(turnkeep_session_describe, out, turnkeep_session_describe(session, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_describe, error,
                 turnkeep_session_describe(NULL, &list, NULL) == TURNKEEP_ERROR_INVALID);
    changes.title = "changed";
    NULL_REFUSED(turnkeep_session_update, session, turnkeep_session_update(NULL, &changes, &revision, &failure));
    NULL_REFUSED(turnkeep_session_update, changes, turnkeep_session_update(session, NULL, &revision, &failure));
    NULL_ALLOWED(turnkeep_session_update, revision,
                 turnkeep_session_update(spare_session, &changes, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_update, error,
                 turnkeep_session_update(session, NULL, &revision, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(revision, 99);
}

static void null_in_lists(void) {
    turnkeep_session_list *list = NULL;
    NULL_REFUSED(turnkeep_store_list_sessions, store, turnkeep_store_list_sessions(NULL, NULL, &list, &failure));
    NULL_REFUSED(turnkeep_store_list_sessions, out, turnkeep_store_list_sessions(store, NULL, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_list_sessions, options,
                 turnkeep_store_list_sessions(store, NULL, &list, &failure) == TURNKEEP_OK);
    turnkeep_session_list_free(list);
    NULL_ALLOWED(turnkeep_store_list_sessions, error,
                 turnkeep_store_list_sessions(store, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_ALLOWED(turnkeep_session_list_len, list, turnkeep_session_list_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_session_list_at, list, turnkeep_session_list_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_session_list_next_page, list, turnkeep_session_list_next_page(NULL).len == 0);
    NULL_ALLOWED(turnkeep_session_list_next_page, list, turnkeep_session_list_next_page(NULL).data[0] == 0);
    NULL_ALLOWED(turnkeep_session_list_free, list, (turnkeep_session_list_free(NULL), 1));
}

static void null_in_messages(void) {
    turnkeep_messages *out = NULL;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    uint64_t revision = 99;
    NULL_REFUSED(turnkeep_session_append, session,
                 turnkeep_session_append(NULL, TURNKEEP_ROLE_USER, "x", 1, &receipt, &failure));
    NULL_REFUSED(turnkeep_session_append, content,
                 turnkeep_session_append(session, TURNKEEP_ROLE_USER, NULL, 1, &receipt, &failure));
    NULL_ALLOWED(turnkeep_session_append, receipt,
                 turnkeep_session_append(spare_session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_append, error,
                 turnkeep_session_append(session, 0, "x", 1, &receipt, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_append_batch, session,
                 turnkeep_session_append_batch(NULL, &message, 1, NULL, &receipt, &failure));
    NULL_REFUSED(turnkeep_session_append_batch, messages,
                 turnkeep_session_append_batch(session, NULL, 1, NULL, &receipt, &failure));
    NULL_ALLOWED(turnkeep_session_append_batch, options,
                 turnkeep_session_append_batch(spare_session, &message, 1, NULL, &receipt, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_append_batch, receipt,
                 turnkeep_session_append_batch(spare_session, &message, 1, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_append_batch, error,
                 turnkeep_session_append_batch(session, NULL, 1, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    FAILS(INVALID, "count is 0", turnkeep_session_append_batch(session, NULL, 0, NULL, &receipt, &failure));
    FAILS(INVALID, "count is 0", turnkeep_session_append_batch(session, &message, 0, NULL, &receipt, &failure));
    message.content = NULL;
    FAILS(INVALID, "content is NULL", turnkeep_session_append_batch(session, &message, 1, NULL, &receipt, &failure));
    NULL_REFUSED(turnkeep_session_clear, session, turnkeep_session_clear(NULL, 0, &revision, &failure));
    NULL_ALLOWED(turnkeep_session_clear, revision,
                 turnkeep_session_clear(spare_session, 0, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_clear, error,
                 turnkeep_session_clear(session, 77, &revision, NULL) == TURNKEEP_ERROR_CONFLICT);
    CHECK_EQUAL(revision, 99);
    NULL_REFUSED(turnkeep_session_history, session, turnkeep_session_history(NULL, &out, &failure));
    NULL_REFUSED(turnkeep_session_history, out, turnkeep_session_history(session, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_history, error, turnkeep_session_history(NULL, &out, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_last, session, turnkeep_session_last(NULL, 1, &out, &failure));
    NULL_REFUSED(turnkeep_session_last, out, turnkeep_session_last(session, 1, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_last, error, turnkeep_session_last(NULL, 1, &out, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_range, session, turnkeep_session_range(NULL, 1, 2, &out, &failure));
    NULL_REFUSED(turnkeep_session_range, out, turnkeep_session_range(session, 1, 2, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_range, error,
                 turnkeep_session_range(session, 0, 0, &out, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_message, session, turnkeep_session_message(NULL, 1, &out, &failure));
    NULL_REFUSED(turnkeep_session_message, out, turnkeep_session_message(session, 1, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_message, error,
                 turnkeep_session_message(session, 9, &out, NULL) == TURNKEEP_ERROR_NOT_FOUND);
    CHECK(out == NULL);
    NULL_ALLOWED(turnkeep_messages_len, messages, turnkeep_messages_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_messages_at, messages, turnkeep_messages_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_messages_free, messages, (turnkeep_messages_free(NULL), 1));
}

static void null_in_windows(void) {
    turnkeep_window *out = NULL;
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    NULL_REFUSED(turnkeep_session_window, session, turnkeep_session_window(NULL, &options, &out, &failure));
    NULL_REFUSED(turnkeep_session_window, out, turnkeep_session_window(session, &options, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_window, options,
                 turnkeep_session_window(session, NULL, &out, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_window, error,
                 turnkeep_session_window(NULL, NULL, &out, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_ALLOWED(turnkeep_window_len, window, turnkeep_window_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_window_at, window, turnkeep_window_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_window_report_of, window, turnkeep_window_report_of(NULL) == NULL);
    NULL_ALLOWED(turnkeep_window_common_prefix, one, turnkeep_window_common_prefix(NULL, out) == 0);
    NULL_ALLOWED(turnkeep_window_common_prefix, other, turnkeep_window_common_prefix(out, NULL) == 0);
    NULL_ALLOWED(turnkeep_window_common_prefix, other, turnkeep_window_common_prefix(NULL, NULL) == 0);
    NULL_ALLOWED(turnkeep_window_free, window, (turnkeep_window_free(NULL), 1));
    turnkeep_window_free(out);
}

static void sessions_that_are_gone_answer_not_found_or_closed(void) {
    turnkeep_store *closing = open_store(fresh_path());
    turnkeep_session *deleted = create(spare, "deleted");
    turnkeep_session *closed = create(closing, "closed");
    turnkeep_session *gone;
    turnkeep_session_list *list = NULL;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_messages *messages = NULL;
    turnkeep_window *window = NULL;
    uint64_t revision = 99;
    say(deleted, "x");
    say(closed, "x");
    turnkeep_window_free(window_of(deleted, NULL));
    OK(turnkeep_session_delete(spare, "deleted", &failure));
    close_store(closing);
    changes.title = "t";
    GONE(turnkeep_session_describe, turnkeep_session_describe(gone, &list, &failure));
    GONE(turnkeep_session_update, turnkeep_session_update(gone, &changes, &revision, &failure));
    GONE(turnkeep_session_append, turnkeep_session_append(gone, TURNKEEP_ROLE_USER, "x", 1, &receipt, &failure));
    GONE(turnkeep_session_append_batch, turnkeep_session_append_batch(gone, &message, 1, NULL, &receipt, &failure));
    GONE(turnkeep_session_clear, turnkeep_session_clear(gone, 0, &revision, &failure));
    GONE(turnkeep_session_history, turnkeep_session_history(gone, &messages, &failure));
    GONE(turnkeep_session_last, turnkeep_session_last(gone, 1, &messages, &failure));
    GONE(turnkeep_session_range, turnkeep_session_range(gone, 1, 2, &messages, &failure));
    GONE(turnkeep_session_message, turnkeep_session_message(gone, 1, &messages, &failure));
    GONE(turnkeep_session_window, turnkeep_session_window(gone, NULL, &window, &failure));
    CHECK(list == NULL && messages == NULL && window == NULL);
    CHECK_EQUAL(revision, 99);
    CHECK_EQUAL(receipt.last_seq, 0);
    CHECK_TEXT(turnkeep_session_id(deleted), "deleted");
    CHECK_TEXT(turnkeep_session_id(closed), "closed");
    turnkeep_session_close(deleted);
    turnkeep_session_close(closed);
}

static void structs_of_a_wrong_size_are_refused(void) {
    turnkeep_store *opened = NULL;
    turnkeep_session *created = NULL;
    turnkeep_session_list *list = NULL;
    turnkeep_window *window = NULL;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    SIZE(turnkeep_store_options, turnkeep_store_open(":memory:", sized, &opened, &failure));
    SIZE(turnkeep_session_options, turnkeep_session_create(store, sized, &created, &failure));
    SIZE(turnkeep_session_changes, turnkeep_session_update(session, sized, NULL, &failure));
    SIZE(turnkeep_session_list_options, turnkeep_store_list_sessions(store, sized, &list, &failure));
    SIZE(turnkeep_new_message, turnkeep_session_append_batch(session, sized, 1, NULL, &receipt, &failure));
    SIZE(turnkeep_append_options, turnkeep_session_append_batch(session, &message, 1, sized, &receipt, &failure));
    SIZE(turnkeep_receipt, turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, sized, &failure));
    SIZE(turnkeep_receipt, turnkeep_session_append_batch(session, &message, 1, NULL, sized, &failure));
    SIZE(turnkeep_window_options, turnkeep_session_window(session, sized, &window, &failure));
    CHECK(opened == NULL && created == NULL && list == NULL && window == NULL);
    CHECK_EQUAL(receipt.last_seq, 0);
}

static void the_size_of_the_second_message_of_a_batch_is_checked_too(void) {
    turnkeep_new_message batch[2];
    batch[0] = message_of(TURNKEEP_ROLE_USER, "x");
    batch[1] = message_of(TURNKEEP_ROLE_USER, "x");
    batch[1].struct_size = 0;
    FAILS(INVALID, "message 1 of the batch", turnkeep_session_append_batch(session, batch, 2, NULL, NULL, &failure));
    check_unchanged(__LINE__);
}

static void text_that_is_not_utf_8_is_refused(void) {
    turnkeep_store *opened = NULL;
    turnkeep_session *created = NULL;
    turnkeep_session_list *list = NULL;
    int32_t exists = 99;
#define STORE(field) WITH(turnkeep_store_options, field)
#define OPTIONS(field) WITH(turnkeep_session_options, field)
#define CHANGES(field) WITH(turnkeep_session_changes, field)
#define LIST(field) WITH(turnkeep_session_list_options, field)
#define MESSAGE(field) (&(turnkeep_new_message){.struct_size = sizeof(turnkeep_new_message), .role = 2, .field = bad})
    TEXT(turnkeep_store_open, location, turnkeep_store_open(bad, NULL, &opened, &error));
    TEXT(turnkeep_store_options, tokenizer, turnkeep_store_open(":memory:", STORE(tokenizer), &opened, &error));
    TEXT(turnkeep_session_options, id, turnkeep_session_create(store, OPTIONS(id), &created, &error));
    TEXT(turnkeep_session_options, user_id, turnkeep_session_create(store, OPTIONS(user_id), &created, &error));
    TEXT(turnkeep_session_options, name, turnkeep_session_create(store, OPTIONS(name), &created, &error));
    TEXT(turnkeep_session_options, title, turnkeep_session_create(store, OPTIONS(title), &created, &error));
    TEXT(turnkeep_session_options, model, turnkeep_session_create(store, OPTIONS(model), &created, &error));
    TEXT(turnkeep_session_options, summary, turnkeep_session_create(store, OPTIONS(summary), &created, &error));
    TEXT(turnkeep_session_options, metadata, turnkeep_session_create(store, OPTIONS(metadata), &created, &error));
    TEXT(turnkeep_session_changes, name, turnkeep_session_update(session, CHANGES(name), NULL, &error));
    TEXT(turnkeep_session_changes, title, turnkeep_session_update(session, CHANGES(title), NULL, &error));
    TEXT(turnkeep_session_changes, model, turnkeep_session_update(session, CHANGES(model), NULL, &error));
    TEXT(turnkeep_session_changes, summary, turnkeep_session_update(session, CHANGES(summary), NULL, &error));
    TEXT(turnkeep_session_changes, metadata, turnkeep_session_update(session, CHANGES(metadata), NULL, &error));
    TEXT(turnkeep_session_open, id, turnkeep_session_open(store, bad, &created, &error));
    TEXT(turnkeep_session_exists, id, turnkeep_session_exists(store, bad, &exists, &error));
    TEXT(turnkeep_session_delete, id, turnkeep_session_delete(store, bad, &error));
    TEXT(turnkeep_session_list_options, page, turnkeep_store_list_sessions(store, LIST(page), &list, &error));
    TEXT(turnkeep_session_append, content, turnkeep_session_append(session, 2, bad, strlen(bad), NULL, &error));
    TEXT(turnkeep_new_message, content,
         turnkeep_session_append_batch(
             session,
             &(turnkeep_new_message){
                 .struct_size = sizeof(turnkeep_new_message), .role = 2, .content = bad, .content_len = strlen(bad)},
             1, NULL, NULL, &error));
    TEXT(turnkeep_new_message, tool_calls,
         turnkeep_session_append_batch(session, MESSAGE(tool_calls), 1, NULL, NULL, &error));
    TEXT(turnkeep_new_message, tool_call_id,
         turnkeep_session_append_batch(session, MESSAGE(tool_call_id), 1, NULL, NULL, &error));
    TEXT(turnkeep_new_message, model, turnkeep_session_append_batch(session, MESSAGE(model), 1, NULL, NULL, &error));
    TEXT(turnkeep_new_message, metadata,
         turnkeep_session_append_batch(session, MESSAGE(metadata), 1, NULL, NULL, &error));
    TEXT(turnkeep_append_options, idempotency_key,
         turnkeep_session_append_batch(session, MESSAGE(content), 1, WITH(turnkeep_append_options, idempotency_key),
                                       NULL, &error));
    CHECK(opened == NULL && created == NULL && list == NULL);
    CHECK_EQUAL(exists, 99);
    CHECK_EQUAL(turnkeep_has_feature("\xFF"), 0);
    CHECK_EQUAL(turnkeep_has_feature("no such feature"), 0);
}

static void numbers_that_mean_nothing_are_refused(void) {
    turnkeep_store *opened = NULL;
    turnkeep_window *window = NULL;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
#define NEW(field) (&(turnkeep_new_message){.struct_size = sizeof(turnkeep_new_message), .role = 2, .field = bad})
#define ROLE (&(turnkeep_new_message){.struct_size = sizeof(turnkeep_new_message), .role = bad})
#define WINDOW(field) WITH(turnkeep_window_options, field)
    NUMBER(turnkeep_store_options, durability, int32_t,
           turnkeep_store_open(":memory:", STORE(durability), &opened, &failure), -1, 4, 5, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_store_options, exclusive, int32_t,
           turnkeep_store_open(":memory:", STORE(exclusive), &opened, &failure), -1, 2, 256, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_store_options, read_only, int32_t,
           turnkeep_store_open(":memory:", STORE(read_only), &opened, &failure), -1, 2, 256, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_store_options, must_exist, int32_t,
           turnkeep_store_open(":memory:", STORE(must_exist), &opened, &failure), -1, 2, 256, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_session_append, role, int32_t, turnkeep_session_append(session, bad, "x", 1, NULL, &failure), 0, 6,
           -1, 258, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_new_message, role, int32_t, turnkeep_session_append_batch(session, ROLE, 1, NULL, NULL, &failure),
           0, 6, -1, 258, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_new_message, flags, uint32_t,
           turnkeep_session_append_batch(session, NEW(flags), 1, NULL, NULL, &failure), TURNKEEP_MESSAGE_ESTIMATED,
           TURNKEEP_MESSAGE_SUMMARY, 8, 9, UINT32_MAX);
    NUMBER(turnkeep_new_message, tokens, int64_t,
           turnkeep_session_append_batch(session, NEW(tokens), 1, NULL, NULL, &failure), -2, INT64_MIN,
           (int64_t)INT32_MAX + 1, (int64_t)UINT32_MAX + 1, INT64_MAX);
    NUMBER(
        turnkeep_append_options, durability, int32_t,
        turnkeep_session_append_batch(session, &message, 1, WITH(turnkeep_append_options, durability), NULL, &failure),
        -1, 4, 5, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_window_options, low_water_percent, uint32_t,
           turnkeep_session_window(session, WINDOW(low_water_percent), &window, &failure), 101, UINT32_MAX);
    NUMBER(turnkeep_window_options, leave_out, uint32_t,
           turnkeep_session_window(session, WINDOW(leave_out), &window, &failure), 4, 8, UINT32_MAX);
    CHECK(opened == NULL && window == NULL);
}

static void lengths_and_counts_that_overflow_are_refused(void) {
    static const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 2};
    static const size_t counts[] = {SIZE_MAX,
                                    SIZE_MAX / 2 + 1,
                                    SIZE_MAX / sizeof(turnkeep_new_message) + 2,
                                    SIZE_MAX / sizeof(turnkeep_new_message) + 1,
                                    SIZE_MAX / sizeof(turnkeep_new_message),
                                    SIZE_MAX / 2 / sizeof(turnkeep_new_message) + 1};
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    size_t index;
    for (index = 0; index < sizeof lengths / sizeof *lengths; index++) {
        FAILS(INVALID, "the length of content is",
              turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", lengths[index], &receipt, &failure));
        FAILS(INVALID, "content is NULL",
              turnkeep_session_append(session, TURNKEEP_ROLE_USER, NULL, lengths[index], &receipt, &failure));
        message.content_len = lengths[index];
        FAILS(INVALID, "the length of content is",
              turnkeep_session_append_batch(session, &message, 1, NULL, &receipt, &failure));
    }
    message.content_len = 1;
    for (index = 0; index < sizeof counts / sizeof *counts; index++)
        FAILS(INVALID, "count is",
              turnkeep_session_append_batch(session, &message, counts[index], NULL, &receipt, &failure));
    CHECK_EQUAL(receipt.last_seq, 0);
    check_unchanged(__LINE__);
}

static void an_error_pointer_is_left_alone_on_success(void) {
    turnkeep_error *error = (turnkeep_error *)(uintptr_t)0x1234;
    int32_t exists = 0;
    CHECK_EQUAL(turnkeep_session_exists(store, "s", &exists, &error), TURNKEEP_OK);
    CHECK(error == (turnkeep_error *)(uintptr_t)0x1234);
    CHECK_EQUAL(exists, 1);
}

static void json_of_a_million_levels_is_refused_without_a_crash(void) {
    const size_t depth = 1000000;
    char *json = (char *)malloc(2 * depth + 8);
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *created = NULL;
    CHECK(json != NULL);
    memcpy(json, "{\"a\":", 5);
    memset(json + 5, '[', depth);
    memset(json + 5 + depth, ']', depth);
    memcpy(json + 5 + 2 * depth, "}", 2);
    message.metadata = json;
    FAILS(INVALID, "metadata", turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    options.metadata = json;
    FAILS(INVALID, "metadata", turnkeep_session_create(store, &options, &created, &failure));
    message.metadata = NULL;
    message.role = TURNKEEP_ROLE_ASSISTANT;
    message.tool_calls = json + 5;
    json[5 + 2 * depth] = 0;
    FAILS(INVALID, "tool_calls", turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    check_unchanged(__LINE__);
    free(json);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);

    RUN(null_in_the_basics);
    RUN(null_in_stores);
    RUN(null_in_sessions);
    RUN(null_in_lists);
    RUN(null_in_messages);
    RUN(null_in_windows);
    RUN(sessions_that_are_gone_answer_not_found_or_closed);
    RUN(structs_of_a_wrong_size_are_refused);
    RUN(the_size_of_the_second_message_of_a_batch_is_checked_too);
    RUN(text_that_is_not_utf_8_is_refused);
    RUN(numbers_that_mean_nothing_are_refused);
    RUN(lengths_and_counts_that_overflow_are_refused);
    RUN(an_error_pointer_is_left_alone_on_success);
    RUN(json_of_a_million_levels_is_refused_without_a_crash);

    return end_hostile();
}

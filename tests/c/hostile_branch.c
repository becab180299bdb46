/*
 * What a host can do wrong with branches, turns, and what a session goes through beside its messages (see
 * ../support/hostile.h).
 */

#include "../support/hostile.h"

static turnkeep_exchange exchange_of(const char *input, const char *answer_text) {
    turnkeep_exchange exchange = TURNKEEP_EXCHANGE_INIT;
    exchange.input = input;
    exchange.input_len = strlen(input);
    exchange.answer = answer_text;
    exchange.answer_len = strlen(answer_text);
    return exchange;
}

static void null_in_forks_and_rewinds(void) {
    turnkeep_session *out = NULL;
    uint64_t revision = 99;
    NULL_REFUSED(turnkeep_session_fork, session, turnkeep_session_fork(NULL, 1, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_session_fork, out, turnkeep_session_fork(session, 1, NULL, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_fork, options,
                 turnkeep_session_fork(spare_session, 0, NULL, &out, &failure) == TURNKEEP_OK);
    turnkeep_session_close(out);
    out = NULL;
    NULL_ALLOWED(turnkeep_session_fork, error,
                 turnkeep_session_fork(session, 4, NULL, &out, NULL) == TURNKEEP_ERROR_NOT_FOUND);
    NULL_REFUSED(turnkeep_session_rewind, session, turnkeep_session_rewind(NULL, 0, 0, &revision, &failure));
    NULL_ALLOWED(turnkeep_session_rewind, revision,
                 turnkeep_session_rewind(spare_session, 0, 0, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_rewind, error,
                 turnkeep_session_rewind(session, 1, 77, &revision, NULL) == TURNKEEP_ERROR_CONFLICT);
    NULL_REFUSED(turnkeep_session_truncate, session, turnkeep_session_truncate(NULL, 1, 0, 0, &revision, &failure));
    NULL_ALLOWED(turnkeep_session_truncate, revision,
                 turnkeep_session_truncate(spare_session, 1, 0, 0, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_truncate, error,
                 turnkeep_session_truncate(session, 0, 0, 0, &revision, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(out == NULL);
    CHECK_EQUAL(revision, 99);
}

static void null_in_replacements(void) {
    turnkeep_session *out = NULL;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_branch_options fork = TURNKEEP_BRANCH_OPTIONS_INIT;
    fork.branching = TURNKEEP_BRANCH_FORK;
    NULL_REFUSED(turnkeep_session_replace, session,
                 turnkeep_session_replace(NULL, 1, &message, 1, NULL, &out, &receipt, &failure));
    NULL_REFUSED(turnkeep_session_replace, messages,
                 turnkeep_session_replace(session, 1, NULL, 1, NULL, NULL, &receipt, &failure));
    NULL_REFUSED(turnkeep_session_replace, out,
                 turnkeep_session_replace(session, 1, &message, 1, &fork, NULL, &receipt, &failure));
    NULL_ALLOWED(turnkeep_session_replace, options,
                 turnkeep_session_replace(spare_session, 1, &message, 1, NULL, NULL, &receipt, &failure) ==
                     TURNKEEP_OK);
    CHECK_EQUAL(receipt.last_seq, 1);
    NULL_ALLOWED(turnkeep_session_replace, receipt,
                 turnkeep_session_replace(spare_session, 1, &message, 1, NULL, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_replace, error,
                 turnkeep_session_replace(session, 0, &message, 1, NULL, NULL, &receipt, NULL) ==
                     TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_regenerate, session,
                 turnkeep_session_regenerate(NULL, TURNKEEP_LAST, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_session_regenerate, out, turnkeep_session_regenerate(session, 1, &fork, NULL, &failure));
    answer(spare_session, "y");
    NULL_ALLOWED(turnkeep_session_regenerate, options,
                 turnkeep_session_regenerate(spare_session, TURNKEEP_LAST, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_regenerate, error,
                 turnkeep_session_regenerate(session, TURNKEEP_LAST, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(out == NULL);
}

static void null_between_two_sessions(void) {
    turnkeep_comparison comparison = TURNKEEP_COMPARISON_INIT;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_session_list *list = NULL;
    NULL_REFUSED(turnkeep_session_compare, session, turnkeep_session_compare(NULL, session, &comparison, &failure));
    NULL_REFUSED(turnkeep_session_compare, other, turnkeep_session_compare(session, NULL, &comparison, &failure));
    NULL_REFUSED(turnkeep_session_compare, comparison, turnkeep_session_compare(session, session, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_compare, error,
                 turnkeep_session_compare(session, spare_session, &comparison, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(comparison.one_head_seq, 0);
    NULL_REFUSED(turnkeep_session_adopt, session,
                 turnkeep_session_adopt(NULL, session, 1, 1, NULL, &receipt, &failure));
    NULL_REFUSED(turnkeep_session_adopt, from, turnkeep_session_adopt(session, NULL, 1, 1, NULL, &receipt, &failure));
    NULL_ALLOWED(turnkeep_session_adopt, options,
                 turnkeep_session_adopt(spare_session, session, 1, 1, NULL, &receipt, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_adopt, receipt,
                 turnkeep_session_adopt(spare_session, session, 1, 1, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_adopt, error,
                 turnkeep_session_adopt(session, spare_session, 0, 1, NULL, &receipt, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_forks, session, turnkeep_session_forks(NULL, &list, &failure));
    NULL_REFUSED(turnkeep_session_forks, out, turnkeep_session_forks(session, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_forks, error, turnkeep_session_forks(NULL, &list, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_ancestors, session, turnkeep_session_ancestors(NULL, &list, &failure));
    NULL_REFUSED(turnkeep_session_ancestors, out, turnkeep_session_ancestors(session, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_ancestors, error,
                 turnkeep_session_ancestors(NULL, &list, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_tree, session, turnkeep_session_tree(NULL, &list, &failure));
    NULL_REFUSED(turnkeep_session_tree, out, turnkeep_session_tree(session, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_tree, error, turnkeep_session_tree(NULL, &list, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(list == NULL);
}

static void null_in_turns(void) {
    turnkeep_exchange exchange = exchange_of("x", "y");
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_turns *turns = NULL;
    turnkeep_document *text = NULL;
    uint64_t number = 99;
    NULL_REFUSED(turnkeep_session_append_exchange, session,
                 turnkeep_session_append_exchange(NULL, &exchange, NULL, &number, &receipt, &failure));
    NULL_REFUSED(turnkeep_session_append_exchange, exchange,
                 turnkeep_session_append_exchange(session, NULL, NULL, &number, &receipt, &failure));
    NULL_ALLOWED(turnkeep_session_append_exchange, error,
                 turnkeep_session_append_exchange(session, NULL, NULL, &number, &receipt, NULL) ==
                     TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(number, 99);
    CHECK_EQUAL(receipt.last_seq, 0);
    NULL_ALLOWED(turnkeep_session_append_exchange, options,
                 turnkeep_session_append_exchange(spare_session, &exchange, NULL, &number, &receipt, &failure) ==
                     TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_append_exchange, number,
                 turnkeep_session_append_exchange(spare_session, &exchange, NULL, NULL, &receipt, &failure) ==
                     TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_session_append_exchange, receipt,
                 turnkeep_session_append_exchange(spare_session, &exchange, NULL, &number, NULL, &failure) ==
                     TURNKEEP_OK);
    NULL_REFUSED(turnkeep_session_turns, session, turnkeep_session_turns(NULL, 1, 1, &turns, &failure));
    NULL_REFUSED(turnkeep_session_turns, out, turnkeep_session_turns(session, 1, 1, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_turns, error,
                 turnkeep_session_turns(session, 2, 1, &turns, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_last_turns, session, turnkeep_session_last_turns(NULL, 1, &turns, &failure));
    NULL_REFUSED(turnkeep_session_last_turns, out, turnkeep_session_last_turns(session, 1, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_last_turns, error,
                 turnkeep_session_last_turns(NULL, 1, &turns, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_ALLOWED(turnkeep_turns_len, turns, turnkeep_turns_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_turns_at, turns, turnkeep_turns_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_turns_free, turns, (turnkeep_turns_free(NULL), 1));
    NULL_REFUSED(turnkeep_session_context_text, session, turnkeep_session_context_text(NULL, 1, 0, &text, &failure));
    NULL_REFUSED(turnkeep_session_context_text, out, turnkeep_session_context_text(session, 1, 0, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_context_text, error,
                 turnkeep_session_context_text(session, 1, 1, &text, NULL) == TURNKEEP_ERROR_TOO_LARGE);
    NULL_REFUSED(turnkeep_session_file_name, session, turnkeep_session_file_name(NULL, 1, "a.pdf", 0, &text, &failure));
    NULL_REFUSED(turnkeep_session_file_name, original,
                 turnkeep_session_file_name(session, 1, NULL, 0, &text, &failure));
    NULL_REFUSED(turnkeep_session_file_name, out, turnkeep_session_file_name(session, 1, "a.pdf", 0, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_file_name, error,
                 turnkeep_session_file_name(session, 1, "a.pdf", 2, &text, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(turns == NULL && text == NULL);
}

static void null_in_beginnings_and_ends(void) {
    turnkeep_session *out = NULL;
    turnkeep_messages *last = NULL;
    turnkeep_window *window = NULL;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    uint64_t deleted = 99;
    NULL_REFUSED(turnkeep_session_create_with, store,
                 turnkeep_session_create_with(NULL, NULL, &message, 1, &out, &failure));
    NULL_REFUSED(turnkeep_session_create_with, messages,
                 turnkeep_session_create_with(store, NULL, NULL, 1, &out, &failure));
    NULL_REFUSED(turnkeep_session_create_with, out,
                 turnkeep_session_create_with(store, NULL, &message, 1, NULL, &failure));
    NULL_ALLOWED(turnkeep_session_create_with, options,
                 turnkeep_session_create_with(spare, NULL, &message, 1, &out, &failure) == TURNKEEP_OK);
    turnkeep_session_close(out);
    NULL_ALLOWED(turnkeep_session_create_with, messages,
                 turnkeep_session_create_with(spare, NULL, NULL, 0, &out, &failure) == TURNKEEP_OK);
    turnkeep_session_close(out);
    out = NULL;
    NULL_ALLOWED(turnkeep_session_create_with, error,
                 turnkeep_session_create_with(store, NULL, NULL, 1, &out, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_session_resume, store,
                 turnkeep_session_resume(NULL, "s", NULL, &out, &last, &window, &failure));
    NULL_REFUSED(turnkeep_session_resume, id,
                 turnkeep_session_resume(store, NULL, NULL, &out, &last, &window, &failure));
    NULL_REFUSED(turnkeep_session_resume, out,
                 turnkeep_session_resume(store, "s", NULL, NULL, &last, &window, &failure));
    NULL_ALLOWED(turnkeep_session_resume, error,
                 turnkeep_session_resume(store, "?", NULL, &out, &last, &window, NULL) == TURNKEEP_ERROR_NOT_FOUND);
    CHECK(out == NULL && last == NULL && window == NULL);
    NULL_ALLOWED(turnkeep_session_resume, options,
                 turnkeep_session_resume(store, "s", NULL, &out, &last, &window, &failure) == TURNKEEP_OK);
    turnkeep_session_close(out);
    turnkeep_messages_free(last);
    turnkeep_window_free(window);
    window = NULL;
    NULL_ALLOWED(turnkeep_session_resume, last,
                 turnkeep_session_resume(store, "s", NULL, &out, NULL, &window, &failure) == TURNKEEP_OK);
    turnkeep_session_close(out);
    turnkeep_window_free(window);
    last = NULL;
    NULL_ALLOWED(turnkeep_session_resume, window,
                 turnkeep_session_resume(store, "s", NULL, &out, &last, NULL, &failure) == TURNKEEP_OK);
    turnkeep_session_close(out);
    turnkeep_messages_free(last);
    NULL_REFUSED(turnkeep_store_cleanup, store, turnkeep_store_cleanup(NULL, &deleted, &failure));
    NULL_ALLOWED(turnkeep_store_cleanup, deleted, turnkeep_store_cleanup(store, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_cleanup, error, turnkeep_store_cleanup(NULL, &deleted, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(deleted, 99);
}

static void sessions_that_are_gone_cannot_be_branched_or_read_as_turns(void) {
    turnkeep_store *closing = open_store(fresh_path());
    turnkeep_session *deleted = create(spare, "deleted");
    turnkeep_session *closed = create(closing, "closed");
    turnkeep_session *there[2];
    turnkeep_session *gone;
    turnkeep_session *out = NULL;
    turnkeep_session_list *list = NULL;
    turnkeep_comparison comparison = TURNKEEP_COMPARISON_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_exchange exchange = exchange_of("x", "y");
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_turns *turns = NULL;
    turnkeep_document *text = NULL;
    uint64_t number = 99;
    int index;
    there[0] = spare_session;
    there[1] = create(closing, "there");
    say(deleted, "x");
    say(closed, "x");
    OK(turnkeep_session_delete(spare, "deleted", &failure));
    close_store(closing);
    GONE(turnkeep_session_fork, turnkeep_session_fork(gone, TURNKEEP_LAST, NULL, &out, &failure));
    GONE(turnkeep_session_rewind, turnkeep_session_rewind(gone, 0, 0, &number, &failure));
    GONE(turnkeep_session_replace, turnkeep_session_replace(gone, 1, &message, 1, NULL, NULL, &receipt, &failure));
    GONE(turnkeep_session_regenerate, turnkeep_session_regenerate(gone, TURNKEEP_LAST, NULL, NULL, &failure));
    GONE(turnkeep_session_compare, turnkeep_session_compare(gone, session, &comparison, &failure));
    GONE(turnkeep_session_adopt, turnkeep_session_adopt(gone, session, 1, 1, NULL, &receipt, &failure));
    GONE(turnkeep_session_forks, turnkeep_session_forks(gone, &list, &failure));
    GONE(turnkeep_session_ancestors, turnkeep_session_ancestors(gone, &list, &failure));
    GONE(turnkeep_session_tree, turnkeep_session_tree(gone, &list, &failure));
    GONE(turnkeep_session_truncate, turnkeep_session_truncate(gone, 1, 0, 0, &number, &failure));
    GONE(turnkeep_session_append_exchange,
         turnkeep_session_append_exchange(gone, &exchange, NULL, &number, &receipt, &failure));
    GONE(turnkeep_session_turns, turnkeep_session_turns(gone, 1, 1, &turns, &failure));
    GONE(turnkeep_session_last_turns, turnkeep_session_last_turns(gone, 1, &turns, &failure));
    GONE(turnkeep_session_context_text, turnkeep_session_context_text(gone, 1, 0, &text, &failure));
    GONE(turnkeep_session_file_name, turnkeep_session_file_name(gone, 1, "a.pdf", 0, &text, &failure));
    /* The other of two is named when it is that which is gone. */
    for (index = 0; index < 2; index++) {
        const char *says = index == 0 ? "session 'deleted'" : "closed";
        turnkeep_status expected = index == 0 ? TURNKEEP_ERROR_NOT_FOUND : TURNKEEP_ERROR_CLOSED;
        gone = index == 0 ? deleted : closed;
        check_fails(__FILE__, __LINE__, "compare", expected, says,
                    turnkeep_session_compare(there[index], gone, &comparison, &failure));
        check_fails(__FILE__, __LINE__, "adopt", expected, says,
                    turnkeep_session_adopt(session, gone, 1, 1, NULL, &receipt, &failure));
    }
    check_unchanged(__LINE__);
    CHECK(out == NULL && list == NULL && turns == NULL && text == NULL);
    CHECK_EQUAL(number, 99);
    CHECK_EQUAL(receipt.last_seq, 0);
    CHECK_EQUAL(comparison.other_head_seq, 0);
    turnkeep_session_close(deleted);
    turnkeep_session_close(closed);
    turnkeep_session_close(there[1]);
}

static void structs_of_a_wrong_size_are_refused_by_branches_too(void) {
    turnkeep_session *out = NULL;
    turnkeep_window *window = NULL;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_exchange exchange = exchange_of("x", "y");
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_branch_options fork = TURNKEEP_BRANCH_OPTIONS_INIT;
    uint64_t number = 99;
    fork.branching = TURNKEEP_BRANCH_FORK;
    SIZE(turnkeep_branch_options, turnkeep_session_replace(session, 1, &message, 1, sized, &out, &receipt, &failure));
    SIZE(turnkeep_branch_options, turnkeep_session_regenerate(session, 1, sized, &out, &failure));
    SIZE(turnkeep_session_options, turnkeep_session_fork(session, 1, sized, &out, &failure));
    SIZE(turnkeep_session_options,
         (fork.fork = sized, turnkeep_session_replace(session, 1, &message, 1, &fork, &out, &receipt, &failure)));
    SIZE(turnkeep_session_options, turnkeep_session_create_with(store, sized, &message, 1, &out, &failure));
    SIZE(turnkeep_new_message, turnkeep_session_create_with(store, NULL, sized, 1, &out, &failure));
    SIZE(turnkeep_new_message, turnkeep_session_replace(session, 1, sized, 1, NULL, NULL, &receipt, &failure));
    SIZE(turnkeep_receipt, turnkeep_session_replace(session, 1, &message, 1, NULL, NULL, sized, &failure));
    SIZE(turnkeep_comparison, turnkeep_session_compare(session, session, sized, &failure));
    SIZE(turnkeep_append_options, turnkeep_session_adopt(session, session, 1, 1, sized, &receipt, &failure));
    SIZE(turnkeep_receipt, turnkeep_session_adopt(session, session, 1, 1, NULL, sized, &failure));
    SIZE(turnkeep_exchange, turnkeep_session_append_exchange(session, sized, NULL, &number, &receipt, &failure));
    SIZE(turnkeep_append_options,
         turnkeep_session_append_exchange(session, &exchange, sized, &number, &receipt, &failure));
    SIZE(turnkeep_receipt, turnkeep_session_append_exchange(session, &exchange, NULL, &number, sized, &failure));
    SIZE(turnkeep_window_options, turnkeep_session_resume(store, "s", sized, &out, NULL, &window, &failure));
    CHECK(out == NULL && window == NULL);
    CHECK_EQUAL(number, 99);
    CHECK_EQUAL(receipt.last_seq, 0);
}

static void text_that_is_not_utf_8_is_refused_by_branches_too(void) {
    turnkeep_session *out = NULL;
    turnkeep_document *text = NULL;
#define LIKE WITH(turnkeep_session_options, like)
#define PATCH WITH(turnkeep_session_changes, metadata_patch)
#define COUNTED(field)     \
    (&(turnkeep_exchange){ \
        .struct_size = sizeof(turnkeep_exchange), .field = bad, .field##_len = strlen(bad), .input_name = "a.pdf"})
#define EXCHANGE(field) \
    (&(turnkeep_exchange){.struct_size = sizeof(turnkeep_exchange), .input = "x", .input_len = 1, .field = bad})
    TEXT(turnkeep_session_options, like, turnkeep_session_create(store, LIKE, &out, &error));
    TEXT(turnkeep_session_changes, metadata_patch, turnkeep_session_update(session, PATCH, NULL, &error));
    TEXT(turnkeep_session_resume, id, turnkeep_session_resume(store, bad, NULL, &out, NULL, NULL, &error));
    TEXT(turnkeep_exchange, input, turnkeep_session_append_exchange(session, COUNTED(input), NULL, NULL, NULL, &error));
    TEXT(turnkeep_exchange, answer,
         turnkeep_session_append_exchange(session, COUNTED(answer), NULL, NULL, NULL, &error));
    TEXT(turnkeep_exchange, input_name,
         turnkeep_session_append_exchange(session, EXCHANGE(input_name), NULL, NULL, NULL, &error));
    TEXT(turnkeep_exchange, input_type,
         turnkeep_session_append_exchange(session, EXCHANGE(input_type), NULL, NULL, NULL, &error));
    TEXT(turnkeep_exchange, model,
         turnkeep_session_append_exchange(session, EXCHANGE(model), NULL, NULL, NULL, &error));
    TEXT(turnkeep_exchange, metadata,
         turnkeep_session_append_exchange(session, EXCHANGE(metadata), NULL, NULL, NULL, &error));
    TEXT(turnkeep_session_file_name, original, turnkeep_session_file_name(session, 1, bad, 0, &text, &error));
    CHECK(out == NULL && text == NULL);
}

static void numbers_that_mean_nothing_are_refused_by_branches_too(void) {
    turnkeep_store *opened = NULL;
    turnkeep_session *out = NULL;
    turnkeep_document *text = NULL;
    uint64_t revision = 99;
#define BRANCH(field) WITH(turnkeep_branch_options, field)
#define SLIDING                 \
    (&(turnkeep_store_options){ \
        .struct_size = sizeof(turnkeep_store_options), .expire_after_ms = 1000, .expire_sliding = bad})
#define STATUS WITH(turnkeep_session_changes, status)
#define ASKED \
    (&(turnkeep_exchange){.struct_size = sizeof(turnkeep_exchange), .input = "x", .input_len = 1, .processing_us = bad})
    NUMBER(turnkeep_branch_options, branching, int32_t,
           turnkeep_session_replace(session, 1, NULL, 0, BRANCH(branching), &out, NULL, &failure), -1, 3, 256,
           INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_branch_options, branching, int32_t,
           turnkeep_session_regenerate(session, 2, BRANCH(branching), &out, &failure), -1, 3, INT32_MAX);
    NUMBER(turnkeep_branch_options, reserved, uint32_t,
           turnkeep_session_regenerate(session, 2, BRANCH(reserved), &out, &failure), 1, UINT32_MAX);
    NUMBER(turnkeep_store_options, expire_sliding, int32_t, turnkeep_store_open(":memory:", SLIDING, &opened, &failure),
           -1, 2, 256, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_session_changes, status, int32_t, turnkeep_session_update(session, STATUS, &revision, &failure), -1,
           4, 256, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_session_changes, reserved, uint32_t,
           turnkeep_session_update(session, WITH(turnkeep_session_changes, reserved), &revision, &failure), 1,
           UINT32_MAX);
    NUMBER(turnkeep_session_changes, expires, int64_t,
           turnkeep_session_update(session, WITH(turnkeep_session_changes, expires_us), &revision, &failure), -2,
           INT64_MIN);
    NUMBER(turnkeep_session_options, expires, int64_t,
           turnkeep_session_create(store, WITH(turnkeep_session_options, expires_us), &out, &failure), -1, -2,
           INT64_MIN);
    NUMBER(turnkeep_session_file_name, is_error, int32_t,
           turnkeep_session_file_name(session, 1, "a.pdf", bad, &text, &failure), -1, 2, 256, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_exchange, processing, int64_t,
           turnkeep_session_append_exchange(session, ASKED, NULL, NULL, NULL, &failure), -1, INT64_MIN);
    CHECK(opened == NULL && out == NULL && text == NULL);
    CHECK_EQUAL(revision, 99);
}

static void messages_that_are_not_there_are_not_branched_from(void) {
    static const uint64_t places[] = {4, UINT32_MAX, (uint64_t)UINT32_MAX + 1, UINT64_MAX - 1};
    turnkeep_session *out = NULL;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    size_t index;
    for (index = 0; index < sizeof places / sizeof *places; index++) {
        uint64_t seq = places[index];
        FAILS(NOT_FOUND, "message", turnkeep_session_fork(session, seq, NULL, &out, &failure));
        FAILS(NOT_FOUND, "message", turnkeep_session_rewind(session, seq, 0, NULL, &failure));
        FAILS(NOT_FOUND, "message",
              turnkeep_session_replace(session, seq + 1, &message, 1, NULL, NULL, &receipt, &failure));
        FAILS(NOT_FOUND, "message", turnkeep_session_regenerate(session, seq, NULL, NULL, &failure));
        FAILS(NOT_FOUND, "no message", turnkeep_session_adopt(session, session, seq, seq, NULL, &receipt, &failure));
    }
    FAILS(INVALID, "seq is 0", turnkeep_session_replace(session, 0, &message, 1, NULL, NULL, &receipt, &failure));
    FAILS(INVALID, "seq is 0", turnkeep_session_regenerate(session, 0, NULL, NULL, &failure));
    FAILS(INVALID, "holds nothing", turnkeep_session_adopt(session, session, 0, 1, NULL, &receipt, &failure));
    FAILS(INVALID, "holds nothing", turnkeep_session_adopt(session, session, 2, 1, NULL, &receipt, &failure));
    CHECK(out == NULL);
    CHECK_EQUAL(receipt.last_seq, 0);
    check_unchanged(__LINE__);
}

static void options_that_contradict_each_other_are_refused(void) {
    turnkeep_session *out = NULL;
    turnkeep_store *opened = NULL;
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_store_options how = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_branch_options branch = TURNKEEP_BRANCH_OPTIONS_INIT;
    branch.fork = &options;
    FAILS(INVALID, "fork is given", turnkeep_session_regenerate(session, 1, &branch, &out, &failure));
    branch.branching = TURNKEEP_BRANCH_FORK;
    branch.expected_revision = 4;
    FAILS(INVALID, "expected_revision is given", turnkeep_session_regenerate(session, 1, &branch, &out, &failure));
    options.like = "s";
    FAILS(INVALID, "like is given", turnkeep_session_fork(session, 1, &options, &out, &failure));
    options.like = "nobody";
    FAILS(NOT_FOUND, "'nobody'", turnkeep_session_create(store, &options, &out, &failure));
    changes.metadata = "{}";
    changes.metadata_patch = "{}";
    FAILS(INVALID, "metadata_patch", turnkeep_session_update(session, &changes, NULL, &failure));
    how.expire_sliding = 1;
    FAILS(INVALID, "expire_sliding", turnkeep_store_open(":memory:", &how, &opened, &failure));
    FAILS(INVALID, "neither", turnkeep_session_truncate(session, 0, 0, 0, NULL, &failure));
    CHECK(out == NULL && opened == NULL);
    check_unchanged(__LINE__);
}

/* Each of the arrays of texts, with each mistake that can be made with it. */
static turnkeep_status with_tags(int which, const char *const *tags, size_t count) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_session *out = NULL;
    options.tags = tags;
    options.tag_count = count;
    if (which == 0) return turnkeep_session_create(store, &options, &out, &failure);
    if (which == 1) return turnkeep_session_fork(session, 1, &options, &out, &failure);
    changes.title = "changed";
    if (which == 2) {
        changes.add_tags = tags;
        changes.add_tag_count = count;
    } else {
        changes.remove_tags = tags;
        changes.remove_tag_count = count;
    }
    return turnkeep_session_update(session, &changes, NULL, &failure);
}

static void arrays_of_tags_are_checked_to_the_last_one(void) {
    static const char *const names[] = {"tags", "tags", "add_tags", "remove_tags"};
    static const size_t counts[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / sizeof(char *) + 1,
                                    SIZE_MAX / 2 / sizeof(char *) + 1};
    static char long_tag[257];
    const char *tags[3];
    char says[64];
    int which;
    size_t index;
    memset(long_tag, 'x', 256);
    for (which = 0; which < 4; which++) {
        snprintf(says, sizeof says, "%s is NULL, its count is 2", names[which]);
        FAILS(INVALID, says, with_tags(which, NULL, 2));
        tags[0] = "good";
        tags[1] = NULL;
        tags[2] = "good";
        snprintf(says, sizeof says, "text 1 of %s: %s is NULL", names[which], names[which]);
        FAILS(INVALID, says, with_tags(which, tags, 3));
        for (index = 0; index < sizeof bad_texts / sizeof *bad_texts; index++) {
            tags[1] = "good";
            tags[2] = bad_texts[index].bytes;
            snprintf(says, sizeof says, "text 2 of %s: %s is not UTF-8", names[which], names[which]);
            FAILS(ENCODING, says, with_tags(which, tags, 3));
        }
        snprintf(says, sizeof says, "the count of %s is", names[which]);
        for (index = 0; index < sizeof counts / sizeof *counts; index++)
            FAILS(INVALID, says, with_tags(which, tags, counts[index]));
        tags[2] = "";
        FAILS(INVALID, "a tag is empty", with_tags(which, tags, 3));
        tags[2] = long_tag;
        FAILS(INVALID, "a tag is 256 bytes long", with_tags(which, tags, 3));
        tags[2] = "a\nb";
        FAILS(INVALID, "a tag has a control character", with_tags(which, tags, 3));
        check_unchanged(__LINE__);
    }
}

static void lengths_and_counts_of_branches_that_overflow_are_refused(void) {
    static const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1};
    static const size_t counts[] = {SIZE_MAX, SIZE_MAX / 2 + 1, SIZE_MAX / sizeof(turnkeep_new_message) + 1};
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_session *out = NULL;
    size_t index;
    for (index = 0; index < sizeof lengths / sizeof *lengths; index++) {
        turnkeep_exchange exchange = exchange_of("x", "y");
        exchange.input_len = lengths[index];
        FAILS(INVALID, "the length of input is",
              turnkeep_session_append_exchange(session, &exchange, NULL, NULL, NULL, &failure));
        exchange = exchange_of("x", "y");
        exchange.answer_len = lengths[index];
        FAILS(INVALID, "the length of answer is",
              turnkeep_session_append_exchange(session, &exchange, NULL, NULL, NULL, &failure));
        exchange.answer = NULL;
        FAILS(INVALID, "answer is NULL",
              turnkeep_session_append_exchange(session, &exchange, NULL, NULL, NULL, &failure));
    }
    for (index = 0; index < sizeof counts / sizeof *counts; index++) {
        FAILS(INVALID, "count is", turnkeep_session_create_with(store, NULL, &message, counts[index], &out, &failure));
        FAILS(INVALID, "count is",
              turnkeep_session_replace(session, 1, &message, counts[index], NULL, NULL, NULL, &failure));
    }
    CHECK(out == NULL);
    check_unchanged(__LINE__);
}

static void numbers_of_turns_may_be_as_large_as_they_like(void) {
    turnkeep_turns *turns = NULL;
    turnkeep_document *text = NULL;
    OK(turnkeep_session_turns(session, 0, UINT64_MAX, &turns, &failure));
    CHECK_EQUAL(turnkeep_turns_len(turns), 2);
    CHECK(turnkeep_turns_at(turns, 2) == NULL && turnkeep_turns_at(turns, SIZE_MAX) == NULL);
    turnkeep_turns_free(turns);
    OK(turnkeep_session_turns(session, UINT64_MAX, UINT64_MAX, &turns, &failure));
    CHECK_EQUAL(turnkeep_turns_len(turns), 0);
    turnkeep_turns_free(turns);
    OK(turnkeep_session_last_turns(session, UINT64_MAX, &turns, &failure));
    CHECK_EQUAL(turnkeep_turns_len(turns), 2);
    turnkeep_turns_free(turns);
    OK(turnkeep_session_context_text(session, TURNKEEP_ALL, UINT64_MAX, &text, &failure));
    turnkeep_document_free(text);
    OK(turnkeep_session_file_name(session, UINT64_MAX, "", 0, &text, &failure));
    CHECK(turnkeep_document_text(text).len <= 255);
    turnkeep_document_free(text);
    check_unchanged(__LINE__);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);

    RUN(null_in_forks_and_rewinds);
    RUN(null_in_replacements);
    RUN(null_between_two_sessions);
    RUN(null_in_turns);
    RUN(null_in_beginnings_and_ends);
    RUN(sessions_that_are_gone_cannot_be_branched_or_read_as_turns);
    RUN(structs_of_a_wrong_size_are_refused_by_branches_too);
    RUN(text_that_is_not_utf_8_is_refused_by_branches_too);
    RUN(numbers_that_mean_nothing_are_refused_by_branches_too);
    RUN(messages_that_are_not_there_are_not_branched_from);
    RUN(options_that_contradict_each_other_are_refused);
    RUN(arrays_of_tags_are_checked_to_the_last_one);
    RUN(lengths_and_counts_of_branches_that_overflow_are_refused);
    RUN(numbers_of_turns_may_be_as_large_as_they_like);

    return end_hostile();
}

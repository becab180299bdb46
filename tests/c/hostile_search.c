/*
 * What a host can do wrong with a search (see ../support/hostile.h).
 */

#include "../support/hostile.h"

/* Options with nothing set but one field, to `bad`. */
#define OPTIONS(field) WITH(turnkeep_search_options, field)

static turnkeep_status search(const turnkeep_search_options *options, turnkeep_error **error) {
    turnkeep_search_results *out = NULL;
    turnkeep_status status = turnkeep_store_search(store, options, &out, error);
    CHECK(status == TURNKEEP_OK || out == NULL);
    turnkeep_search_results_free(out);
    return status;
}

static void null_in_a_search(void) {
    turnkeep_search_results *out = NULL;
    NULL_REFUSED(turnkeep_store_search, store, turnkeep_store_search(NULL, NULL, &out, &failure));
    NULL_REFUSED(turnkeep_store_search, out, turnkeep_store_search(store, NULL, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_search, error,
                 turnkeep_store_search(store, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(out == NULL);
    NULL_ALLOWED(turnkeep_store_search, options,
                 turnkeep_store_search(store, NULL, &out, &failure) == TURNKEEP_OK &&
                     turnkeep_search_results_len(out) == 0);
    turnkeep_search_results_free(out);
    NULL_ALLOWED(turnkeep_search_results_len, results, turnkeep_search_results_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_search_results_at, results, turnkeep_search_results_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_search_results_complete, results, turnkeep_search_results_complete(NULL) == 0);
    NULL_ALLOWED(turnkeep_search_results_free, results, (turnkeep_search_results_free(NULL), 1));
}

static void options_of_a_wrong_size_are_refused(void) {
    SIZE(turnkeep_search_options, search(sized, &failure));
    SIZE(turnkeep_search_options, turnkeep_store_search(store, sized, &(turnkeep_search_results *){NULL}, &failure));
}

static void texts_that_are_not_utf_8_are_refused(void) {
    TEXT(turnkeep_search_options, text, search(OPTIONS(text), &error));
    TEXT(turnkeep_search_options, message_from, search(OPTIONS(message_from), &error));
    TEXT(turnkeep_search_options, message_to, search(OPTIONS(message_to), &error));
}

static void numbers_that_mean_nothing_are_refused(void) {
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    NUMBER(turnkeep_search_options, order, int32_t, search(OPTIONS(order), &failure), -1, 3, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_search_options, raw, int32_t, search(OPTIONS(raw), &failure), -1, 2, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_search_options, utc_offset_minutes, int32_t, search(OPTIONS(utc_offset_minutes), &failure), -1440,
           1440, INT32_MIN, INT32_MAX);
    NUMBER(turnkeep_search_options, roles, uint32_t, search(OPTIONS(roles), &failure), TURNKEEP_ROLE_SYSTEM,
           TURNKEEP_ROLE_ASSISTANT, 0x100, 0x4000, UINT32_MAX);
    NUMBER(turnkeep_search_options, limit, uint32_t, search(OPTIONS(limit), &failure), 1001, UINT32_MAX);
    NUMBER(turnkeep_search_options, neighbours, uint32_t, search(OPTIONS(neighbours), &failure), 101, UINT32_MAX);
    NUMBER(
        turnkeep_store_options, no_search, int32_t,
        turnkeep_store_open(":memory:", WITH(turnkeep_store_options, no_search), &(turnkeep_store *){NULL}, &failure),
        -1, 2, INT32_MIN, INT32_MAX);
    options.message_from = "yesterday";
    FAILS(INVALID, "message_from is 'yesterday'", search(&options, &failure));
}

static void a_text_that_nobody_types_is_too_large(void) {
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    char *text = (char *)malloc(1 << 20);
    CHECK(text != NULL);
    memset(text, 'a', 1 << 20);
    text[(1 << 20) - 1] = 0;
    options.text = text;
    FAILS(TOO_LARGE, "1048575 bytes", search(&options, &failure));
    free(text);
}

static void a_filter_that_is_wrong_is_refused(void) {
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    options.filter = &filter;
    filter.statuses = 8;
    FAILS(INVALID, "statuses is 8", search(&options, &failure));
    filter.struct_size = 1;
    FAILS(INVALID, "turnkeep_filter.struct_size", search(&options, &failure));
    check_unchanged(__LINE__);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);
    RUN(null_in_a_search);
    RUN(options_of_a_wrong_size_are_refused);
    RUN(texts_that_are_not_utf_8_are_refused);
    RUN(numbers_that_mean_nothing_are_refused);
    RUN(a_text_that_nobody_types_is_too_large);
    RUN(a_filter_that_is_wrong_is_refused);
    return end_hostile();
}

/* Section 9 of the header: full-text search. */

#include "../support/check.h"

static turnkeep_search_results *search_with(turnkeep_store *store, const turnkeep_search_options *options) {
    turnkeep_search_results *results = NULL;
    OK(turnkeep_store_search(store, options, &results, &failure));
    CHECK(results != NULL);
    return results;
}

static turnkeep_search_results *search(turnkeep_store *store, const char *text) {
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    options.text = text;
    return search_with(store, &options);
}

static size_t count_hits(turnkeep_store *store, const char *text) {
    turnkeep_search_results *results = search(store, text);
    size_t count = turnkeep_search_results_len(results);
    CHECK_EQUAL(turnkeep_search_results_complete(results), 1);
    turnkeep_search_results_free(results);
    return count;
}

static void a_hit_says_where_and_what(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    turnkeep_search_results *results;
    const turnkeep_hit *hit;
    options.id = "s";
    options.title = "garden";
    OK(turnkeep_session_create(store, &options, &session, &failure));
    say(session, "Where do bees live?");
    answer(session, "In \xC3\x84pfeln? No: bees live in hives.");
    say(session, "Thanks.");
    results = search(store, "\xC3\xA4pfeln bees");
    CHECK_EQUAL(turnkeep_search_results_len(results), 1);
    CHECK(turnkeep_search_results_at(results, 1) == NULL);
    hit = turnkeep_search_results_at(results, 0);
    CHECK_TEXT(hit->session_id, "s");
    CHECK_TEXT(hit->title, "garden");
    CHECK_TEXT(hit->snippet, "In \xC3\x84pfeln? No: bees live in hives.");
    CHECK_EQUAL(hit->mark_count, 2);
    CHECK(strncmp(hit->snippet.data + hit->marks[0].begin, "\xC3\x84pfeln", 7) == 0);
    CHECK_EQUAL(hit->marks[0].end - hit->marks[0].begin, 7);
    CHECK(strncmp(hit->snippet.data + hit->marks[1].begin, "bees", 4) == 0);
    CHECK_EQUAL(hit->seq, 2);
    CHECK_EQUAL(hit->role, TURNKEEP_ROLE_ASSISTANT);
    CHECK(hit->created_us > 0 && hit->score == 0);
    CHECK(hit->messages == NULL && hit->message_count == 0);
    turnkeep_search_results_free(results);

    results = search(store, "garden");
    hit = turnkeep_search_results_at(results, 0);
    CHECK_EQUAL(hit->seq, 0);
    CHECK_EQUAL(hit->role, 0);
    turnkeep_search_results_free(results);
    turnkeep_session_close(session);
    close_store(store);
}

static void neighbours_are_messages_that_outlive_the_store(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, NULL);
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_search_results *results;
    const turnkeep_hit *hit;
    say(session, "one");
    answer(session, "two");
    say(session, "three");
    answer(session, "four");
    options.text = "three";
    options.neighbours = 2;
    results = search_with(store, &options);
    turnkeep_session_close(session);
    close_store(store);
    hit = turnkeep_search_results_at(results, 0);
    CHECK_EQUAL(hit->message_count, 4);
    CHECK_EQUAL(hit->message_index, 2);
    CHECK_TEXT(hit->messages[0].content, "one");
    CHECK_TEXT(hit->messages[2].content, "three");
    CHECK_TEXT(hit->messages[3].content, "four");
    turnkeep_search_results_free(results);
}

static void every_option_narrows_or_shapes_what_is_found(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "s");
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "a bee of 2026");
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_search_results *results;
    message.created_us = INT64_C(1767268800000000); /* 2026-01-01T12:00:00Z */
    append_batch(session, &message, 1, NULL);
    say(session, "a bee of today, with many other words around it");
    answer(session, "yes, a bee");
    options.text = "bee";

#define COUNT(expected)                                                \
    do {                                                               \
        results = search_with(store, &options);                        \
        CHECK_EQUAL(turnkeep_search_results_len(results), (expected)); \
        turnkeep_search_results_free(results);                         \
    } while (0)

    COUNT(3);
    options.roles = TURNKEEP_ROLES_ASSISTANT;
    COUNT(1);
    options.roles = 0;
    options.limit = 2;
    COUNT(2);
    options.limit = 0;
    options.message_from = options.message_to = "2026-01-01";
    COUNT(1);
    options.utc_offset_minutes = 13 * 60;
    COUNT(0);
    options.message_to = "2026-01-02";
    COUNT(1);
    options.message_from = options.message_to = NULL;
    filter.user_id = "ada";
    options.filter = &filter;
    COUNT(0);
    options.filter = NULL;
    options.text = "bee NOT today";
    COUNT(0);
    options.raw = 1;
    COUNT(2);
    options.raw = 0;
    options.text = "bee";
    options.order = TURNKEEP_SEARCH_RANK;
    options.time_limit_ms = 10000;
    options.snippet_chars = 6;
    results = search_with(store, &options);
    CHECK_TEXT(turnkeep_search_results_at(results, 0)->snippet, "\xE2\x80\xA6"
                                                                "a bee");
    CHECK(turnkeep_search_results_at(results, 0)->score > turnkeep_search_results_at(results, 2)->score);
    turnkeep_search_results_free(results);
    turnkeep_session_close(session);
    close_store(store);
}

static void no_text_is_an_error(void) {
    static const char *const texts[] = {
        "",   "\"",    "\"\"",    "*", "can't", "c++",   "foo-bar",    "AND",
        "OR", "NEAR(", "NOT bee", "(", ")",     "a:b c", "^bee \"bee", "\xF0\x9F\x98\x80"};
    turnkeep_store *store = memory_store();
    size_t index;
    for (index = 0; index < sizeof texts / sizeof *texts; index++) CHECK_EQUAL(count_hits(store, texts[index]), 0);
    close_store(store);
}

static void a_store_without_search_says_so(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_search_results *results = NULL;
    const char *path = fresh_path();
    turnkeep_store *store;
    turnkeep_session *session;
    options.no_search = 1;
    store = open_with(path, &options);
    session = create(store, NULL);
    say(session, "a bee");
    FAILS(UNSUPPORTED, "no_search", turnkeep_store_search(store, NULL, &results, &failure));
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    CHECK_EQUAL(count_hits(store, "bee"), 1);
    close_store(store);
}

static void a_raw_expression_that_is_wrong_says_what_is_wrong_with_it(void) {
    turnkeep_store *store = memory_store();
    turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_search_results *results = NULL;
    options.text = "bee AND";
    options.raw = 1;
    FAILS(INVALID, "syntax error", turnkeep_store_search(store, &options, &results, &failure));
    options.text = "nothing:bee";
    FAILS(INVALID, "no such column", turnkeep_store_search(store, &options, &results, &failure));
    CHECK(results == NULL);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_hit_says_where_and_what);
    RUN(neighbours_are_messages_that_outlive_the_store);
    RUN(every_option_narrows_or_shapes_what_is_found);
    RUN(no_text_is_an_error);
    RUN(a_store_without_search_says_so);
    RUN(a_raw_expression_that_is_wrong_says_what_is_wrong_with_it);
    return 0;
}

/* Metrics through the C API: as a struct, as JSON, as Prometheus text. */

#include "../support/check.h"

static turnkeep_metrics metrics_of(turnkeep_store *store) {
    turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
    OK(turnkeep_store_metrics(store, &metrics, &failure));
    CHECK_EQUAL(metrics.struct_size, sizeof metrics);
    return metrics;
}

static void do_things(turnkeep_store *store) {
    turnkeep_session *session = create(store, NULL);
    int number;
    for (number = 0; number < 10; number++) say(session, "hello");
    for (number = 0; number < 100; number++) turnkeep_window_free(window_of(session, NULL));
    turnkeep_session_close(session);
}

static void the_struct_counts_what_was_done(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_metrics metrics;
    do_things(store);
    metrics = metrics_of(store);
    CHECK_EQUAL(metrics.sessions_created, 1);
    CHECK_EQUAL(metrics.sessions_deleted, 0);
    CHECK_EQUAL(metrics.messages_appended, 10);
    CHECK_EQUAL(metrics.tokens_appended, 50);
    CHECK_EQUAL(metrics.windows, 100);
    CHECK_EQUAL(metrics.cache_hits, 99);
    CHECK_EQUAL(metrics.cache_misses, 1);
    CHECK_EQUAL(metrics.commits, 11);
    CHECK_EQUAL(metrics.append_count, 10);
    CHECK_EQUAL(metrics.window_count, 2);
    CHECK_EQUAL(metrics.appends_per_commit_max, 1);
    CHECK(metrics.append_p50_ns > 0 && metrics.append_p50_ns <= metrics.append_p99_ns);
    CHECK(metrics.append_p99_ns <= metrics.append_max_ns);
    CHECK(metrics.window_p50_ns <= metrics.window_max_ns);
    CHECK_EQUAL(metrics.cache_sessions, 1);
    CHECK(metrics.cache_bytes > 0 && metrics.wal_bytes > 0);
    CHECK_EQUAL(metrics.active_sessions, 1);
    CHECK_EQUAL(metrics.total_messages, 10);
    CHECK_EQUAL(metrics.total_tokens, 50);
    CHECK_EQUAL(metrics.total_bytes, 50);
    CHECK_EQUAL(metrics.opened_us, metrics.reset_us);
    close_store(store);
}

static void a_reset_leaves_what_the_store_holds(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_metrics metrics;
    do_things(store);
    OK(turnkeep_store_reset_metrics(store, &failure));
    metrics = metrics_of(store);
    CHECK_EQUAL(metrics.messages_appended, 0);
    CHECK_EQUAL(metrics.windows, 0);
    CHECK_EQUAL(metrics.append_count, 0);
    CHECK_EQUAL(metrics.append_max_ns, 0);
    CHECK_EQUAL(metrics.total_messages, 10);
    CHECK(metrics.reset_us >= metrics.opened_us);
    close_store(store);
}

static void expect_inside(turnkeep_document *page, const char *text) {
    turnkeep_text all = turnkeep_document_text(page);
    if (strstr(all.data, text) == NULL) check_fail(__FILE__, __LINE__, "'%s' is not in '%s'", text, all.data);
}

static void json_and_prometheus_say_the_same(void) {
    turnkeep_store *store = memory_store();
    turnkeep_document *page = NULL;
    do_things(store);
    OK(turnkeep_store_metrics_json(store, &page, &failure));
    expect_inside(page, "\"messages_appended\":10");
    expect_inside(page, "\"avg_tokens_per_session\":50.0");
    turnkeep_document_free(page);
    page = NULL;
    OK(turnkeep_store_metrics_prometheus(store, &page, &failure));
    expect_inside(page, "# TYPE turnkeep_messages_appended_total counter\n");
    expect_inside(page, "\nturnkeep_messages_appended_total{store=\":memory:\"} 10\n");
    turnkeep_document_free(page);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(the_struct_counts_what_was_done);
    RUN(a_reset_leaves_what_the_store_holds);
    RUN(json_and_prometheus_say_the_same);
    return 0;
}

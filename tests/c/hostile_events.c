/* What a host can do wrong with events and metrics, sections 10 and 11 of the header (see ../support/hostile.h). */

#include "../support/hostile.h"

static int destroyed;

static void give_back(void *user_data) {
    (void)user_data;
    destroyed++;
}

static turnkeep_status listen(void *user_data, const turnkeep_event *event) {
    (void)user_data;
    (void)event;
    return TURNKEEP_OK;
}

static void null_in_subscriptions(void) {
    uint64_t subscription = 99;
    int given = 0;
    NULL_REFUSED(turnkeep_store_subscribe, store,
                 turnkeep_store_subscribe(NULL, listen, NULL, give_back, &subscription, &failure));
    FAILS(INVALID, "function is NULL",
          turnkeep_store_subscribe(store, NULL, &given, give_back, &subscription, &failure));
    CHECK_EQUAL(destroyed, 2);
    CHECK_EQUAL(subscription, 99);
    NULL_ALLOWED(turnkeep_store_subscribe, user_data,
                 turnkeep_store_subscribe(spare, listen, NULL, give_back, &subscription, &failure) == TURNKEEP_OK);
    CHECK_EQUAL(turnkeep_store_unsubscribe(spare, subscription, NULL), TURNKEEP_OK);
    CHECK_EQUAL(destroyed, 3);
    NULL_ALLOWED(turnkeep_store_subscribe, subscription,
                 turnkeep_store_subscribe(spare, listen, &given, NULL, NULL, &failure) == TURNKEEP_OK);
    NULL_ALLOWED(turnkeep_store_subscribe, error,
                 turnkeep_store_subscribe(NULL, NULL, NULL, NULL, NULL, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_store_unsubscribe, store, turnkeep_store_unsubscribe(NULL, 1, &failure));
    NULL_ALLOWED(turnkeep_store_unsubscribe, error,
                 turnkeep_store_unsubscribe(store, 1, NULL) == TURNKEEP_ERROR_NOT_FOUND);
    FAILS(NOT_FOUND, "no subscription 18446744073709551615", turnkeep_store_unsubscribe(store, UINT64_MAX, &failure));
}

static void null_in_event_lists(void) {
    turnkeep_events *events = NULL;
    NULL_REFUSED(turnkeep_store_events_after, store, turnkeep_store_events_after(NULL, 0, 0, &events, &failure));
    NULL_REFUSED(turnkeep_store_events_after, out, turnkeep_store_events_after(store, 0, 0, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_events_after, error,
                 turnkeep_store_events_after(store, 0, UINT32_MAX, &events, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(events == NULL);
    FAILS(INVALID, "limit is 10001", turnkeep_store_events_after(store, 0, 10001, &events, &failure));
    OK(turnkeep_store_events_after(store, UINT64_MAX, 0, &events, &failure));
    CHECK_EQUAL(turnkeep_events_len(events), 0);
    turnkeep_events_free(events);
    NULL_ALLOWED(turnkeep_events_len, events, turnkeep_events_len(NULL) == 0);
    NULL_ALLOWED(turnkeep_events_at, events, turnkeep_events_at(NULL, 0) == NULL);
    NULL_ALLOWED(turnkeep_events_lost, events, turnkeep_events_lost(NULL) == 0);
    NULL_ALLOWED(turnkeep_events_free, events, (turnkeep_events_free(NULL), 1));
}

static void null_in_metrics(void) {
    turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
    turnkeep_document *page = NULL;
    NULL_REFUSED(turnkeep_store_metrics, store, turnkeep_store_metrics(NULL, &metrics, &failure));
    NULL_REFUSED(turnkeep_store_metrics, metrics, turnkeep_store_metrics(store, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_metrics, error, turnkeep_store_metrics(NULL, &metrics, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK_EQUAL(metrics.opened_us, 0);
    NULL_REFUSED(turnkeep_store_reset_metrics, store, turnkeep_store_reset_metrics(NULL, &failure));
    NULL_ALLOWED(turnkeep_store_reset_metrics, error, turnkeep_store_reset_metrics(store, NULL) == TURNKEEP_OK);
    NULL_REFUSED(turnkeep_store_metrics_json, store, turnkeep_store_metrics_json(NULL, &page, &failure));
    NULL_REFUSED(turnkeep_store_metrics_json, out, turnkeep_store_metrics_json(store, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_metrics_json, error,
                 turnkeep_store_metrics_json(NULL, &page, NULL) == TURNKEEP_ERROR_INVALID);
    NULL_REFUSED(turnkeep_store_metrics_prometheus, store, turnkeep_store_metrics_prometheus(NULL, &page, &failure));
    NULL_REFUSED(turnkeep_store_metrics_prometheus, out, turnkeep_store_metrics_prometheus(store, NULL, &failure));
    NULL_ALLOWED(turnkeep_store_metrics_prometheus, error,
                 turnkeep_store_metrics_prometheus(NULL, &page, NULL) == TURNKEEP_ERROR_INVALID);
    CHECK(page == NULL);
}

static void metrics_of_a_wrong_size_are_refused(void) {
    SIZE(turnkeep_metrics, turnkeep_store_metrics(store, sized, &failure));
}

static void an_event_log_of_no_sense_is_refused(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *opened = NULL;
    options.event_log_rows = UINT64_MAX;
    FAILS(INVALID, "event_log_rows is 18446744073709551615",
          turnkeep_store_open(":memory:", &options, &opened, &failure));
    options.event_log_rows = 1;
    options.read_only = 1;
    FAILS(INVALID, "event_log_rows and read_only", turnkeep_store_open(fresh_path(), &options, &opened, &failure));
    CHECK(opened == NULL);
}

int main(int argc, char **argv) {
    begin_hostile(argc, argv);
    RUN(null_in_subscriptions);
    RUN(null_in_event_lists);
    RUN(null_in_metrics);
    RUN(metrics_of_a_wrong_size_are_refused);
    RUN(an_event_log_of_no_sense_is_refused);
    return end_hostile();
}

/* Sessions on their way out of one store and into another. */

#include "../support/check.h"

static turnkeep_export_options as(int32_t format) {
    turnkeep_export_options options = TURNKEEP_EXPORT_OPTIONS_INIT;
    options.format = format;
    return options;
}

static turnkeep_store *store_with_a_fork(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *one = create(store, "one");
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *fork = NULL;
    say(one, "What is a fork?");
    answer(one, "Two ways from one place.");
    options.id = "two";
    OK(turnkeep_session_fork(one, 1, &options, &fork, &failure));
    answer(fork, "Something to eat with.");
    turnkeep_session_close(one);
    turnkeep_session_close(fork);
    return store;
}

static void a_store_moves_through_a_file_with_its_forks(void) {
    static const char *const contents[] = {"What is a fork?", "Something to eat with."};
    const turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_store *from = store_with_a_fork();
    turnkeep_store *to = open_store(fresh_path());
    turnkeep_transfer_report *report = NULL;
    turnkeep_session *fork = NULL;
    const turnkeep_transfer_counts *counts;
    const char *file = fresh_path();

    OK(turnkeep_store_export_file(from, file, &wanted, &report, &failure));
    counts = turnkeep_transfer_report_counts(report);
    CHECK_EQUAL(counts->sessions, 2);
    CHECK_EQUAL(counts->messages, 3);
    CHECK_EQUAL(counts->format, TURNKEEP_FORMAT_TURNKEEP);
    CHECK(counts->bytes > 0);
    CHECK_EQUAL(turnkeep_transfer_report_loss_len(report), 0);
    turnkeep_transfer_report_free(report);

    OK(turnkeep_store_import(to, file, NULL, &report, &failure));
    counts = turnkeep_transfer_report_counts(report);
    CHECK_EQUAL(counts->sessions, 2);
    CHECK_EQUAL(counts->messages, 3);
    CHECK_EQUAL(counts->forks, 1);
    CHECK_EQUAL(counts->problems, 0);
    CHECK_EQUAL(counts->format, TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_transfer_report_free(report);
    OK(turnkeep_session_open(to, "two", &fork, &failure));
    check_history(__FILE__, __LINE__, fork, contents, 2);
    turnkeep_session_close(fork);
    close_store(from);
    close_store(to);
}

static void a_second_import_skips_overwrites_or_keeps_both(void) {
    const turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_import_options options = TURNKEEP_IMPORT_OPTIONS_INIT;
    turnkeep_store *store = store_with_a_fork();
    turnkeep_transfer_report *report = NULL;
    turnkeep_session *session = NULL;
    const turnkeep_transfer_problem *problem;
    const char *file = fresh_path();
    uint64_t count = 0;
    OK(turnkeep_store_export_file(store, file, &wanted, NULL, &failure));
    OK(turnkeep_session_open(store, "one", &session, &failure));
    say(session, "Said after the export.");

    OK(turnkeep_store_import(store, file, &options, &report, &failure));
    CHECK_EQUAL(turnkeep_transfer_report_counts(report)->skipped, 2);
    CHECK_EQUAL(turnkeep_transfer_report_len(report), 2);
    problem = turnkeep_transfer_report_at(report, 0);
    CHECK_EQUAL(problem->kind, TURNKEEP_PROBLEM_SKIPPED);
    check_bytes(__FILE__, __LINE__, "session_id", problem->session_id, "one", 3);
    check_bytes(__FILE__, __LINE__, "place", problem->place, "line 2", 6);
    CHECK(strstr(problem->reason.data, "another version") != NULL);
    CHECK(turnkeep_transfer_report_at(report, 2) == NULL);
    turnkeep_transfer_report_free(report);

    options.existing = TURNKEEP_EXISTING_KEEP_BOTH;
    OK(turnkeep_store_import(store, file, &options, NULL, &failure));
    OK(turnkeep_store_count_sessions(store, NULL, &count, &failure));
    CHECK_EQUAL(count, 4);

    options.existing = TURNKEEP_EXISTING_OVERWRITE;
    OK(turnkeep_store_import(store, file, &options, &report, &failure));
    CHECK_EQUAL(turnkeep_transfer_report_counts(report)->overwritten, 2);
    turnkeep_transfer_report_free(report);
    /* The handle is one of the session that made room. */
    FAILS(NOT_FOUND, "one", turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

static void a_dry_run_tells_what_would_come_and_keeps_nothing(void) {
    const turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_import_options options = TURNKEEP_IMPORT_OPTIONS_INIT;
    turnkeep_store *from = store_with_a_fork();
    turnkeep_store *to = open_store(":memory:");
    turnkeep_transfer_report *report = NULL;
    const char *file = fresh_path();
    uint64_t count = 1;
    OK(turnkeep_store_export_file(from, file, &wanted, NULL, &failure));
    options.dry_run = 1;
    OK(turnkeep_store_import(to, file, &options, &report, &failure));
    CHECK_EQUAL(turnkeep_transfer_report_counts(report)->sessions, 2);
    OK(turnkeep_store_count_sessions(to, NULL, &count, &failure));
    CHECK_EQUAL(count, 0);
    turnkeep_transfer_report_free(report);
    close_store(from);
    close_store(to);
}

struct seen {
    turnkeep_store *store;
    int calls;
    size_t bytes;
    int32_t of_change;
    int32_t of_read;
};

static turnkeep_status try_to_use(void *user_data, uint64_t done, uint64_t total) {
    struct seen *seen = (struct seen *)user_data;
    uint64_t count;
    turnkeep_session *session = NULL;
    CHECK(done <= total);
    seen->calls++;
    seen->of_change = turnkeep_session_create(seen->store, NULL, &session, NULL);
    turnkeep_session_close(session);
    seen->of_read = turnkeep_store_count_sessions(seen->store, NULL, &count, NULL);
    return TURNKEEP_OK;
}

static void the_thread_that_imports_is_told_busy_instead_of_waiting_for_itself(void) {
    const turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_import_options options = TURNKEEP_IMPORT_OPTIONS_INIT;
    turnkeep_store *from = store_with_a_fork();
    const char *file = fresh_path();
    const char *places[2];
    int index;
    places[0] = ":memory:";
    OK(turnkeep_store_export_file(from, file, &wanted, NULL, &failure));
    places[1] = fresh_path();
    for (index = 0; index < 2; index++) {
        struct seen seen = {0};
        seen.store = open_store(places[index]);
        options.progress = try_to_use;
        options.user_data = &seen;
        OK(turnkeep_store_import(seen.store, file, &options, NULL, &failure));
        CHECK(seen.calls > 0);
        CHECK_EQUAL(seen.of_change, TURNKEEP_ERROR_BUSY);
        CHECK_EQUAL(seen.of_read, index == 0 ? TURNKEEP_ERROR_BUSY : TURNKEEP_OK);
        close_store(seen.store);
    }
    close_store(from);
}

static turnkeep_status stop(void *user_data, uint64_t done, uint64_t total) {
    (void)user_data;
    (void)done;
    (void)total;
    return TURNKEEP_ERROR_ABORTED;
}

static void a_progress_that_says_no_leaves_nothing(void) {
    turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_import_options options = TURNKEEP_IMPORT_OPTIONS_INIT;
    turnkeep_store *from = store_with_a_fork();
    turnkeep_store *to = open_store(fresh_path());
    const char *file = fresh_path();
    const char *second = fresh_path();
    uint64_t count = 1;
    FILE *there;
    OK(turnkeep_store_export_file(from, file, &wanted, NULL, &failure));
    options.progress = stop;
    FAILS(ABORTED, "nothing was taken in", turnkeep_store_import(to, file, &options, NULL, &failure));
    OK(turnkeep_store_count_sessions(to, NULL, &count, &failure));
    CHECK_EQUAL(count, 0);
    wanted.progress = stop;
    FAILS(ABORTED, "stopped", turnkeep_store_export_file(from, second, &wanted, NULL, &failure));
    there = fopen(second, "r");
    CHECK(there == NULL);
    close_store(from);
    close_store(to);
}

static turnkeep_status count_bytes(void *user_data, const char *data, size_t len) {
    struct seen *seen = (struct seen *)user_data;
    CHECK(data != NULL && len > 0);
    seen->bytes += len;
    seen->calls++;
    return TURNKEEP_OK;
}

static turnkeep_status try_to_use_while_writing(void *user_data, const char *data, size_t len) {
    (void)data;
    (void)len;
    return try_to_use(user_data, 0, 0);
}

static void the_thread_that_exports_is_told_busy_instead_of_waiting_for_itself(void) {
    const turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    int in_memory;
    for (in_memory = 0; in_memory < 2; in_memory++) {
        struct seen seen = {0};
        seen.store = open_store(in_memory ? ":memory:" : fresh_path());
        turnkeep_session_close(create(seen.store, "one"));
        OK(turnkeep_store_export(seen.store, &wanted, try_to_use_while_writing, &seen, NULL, &failure));
        CHECK(seen.calls > 0);
        CHECK_EQUAL(seen.of_change, TURNKEEP_ERROR_BUSY);
        CHECK_EQUAL(seen.of_read, in_memory ? TURNKEEP_ERROR_BUSY : TURNKEEP_OK);
        close_store(seen.store);
    }
}

static turnkeep_status refuse_bytes(void *user_data, const char *data, size_t len) {
    (void)user_data;
    (void)data;
    (void)len;
    return TURNKEEP_ERROR_FULL;
}

static void an_export_comes_in_chunks_through_a_function(void) {
    const turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_store *store = store_with_a_fork();
    turnkeep_transfer_report *report = NULL;
    struct seen seen = {0};
    OK(turnkeep_store_export(store, &wanted, count_bytes, &seen, &report, &failure));
    CHECK_EQUAL(seen.bytes, turnkeep_transfer_report_counts(report)->bytes);
    CHECK(seen.calls > 0);
    turnkeep_transfer_report_free(report);
    FAILS(ABORTED, "write answered -9", turnkeep_store_export(store, &wanted, refuse_bytes, NULL, NULL, &failure));
    close_store(store);
}

static void an_export_can_be_of_some_sessions(void) {
    const char *two = "two";
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_store *store = store_with_a_fork();
    turnkeep_transfer_report *report = NULL;
    wanted.session_ids = &two;
    wanted.session_id_count = 1;
    OK(turnkeep_store_export_file(store, fresh_path(), &wanted, &report, &failure));
    CHECK_EQUAL(turnkeep_transfer_report_counts(report)->sessions, 1);
    /* Alone, a fork has all its messages. */
    CHECK_EQUAL(turnkeep_transfer_report_counts(report)->messages, 2);
    turnkeep_transfer_report_free(report);
    wanted.session_ids = NULL;
    wanted.session_id_count = 0;
    wanted.filter = &filter;
    filter.parent_id = "one";
    OK(turnkeep_store_export_file(store, fresh_path(), &wanted, &report, &failure));
    CHECK_EQUAL(turnkeep_transfer_report_counts(report)->sessions, 1);
    turnkeep_transfer_report_free(report);
    close_store(store);
}

static void an_own_file_that_was_changed_or_cut_short_brings_nothing(void) {
#define HEAD "{\"type\":\"turnkeep\",\"version\":1}\n"
#define SESSION "{\"type\":\"session\",\"id\":\"a\",\"status\":\"active\",\"created\":1,\"updated\":1,\"revision\":1}\n"
#define MESSAGE(seq) \
    "{\"type\":\"message\",\"seq\":" #seq ",\"role\":\"user\",\"content\":\"x\",\"tokens\":1,\"created\":1}\n"
    static const struct {
        const char *text;
        const char *says;
    } broken[] = {
        {HEAD SESSION MESSAGE(1), "cut short"},
        {HEAD SESSION MESSAGE(1) "{\"type\":\"end\",\"sessions\":1,\"messages\":2}\n", "something is missing"},
        {HEAD SESSION MESSAGE(2), "message 2 of its session, behind message 0"},
        {HEAD MESSAGE(1), "before the first session"},
        {HEAD "{\"type\":\"note\"}\n", "type 'note'"},
        {HEAD "{\"type\":\"session\",\"id\":\"a\",\"id\":\"b\"}\n", "duplicate field"},
        {HEAD SESSION
         "{\"type\":\"message\",\"seq\":1,\"role\":\"robot\",\"content\":\"\",\"tokens\":0,\"created\":1}\n",
         "role 'robot'"},
        {HEAD SESSION "{\"type\":\"message\",\"seq\":1,\"role\":\"user\",\"content\":\"\\ud800\",\"tokens\":0}\n",
         "line 3"},
        {HEAD SESSION "{\"type\":\"message\",\"seq\":1,\"role\":\"user\",\"content\":\"\",\"tokens\":NaN}\n", "line 3"},
        {"{\"type\":\"turnkeep\",\"version\":2}\n", "version 2"},
        {HEAD SESSION MESSAGE(1) "{\"type\":\"end\",\"sessions\":1,\"messages\":1}\n" SESSION, "after the end"},
    };
    turnkeep_import_options options = TURNKEEP_IMPORT_OPTIONS_INIT;
    turnkeep_store *store = open_store(fresh_path());
    const char *file = fresh_path();
    size_t index;
    uint64_t count = 1;
    options.format = TURNKEEP_FORMAT_TURNKEEP;
    for (index = 0; index < sizeof broken / sizeof *broken; index++) {
        turnkeep_error *error = NULL;
        write_file(file, broken[index].text, strlen(broken[index].text));
        CHECK(turnkeep_store_import(store, file, &options, NULL, &error) != TURNKEEP_OK);
        if (strstr(turnkeep_error_message(error).data, broken[index].says) == NULL)
            check_fail(__FILE__, __LINE__, "%s does not say %s", turnkeep_error_message(error).data,
                       broken[index].says);
        turnkeep_error_free(error);
        OK(turnkeep_store_count_sessions(store, NULL, &count, &failure));
        CHECK_EQUAL(count, 0);
    }
    close_store(store);
}

static turnkeep_status hear(void *user_data, const turnkeep_event *event) {
    if (event->kind == TURNKEEP_EVENT_SESSION_IMPORTED) *(uint64_t *)user_data += event->count;
    return TURNKEEP_OK;
}

static void each_session_that_comes_in_is_told_with_its_messages(void) {
    const turnkeep_export_options wanted = as(TURNKEEP_FORMAT_TURNKEEP);
    turnkeep_store *from = store_with_a_fork();
    turnkeep_store *to = open_store(fresh_path());
    const char *file = fresh_path();
    uint64_t heard = 0;
    uint64_t subscription = 0;
    OK(turnkeep_store_export_file(from, file, &wanted, NULL, &failure));
    OK(turnkeep_store_subscribe(to, hear, &heard, NULL, &subscription, &failure));
    OK(turnkeep_store_import(to, file, NULL, NULL, &failure));
    CHECK_EQUAL(heard, 4);
    close_store(from);
    close_store(to);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_store_moves_through_a_file_with_its_forks);
    RUN(a_second_import_skips_overwrites_or_keeps_both);
    RUN(a_dry_run_tells_what_would_come_and_keeps_nothing);
    RUN(the_thread_that_imports_is_told_busy_instead_of_waiting_for_itself);
    RUN(a_progress_that_says_no_leaves_nothing);
    RUN(the_thread_that_exports_is_told_busy_instead_of_waiting_for_itself);
    RUN(an_export_comes_in_chunks_through_a_function);
    RUN(an_export_can_be_of_some_sessions);
    RUN(an_own_file_that_was_changed_or_cut_short_brings_nothing);
    RUN(each_session_that_comes_in_is_told_with_its_messages);
    return 0;
}

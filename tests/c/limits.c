/* What the system gives no more of: bytes of a file, descriptors, threads. Each test is a process of its own. */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: this is about limits as POSIX has them");
    return 0;
}
#else

#include "../support/process.h"

#include <sys/resource.h>

static void limit(int what, rlim_t most) {
    struct rlimit now;
    CHECK_EQUAL(getrlimit(what, &now), 0);
    now.rlim_cur = most < now.rlim_max ? most : now.rlim_max;
    CHECK_EQUAL(setrlimit(what, &now), 0);
}

static void expect_sound(turnkeep_store *store) {
    turnkeep_check_report *report = NULL;
    OK(turnkeep_store_check(store, &report, &failure));
    if (turnkeep_check_report_len(report) > 0)
        check_fail(__FILE__, __LINE__, "%s", turnkeep_check_report_at(report, 0).data);
    turnkeep_check_report_free(report);
}

enum { BYTES = 10000 };

static const char *large(void) {
    static char content[BYTES + 1];
    memset(content, 'x', BYTES);
    return content;
}

/* Appends until it fails; the number of those that did not. */
static uint64_t append_until(turnkeep_session *session, turnkeep_status *status, char *message, size_t room) {
    uint64_t kept = 0;
    turnkeep_error *error = NULL;
    while (kept < 10000) {
        turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
        *status = turnkeep_session_append(session, TURNKEEP_ROLE_USER, large(), BYTES, &receipt, &error);
        if (*status != TURNKEEP_OK) break;
        kept = receipt.last_seq;
    }
    snprintf(message, room, "%s", turnkeep_error_message(error).data);
    turnkeep_error_free(error);
    return kept;
}

static void expect_status(turnkeep_status status, const char *message) {
    if (status != TURNKEEP_ERROR_FULL && status != TURNKEEP_ERROR_STORAGE)
        check_fail(__FILE__, __LINE__, "%s: %s", turnkeep_status_name(status), message);
}

/* Every call that writes much: it works, or says FULL or STORAGE. */
static void try_all_that_writes(turnkeep_store *store, turnkeep_session *session, const char *export) {
    turnkeep_error *error = NULL;
    turnkeep_session *forked = NULL;
    turnkeep_transfer_report *report = NULL;
    turnkeep_import_options again = TURNKEEP_IMPORT_OPTIONS_INIT;
    turnkeep_status results[7];
    unsigned each;
    again.existing = TURNKEEP_EXISTING_KEEP_BOTH;
    for (each = 0; each < 7; each++) {
        turnkeep_error_free(error);
        error = NULL;
        switch (each) {
        case 0: results[0] = turnkeep_store_backup(store, in_scratch("full.db"), NULL, &error); break;
        case 1: results[1] = turnkeep_store_vacuum(store, &error); break;
        case 2: results[2] = turnkeep_store_optimize(store, &error); break;
        case 3: results[3] = turnkeep_store_import(store, export, &again, &report, &error); break;
        case 4: results[4] = turnkeep_session_fork(session, 1, NULL, &forked, &error); break;
        case 5: results[5] = turnkeep_session_erase(store, "to erase", NULL, &error); break;
        default: results[6] = turnkeep_session_truncate(session, 1000000, 0, 0, NULL, &error); break;
        }
        if (results[each] != TURNKEEP_OK) expect_status(results[each], turnkeep_error_message(error).data);
    }
    turnkeep_error_free(error);
    turnkeep_transfer_report_free(report);
    turnkeep_session_close(forked);
    CHECK(is_there(in_scratch("full.db")) == (results[0] == TURNKEEP_OK));
}

static int reach_a_file_size_limit(void *argument) {
    const char *path = (const char *)argument;
    const char *export = in_scratch("export.jsonl");
    turnkeep_transfer_report *report = NULL;
    turnkeep_export_options all = TURNKEEP_EXPORT_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_status status = TURNKEEP_OK;
    char message[512];
    uint64_t kept;
    all.format = TURNKEEP_FORMAT_TURNKEEP;
    signal(SIGXFSZ, SIG_IGN);
    store = open_store(path);
    session = create(store, "s");
    turnkeep_session_close(create(store, "to erase"));
    say(session, "x");
    OK(turnkeep_store_export_file(store, export, &all, &report, &failure));
    turnkeep_transfer_report_free(report);
    limit(RLIMIT_FSIZE, 1 << 20);
    kept = append_until(session, &status, message, sizeof message);
    CHECK(kept > 10);
    expect_status(status, message);
    CHECK(strstr(message, "space") != NULL || strstr(message, "size limit") != NULL);
    CHECK_EQUAL(count_messages(session), kept);
    try_all_that_writes(store, session, export);
    CHECK_EQUAL(count_messages(session), kept);
    limit(RLIMIT_FSIZE, RLIM_INFINITY);
    CHECK_EQUAL(append(session, TURNKEEP_ROLE_USER, "on we go").first_seq, kept + 1);
    expect_sound(store);
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "s");
    CHECK_EQUAL(count_messages(session), kept + 1);
    expect_sound(store);
    turnkeep_session_close(session);
    close_store(store);
    return 0;
}

static void a_file_size_limit_is_a_status_and_loses_nothing(void) {
    elsewhere(reach_a_file_size_limit, (void *)(uintptr_t)fresh_path());
}

static int note_until_killed(void *argument) {
    const char *path = (const char *)argument;
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    int notes = open(in_scratch("notes"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    struct rlimit no_core = {0, 0};
    uint64_t number;
    setrlimit(RLIMIT_CORE, &no_core);
    limit(RLIMIT_FSIZE, 1 << 20);
    for (number = 1; number < 10000; number++) {
        CHECK_EQUAL(append(session, TURNKEEP_ROLE_USER, large()).first_seq, number);
        CHECK_EQUAL(pwrite(notes, &number, sizeof number, 0), (ssize_t)sizeof number);
    }
    return 1;
}

static void a_host_that_dies_of_sigxfsz_loses_nothing_either(void) {
    const char *path = fresh_path();
    pid_t child = start(note_until_killed, (void *)(uintptr_t)path);
    int status = 0;
    size_t length;
    uint64_t noted;
    char *notes;
    turnkeep_store *store;
    turnkeep_session *session;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    notes = read_file(in_scratch("notes"), &length);
    memcpy(&noted, notes, sizeof noted);
    free(notes);
    CHECK(noted > 10);
    store = open_store(path);
    session = open_session(store, "s");
    CHECK(count_messages(session) >= noted);
    expect_sound(store);
    turnkeep_session_close(session);
    close_store(store);
}

/* Takes every descriptor that there is. */
static int take_all(int *taken, int most) {
    int count = 0;
    while (count < most && (taken[count] = dup(0)) >= 0) count++;
    CHECK(count < most && errno == EMFILE);
    return count;
}

static int run_out_of_descriptors(void *argument) {
    const char *path = (const char *)argument;
    turnkeep_store *store = open_store(path), *other = NULL;
    turnkeep_session *session = create(store, "s");
    turnkeep_session_list *list = NULL;
    int taken[256], count;
    say(session, "before");
    turnkeep_window_free(window_of(session, NULL));
    limit(RLIMIT_NOFILE, 200);
    count = take_all(taken, 256);
    /* What is open goes on: appends, and what is in memory. */
    say(session, "without a descriptor");
    turnkeep_window_free(window_of(session, NULL));
    CHECK_EQUAL(count_messages(session), 2);
    OK(turnkeep_store_flush(store, &failure));
    /* What needs a file says that it cannot have one. */
    FAILS(STORAGE, "open", turnkeep_store_open(in_scratch("another.db"), NULL, &other, &failure));
    FAILS(STORAGE, "open", turnkeep_store_open(path, NULL, &other, &failure));
    FAILS(STORAGE, "", turnkeep_store_backup(store, in_scratch("copy.db"), NULL, &failure));
    if (turnkeep_session_describe(session, &list, NULL) == TURNKEEP_OK) turnkeep_session_list_free(list);
    else FAILS(STORAGE, "files", turnkeep_session_describe(session, &list, &failure));
    while (count > 0) close(taken[--count]);
    /* Then all of it works again. */
    OK(turnkeep_store_backup(store, in_scratch("copy.db"), NULL, &failure));
    other = open_store(path);
    expect_sound(other);
    close_store(other);
    say(session, "after");
    CHECK_HISTORY(session, "before", "without a descriptor", "after");
    turnkeep_session_close(session);
    close_store(store);
    return 0;
}

static void a_store_goes_on_without_descriptors_and_what_needs_one_says_so(void) {
    elsewhere(run_out_of_descriptors, (void *)(uintptr_t)fresh_path());
}

static int have_no_thread(void *argument) {
    const char *path = (const char *)argument;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    turnkeep_session *session;
    turnkeep_search_options search = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_search_results *results = NULL;
    int number;
    if (geteuid() == 0) CHECK(setgid(65534) == 0 && setuid(65534) == 0);
    limit(RLIMIT_NPROC, 0);
    /* Whoever needs the thread is told. */
    options.exclusive = 1;
    FAILS(STORAGE, "thread", turnkeep_store_open(path, &options, &store, &failure));
    /* All others do its work themselves. */
    store = open_store(path);
    session = create(store, "s");
    for (number = 0; number < 300; number++) say(session, large());
    search.text = "xxx*";
    OK(turnkeep_store_search(store, &search, &results, &failure));
    CHECK(turnkeep_search_results_len(results) > 0);
    turnkeep_search_results_free(results);
    expect_sound(store);
    turnkeep_session_close(session);
    close_store(store);
    return 0;
}

static void a_store_without_a_thread_of_its_own_does_everything_itself(void) {
    CHECK_EQUAL(chmod(in_scratch("."), 0777), 0);
    elsewhere(have_no_thread, (void *)(uintptr_t)fresh_path());
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_file_size_limit_is_a_status_and_loses_nothing);
    RUN(a_host_that_dies_of_sigxfsz_loses_nothing_either);
    RUN(a_store_goes_on_without_descriptors_and_what_needs_one_says_so);
    RUN(a_store_without_a_thread_of_its_own_does_everything_itself);
    return 0;
}

#endif

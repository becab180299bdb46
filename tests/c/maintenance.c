/* Section 12 through the C ABI: backup, check, vacuum, optimize, sizes, salvage, erase; a settings file. */

#include "../support/check.h"

static turnkeep_check_report *check_of(turnkeep_store *store) {
    turnkeep_check_report *check = NULL;
    OK(turnkeep_store_check(store, &check, &failure));
    CHECK(check != NULL);
    return check;
}

static void check_is_sound(turnkeep_store *store) {
    turnkeep_check_report *check = check_of(store);
    if (turnkeep_check_report_len(check) != 0)
        check_fail(__FILE__, __LINE__, "%s", turnkeep_check_report_at(check, 0).data);
    CHECK_EQUAL(turnkeep_check_report_counts(check)->problems, 0);
    turnkeep_check_report_free(check);
}

static turnkeep_sizes sizes_of(turnkeep_store *store) {
    turnkeep_sizes sizes = TURNKEEP_SIZES_INIT;
    OK(turnkeep_store_sizes(store, &sizes, &failure));
    return sizes;
}

/* Leaves a closed store with its database alone, whose log would hide what is done to it. */
static void remove_log(const char *path) {
    char log[PATH_BYTES + 4];
    snprintf(log, sizeof log, "%s-wal", path);
    CHECK_EQUAL(remove(log), 0);
}

struct progress {
    uint64_t calls;
    uint64_t stop_after;
    uint64_t done;
    uint64_t all;
};

static turnkeep_status note(void *user_data, uint64_t done, uint64_t all) {
    struct progress *progress = (struct progress *)user_data;
    progress->done = done;
    progress->all = all;
    return ++progress->calls > progress->stop_after ? TURNKEEP_ERROR_ABORTED : TURNKEEP_OK;
}

static void a_backup_is_a_store_and_its_progress_can_stop_it(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "s");
    turnkeep_backup_options options = TURNKEEP_BACKUP_OPTIONS_INIT;
    struct progress progress = {0, 0, 0, 0};
    const char *copy = fresh_path();
    say(session, "kept");
    options.user_data = &progress;
    options.progress = note;
    FAILS(ABORTED, "asked to stop", turnkeep_store_backup(store, copy, &options, &failure));
    CHECK(!is_there(copy));
    progress.stop_after = UINT64_MAX;
    OK(turnkeep_store_backup(store, copy, &options, &failure));
    CHECK(progress.calls >= 2 && progress.all > 0);
    CHECK_EQUAL(progress.done, progress.all);
    FAILS(EXISTS, "exists already", turnkeep_store_backup(store, copy, &options, &failure));
    say(session, "later");
    options.overwrite = 1;
    OK(turnkeep_store_backup(store, copy, &options, &failure));
    turnkeep_session_close(session);
    close_store(store);

    store = open_store(copy);
    session = open_session(store, "s");
    CHECK_HISTORY(session, "kept", "later");
    check_is_sound(store);
    turnkeep_session_close(session);
    close_store(store);
}

static void a_check_counts_what_it_looks_at_and_tells_what_is_wrong(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_check_report *check;
    const turnkeep_check_counts *counts;
    char *bytes, *at;
    size_t length, index;
    say(session, "this text will be garbled");
    answer(session, "yes");
    check = check_of(store);
    counts = turnkeep_check_report_counts(check);
    CHECK_EQUAL(counts->problems, 0);
    CHECK_EQUAL(counts->sessions, 1);
    CHECK_EQUAL(counts->messages, 2);
    CHECK(counts->pages > 10);
    CHECK_EQUAL(turnkeep_check_report_at(check, 0).len, 0);
    turnkeep_check_report_free(check);
    turnkeep_session_close(session);
    close_store(store);

    remove_log(path);
    bytes = read_file(path, &length);
    for (at = NULL, index = 0; index + 9 < length && at == NULL; index++)
        if (memcmp(bytes + index, "this text", 9) == 0) at = bytes + index;
    CHECK(at != NULL);
    memset(at, 0xFF, 9);
    write_file(path, bytes, length);
    free(bytes);

    store = open_store(path);
    check = check_of(store);
    CHECK(turnkeep_check_report_len(check) >= 1);
    CHECK_EQUAL(turnkeep_check_report_counts(check)->problems, turnkeep_check_report_len(check));
    CHECK(strstr(turnkeep_check_report_at(check, 0).data, "session 's': message 1 cannot be read") != NULL);
    CHECK_EQUAL(turnkeep_check_report_at(check, turnkeep_check_report_len(check)).len, 0);
    turnkeep_check_report_free(check);
    FAILS(CORRUPT, "damaged", turnkeep_store_vacuum(store, &failure));
    turnkeep_store_close(store, NULL);
}

static void a_vacuum_gives_back_what_deleted_messages_left(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "large");
    char *content = (char *)malloc(2 << 20);
    turnkeep_sizes before, after;
    CHECK(content != NULL);
    memset(content, 'x', (2 << 20) - 1);
    content[(2 << 20) - 1] = 0;
    say(session, content);
    turnkeep_session_close(session);
    session = create(store, "small");
    say(session, "small");
    CHECK(sizes_of(store).messages > 2 << 20);
    OK(turnkeep_session_delete(store, "large", &failure));
    before = sizes_of(store);
    CHECK(before.free_pages > 1 << 20);
    OK(turnkeep_store_vacuum(store, &failure));
    after = sizes_of(store);
    CHECK_EQUAL(after.free_pages, 0);
    CHECK(after.database < 1 << 20 && before.database > 2 << 20);
    CHECK_EQUAL(after.database, after.sessions + after.messages + after.search + after.indexes + after.other);
    CHECK(after.sessions > 0 && after.messages > 0 && after.search > 0 && after.indexes > 0 && after.wal_file > 0);
    CHECK_HISTORY(session, "small");
    OK(turnkeep_store_optimize(store, &failure));
    say(session, "and on");
    CHECK_HISTORY(session, "small", "and on");
    check_is_sound(store);
    free(content);
    turnkeep_session_close(session);
    close_store(store);
}

static void a_store_in_memory_is_kept_in_order_like_any_other(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    const char *copy = fresh_path();
    say(session, "one");
    check_is_sound(store);
    OK(turnkeep_store_vacuum(store, &failure));
    OK(turnkeep_store_optimize(store, &failure));
    CHECK_EQUAL(sizes_of(store).wal_file, 0);
    CHECK(sizes_of(store).database > 0);
    OK(turnkeep_store_backup(store, copy, NULL, &failure));
    CHECK(is_there(copy));
    turnkeep_session_close(session);
    close_store(store);
}

static void a_store_that_is_read_only_is_checked_and_not_changed(void) {
    const char *path = fresh_path();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = open_store(path);
    turnkeep_session_close(create(store, "s"));
    options.read_only = 1;
    {
        turnkeep_store *reader = open_with(path, &options);
        check_is_sound(reader);
        CHECK(sizes_of(reader).database > 0);
        FAILS(READONLY, "read-only", turnkeep_store_vacuum(reader, &failure));
        FAILS(READONLY, "read-only", turnkeep_store_optimize(reader, &failure));
        FAILS(READONLY, "read-only", turnkeep_session_erase(reader, "s", NULL, &failure));
        close_store(reader);
    }
    CHECK(session_exists(store, "s"));
    close_store(store);
}

static void a_damaged_store_is_salvaged_and_the_loss_is_told(void) {
    const char *path = fresh_path(), *target = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_salvage_report *report = NULL;
    const turnkeep_salvage_counts *counts;
    char *bytes, *now;
    size_t length, now_length, index;
    say(session, "one");
    say(session, "a message that nobody can read");
    say(session, "three");
    turnkeep_session_close(session);
    FAILS(BUSY, "close it first", turnkeep_store_salvage(path, target, &report, &failure));
    close_store(store);
    remove_log(path);
    bytes = read_file(path, &length);
    for (index = 0; memcmp(bytes + index, "a message that", 14) != 0; index++) CHECK(index + 14 < length);
    memset(bytes + index, 0xC0, 14);
    write_file(path, bytes, length);

    OK(turnkeep_store_salvage(path, target, &report, &failure));
    counts = turnkeep_salvage_report_counts(report);
    CHECK_EQUAL(counts->problems, turnkeep_salvage_report_len(report));
    CHECK_EQUAL(counts->sessions, 1);
    CHECK_EQUAL(counts->sessions_added, 1);
    CHECK_EQUAL(counts->sessions_lost, 0);
    CHECK_EQUAL(counts->messages, 2);
    CHECK_EQUAL(counts->messages_lost, 1);
    CHECK_TEXT(turnkeep_salvage_report_at(report, 0),
               "session 's': message 2 cannot be read; what follows is in session 's (salvaged after message 1)'");
    CHECK_EQUAL(turnkeep_salvage_report_at(report, 1).len, 0);
    turnkeep_salvage_report_free(report);
    now = read_file(path, &now_length);
    CHECK(now_length == length && memcmp(now, bytes, length) == 0);
    free(now);
    free(bytes);

    store = open_store(target);
    session = open_session(store, "s");
    CHECK_HISTORY(session, "one");
    turnkeep_session_close(session);
    session = open_session(store, "s (salvaged after message 1)");
    CHECK_HISTORY(session, "three");
    turnkeep_session_close(session);
    check_is_sound(store);
    close_store(store);
}

static int file_has(const char *path, const char *text) {
    size_t length, index, size = strlen(text);
    char *bytes = read_file(path, &length);
    int found = 0;
    for (index = 0; index + size <= length && !found; index++) found = memcmp(bytes + index, text, size) == 0;
    free(bytes);
    return found;
}

static void an_erased_session_is_in_no_file_and_a_deleted_one_is(void) {
    const char *path = fresh_path();
    char log[PATH_BYTES + 4];
    int erase;
    snprintf(log, sizeof log, "%s-wal", path);
    for (erase = 0; erase < 2; erase++) {
        turnkeep_store *store = open_store(path);
        turnkeep_session *session = create(store, "the id qzxvwk");
        turnkeep_erase_report report = TURNKEEP_ERASE_REPORT_INIT;
        say(session, "a secret: qzxvwk");
        answer(session, "qzxvwk!");
        turnkeep_session_close(session);
        if (erase) {
            OK(turnkeep_session_erase(store, "the id qzxvwk", &report, &failure));
            CHECK_EQUAL(report.messages_erased, 2);
            CHECK_EQUAL(report.messages_kept_by_forks, 0);
            CHECK_EQUAL(report.wal_truncated, 1);
            FAILS(NOT_FOUND, "qzxvwk", turnkeep_session_erase(store, "the id qzxvwk", &report, &failure));
        } else {
            OK(turnkeep_session_delete(store, "the id qzxvwk", &failure));
        }
        close_store(store);
        CHECK_EQUAL(file_has(path, "qzxvwk") || file_has(log, "qzxvwk"), !erase);
    }
}

static void contents_are_kept_compressed_and_read_by_everybody(void) {
    const char *path = fresh_path();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    char content[8192];
    size_t length;
    memset(content, 0, sizeof content);
    for (length = 0; length < 8000; length += 16) memcpy(content + length, "the same again, ", 16);
    options.compress_min_bytes = 1024;
    options.compression_level = 19;
    {
        turnkeep_store *store = open_with(path, &options);
        turnkeep_session *session = create(store, "s");
        say(session, content);
        say(session, "short");
        CHECK_HISTORY(session, content, "short");
        turnkeep_session_close(session);
        close_store(store);
    }
    CHECK(!file_has(path, "the same again, the same again"));
    {
        turnkeep_store *store = open_store(path);
        turnkeep_session *session = open_session(store, "s");
        CHECK_HISTORY(session, content, "short");
        check_is_sound(store);
        turnkeep_session_close(session);
        close_store(store);
    }
}

static void a_session_holds_no_more_than_the_store_says(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    options.max_session_bytes = 10;
    store = open_with(":memory:", &options);
    session = create(store, NULL);
    say(session, "12345");
    FAILS(TOO_LARGE, "max_bytes is 10",
          turnkeep_session_append(session, TURNKEEP_ROLE_USER, "123456", 6, NULL, &failure));
    say(session, "12345");
    CHECK_HISTORY(session, "12345", "12345");
    turnkeep_session_close(session);
    close_store(store);
}

static void a_settings_file_opens_a_store(void) {
    const char *path = in_scratch("settings.toml");
    const char good[] = "[session]\nstorage_path = \"by settings.db\"\ncompress_messages = true\n";
    const char unknown[] = "[session]\nbackend = \"memory\"\nautosave_intervall = 5\n";
    const char wrong[] = "[session]\nbackend = \"memory\"\n\ncache_bytes = \"much\"\n";
    turnkeep_store *store = NULL;
    write_file(path, good, sizeof good - 1);
    OK(turnkeep_store_open_config(path, &store, &failure));
    CHECK_TEXT(turnkeep_store_location(store), in_scratch("by settings.db"));
    CHECK(is_there(in_scratch("by settings.db-wal")));
    close_store(store);
    store = NULL;
    write_file(path, unknown, sizeof unknown - 1);
    FAILS(INVALID, "'autosave_intervall' (line 3); did you mean autosave_interval?",
          turnkeep_store_open_config(path, &store, &failure));
    write_file(path, wrong, sizeof wrong - 1);
    FAILS(INVALID, "cache_bytes in line 4 is \"much\"", turnkeep_store_open_config(path, &store, &failure));
    FAILS(NOT_FOUND, "none.toml", turnkeep_store_open_config(in_scratch("none.toml"), &store, &failure));
    CHECK(store == NULL);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_backup_is_a_store_and_its_progress_can_stop_it);
    RUN(a_check_counts_what_it_looks_at_and_tells_what_is_wrong);
    RUN(a_vacuum_gives_back_what_deleted_messages_left);
    RUN(a_store_in_memory_is_kept_in_order_like_any_other);
    RUN(a_store_that_is_read_only_is_checked_and_not_changed);
    RUN(a_damaged_store_is_salvaged_and_the_loss_is_told);
    RUN(an_erased_session_is_in_no_file_and_a_deleted_one_is);
    RUN(contents_are_kept_compressed_and_read_by_everybody);
    RUN(a_session_holds_no_more_than_the_store_says);
    RUN(a_settings_file_opens_a_store);
    return 0;
}

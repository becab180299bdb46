/* What turnkeep_store_open makes, and what it refuses and leaves untouched. */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: this is about files and rights as POSIX has them");
    return 0;
}
#else

#include "../support/process.h"
#include <dirent.h>

/* A file's bytes, to be compared later. */
struct image {
    char *bytes;
    size_t length;
};

static struct image image_of(const char *path) {
    struct image image;
    image.bytes = read_file(path, &image.length);
    return image;
}

static void check_untouched(int line, const char *path, struct image before) {
    struct image now = image_of(path);
    if (now.length != before.length || memcmp(now.bytes, before.bytes, now.length) != 0)
        check_fail(__FILE__, line, "%s was changed", path);
    free(now.bytes);
}

/* How many entries a folder has, "." and ".." included. */
static int count_files(const char *folder) {
    DIR *entries = opendir(folder);
    int count = 0;
    CHECK(entries != NULL);
    while (readdir(entries) != NULL) count++;
    closedir(entries);
    return count;
}

/* A new folder in the scratch folder. */
static const char *fresh_folder(void) {
    static unsigned count;
    char name[32];
    const char *folder;
    snprintf(name, sizeof name, "folder-%u", ++count);
    folder = in_scratch(name);
    CHECK_EQUAL(mkdir(folder, 0777), 0);
    return folder;
}

static const char *in_folder(const char *folder, const char *name) {
    static char paths[4][PATH_BYTES];
    static unsigned next;
    char *path = paths[next++ % 4];
    CHECK(snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES);
    return path;
}

/* Tries to open in every way, and checks that the file stays as it is and that nothing appears beside it. */
static void check_refused(int line, const char *folder, const char *path, turnkeep_status expected, const char *why) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    struct image before = image_of(path);
    int files = count_files(folder);
    turnkeep_store *store = NULL;
    int way;
    options.busy_timeout_ms = 100;
    for (way = 0; way < 4; way++) {
        options.read_only = way == 1;
        options.must_exist = way == 2;
        options.exclusive = way == 3;
        check_fails(__FILE__, line, path, expected, why, turnkeep_store_open(path, &options, &store, &failure));
        CHECK(store == NULL);
        check_untouched(line, path, before);
        check_equal(__FILE__, line, "files in the folder", count_files(folder), files);
    }
    free(before.bytes);
}

#define REFUSED(folder, path, kind, why) check_refused(__LINE__, folder, path, TURNKEEP_ERROR_##kind, why)

static void a_new_store_in_missing_folders_is_made(void) {
    turnkeep_store *store = open_store(in_scratch("a/b/\xC3\xA4/c/chat.db"));
    turnkeep_session_close(create(store, "s"));
    close_store(store);
    store = open_store(in_scratch("a/b/\xC3\xA4/c/chat.db"));
    CHECK_EQUAL(session_exists(store, "s"), 1);
    close_store(store);
    store = open_store("nested/relative.db");
    close_store(store);
    CHECK(is_there(in_scratch("nested/relative.db")));
}

static void an_empty_file_becomes_a_store(void) {
    const char *path = fresh_path();
    write_file(path, "", 0);
    close_store(open_store(path));
    close_store(open_store(path));
}

static void a_file_of_something_else_is_refused_and_left_untouched(void) {
    const char *folder = fresh_folder();
    static const size_t lengths[] = {1, 15, 16, 99, 100, 511, 512, 4096, 100000};
    size_t index;
    for (index = 0; index < sizeof lengths / sizeof *lengths; index++) {
        char *text = (char *)malloc(lengths[index]);
        size_t at;
        CHECK(text != NULL);
        for (at = 0; at < lengths[index]; at++) text[at] = "Dear diary, today "[at % 18];
        write_file(in_folder(folder, "diary.txt"), text, lengths[index]);
        REFUSED(folder, in_folder(folder, "diary.txt"), MISMATCH, "is not a Turnkeep store");
        memset(text, 0, lengths[index]);
        write_file(in_folder(folder, "diary.txt"), text, lengths[index]);
        REFUSED(folder, in_folder(folder, "diary.txt"), MISMATCH, "is not a Turnkeep store");
        free(text);
    }
}

/* A database as another program made it: one table, and nothing of ours. */
static void put_foreign_database(const char *path, int in_wal_mode) {
    /* The header of an SQLite database of two pages of 512 bytes, and the root of its schema with one table. */
    static const char sql[] = "CREATE TABLE t(a)";
    unsigned char bytes[1024];
    unsigned char *record;
    const size_t payload = 6 + 5 + 1 + 1 + 1 + sizeof sql - 1;
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, "SQLite format 3", 16);
    bytes[16] = 2;                               /* page size 512 */
    bytes[18] = bytes[19] = in_wal_mode ? 2 : 1; /* format versions */
    bytes[21] = 64;
    bytes[22] = bytes[23] = 32;
    bytes[27] = 1; /* change counter */
    bytes[31] = 2; /* pages */
    bytes[43] = 1; /* schema cookie */
    bytes[47] = 4; /* schema format */
    bytes[59] = 1; /* UTF-8 */
    bytes[95] = 1; /* version valid for */
    bytes[96] = 0, bytes[97] = 46, bytes[98] = 0x70, bytes[99] = 0xA0;
    bytes[100] = 13; /* a leaf of a table: the schema */
    bytes[104] = 1;  /* one cell */
    record = bytes + 512 - payload - 2;
    bytes[105] = (unsigned char)((record - bytes) >> 8);
    bytes[106] = (unsigned char)(record - bytes);
    bytes[108] = bytes[105];
    bytes[109] = bytes[106];
    record[0] = (unsigned char)payload;
    record[1] = 1; /* rowid */
    record[2] = 6; /* the record's header: text 5, text 1, text 1, integer, text */
    record[3] = 5 * 2 + 13;
    record[4] = 1 * 2 + 13;
    record[5] = 1 * 2 + 13;
    record[6] = 1;
    record[7] = (unsigned char)((sizeof sql - 1) * 2 + 13);
    memcpy(record + 8, "tablett\2", 8);
    memcpy(record + 16, sql, sizeof sql - 1);
    bytes[512] = 13; /* the table: an empty leaf */
    bytes[517] = 2;
    write_file(path, bytes, sizeof bytes);
}

static void a_database_of_another_program_is_refused_and_left_untouched(void) {
    const char *folder = fresh_folder();
    put_foreign_database(in_folder(folder, "foreign.db"), 0);
    REFUSED(folder, in_folder(folder, "foreign.db"), MISMATCH, "its application id is 0x0");
}

static void a_database_of_another_program_in_wal_mode_is_refused_and_left_untouched(void) {
    const char *folder = fresh_folder();
    put_foreign_database(in_folder(folder, "foreign.db"), 1);
    REFUSED(folder, in_folder(folder, "foreign.db"), MISMATCH, "its application id is 0x0");
}

/* Sets a big-endian number in a file. */
static void patch(const char *path, size_t offset, uint32_t number) {
    struct image image = image_of(path);
    size_t byte;
    for (byte = 0; byte < 4; byte++) image.bytes[offset + byte] = (char)(number >> (24 - 8 * byte));
    write_file(path, image.bytes, image.length);
    free(image.bytes);
}

/* A store of one session with 50 messages, closed: all of it is in the one file. */
static void put_store(const char *path) {
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    int number;
    for (number = 0; number < 50; number++)
        say(session, "a message that takes some room in the file, so that it has pages");
    turnkeep_session_close(session);
    close_store(store);
}

static void remove_beside(const char *path) {
    char beside[PATH_BYTES + 8];
    snprintf(beside, sizeof beside, "%s-wal", path);
    (void)remove(beside);
    snprintf(beside, sizeof beside, "%s-shm", path);
    (void)remove(beside);
}

static void a_store_of_a_newer_version_is_refused_and_left_untouched(void) {
    const char *folder = fresh_folder();
    const char *path = in_folder(folder, "newer.db");
    put_store(path);
    remove_beside(path);
    patch(path, 60, 1000);
    REFUSED(folder, path, UNSUPPORTED, "schema 1000, made by a newer Turnkeep");
    patch(path, 60, 1);
    patch(path, 68, 0x12345678);
    REFUSED(folder, path, MISMATCH, "its application id is 0x12345678");
}

/* Writes as SQLite does, and dies with the WAL full and the file nearly empty. */
static int leave_a_wal_behind(void *path) {
    turnkeep_store *store = open_store((const char *)path);
    turnkeep_session *session = create(store, "s");
    say(session, "x");
    raise(SIGKILL);
    return 1;
}

static void die_with_a_wal(const char *path) {
    int status = 0;
    pid_t child = start(leave_a_wal_behind, (void *)(uintptr_t)path);
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
}

/* The frames of a WAL are not looked at by the first check: it must not be emptied into a file that is refused later. */
static void what_only_the_wal_says_is_refused_and_left_untouched_too(void) {
    const char *folder = fresh_folder();
    const char *path = in_folder(folder, "other.db");
    const char *wal = in_folder(folder, "other.db-wal");
    turnkeep_store *store = NULL;
    struct image file;
    struct image frames;
    size_t at;
    int patched = 0;
    die_with_a_wal(path);
    file = image_of(path);
    frames = image_of(wal);
    CHECK(frames.length > 0);
    /* A WAL of somebody else, as far as we can tell: every page 1 in it has another application id. */
    for (at = 32; at + 24 + 4096 <= frames.length; at += 24 + 4096) {
        if (memcmp(frames.bytes + at + 24, "SQLite format 3", 16) == 0) {
            frames.bytes[at + 24 + 68] ^= 0x55;
            patched++;
        }
    }
    CHECK(patched > 0);
    {
        /* Checksums over the changed frames. */
        const int big_endian = (unsigned char)frames.bytes[3] & 1;
        uint32_t sums[2];
        memcpy(sums, frames.bytes + 24, 8);
        sums[0] = __builtin_bswap32(sums[0]);
        sums[1] = __builtin_bswap32(sums[1]);
        for (at = 32; at + 24 + 4096 <= frames.length; at += 24 + 4096) {
            size_t word;
            uint32_t out[2];
            for (word = 0; word < (8 + 4096) / 4; word += 2) {
                const char *bytes = word < 2 ? frames.bytes + at + word * 4 : frames.bytes + at + 24 + (word - 2) * 4;
                uint32_t pair[2];
                memcpy(pair, bytes, 8);
                if (big_endian) {
                    pair[0] = __builtin_bswap32(pair[0]);
                    pair[1] = __builtin_bswap32(pair[1]);
                }
                sums[0] += pair[0] + sums[1];
                sums[1] += pair[1] + sums[0];
            }
            out[0] = __builtin_bswap32(sums[0]);
            out[1] = __builtin_bswap32(sums[1]);
            memcpy(frames.bytes + at + 16, out, 8);
        }
    }
    write_file(wal, frames.bytes, frames.length);
    FAILS(MISMATCH, "is not a Turnkeep store", turnkeep_store_open(path, NULL, &store, &failure));
    check_untouched(__LINE__, path, file);
    check_untouched(__LINE__, wal, frames);
    free(file.bytes);
    free(frames.bytes);
}

static void a_folder_is_refused(void) {
    const char *folder = fresh_folder();
    turnkeep_store *store = NULL;
    FAILS(INVALID, "is a folder", turnkeep_store_open(folder, NULL, &store, &failure));
    FAILS(INVALID, "is a folder", turnkeep_store_open(in_folder(folder, ""), NULL, &store, &failure));
    FAILS(INVALID, "is a folder", turnkeep_store_open("/", NULL, &store, &failure));
    FAILS(INVALID, "location is empty", turnkeep_store_open("", NULL, &store, &failure));
    CHECK_EQUAL(count_files(folder), 2);
}

static void a_path_below_a_file_is_refused(void) {
    const char *folder = fresh_folder();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    write_file(in_folder(folder, "file"), "text", 4);
    FAILS(STORAGE, "cannot be made", turnkeep_store_open(in_folder(folder, "file/chat.db"), NULL, &store, &failure));
    FAILS(STORAGE, "cannot be made", turnkeep_store_open(in_folder(folder, "file/a/b.db"), NULL, &store, &failure));
    options.must_exist = 1;
    FAILS(STORAGE, "file/chat.db", turnkeep_store_open(in_folder(folder, "file/chat.db"), &options, &store, &failure));
    CHECK_EQUAL(count_files(folder), 3);
}

static void nothing_is_made_where_a_store_must_exist(void) {
    const char *folder = fresh_folder();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    options.must_exist = 1;
    FAILS(NOT_FOUND, "there is no store", turnkeep_store_open(in_folder(folder, "no.db"), &options, &store, &failure));
    FAILS(NOT_FOUND, "there is no store", turnkeep_store_open(in_folder(folder, "a/b.db"), &options, &store, &failure));
    options.must_exist = 0;
    options.read_only = 1;
    FAILS(NOT_FOUND, "there is no store", turnkeep_store_open(in_folder(folder, "no.db"), &options, &store, &failure));
    CHECK_EQUAL(count_files(folder), 2);
    FAILS(INVALID, "memory", turnkeep_store_open(":memory:", &options, &store, &failure));
}

static void a_store_that_is_opened_read_only_refuses_every_change(void) {
    const char *folder = fresh_folder();
    const char *path = in_folder(folder, "chat.db");
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_session *none = NULL;
    turnkeep_session_list *list = NULL;
    struct image before;
    put_store(path);
    before = image_of(path);
    options.read_only = 1;
    store = open_with(path, &options);
    session = open_session(store, "s");
    CHECK_EQUAL(count_messages(session), 50);
    turnkeep_window_free(window_of(session, NULL));
    OK(turnkeep_store_list_sessions(store, NULL, &list, &failure));
    CHECK_EQUAL(turnkeep_session_list_len(list), 1);
    turnkeep_session_list_free(list);
    changes.title = "t";
    FAILS(READONLY, "read-only", turnkeep_session_create(store, NULL, &none, &failure));
    FAILS(READONLY, "read-only", turnkeep_session_delete(store, "s", &failure));
    FAILS(READONLY, "read-only", turnkeep_session_delete(store, "unknown", &failure));
    FAILS(READONLY, "read-only", turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    FAILS(READONLY, "read-only", turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    FAILS(READONLY, "read-only", turnkeep_session_update(session, &changes, NULL, &failure));
    FAILS(READONLY, "read-only", turnkeep_session_clear(session, 0, NULL, &failure));
    OK(turnkeep_store_flush(store, &failure));
    CHECK(none == NULL);
    CHECK_EQUAL(count_messages(session), 50);
    turnkeep_session_close(session);
    close_store(store);
    check_untouched(__LINE__, path, before);
    free(before.bytes);
}

static void a_read_only_store_sees_what_others_write(void) {
    const char *path = fresh_path();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_store *reader;
    turnkeep_session *same;
    options.read_only = 1;
    reader = open_with(path, &options);
    same = open_session(reader, "s");
    CHECK_EQUAL(count_messages(same), 0);
    say(session, "new");
    CHECK_HISTORY(same, "new");
    turnkeep_session_close(same);
    turnkeep_session_close(session);
    close_store(reader);
    close_store(store);
}

/* What somebody without rights sees. */
static int try_without_rights(void *argument) {
    const char *folder = (const char *)argument;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    if (geteuid() == 0) CHECK_EQUAL(setuid(65534), 0);
    FAILS(STORAGE, "closed/chat.db", turnkeep_store_open(in_folder(folder, "closed/chat.db"), NULL, &store, &failure));
    FAILS(STORAGE, "closed/a", turnkeep_store_open(in_folder(folder, "closed/a/chat.db"), NULL, &store, &failure));
    FAILS(STORAGE, "seen/new.db", turnkeep_store_open(in_folder(folder, "seen/new.db"), NULL, &store, &failure));
    FAILS(STORAGE, "seen/secret.db", turnkeep_store_open(in_folder(folder, "seen/secret.db"), NULL, &store, &failure));
    options.must_exist = 1;
    FAILS(STORAGE, "closed/chat.db",
          turnkeep_store_open(in_folder(folder, "closed/chat.db"), &options, &store, &failure));
    CHECK(store == NULL);

    /* What may be read but not written is refused, or opened for reading: never a crash, never half a promise. */
    {
        turnkeep_status status = turnkeep_store_open(in_folder(folder, "seen/chat.db"), NULL, &store, &failure);
        if (status == TURNKEEP_OK) {
            turnkeep_session *session = open_session(store, "s");
            CHECK_EQUAL(count_messages(session), 50);
            FAILS(READONLY, "may not be written",
                  turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
            turnkeep_session_close(session);
            close_store(store);
        } else if (status == TURNKEEP_ERROR_READONLY) {
            FAILS(READONLY, "seen/chat.db", status);
        } else {
            FAILS(STORAGE, "seen/chat.db", status);
        }
    }
    return 0;
}

static void a_path_without_rights_is_refused(void) {
    const char *folder = fresh_folder();
    char parents[PATH_BYTES];
    char *slash;
    put_store(in_folder(folder, "closed/chat.db"));
    put_store(in_folder(folder, "seen/chat.db"));
    put_store(in_folder(folder, "seen/secret.db"));
    CHECK_EQUAL(chmod(in_folder(folder, "closed"), 0700), 0);
    CHECK_EQUAL(chmod(in_folder(folder, "seen"), 0755), 0);
    CHECK_EQUAL(chmod(in_folder(folder, "seen/chat.db"), 0644), 0);
    CHECK_EQUAL(chmod(in_folder(folder, "seen/secret.db"), 0600), 0);
    if (geteuid() == 0) {
        struct stat above;
        /* Whoever has no rights must at least get as far as here. */
        snprintf(parents, sizeof parents, "%s", folder);
        while ((slash = strrchr(parents, '/')) != NULL && slash != parents) {
            if (stat(parents, &above) == 0 && (above.st_mode & 0005) != 0005) {
                skip("a folder above the scratch folder is closed to others");
                return;
            }
            *slash = 0;
        }
    } else {
        CHECK_EQUAL(chmod(in_folder(folder, "closed"), 0), 0);
        CHECK_EQUAL(chmod(in_folder(folder, "seen"), 0555), 0);
        CHECK_EQUAL(chmod(in_folder(folder, "seen/chat.db"), 0444), 0);
        CHECK_EQUAL(chmod(in_folder(folder, "seen/secret.db"), 0), 0);
    }
    elsewhere(try_without_rights, (void *)(uintptr_t)folder);
    (void)chmod(in_folder(folder, "closed"), 0700);
    (void)chmod(in_folder(folder, "seen"), 0755);
}

/*
 * Opens a file that may be damaged and reads all there is: every answer is allowed but a wrong kind of failure. READONLY is
 * what a number in the file's header asks for.
 */
static void read_what_can_be_read(const char *path) {
    turnkeep_store *store = NULL;
    turnkeep_session *session = NULL;
    turnkeep_messages *messages = NULL;
    turnkeep_session_list *list = NULL;
    turnkeep_window *window = NULL;
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    turnkeep_status status = turnkeep_store_open(path, NULL, &store, &failure);
    options.max_tokens = 200;
#define DAMAGED(call)                                                                         \
    do {                                                                                      \
        turnkeep_status damage = (call);                                                      \
        if (damage == TURNKEEP_OK) break;                                                     \
        if (damage != TURNKEEP_ERROR_CORRUPT && damage != TURNKEEP_ERROR_NOT_FOUND &&         \
            damage != TURNKEEP_ERROR_TOO_LARGE && damage != TURNKEEP_ERROR_READONLY)          \
            check_fail(__FILE__, __LINE__, "%s: %s: %s", #call, turnkeep_status_name(damage), \
                       turnkeep_error_message(failure).data);                                 \
        turnkeep_error_free(failure);                                                         \
        failure = NULL;                                                                       \
    } while (0)
    if (status != TURNKEEP_OK) {
        if (status != TURNKEEP_ERROR_CORRUPT && status != TURNKEEP_ERROR_MISMATCH &&
            status != TURNKEEP_ERROR_UNSUPPORTED)
            check_fail(__FILE__, __LINE__, "open: %s: %s", turnkeep_status_name(status),
                       turnkeep_error_message(failure).data);
        turnkeep_error_free(failure);
        failure = NULL;
        return;
    }
    DAMAGED(turnkeep_store_list_sessions(store, NULL, &list, &failure));
    turnkeep_session_list_free(list);
    DAMAGED(turnkeep_session_open(store, "s", &session, &failure));
    if (session != NULL) {
        DAMAGED(turnkeep_session_window(session, &options, &window, &failure));
        turnkeep_window_free(window);
        window = NULL;
        DAMAGED(turnkeep_session_last(session, 3, &messages, &failure));
        turnkeep_messages_free(messages);
        messages = NULL;
        DAMAGED(turnkeep_session_history(session, &messages, &failure));
        turnkeep_messages_free(messages);
        DAMAGED(turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
        DAMAGED(turnkeep_session_window(session, NULL, &window, &failure));
        turnkeep_window_free(window);
        turnkeep_session_close(session);
    }
    DAMAGED(turnkeep_store_close(store, &failure));
#undef DAMAGED
}

static void a_truncated_store_is_corrupt_and_nothing_crashes(void) {
    const char *folder = fresh_folder();
    const char *path = in_folder(folder, "chat.db");
    struct image whole;
    size_t length;
    put_store(path);
    whole = image_of(path);
    CHECK(whole.length > 8192);
    for (length = 1; length < whole.length; length += length < 4096 ? 511 : 4096) {
        remove_beside(path);
        write_file(path, whole.bytes, length);
        read_what_can_be_read(path);
    }
    free(whole.bytes);
}

static void a_garbled_store_is_corrupt_or_a_mismatch_and_nothing_crashes(void) {
    const char *folder = fresh_folder();
    const char *path = in_folder(folder, "chat.db");
    struct image whole;
    uint32_t random = 12345;
    int round;
    put_store(path);
    whole = image_of(path);
    for (round = 0; round < 300; round++) {
        char *bytes = (char *)malloc(whole.length);
        int changes = 1 + round % 20;
        CHECK(bytes != NULL);
        memcpy(bytes, whole.bytes, whole.length);
        while (changes-- > 0) {
            random = random * 1664525u + 1013904223u;
            bytes[(random >> 4) % whole.length] = (char)(random >> 24);
        }
        if (round % 50 == 49) memset(bytes + (size_t)(round / 50) * 4096, round, 4096);
        remove_beside(path);
        write_file(path, bytes, whole.length);
        read_what_can_be_read(path);
        free(bytes);
    }
    free(whole.bytes);
}

static void a_garbled_wal_loses_no_more_than_its_end(void) {
    const char *folder = fresh_folder();
    const char *path = in_folder(folder, "chat.db");
    const char *wal = in_folder(folder, "chat.db-wal");
    struct image file;
    struct image frames;
    size_t length;
    die_with_a_wal(path);
    file = image_of(path);
    frames = image_of(wal);
    for (length = 0; length < frames.length; length += 1031) {
        char *bytes = (char *)malloc(frames.length);
        CHECK(bytes != NULL);
        memcpy(bytes, frames.bytes, frames.length);
        remove_beside(path);
        write_file(path, file.bytes, file.length);
        write_file(wal, bytes, length);
        read_what_can_be_read(path);
        remove_beside(path);
        write_file(path, file.bytes, file.length);
        bytes[length] ^= 0x5A;
        write_file(wal, bytes, frames.length);
        read_what_can_be_read(path);
        free(bytes);
    }
    free(file.bytes);
    free(frames.bytes);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_new_store_in_missing_folders_is_made);
    RUN(an_empty_file_becomes_a_store);
    RUN(a_file_of_something_else_is_refused_and_left_untouched);
    RUN(a_database_of_another_program_is_refused_and_left_untouched);
    RUN(a_database_of_another_program_in_wal_mode_is_refused_and_left_untouched);
    RUN(a_store_of_a_newer_version_is_refused_and_left_untouched);
    RUN(what_only_the_wal_says_is_refused_and_left_untouched_too);
    RUN(a_folder_is_refused);
    RUN(a_path_below_a_file_is_refused);
    RUN(nothing_is_made_where_a_store_must_exist);
    RUN(a_store_that_is_opened_read_only_refuses_every_change);
    RUN(a_read_only_store_sees_what_others_write);
    RUN(a_path_without_rights_is_refused);
    RUN(a_truncated_store_is_corrupt_and_nothing_crashes);
    RUN(a_garbled_store_is_corrupt_or_a_mismatch_and_nothing_crashes);
    RUN(a_garbled_wal_loses_no_more_than_its_end);
    return 0;
}

#endif

/*
 * The few lines that the C tests need instead of a framework; C++ tests may use them too.
 *
 * A test is a function named as a sentence: main runs it by RUN. A check that fails says what, where and in which test,
 * and ends the program. Include this file first.
 */

#ifndef TURNKEEP_TESTS_CHECK_H
#define TURNKEEP_TESTS_CHECK_H

#undef NDEBUG
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turnkeep/turnkeep.h>

#ifdef _WIN32
#include <direct.h>
#else
#include <unistd.h>
#endif

#ifdef __cplusplus
#define CHECK_THREAD_LOCAL thread_local
#else
#define CHECK_THREAD_LOCAL _Thread_local
#endif

/* As many as PATH_MAX. */
#define PATH_BYTES 4096

/* What every call in a test passes as its last argument; OK and FAILS look at it and free it. */
static CHECK_THREAD_LOCAL turnkeep_error *failure;

static const char *check_test = "(no test)";
static const char *check_folder = ".";

#ifdef __GNUC__
__attribute__((format(printf, 3, 4), noreturn))
#endif
static inline void
check_fail(const char *file, int line, const char *format, ...);

#include <stdarg.h>

static inline void check_fail(const char *file, int line, const char *format, ...) {
    va_list values;
    va_start(values, format);
    fflush(stdout);
    fprintf(stderr, "%s:%d: in %s: ", file, line, check_test);
    vfprintf(stderr, format, values);
    fprintf(stderr, "\n");
    fflush(stderr);
    va_end(values);
    _Exit(1);
}

/* Checks that something is so. */
#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) check_fail(__FILE__, __LINE__, "%s", #condition); \
    } while (0)

/* Checks that two whole numbers are the same. */
#define CHECK_EQUAL(is, expected) \
    check_equal(__FILE__, __LINE__, #is " == " #expected, (long long)(is), (long long)(expected))

static inline void check_equal(const char *file, int line, const char *what, long long is, long long expected) {
    if (is != expected) check_fail(file, line, "%s: %lld is not %lld", what, is, expected);
}

/* Checks a turnkeep_text against a text that ends in a NUL. */
#define CHECK_TEXT(text, expected) check_bytes(__FILE__, __LINE__, #text, (text), (expected), strlen(expected))

/* Checks a turnkeep_text against bytes. */
#define CHECK_BYTES(text, expected, length) check_bytes(__FILE__, __LINE__, #text, (text), (expected), (length))

static inline void check_bytes(const char *file, int line, const char *what, turnkeep_text text, const char *expected,
                               size_t length) {
    if (text.data == NULL) check_fail(file, line, "%s: its data is NULL", what);
    if (text.len != length || memcmp(text.data, expected, length) != 0)
        check_fail(file, line, "%s: '%.80s' (%zu bytes) is not '%.80s' (%zu bytes)", what, text.data, text.len,
                   expected, length);
    if (text.data[text.len] != 0) check_fail(file, line, "%s: no NUL follows", what);
}

/* Checks that a call whose last argument is &failure succeeded. */
#define OK(call) check_ok(__FILE__, __LINE__, #call, (call))

static inline void check_ok(const char *file, int line, const char *what, turnkeep_status status) {
    if (status != TURNKEEP_OK)
        check_fail(file, line, "%s: %s: %s", what, turnkeep_status_name(status), turnkeep_error_message(failure).data);
    if (failure != NULL) check_fail(file, line, "%s: it succeeded and left an error", what);
}

/*
 * Checks that a call whose last argument is &failure failed with TURNKEEP_ERROR_<kind>, and that the message, one line,
 * contains a text.
 */
#define FAILS(kind, text, call) check_fails(__FILE__, __LINE__, #call, TURNKEEP_ERROR_##kind, (text), (call))

static inline void check_fails(const char *file, int line, const char *what, turnkeep_status expected, const char *text,
                               turnkeep_status status) {
    turnkeep_text message = turnkeep_error_message(failure);
    if (status != expected)
        check_fail(file, line, "%s: %s instead of %s: '%s'", what, turnkeep_status_name(status),
                   turnkeep_status_name(expected), message.data);
    if (failure == NULL) check_fail(file, line, "%s: there is no error beside %s", what, turnkeep_status_name(status));
    if (turnkeep_error_status(failure) != status)
        check_fail(file, line, "%s: the error says %s", what, turnkeep_status_name(turnkeep_error_status(failure)));
    if (strlen(message.data) != message.len || message.len == 0 || strchr(message.data, '\n') != NULL)
        check_fail(file, line, "%s: the message is not one line: '%s'", what, message.data);
    if (strstr(message.data, text) == NULL)
        check_fail(file, line, "%s: '%s' does not say '%s'", what, message.data, text);
    turnkeep_error_free(failure);
    failure = NULL;
}

/* Runs a test. */
#define RUN(test)                      \
    do {                               \
        check_test = #test;            \
        test();                        \
        printf("ok      " #test "\n"); \
        fflush(stdout);                \
    } while (0)

/* Says why a test says nothing here. */
static inline void skip(const char *why) { printf("skipped %s: %s\n", check_test, why); }

/* What main does before the first test: takes the scratch folder, and goes there. */
static inline void begin(int argc, char **argv) {
    static char folder[PATH_BYTES];
    if (argc != 2) {
        fprintf(stderr, "usage: %s SCRATCH-FOLDER\n", argv[0]);
        exit(2);
    }
#ifdef _WIN32
    CHECK(_fullpath(folder, argv[1], sizeof folder) != NULL && _chdir(folder) == 0);
#else
    CHECK(realpath(argv[1], folder) != NULL && chdir(folder) == 0);
#endif
    check_folder = folder;
}

/* The path of a file in the scratch folder. Good for eight further calls on this thread. */
static inline const char *in_scratch(const char *name) {
    static CHECK_THREAD_LOCAL char paths[8][PATH_BYTES];
    static CHECK_THREAD_LOCAL unsigned next;
    char *path = paths[next++ % 8];
    CHECK(snprintf(path, PATH_BYTES, "%s/%s", check_folder, name) < PATH_BYTES);
    return path;
}

/* The path of a file in the scratch folder that no test had before. Good for eight further calls on this thread. */
static inline const char *fresh_path(void) {
    static unsigned count;
    char name[32];
    snprintf(name, sizeof name, "store-%u.db", ++count);
    return in_scratch(name);
}

static inline turnkeep_store *open_with(const char *location, const turnkeep_store_options *options) {
    turnkeep_store *store = NULL;
    OK(turnkeep_store_open(location, options, &store, &failure));
    CHECK(store != NULL);
    return store;
}

static inline turnkeep_store *open_store(const char *location) { return open_with(location, NULL); }

static inline turnkeep_store *memory_store(void) { return open_store(":memory:"); }

static inline void close_store(turnkeep_store *store) { OK(turnkeep_store_close(store, &failure)); }

/* A new session; its id is made if none is given. */
static inline turnkeep_session *create(turnkeep_store *store, const char *id) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    options.id = id;
    OK(turnkeep_session_create(store, &options, &session, &failure));
    CHECK(session != NULL);
    return session;
}

static inline turnkeep_session *open_session(turnkeep_store *store, const char *id) {
    turnkeep_session *session = NULL;
    OK(turnkeep_session_open(store, id, &session, &failure));
    CHECK(session != NULL);
    return session;
}

static inline turnkeep_receipt append(turnkeep_session *session, int32_t role, const char *content) {
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    OK(turnkeep_session_append(session, role, content, strlen(content), &receipt, &failure));
    return receipt;
}

static inline turnkeep_receipt say(turnkeep_session *session, const char *content) {
    return append(session, TURNKEEP_ROLE_USER, content);
}

static inline turnkeep_receipt answer(turnkeep_session *session, const char *content) {
    return append(session, TURNKEEP_ROLE_ASSISTANT, content);
}

/* A message for a batch. */
static inline turnkeep_new_message message_of(int32_t role, const char *content) {
    turnkeep_new_message message = TURNKEEP_NEW_MESSAGE_INIT;
    message.role = role;
    message.content = content;
    message.content_len = strlen(content);
    return message;
}

static inline turnkeep_receipt append_batch(turnkeep_session *session, const turnkeep_new_message *messages,
                                            size_t count, const turnkeep_append_options *options) {
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    OK(turnkeep_session_append_batch(session, messages, count, options, &receipt, &failure));
    return receipt;
}

static inline turnkeep_messages *history(turnkeep_session *session) {
    turnkeep_messages *messages = NULL;
    OK(turnkeep_session_history(session, &messages, &failure));
    CHECK(messages != NULL);
    return messages;
}

static inline turnkeep_window *window_of(turnkeep_session *session, const turnkeep_window_options *options) {
    turnkeep_window *window = NULL;
    OK(turnkeep_session_window(session, options, &window, &failure));
    CHECK(window != NULL);
    return window;
}

/* A session's description: a list of one. */
static inline turnkeep_session_list *describe(turnkeep_session *session) {
    turnkeep_session_list *list = NULL;
    OK(turnkeep_session_describe(session, &list, &failure));
    CHECK_EQUAL(turnkeep_session_list_len(list), 1);
    return list;
}

static inline uint64_t revision_of(turnkeep_session *session) {
    turnkeep_session_list *list = describe(session);
    uint64_t revision = turnkeep_session_list_at(list, 0)->revision;
    turnkeep_session_list_free(list);
    return revision;
}

static inline uint64_t count_messages(turnkeep_session *session) {
    turnkeep_messages *messages = history(session);
    size_t count = turnkeep_messages_len(messages);
    turnkeep_messages_free(messages);
    return count;
}

static inline int32_t session_exists(turnkeep_store *store, const char *id) {
    int32_t exists = -1;
    OK(turnkeep_session_exists(store, id, &exists, &failure));
    return exists;
}

/* Checks that a session's messages are these contents, in this order, numbered from 1. */
static inline void check_history(const char *file, int line, turnkeep_session *session, const char *const *contents,
                                 size_t count) {
    turnkeep_messages *messages = history(session);
    size_t index;
    if (turnkeep_messages_len(messages) != count)
        check_fail(file, line, "the history has %zu messages instead of %zu", turnkeep_messages_len(messages), count);
    for (index = 0; index < count; index++) {
        const turnkeep_message *message = turnkeep_messages_at(messages, index);
        check_equal(file, line, "seq", (long long)message->seq, (long long)index + 1);
        check_bytes(file, line, "content", message->content, contents[index], strlen(contents[index]));
    }
    turnkeep_messages_free(messages);
}

#define CHECK_HISTORY(session, ...)                                                                                   \
    do {                                                                                                              \
        const char *const check_contents[] = {__VA_ARGS__};                                                           \
        check_history(__FILE__, __LINE__, (session), check_contents, sizeof check_contents / sizeof *check_contents); \
    } while (0)

/* Whether there is a file. */
static inline int is_there(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file != NULL) fclose(file);
    return file != NULL;
}

/*
 * A file's bytes; free them. Never for a file that a store of this process has open: on POSIX, closing the file would
 * drop SQLite's locks on it.
 */
static inline char *read_file(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    char *bytes;
    long end;
    if (file == NULL) check_fail(__FILE__, __LINE__, "%s cannot be read", path);
    fseek(file, 0, SEEK_END);
    end = ftell(file);
    fseek(file, 0, SEEK_SET);
    bytes = (char *)malloc((size_t)end + 1);
    CHECK(bytes != NULL);
    *length = fread(bytes, 1, (size_t)end, file);
    CHECK_EQUAL(*length, end);
    bytes[end] = 0;
    fclose(file);
    return bytes;
}

static inline void write_file(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    if (file == NULL) check_fail(__FILE__, __LINE__, "%s cannot be written", path);
    CHECK_EQUAL(fwrite(bytes, 1, length, file), length);
    CHECK_EQUAL(fclose(file), 0);
}

#endif

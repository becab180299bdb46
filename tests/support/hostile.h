/*
 * What a host can do wrong: it gets a status and a message, and nothing is changed. One tests/c/hostile*.c for a part of
 * the header.
 *
 * Each case names what it is about, and tests/abi_coverage.rs compares the names with the header:
 *
 *   NULL_REFUSED, NULL_ALLOWED (function, parameter, ...)   every pointer that is a parameter
 *   GONE (function, ...)                                    every function of a session
 *   SIZE (struct, ...)                                      every struct that begins with struct_size
 *   TEXT (function or struct, name, ...)                    every text that goes in
 *   NUMBER (function or struct, name, ...)                  every int32_t and uint32_t that goes in
 */

#ifndef TURNKEEP_TESTS_HOSTILE_H
#define TURNKEEP_TESTS_HOSTILE_H

#include "check.h"

/* A store with one session of three messages, which every case leaves as it is; and one that may change. */
static turnkeep_store *store;
static turnkeep_session *session;
static turnkeep_store *spare;
static turnkeep_session *spare_session;

static void check_unchanged(int line) {
    static const char *const contents[] = {"one", "two\xF0\x9F\x98\x80", "three"};
    turnkeep_session_list *list = NULL;
    const turnkeep_session_info *info;
    check_history(__FILE__, line, session, contents, 3);
    OK(turnkeep_store_list_sessions(store, NULL, &list, &failure));
    check_equal(__FILE__, line, "sessions", (long long)turnkeep_session_list_len(list), 1);
    info = turnkeep_session_list_at(list, 0);
    check_equal(__FILE__, line, "revision", (long long)info->revision, 4);
    check_equal(__FILE__, line, "messages", (long long)info->message_count, 3);
    check_bytes(__FILE__, line, "title", info->title, "title", 5);
    turnkeep_session_list_free(list);
}

/* NULL for a parameter that must be there: INVALID, the message names it. */
#define NULL_REFUSED(function, parameter, call)                                                        \
    do {                                                                                               \
        check_fails(__FILE__, __LINE__, #call, TURNKEEP_ERROR_INVALID, #parameter " is NULL", (call)); \
        check_unchanged(__LINE__);                                                                     \
    } while (0)

/* NULL for a parameter that may be missing: what is then so. */
#define NULL_ALLOWED(function, parameter, condition)                                                    \
    do {                                                                                                \
        if (!(condition)) check_fail(__FILE__, __LINE__, "%s", #condition);                             \
        if (failure != NULL)                                                                            \
            check_fail(__FILE__, __LINE__, "%s: %s", #condition, turnkeep_error_message(failure).data); \
        check_unchanged(__LINE__);                                                                      \
    } while (0)

/* A call with a session that was deleted, and with one whose store was closed. */
#define GONE(function, call)                         \
    do {                                             \
        gone = deleted;                              \
        FAILS(NOT_FOUND, "session 'deleted'", call); \
        gone = closed;                               \
        FAILS(CLOSED, "closed", call);               \
    } while (0)

/* A struct with every size that is not its own, and was not in an older header. `sized` points to it. */
#define SIZE(type, call)                                                                                   \
    do {                                                                                                   \
        const size_t sizes[] = {0,                                                                         \
                                1,                                                                         \
                                8,                                                                         \
                                sizeof(type) - 4,                                                          \
                                sizeof(type) - 1,                                                          \
                                sizeof(type) + 1,                                                          \
                                sizeof(type) + 8,                                                          \
                                SIZE_MAX / 2,                                                              \
                                SIZE_MAX / 2 + 1,                                                          \
                                SIZE_MAX};                                                                 \
        size_t index;                                                                                      \
        for (index = 0; index < sizeof sizes / sizeof *sizes; index++) {                                   \
            /* On the heap, and with no more bytes than it says it has, for the sanitizer to watch. */     \
            size_t bytes = sizes[index] < sizeof(size_t) ? sizeof(size_t)                                  \
                           : sizes[index] > sizeof(type) ? sizeof(type)                                    \
                                                         : sizes[index];                                   \
            type *sized = (type *)calloc(1, bytes);                                                        \
            CHECK(sized != NULL);                                                                          \
            memcpy(sized, &sizes[index], sizeof(size_t));                                                  \
            check_fails(__FILE__, __LINE__, #call,                                                         \
                        sizes[index] < sizeof(type) ? TURNKEEP_ERROR_INVALID : TURNKEEP_ERROR_UNSUPPORTED, \
                        #type ".struct_size is", (call));                                                  \
            check_unchanged(__LINE__);                                                                     \
            free(sized);                                                                                   \
        }                                                                                                  \
    } while (0)

/* Texts that are not UTF-8, and what is said of them. */
static const struct {
    const char *bytes;
    const char *why;
} bad_texts[] = {
    {"\xFF", "byte 0 (0xFF)"},
    {"\x80", "a character's middle without its beginning"},
    {"good\x80", "byte 4 (0x80)"},
    {"\xC3", "ends inside a character"},
    {"ab\xE2\x82", "ends inside a character"},
    {"\xF0\x9F\x98", "ends inside a character"},
    {"\xC3(", "byte 0 (0xC3)"},
    {"\xE2\x82(", "byte 0 (0xE2)"},
    {"\xED\xA0\x80", "a lone surrogate"},
    {"x\xED\xBF\xBF", "a lone surrogate"},
    {"\xED\xA0\xBD\xED\xB8\x80", "a lone surrogate"}, /* a pair of them, as some write U+1F600 */
    {"\xC0\x80", "byte 0 (0xC0)"},                    /* a NUL that is too long */
    {"\xE0\x80\x80", "byte 0 (0xE0)"},
    {"\xF4\x90\x80\x80", "byte 0 (0xF4)"}, /* beyond U+10FFFF */
    {"\xF8\x88\x80\x80\x80", "byte 0 (0xF8)"},
    {"\xFE\xFF", "byte 0 (0xFE)"},
};

/* A call with each of them as `bad`. */
#define TEXT(where, name, call)                                                                              \
    do {                                                                                                     \
        size_t index;                                                                                        \
        for (index = 0; index < sizeof bad_texts / sizeof *bad_texts; index++) {                             \
            const char *bad = bad_texts[index].bytes;                                                        \
            turnkeep_error *error = NULL;                                                                    \
            check_equal(__FILE__, __LINE__, #where "." #name, (call), TURNKEEP_ERROR_ENCODING);              \
            if (strstr(turnkeep_error_message(error).data, #name " is not UTF-8") == NULL ||                 \
                strstr(turnkeep_error_message(error).data, bad_texts[index].why) == NULL)                    \
                check_fail(__FILE__, __LINE__, "'%s' does not say '%s'", turnkeep_error_message(error).data, \
                           bad_texts[index].why);                                                            \
            turnkeep_error_free(error);                                                                      \
        }                                                                                                    \
        check_unchanged(__LINE__);                                                                           \
    } while (0)

/* A struct with nothing set but one field, to `bad`. */
#define WITH(type, field) (&(type){.struct_size = sizeof(type), .field = bad})

/* A call with numbers that mean nothing as `bad`. */
#define NUMBER(where, name, type, call, ...)                                              \
    do {                                                                                  \
        const type numbers[] = {__VA_ARGS__};                                             \
        size_t index;                                                                     \
        for (index = 0; index < sizeof numbers / sizeof *numbers; index++) {              \
            type bad = numbers[index];                                                    \
            char says[64];                                                                \
            snprintf(says, sizeof says, #name " is %lld", (long long)bad);                \
            check_fails(__FILE__, __LINE__, #call, TURNKEEP_ERROR_INVALID, says, (call)); \
        }                                                                                 \
        check_unchanged(__LINE__);                                                        \
    } while (0)

static void begin_hostile(int argc, char **argv) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    begin(argc, argv);
    store = open_store(fresh_path());
    options.id = "s";
    options.title = "title";
    OK(turnkeep_session_create(store, &options, &session, &failure));
    say(session, "one");
    answer(session, "two\xF0\x9F\x98\x80");
    say(session, "three");
    spare = open_store(fresh_path());
    spare_session = create(spare, NULL);
}

static int end_hostile(void) {
    check_unchanged(__LINE__);
    turnkeep_session_close(session);
    turnkeep_session_close(spare_session);
    close_store(store);
    close_store(spare);
    return 0;
}

#endif

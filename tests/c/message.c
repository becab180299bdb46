/* Section 4 of the header: what is appended comes back, and the receipt says what happened to it. */

#include "../support/check.h"

static const char *const CALLS = "[ {\"id\": \"c1\", \"type\": \"function\", \"function\": {\"name\": \"\xC3\xBC\"}} ]";

/* A question with a NUL in it, an answer that calls a tool, the tool's result, an answer. */
static turnkeep_receipt append_every_field(turnkeep_session *session) {
    turnkeep_new_message batch[4];
    batch[0] = message_of(TURNKEEP_ROLE_USER, "");
    batch[0].content = "a\0b \xF0\x9F\x98\x80";
    batch[0].content_len = 8;
    batch[0].tokens = 7;
    batch[0].created_us = -1234567;
    batch[0].flags = TURNKEEP_MESSAGE_PINNED;
    batch[0].metadata = "{ \"k\" : \"v\" }";
    batch[1] = message_of(TURNKEEP_ROLE_ASSISTANT, "");
    batch[1].tokens = TURNKEEP_TOKENS_NONE;
    batch[1].tool_calls = CALLS;
    batch[1].model = "gemma-3-27b";
    batch[2] = message_of(TURNKEEP_ROLE_TOOL, "42");
    batch[2].tokens = 2;
    batch[2].tool_call_id = "c1";
    batch[3] = message_of(TURNKEEP_ROLE_ASSISTANT, "It is 42.");
    batch[3].tokens = INT32_MAX;
    batch[3].created_us = INT64_MAX;
    return append_batch(session, batch, 4, NULL);
}

static void check_every_field(turnkeep_session *session) {
    turnkeep_messages *messages = history(session);
    const turnkeep_message *message;
    CHECK_EQUAL(turnkeep_messages_len(messages), 4);

    message = turnkeep_messages_at(messages, 0);
    CHECK_BYTES(message->content, "a\0b \xF0\x9F\x98\x80", 8);
    CHECK_EQUAL(message->created_us, -1234567);
    CHECK_EQUAL(message->total_tokens, 7);
    CHECK_EQUAL(message->seq, 1);
    CHECK_EQUAL(message->turn, 1);
    CHECK_EQUAL(message->tokens, 7);
    CHECK_EQUAL(message->role, TURNKEEP_ROLE_USER);
    CHECK_EQUAL(message->flags, TURNKEEP_MESSAGE_PINNED);
    CHECK(message->details != NULL);
    CHECK_TEXT(message->details->metadata, "{ \"k\" : \"v\" }");
    CHECK_TEXT(message->details->tool_calls, "");
    CHECK_TEXT(message->details->tool_call_id, "");
    CHECK_TEXT(message->details->model, "");

    message = turnkeep_messages_at(messages, 1);
    CHECK_TEXT(message->content, "");
    CHECK(message->created_us > 1500000000000000);
    CHECK_EQUAL(message->total_tokens, 7);
    CHECK_EQUAL(message->tokens, 0);
    CHECK_EQUAL(message->role, TURNKEEP_ROLE_ASSISTANT);
    CHECK_EQUAL(message->flags, 0);
    CHECK(message->details != NULL);
    CHECK_TEXT(message->details->tool_calls, CALLS);
    CHECK_TEXT(message->details->model, "gemma-3-27b");

    message = turnkeep_messages_at(messages, 2);
    CHECK_TEXT(message->content, "42");
    CHECK_EQUAL(message->total_tokens, 9);
    CHECK_EQUAL(message->turn, 1);
    CHECK_EQUAL(message->role, TURNKEEP_ROLE_TOOL);
    CHECK_TEXT(message->details->tool_call_id, "c1");

    message = turnkeep_messages_at(messages, 3);
    CHECK_TEXT(message->content, "It is 42.");
    CHECK_EQUAL(message->created_us, INT64_MAX);
    CHECK_EQUAL(message->tokens, INT32_MAX);
    CHECK_EQUAL(message->total_tokens, 9 + (int64_t)INT32_MAX);
    CHECK(message->details == NULL);

    CHECK(turnkeep_messages_at(messages, 4) == NULL);
    CHECK(turnkeep_messages_at(messages, SIZE_MAX) == NULL);
    turnkeep_messages_free(messages);
}

static void every_field_of_a_message_comes_back_as_it_was_appended(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_store *other = open_store(path);
    turnkeep_session *session = create(store, "all");
    turnkeep_session *shared;
    turnkeep_receipt receipt = append_every_field(session);
    CHECK_EQUAL(receipt.struct_size, sizeof receipt);
    CHECK_EQUAL(receipt.first_seq, 1);
    CHECK_EQUAL(receipt.last_seq, 4);
    CHECK_EQUAL(receipt.revision, 2);
    CHECK_EQUAL(receipt.durability, TURNKEEP_DURABILITY_DISK);
    CHECK_EQUAL(receipt.repeated, 0);

    check_every_field(session);
    shared = open_session(other, "all");
    check_every_field(shared);
    turnkeep_session_close(shared);
    turnkeep_session_close(session);
    close_store(other);
    close_store(store);

    store = open_store(path);
    session = open_session(store, "all");
    check_every_field(session);
    turnkeep_session_close(session);
    close_store(store);
}

static void a_store_in_memory_keeps_every_field_too(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_receipt receipt = append_every_field(session);
    CHECK_EQUAL(receipt.durability, TURNKEEP_DURABILITY_MEMORY);
    check_every_field(session);
    turnkeep_session_close(session);
    close_store(store);
}

static void content_may_hold_any_character_and_any_number_of_nul_bytes(void) {
    static const struct {
        const char *bytes;
        size_t length;
    } contents[] = {
        {"\0", 1},
        {"\0\0\0\0", 4},
        {"\0x\0", 3},
        {"\x7F", 1},
        {"\xC2\x80", 2},
        {"\xEF\xBF\xBF", 3},
        {"\xED\x9F\xBF\xEE\x80\x80", 6}, /* the neighbours of the surrogates */
        {"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF", 8},
        {"\xEF\xBB\xBFwith a byte order mark", 25},
        {"line\r\nline\n\ttab\x1B[31m", 20},
        {"e\xCC\x81 is not \xC3\xA9", 13}, /* nothing is normalised */
    };
    const size_t count = sizeof contents / sizeof *contents;
    const char *path = fresh_path();
    size_t reopened;
    size_t index;
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    for (index = 0; index < count; index++)
        OK(turnkeep_session_append(session, TURNKEEP_ROLE_USER, contents[index].bytes, contents[index].length, NULL,
                                   &failure));
    for (reopened = 0; reopened < 2; reopened++) {
        turnkeep_messages *messages = history(session);
        CHECK_EQUAL(turnkeep_messages_len(messages), count);
        for (index = 0; index < count; index++)
            CHECK_BYTES(turnkeep_messages_at(messages, index)->content, contents[index].bytes, contents[index].length);
        turnkeep_messages_free(messages);
        turnkeep_session_close(session);
        close_store(store);
        store = open_store(path);
        session = open_session(store, "s");
    }
    turnkeep_session_close(session);
    close_store(store);
}

static void an_empty_content_may_be_null(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_new_message message = TURNKEEP_NEW_MESSAGE_INIT;
    message.role = TURNKEEP_ROLE_ASSISTANT;
    OK(turnkeep_session_append(session, TURNKEEP_ROLE_USER, NULL, 0, NULL, &failure));
    OK(turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    CHECK_HISTORY(session, "", "");
    turnkeep_session_close(session);
    close_store(store);
}

static void content_of_64_mib_comes_back(void) {
    const size_t length = (size_t)64 << 20;
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "large");
    turnkeep_new_message message = TURNKEEP_NEW_MESSAGE_INIT;
    char *content = (char *)malloc(length);
    size_t reopened;
    size_t index;
    CHECK(content != NULL);
    for (index = 0; index < length; index++) content[index] = (char)(index * 31 % 127);
    message.role = TURNKEEP_ROLE_USER;
    message.content = content;
    message.content_len = length;
    message.tokens = 1;
    append_batch(session, &message, 1, NULL);
    answer(session, "That is long.");
    for (reopened = 0; reopened < 2; reopened++) {
        turnkeep_messages *messages = history(session);
        CHECK_EQUAL(turnkeep_messages_len(messages), 2);
        CHECK_BYTES(turnkeep_messages_at(messages, 0)->content, content, length);
        CHECK_TEXT(turnkeep_messages_at(messages, 1)->content, "That is long.");
        turnkeep_messages_free(messages);
        turnkeep_session_close(session);
        close_store(store);
        store = open_store(path);
        session = open_session(store, "large");
    }
    turnkeep_session_close(session);
    close_store(store);
    free(content);
}

static void ten_thousand_messages_are_one_batch(void) {
    enum { COUNT = 10000 };
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "batch");
    turnkeep_new_message *batch = (turnkeep_new_message *)calloc(COUNT, sizeof *batch);
    char(*contents)[32] = (char(*)[32])calloc(COUNT, 32);
    turnkeep_receipt receipt;
    size_t reopened;
    int index;
    CHECK(batch != NULL && contents != NULL);
    for (index = 0; index < COUNT; index++) {
        snprintf(contents[index], sizeof contents[index], "message %d", index + 1);
        batch[index] = message_of(index % 2 == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT, contents[index]);
        batch[index].tokens = 3;
    }
    receipt = append_batch(session, batch, COUNT, NULL);
    CHECK_EQUAL(receipt.first_seq, 1);
    CHECK_EQUAL(receipt.last_seq, COUNT);
    CHECK_EQUAL(receipt.revision, 2);
    for (reopened = 0; reopened < 2; reopened++) {
        turnkeep_messages *messages = history(session);
        CHECK_EQUAL(turnkeep_messages_len(messages), COUNT);
        for (index = 0; index < COUNT; index++) {
            const turnkeep_message *message = turnkeep_messages_at(messages, (size_t)index);
            CHECK_TEXT(message->content, contents[index]);
            CHECK_EQUAL(message->seq, index + 1);
            CHECK_EQUAL(message->turn, index / 2 + 1);
            CHECK_EQUAL(message->total_tokens, 3 * (index + 1));
        }
        turnkeep_messages_free(messages);
        turnkeep_session_close(session);
        close_store(store);
        store = open_store(path);
        session = open_session(store, "batch");
    }
    turnkeep_session_close(session);
    close_store(store);
    free(batch);
    free(contents);
}

static void one_bad_message_refuses_the_whole_batch_and_is_named(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_new_message batch[3];
    batch[0] = message_of(TURNKEEP_ROLE_USER, "one");
    batch[1] = message_of(TURNKEEP_ROLE_ASSISTANT, "two");
    batch[2] = message_of(TURNKEEP_ROLE_TOOL, "answers nothing");
    FAILS(INVALID, "message 2 of the batch", turnkeep_session_append_batch(session, batch, 3, NULL, NULL, &failure));
    batch[2] = message_of(TURNKEEP_ROLE_USER, "\xFF");
    FAILS(ENCODING, "message 2 of the batch", turnkeep_session_append_batch(session, batch, 3, NULL, NULL, &failure));
    CHECK_EQUAL(count_messages(session), 0);
    CHECK_EQUAL(revision_of(session), 1);
    CHECK_EQUAL(append_batch(session, batch, 2, NULL).last_seq, 2);
    turnkeep_session_close(session);
    close_store(store);
}

/* Checks that a result holds the messages "first" to "last", whose content is their number. */
static void check_numbers(turnkeep_messages *messages, int first, int last) {
    int number;
    CHECK_EQUAL(turnkeep_messages_len(messages), last - first + 1);
    for (number = first; number <= last; number++) {
        char content[16];
        snprintf(content, sizeof content, "%d", number);
        CHECK_TEXT(turnkeep_messages_at(messages, (size_t)(number - first))->content, content);
        CHECK_EQUAL(turnkeep_messages_at(messages, (size_t)(number - first))->seq, number);
    }
    turnkeep_messages_free(messages);
}

static turnkeep_messages *last(turnkeep_session *session, uint64_t count) {
    turnkeep_messages *messages = NULL;
    OK(turnkeep_session_last(session, count, &messages, &failure));
    return messages;
}

static turnkeep_messages *range(turnkeep_session *session, uint64_t first_seq, uint64_t last_seq) {
    turnkeep_messages *messages = NULL;
    OK(turnkeep_session_range(session, first_seq, last_seq, &messages, &failure));
    return messages;
}

static turnkeep_messages *one(turnkeep_session *session, uint64_t seq) {
    turnkeep_messages *messages = NULL;
    OK(turnkeep_session_message(session, seq, &messages, &failure));
    return messages;
}

static void check_every_way_to_read(turnkeep_session *session) {
    turnkeep_messages *messages = NULL;
    check_numbers(history(session), 1, 100);
    check_numbers(last(session, 0), 1, 0);
    check_numbers(last(session, 1), 100, 100);
    check_numbers(last(session, 7), 94, 100);
    check_numbers(last(session, 100), 1, 100);
    check_numbers(last(session, UINT64_MAX), 1, 100);
    check_numbers(range(session, 1, 1), 1, 1);
    check_numbers(range(session, 20, 30), 20, 30);
    check_numbers(range(session, 95, 200), 95, 100);
    check_numbers(range(session, 1, UINT64_MAX), 1, 100);
    check_numbers(range(session, 101, 200), 101, 100);
    check_numbers(range(session, UINT64_MAX, UINT64_MAX), 1, 0);
    check_numbers(one(session, 1), 1, 1);
    check_numbers(one(session, 50), 50, 50);
    check_numbers(one(session, 100), 100, 100);
    FAILS(NOT_FOUND, "there is no message 0", turnkeep_session_message(session, 0, &messages, &failure));
    FAILS(NOT_FOUND, "there is no message 101", turnkeep_session_message(session, 101, &messages, &failure));
    FAILS(NOT_FOUND, "", turnkeep_session_message(session, (uint64_t)1 << 32 | 1, &messages, &failure));
    FAILS(NOT_FOUND, "", turnkeep_session_message(session, UINT64_MAX, &messages, &failure));
    FAILS(INVALID, "5 to 4", turnkeep_session_range(session, 5, 4, &messages, &failure));
    FAILS(INVALID, "0 to 4", turnkeep_session_range(session, 0, 4, &messages, &failure));
    CHECK(messages == NULL);
}

static void all_messages_the_last_a_range_or_one_can_be_read(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "numbers");
    int number;
    int order;
    for (number = 1; number <= 100; number++) {
        char content[16];
        snprintf(content, sizeof content, "%d", number);
        say(session, content);
    }
    check_every_way_to_read(session);
    turnkeep_session_close(session);
    close_store(store);

    /* From the file, with each reading as the first, so that none leans on what another left in memory. */
    for (order = 0; order < 5; order++) {
        store = open_store(path);
        session = open_session(store, "numbers");
        if (order == 0) check_numbers(one(session, 50), 50, 50);
        if (order == 1) check_numbers(range(session, 20, 30), 20, 30);
        if (order == 2) check_numbers(last(session, 7), 94, 100);
        if (order == 3) check_numbers(range(session, 50, UINT64_MAX), 50, 100);
        check_every_way_to_read(session);
        turnkeep_session_close(session);
        close_store(store);
    }
}

static void an_empty_session_reads_as_nothing(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, NULL);
    turnkeep_messages *messages = NULL;
    check_numbers(history(session), 1, 0);
    check_numbers(last(session, 5), 1, 0);
    check_numbers(range(session, 1, 9), 1, 0);
    FAILS(NOT_FOUND, "there is no message 1", turnkeep_session_message(session, 1, &messages, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

static void the_messages_of_a_result_lie_one_after_the_other(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_messages *messages;
    const turnkeep_message *array;
    size_t index;
    for (index = 0; index < 1000; index++) say(session, "x");
    messages = history(session);
    array = turnkeep_messages_at(messages, 0);
    for (index = 0; index < 1000; index++) {
        CHECK(turnkeep_messages_at(messages, index) == array + index);
        CHECK_EQUAL(array[index].seq, index + 1);
    }
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    close_store(store);
}

static void a_result_stays_as_it_is_whatever_happens_to_session_and_store(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "s");
    turnkeep_messages *messages;
    turnkeep_window *window;
    int number;
    say(session, "before");
    messages = history(session);
    window = window_of(session, NULL);
    for (number = 0; number < 1000; number++) say(session, "after");
    OK(turnkeep_session_clear(session, 0, NULL, &failure));
    OK(turnkeep_session_delete(store, "s", &failure));
    turnkeep_session_close(session);
    close_store(store);
    CHECK_EQUAL(turnkeep_messages_len(messages), 1);
    CHECK_TEXT(turnkeep_messages_at(messages, 0)->content, "before");
    CHECK_EQUAL(turnkeep_window_len(window), 1);
    CHECK_TEXT(turnkeep_window_at(window, 0)->content, "before");
    CHECK_EQUAL(turnkeep_window_report_of(window)->head_seq, 1);
    turnkeep_messages_free(messages);
    turnkeep_window_free(window);
}

static void receipts_number_the_messages_without_a_gap(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, NULL);
    turnkeep_new_message batch[3];
    turnkeep_receipt receipt;
    size_t index;
    for (index = 0; index < 3; index++) batch[index] = message_of(TURNKEEP_ROLE_USER, "x");
    receipt = say(session, "x");
    CHECK_EQUAL(receipt.first_seq, 1);
    CHECK_EQUAL(receipt.last_seq, 1);
    CHECK_EQUAL(receipt.revision, 2);
    receipt = append_batch(session, batch, 3, NULL);
    CHECK_EQUAL(receipt.first_seq, 2);
    CHECK_EQUAL(receipt.last_seq, 4);
    CHECK_EQUAL(receipt.revision, 3);
    receipt = say(session, "x");
    CHECK_EQUAL(receipt.first_seq, 5);
    CHECK_EQUAL(receipt.revision, 4);
    CHECK_EQUAL(revision_of(session), 4);
    turnkeep_session_close(session);
    close_store(store);
}

static turnkeep_receipt append_at(turnkeep_session *session, int32_t durability) {
    turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    options.durability = durability;
    return append_batch(session, &message, 1, &options);
}

static void each_append_can_have_a_durability_of_its_own(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_append_options deferred = TURNKEEP_APPEND_OPTIONS_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    CHECK_EQUAL(append_at(session, 0).durability, TURNKEEP_DURABILITY_DISK);
    CHECK_EQUAL(append_at(session, TURNKEEP_DURABILITY_OS).durability, TURNKEEP_DURABILITY_OS);
    CHECK_EQUAL(append_at(session, TURNKEEP_DURABILITY_DISK).durability, TURNKEEP_DURABILITY_DISK);
    deferred.durability = TURNKEEP_DURABILITY_DEFERRED;
    FAILS(UNSUPPORTED, "exclusive", turnkeep_session_append_batch(session, &message, 1, &deferred, NULL, &failure));
    deferred.durability = TURNKEEP_DURABILITY_MEMORY;
    FAILS(INVALID, "durability is 4", turnkeep_session_append_batch(session, &message, 1, &deferred, NULL, &failure));
    CHECK_EQUAL(count_messages(session), 3);
    turnkeep_session_close(session);
    close_store(store);

    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    store = open_with(path, &options);
    session = open_session(store, "s");
    CHECK_EQUAL(append_at(session, 0).durability, TURNKEEP_DURABILITY_DEFERRED);
    CHECK_EQUAL(append_at(session, TURNKEEP_DURABILITY_OS).durability, TURNKEEP_DURABILITY_OS);
    CHECK_EQUAL(append_at(session, TURNKEEP_DURABILITY_DEFERRED).durability, TURNKEEP_DURABILITY_DEFERRED);
    CHECK_EQUAL(append_at(session, TURNKEEP_DURABILITY_DISK).durability, TURNKEEP_DURABILITY_DISK);
    CHECK_EQUAL(append_at(session, 0).durability, TURNKEEP_DURABILITY_DEFERRED);
    CHECK_EQUAL(count_messages(session), 8);
    turnkeep_session_close(session);
    close_store(store);

    store = open_store(path);
    session = open_session(store, "s");
    CHECK_EQUAL(count_messages(session), 8);
    turnkeep_session_close(session);
    close_store(store);
}

static void an_append_at_another_revision_is_a_conflict_and_appends_nothing(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_store *other = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_session *same = open_session(other, "s");
    turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "mine");
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    options.expected_revision = say(session, "first").revision;
    say(same, "theirs");
    FAILS(CONFLICT, "expected revision 2, the session has 3",
          turnkeep_session_append_batch(session, &message, 1, &options, &receipt, &failure));
    CHECK_EQUAL(receipt.last_seq, 0);
    FAILS(CONFLICT, "", turnkeep_session_clear(session, 2, NULL, &failure));
    CHECK_HISTORY(session, "first", "theirs");
    options.expected_revision = 3;
    CHECK_EQUAL(append_batch(session, &message, 1, &options).last_seq, 3);
    CHECK_HISTORY(same, "first", "theirs", "mine");
    turnkeep_session_close(session);
    turnkeep_session_close(same);
    close_store(store);
    close_store(other);
}

static void append_with_an_idempotency_key_returns_the_first_receipt_on_retry(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_session *another = create(store, "another");
    turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
    turnkeep_new_message batch[2];
    turnkeep_receipt first;
    turnkeep_receipt retry;
    char too_long[257];
    batch[0] = message_of(TURNKEEP_ROLE_USER, "one");
    batch[1] = message_of(TURNKEEP_ROLE_ASSISTANT, "two");
    options.idempotency_key = "request-7";
    options.expected_revision = 1;
    first = append_batch(session, batch, 2, &options);
    say(session, "three");
    retry = append_batch(session, batch, 2, &options);
    CHECK_EQUAL(first.repeated, 0);
    CHECK_EQUAL(retry.repeated, 1);
    CHECK_EQUAL(retry.first_seq, first.first_seq);
    CHECK_EQUAL(retry.last_seq, first.last_seq);
    CHECK_EQUAL(retry.revision, first.revision);
    FAILS(MISMATCH, "2 messages", turnkeep_session_append_batch(session, batch, 1, &options, NULL, &failure));
    CHECK_EQUAL(append_batch(another, batch, 1, &options).repeated, 0);
    turnkeep_session_close(session);
    turnkeep_session_close(another);
    close_store(store);

    store = open_store(path);
    session = open_session(store, "s");
    CHECK_EQUAL(append_batch(session, batch, 2, &options).repeated, 1);
    CHECK_HISTORY(session, "one", "two", "three");

    options.expected_revision = 0;
    options.idempotency_key = "";
    FAILS(INVALID, "idempotency_key is empty",
          turnkeep_session_append_batch(session, batch, 1, &options, NULL, &failure));
    memset(too_long, 'k', 256);
    too_long[256] = 0;
    options.idempotency_key = too_long;
    FAILS(INVALID, "256 bytes", turnkeep_session_append_batch(session, batch, 1, &options, NULL, &failure));
    too_long[255] = 0;
    CHECK_EQUAL(append_batch(session, batch, 1, &options).repeated, 0);
    CHECK_EQUAL(append_batch(session, batch, 1, &options).repeated, 1);
    turnkeep_session_close(session);
    close_store(store);
}

static void after_clear_the_next_message_is_1_again(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "s");
    turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "keyed");
    turnkeep_session_list *list;
    uint64_t revision = 0;
    options.idempotency_key = "k";
    append_batch(session, &message, 1, &options);
    answer(session, "two");
    OK(turnkeep_session_clear(session, 3, &revision, &failure));
    CHECK_EQUAL(revision, 4);
    CHECK_EQUAL(count_messages(session), 0);
    list = describe(session);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->head_seq, 0);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->message_count, 0);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->total_tokens, 0);
    turnkeep_session_list_free(list);
    CHECK_EQUAL(append_batch(session, &message, 1, &options).repeated, 0);
    turnkeep_session_close(session);
    close_store(store);

    store = open_store(path);
    session = open_session(store, "s");
    CHECK_HISTORY(session, "keyed");
    turnkeep_session_close(session);
    close_store(store);
}

static void tokens_are_given_estimated_or_none(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "One two three four five six seven eight.");
    turnkeep_messages *messages;
    message.tokens = TURNKEEP_TOKENS_COUNT;
    append_batch(session, &message, 1, NULL);
    message.tokens = 9;
    append_batch(session, &message, 1, NULL);
    message.tokens = TURNKEEP_TOKENS_NONE;
    append_batch(session, &message, 1, NULL);
    message.tokens = -2;
    FAILS(INVALID, "tokens is -2", turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    message.tokens = INT64_MIN;
    FAILS(INVALID, "tokens is", turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    message.tokens = (int64_t)INT32_MAX + 1;
    FAILS(INVALID, "2147483648", turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    messages = history(session);
    CHECK_EQUAL(turnkeep_messages_at(messages, 0)->tokens, 40 / 4 + 4);
    CHECK_EQUAL(turnkeep_messages_at(messages, 0)->flags, TURNKEEP_MESSAGE_ESTIMATED);
    CHECK_EQUAL(turnkeep_messages_at(messages, 1)->tokens, 9);
    CHECK_EQUAL(turnkeep_messages_at(messages, 1)->flags, 0);
    CHECK_EQUAL(turnkeep_messages_at(messages, 2)->tokens, 0);
    CHECK_EQUAL(turnkeep_messages_at(messages, 2)->total_tokens, 14 + 9);
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    close_store(store);
}

static void refuse_message(turnkeep_session *session, const char *why, turnkeep_new_message message) {
    uint64_t before = count_messages(session);
    FAILS(INVALID, why, turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    CHECK_EQUAL(count_messages(session), before);
}

static void what_could_not_stand_in_a_prompt_is_refused(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, NULL);
    turnkeep_new_message message;

    message = message_of(TURNKEEP_ROLE_TOOL, "42");
    refuse_message(session, "must follow", message);
    say(session, "What is it?");
    refuse_message(session, "must follow", message);
    answer(session, "No call.");
    refuse_message(session, "must follow", message);

    message = message_of(TURNKEEP_ROLE_ASSISTANT, "");
    message.tool_calls = CALLS;
    append_batch(session, &message, 1, NULL);
    message = message_of(TURNKEEP_ROLE_TOOL, "42");
    message.tool_call_id = "another";
    refuse_message(session, "'another' is none of the 1 calls", message);
    message.tool_call_id = "c1";
    append_batch(session, &message, 1, NULL);
    message.tool_call_id = NULL;
    append_batch(session, &message, 1, NULL);

    message = message_of(TURNKEEP_ROLE_USER, "x");
    message.tool_calls = CALLS;
    refuse_message(session, "only an assistant message", message);
    message = message_of(TURNKEEP_ROLE_ASSISTANT, "x");
    message.tool_call_id = "c1";
    refuse_message(session, "only a tool message", message);
    message.tool_call_id = NULL;
    message.tool_calls = "[]";
    refuse_message(session, "tool_calls is not", message);
    message.tool_calls = "{\"id\": \"c1\"}";
    refuse_message(session, "tool_calls is not", message);
    message.tool_calls = "[{\"id\": \"c1\"}";
    refuse_message(session, "tool_calls is not", message);
    message.tool_calls = NULL;
    message.metadata = "[]";
    refuse_message(session, "metadata", message);
    message.metadata = "";
    refuse_message(session, "metadata", message);
    message.metadata = NULL;
    message.model = "a\nb";
    refuse_message(session, "control character", message);
    turnkeep_session_close(session);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(every_field_of_a_message_comes_back_as_it_was_appended);
    RUN(a_store_in_memory_keeps_every_field_too);
    RUN(content_may_hold_any_character_and_any_number_of_nul_bytes);
    RUN(an_empty_content_may_be_null);
    RUN(content_of_64_mib_comes_back);
    RUN(ten_thousand_messages_are_one_batch);
    RUN(one_bad_message_refuses_the_whole_batch_and_is_named);
    RUN(all_messages_the_last_a_range_or_one_can_be_read);
    RUN(an_empty_session_reads_as_nothing);
    RUN(the_messages_of_a_result_lie_one_after_the_other);
    RUN(a_result_stays_as_it_is_whatever_happens_to_session_and_store);
    RUN(receipts_number_the_messages_without_a_gap);
    RUN(each_append_can_have_a_durability_of_its_own);
    RUN(an_append_at_another_revision_is_a_conflict_and_appends_nothing);
    RUN(append_with_an_idempotency_key_returns_the_first_receipt_on_retry);
    RUN(after_clear_the_next_message_is_1_again);
    RUN(tokens_are_given_estimated_or_none);
    RUN(what_could_not_stand_in_a_prompt_is_refused);
    return 0;
}

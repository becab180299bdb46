/*
 * Turns and exchanges through the C ABI: what users of the e-ink session manager have, and the faults that they had with it.
 */

#include "../support/check.h"

#ifndef _WIN32
#include <pthread.h>
#endif

static uint64_t add_exchange(turnkeep_session *session, const char *input, const char *answer_text) {
    turnkeep_exchange exchange = TURNKEEP_EXCHANGE_INIT;
    uint64_t number = 0;
    exchange.input = input;
    exchange.input_len = strlen(input);
    exchange.answer = answer_text;
    exchange.answer_len = strlen(answer_text);
    OK(turnkeep_session_append_exchange(session, &exchange, NULL, &number, NULL, &failure));
    return number;
}

static turnkeep_turns *turns_of(turnkeep_session *session, uint64_t first, uint64_t last) {
    turnkeep_turns *turns = NULL;
    OK(turnkeep_session_turns(session, first, last, &turns, &failure));
    CHECK(turns != NULL);
    return turns;
}

/* Frees the document. */
static void check_document(int line, turnkeep_document *document, const char *expected) {
    check_bytes(__FILE__, line, "document", turnkeep_document_text(document), expected, strlen(expected));
    turnkeep_document_free(document);
}

/* add_exchange(conversation_id, input_file, input_type, response_text, processing_time, tokens_used, metadata) */
static void an_exchange_is_added_with_file_type_answer_time_tokens_and_metadata(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = create(store, "conv");
    turnkeep_exchange exchange = TURNKEEP_EXCHANGE_INIT;
    turnkeep_append_options once = TURNKEEP_APPEND_OPTIONS_INIT;
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_turns *turns;
    const turnkeep_turn *turn;
    uint64_t number = 0;
    int try;
    exchange.input = "What is\0this?";
    exchange.input_len = 13;
    exchange.input_name = "lecture \"3\".pdf";
    exchange.input_type = "application/pdf";
    exchange.answer = "A proof.";
    exchange.answer_len = 8;
    exchange.processing_us = 1500000;
    exchange.tokens_used = 321;
    exchange.model = "gemma";
    exchange.metadata = "{\"page\": 1.50}";
    once.idempotency_key = "lecture 3";
    for (try = 0; try < 2; try++) {
        OK(turnkeep_session_append_exchange(session, &exchange, &once, &number, &receipt, &failure));
        CHECK_EQUAL(number, 1);
        CHECK_EQUAL(receipt.first_seq, 1);
        CHECK_EQUAL(receipt.last_seq, 2);
        CHECK_EQUAL(receipt.repeated, try);
    }
    turnkeep_session_close(session);
    close_store(store);
    store = open_store(path);
    session = open_session(store, "conv");
    turns = turns_of(session, 1, TURNKEEP_LAST);
    turnkeep_session_close(session);
    close_store(store);
    CHECK_EQUAL(turnkeep_turns_len(turns), 1);
    turn = turnkeep_turns_at(turns, 0);
    CHECK_EQUAL(turn->number, 1);
    CHECK_EQUAL(turn->first_seq, 1);
    CHECK_EQUAL(turn->last_seq, 2);
    CHECK_BYTES(turn->input, "What is\0this?", 13);
    CHECK_TEXT(turn->input_name, "lecture \"3\".pdf");
    CHECK_TEXT(turn->input_type, "application/pdf");
    CHECK_TEXT(turn->answer, "A proof.");
    CHECK_TEXT(turn->metadata, "{\"page\": 1.50}");
    CHECK_EQUAL(turn->processing_us, 1500000);
    CHECK_EQUAL(turn->tokens_used, 321);
    CHECK(turn->tokens > 0);
    CHECK(turn->created_us > 0);
    CHECK(turnkeep_turns_at(turns, 1) == NULL);
    turnkeep_turns_free(turns);
}

/* ValueError for an unknown conversation; none for an exchange of nothing. */
static void an_exchange_is_kept_whole_or_refused(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "conv");
    turnkeep_exchange exchange = TURNKEEP_EXCHANGE_INIT;
    uint64_t number = 99;
    exchange.answer = "a";
    exchange.answer_len = 1;
    FAILS(INVALID, "needs an input",
          turnkeep_session_append_exchange(session, &exchange, NULL, &number, NULL, &failure));
    exchange.input_name = "a.pdf";
    exchange.metadata = "[]";
    FAILS(INVALID, "metadata", turnkeep_session_append_exchange(session, &exchange, NULL, &number, NULL, &failure));
    CHECK_EQUAL(number, 99);
    CHECK_EQUAL(count_messages(session), 0);
    exchange.metadata = NULL;
    OK(turnkeep_session_append_exchange(session, &exchange, NULL, &number, NULL, &failure));
    CHECK_EQUAL(number, 1);
    turnkeep_session_close(session);
    close_store(store);
}

#ifndef _WIN32
static void *add_twenty(void *session) {
    int exchange;
    for (exchange = 0; exchange < 20; exchange++) add_exchange((turnkeep_session *)session, "q", "a");
    return NULL;
}
#endif

/* 8 threads get 54 numbers of 160 twice there, and the counter says 83. */
static void exchanges_are_numbered_1_2_3_without_a_gap_also_by_8_threads(void) {
#ifndef _WIN32
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "conv");
    turnkeep_turns *turns;
    pthread_t threads[8];
    size_t index;
    for (index = 0; index < 8; index++) CHECK_EQUAL(pthread_create(&threads[index], NULL, add_twenty, session), 0);
    for (index = 0; index < 8; index++) CHECK_EQUAL(pthread_join(threads[index], NULL), 0);
    turns = turns_of(session, 1, TURNKEEP_LAST);
    CHECK_EQUAL(turnkeep_turns_len(turns), 160);
    for (index = 0; index < 160; index++) {
        CHECK_EQUAL(turnkeep_turns_at(turns, index)->number, index + 1);
        CHECK_EQUAL(turnkeep_turns_at(turns, index)->first_seq, 2 * index + 1);
        CHECK_TEXT(turnkeep_turns_at(turns, index)->answer, "a");
    }
    turnkeep_turns_free(turns);
    turnkeep_session_close(session);
    close_store(store);
#else
    skip("there are no POSIX threads");
#endif
}

/* get_conversation(id) -> ConversationState with all exchanges; they are also messages, with a window. */
static void a_conversation_is_read_as_exchanges_and_as_messages(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "conv");
    turnkeep_turns *turns;
    turnkeep_window *window;
    append(session, TURNKEEP_ROLE_SYSTEM, "rules");
    CHECK_EQUAL(add_exchange(session, "q1", "a1"), 1);
    say(session, "q2");
    answer(session, "let me see");
    answer(session, "a2");
    CHECK_EQUAL(add_exchange(session, "q3", ""), 3);
    CHECK_HISTORY(session, "rules", "q1", "a1", "q2", "let me see", "a2", "q3", "");
    turns = turns_of(session, 0, TURNKEEP_LAST);
    CHECK_EQUAL(turnkeep_turns_len(turns), 4);
    CHECK_EQUAL(turnkeep_turns_at(turns, 0)->number, 0);
    CHECK_EQUAL(turnkeep_turns_at(turns, 0)->last_seq, 1);
    CHECK_TEXT(turnkeep_turns_at(turns, 2)->input, "q2");
    CHECK_TEXT(turnkeep_turns_at(turns, 2)->answer, "a2");
    CHECK_EQUAL(turnkeep_turns_at(turns, 2)->first_seq, 4);
    CHECK_EQUAL(turnkeep_turns_at(turns, 2)->last_seq, 6);
    CHECK_EQUAL(turnkeep_turns_at(turns, 2)->tokens_used, 0);
    turnkeep_turns_free(turns);
    turns = turns_of(session, 2, 2);
    CHECK_EQUAL(turnkeep_turns_len(turns), 1);
    turnkeep_turns_free(turns);
    window = window_of(session, NULL);
    CHECK_EQUAL(turnkeep_window_len(window), 8);
    turnkeep_window_free(window);
    turnkeep_session_close(session);
    close_store(store);
}

/* max_exchanges=0 gives all of them there. */
static void the_last_0_exchanges_are_none(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "conv");
    turnkeep_document *text = NULL;
    turnkeep_turns *turns = NULL;
    add_exchange(session, "q", "a");
    OK(turnkeep_session_last_turns(session, 0, &turns, &failure));
    CHECK_EQUAL(turnkeep_turns_len(turns), 0);
    turnkeep_turns_free(turns);
    OK(turnkeep_session_context_text(session, 0, 0, &text, &failure));
    check_document(__LINE__, text, "");
    OK(turnkeep_session_last_turns(session, 5, &turns, &failure));
    CHECK_EQUAL(turnkeep_turns_len(turns), 1);
    turnkeep_turns_free(turns);
    turnkeep_session_close(session);
    close_store(store);
}

/* get_conversation_context(id, max_exchanges): cut at 100 characters there, and without what the user said. */
static void the_context_is_the_summary_and_the_last_exchanges_whole_with_their_inputs(void) {
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "conv");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_exchange exchange = TURNKEEP_EXCHANGE_INIT;
    turnkeep_document *text = NULL;
    char expected[1024];
    char answer_text[301];
    memset(answer_text, 'x', 300);
    answer_text[300] = 0;
    OK(turnkeep_session_context_text(session, 3, 0, &text, &failure));
    check_document(__LINE__, text, "");
    changes.summary = "They met.";
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    add_exchange(session, "first", "one");
    exchange.input_name = "a.pdf";
    exchange.input_type = "pdf";
    exchange.answer = answer_text;
    exchange.answer_len = 300;
    OK(turnkeep_session_append_exchange(session, &exchange, NULL, NULL, NULL, &failure));
    add_exchange(session, "third", "three");
    snprintf(expected, sizeof expected,
             "Context: They met.\nRecent turns of session conv:\n#2 user: [a.pdf, pdf]\n#2 assistant: %s\n"
             "#3 user: third\n#3 assistant: three\n",
             answer_text);
    OK(turnkeep_session_context_text(session, 2, 0, &text, &failure));
    check_document(__LINE__, text, expected);
    OK(turnkeep_session_context_text(session, TURNKEEP_ALL, 100, &text, &failure));
    check_document(__LINE__, text,
                   "Context: They met.\nRecent turns of session conv:\n#3 user: third\n#3 assistant: three\n");
    FAILS(TOO_LARGE, "max_characters is 20", turnkeep_session_context_text(session, 1, 20, &text, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

/* update_context_summary(id, text): updating an unknown id is silent there. */
static void the_summary_of_a_conversation_that_is_gone_is_not_found(void) {
    turnkeep_store *store = open_store(fresh_path());
    turnkeep_session *session = create(store, "conv");
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    OK(turnkeep_session_delete(store, "conv", &failure));
    changes.summary = "lost";
    FAILS(NOT_FOUND, "session 'conv'", turnkeep_session_update(session, &changes, NULL, &failure));
    turnkeep_session_close(session);
    close_store(store);
}

/* generate_session_filename(id, n, original, is_error): file names accept ../ there. */
static void a_file_name_for_an_answer_is_safe_whatever_the_input_was_called(void) {
    static const char *const originals[] = {"lecture.pdf", "../../etc/passwd", "..",       ".",     "",
                                            "/",           "C:\\a\\b.txt",     "a\nb.pdf", "a*?.x", ".bash",
                                            "con.txt",     "a b|c<d>"};
    turnkeep_store *store = memory_store();
    turnkeep_session *session = create(store, "conv/../1");
    turnkeep_document *documents[12];
    size_t index;
    size_t other;
    for (index = 0; index < 12; index++) {
        turnkeep_text name;
        documents[index] = NULL;
        OK(turnkeep_session_file_name(session, 1, originals[index], 0, &documents[index], &failure));
        name = turnkeep_document_text(documents[index]);
        CHECK(name.len <= 255);
        CHECK(strncmp(name.data, "RESPONSE_conv", 13) == 0);
        CHECK(strstr(name.data, "_ex001_") != NULL);
        CHECK(strcmp(name.data + name.len - 4, ".pdf") == 0);
        CHECK(strpbrk(name.data, "/\\:*?\"<>|\n ") == NULL && strstr(name.data, "..") == NULL);
        for (other = 0; other < index; other++)
            CHECK(strcmp(name.data, turnkeep_document_text(documents[other]).data) != 0);
    }
    for (index = 0; index < 12; index++) turnkeep_document_free(documents[index]);
    OK(turnkeep_session_file_name(session, 12, "lecture.pdf", 1, &documents[0], &failure));
    CHECK(strncmp(turnkeep_document_text(documents[0]).data, "ERROR_conv", 10) == 0);
    CHECK(strstr(turnkeep_document_text(documents[0]).data, "_ex012_lecture_") != NULL);
    turnkeep_document_free(documents[0]);
    turnkeep_session_close(session);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(an_exchange_is_added_with_file_type_answer_time_tokens_and_metadata);
    RUN(an_exchange_is_kept_whole_or_refused);
    RUN(exchanges_are_numbered_1_2_3_without_a_gap_also_by_8_threads);
    RUN(a_conversation_is_read_as_exchanges_and_as_messages);
    RUN(the_last_0_exchanges_are_none);
    RUN(the_context_is_the_summary_and_the_last_exchanges_whole_with_their_inputs);
    RUN(the_summary_of_a_conversation_that_is_gone_is_not_found);
    RUN(a_file_name_for_an_answer_is_safe_whatever_the_input_was_called);
    return 0;
}

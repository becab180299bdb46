/*
 * A program as it was built with version 0.1: compiled with the header of then (abi/0.1), and run with the library of
 * today. It passes every struct that says its own size, as large as it was then. It is not changed any more.
 */

#undef NDEBUG

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turnkeep/turnkeep.h>

static const char *test = "";
static turnkeep_error *failure;
static char store_path[4096], copy_path[4096], export_path[4096];

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "%s:%d: in %s: %s\n", __FILE__, __LINE__, test, #condition); \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

#define OK(call)                                                                       \
    do {                                                                               \
        if ((call) != TURNKEEP_OK) {                                                   \
            fprintf(stderr, "%s:%d: in %s: %s: %s\n", __FILE__, __LINE__, test, #call, \
                    turnkeep_error_message(failure).data);                             \
            exit(1);                                                                   \
        }                                                                              \
    } while (0)

#define RUN(name)                      \
    do {                               \
        test = #name;                  \
        name();                        \
        printf("ok      " #name "\n"); \
    } while (0)

/* A struct between two that must stay as they are, as large as it is for this program. */
#define GUARDED(type, name, init) \
    struct {                      \
        uint64_t before;          \
        type value;               \
        uint64_t after;           \
    } name = {0xABABABABABABABABu, init, 0xCDCDCDCDCDCDCDCDu}

#define CHECK_GUARDED(name, type)                      \
    do {                                               \
        CHECK(name.before == 0xABABABABABABABABu);     \
        CHECK(name.after == 0xCDCDCDCDCDCDCDCDu);      \
        CHECK(name.value.struct_size == sizeof(type)); \
    } while (0)

static int is(turnkeep_text text, const char *expected) {
    return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0 && text.data[text.len] == 0;
}

static turnkeep_new_message message_of(int32_t role, const char *content) {
    turnkeep_new_message message = TURNKEEP_NEW_MESSAGE_INIT;
    message.role = role;
    message.content = content;
    message.content_len = strlen(content);
    message.tokens = 10;
    return message;
}

static turnkeep_store *store_of_then(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    options.durability = TURNKEEP_DURABILITY_OS;
    options.window_tokens = 1000;
    OK(turnkeep_store_open(store_path, &options, &store, &failure));
    return store;
}

static turnkeep_session *session_of_then(turnkeep_store *store) {
    turnkeep_session *session = NULL;
    OK(turnkeep_session_open(store, "then", &session, &failure));
    return session;
}

static void a_program_of_then_opens_creates_and_appends(void) {
    const turnkeep_new_message first[] = {message_of(TURNKEEP_ROLE_SYSTEM, "Be brief."),
                                          message_of(TURNKEEP_ROLE_USER, "What is a quince?"),
                                          message_of(TURNKEEP_ROLE_ASSISTANT, "A fruit.")};
    GUARDED(turnkeep_receipt, receipt, TURNKEEP_RECEIPT_INIT);
    turnkeep_session_options session_options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_append_options append_options = TURNKEEP_APPEND_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_exchange exchange = TURNKEEP_EXCHANGE_INIT;
    turnkeep_store *store = store_of_then();
    turnkeep_session *session = NULL;
    uint64_t number = 0;
    session_options.id = "then";
    session_options.title = "Fruit";
    session_options.metadata = "{\"basket\":3}";
    OK(turnkeep_session_create(store, &session_options, &session, &failure));
    append_options.idempotency_key = "once";
    OK(turnkeep_session_append_batch(session, first, 3, &append_options, &receipt.value, &failure));
    CHECK_GUARDED(receipt, turnkeep_receipt);
    CHECK(receipt.value.first_seq == 1 && receipt.value.last_seq == 3 && receipt.value.repeated == 0);
    CHECK(receipt.value.durability == TURNKEEP_DURABILITY_OS);
    OK(turnkeep_session_append_batch(session, first, 3, &append_options, &receipt.value, &failure));
    CHECK_GUARDED(receipt, turnkeep_receipt);
    CHECK(receipt.value.last_seq == 3 && receipt.value.repeated == 1);
    exchange.input = "And a medlar?";
    exchange.input_len = strlen(exchange.input);
    exchange.answer = "Another.";
    exchange.answer_len = strlen(exchange.answer);
    OK(turnkeep_session_append_exchange(session, &exchange, NULL, &number, &receipt.value, &failure));
    CHECK(number == 2 && receipt.value.last_seq == 5);
    changes.model = "tiny";
    OK(turnkeep_session_update(session, &changes, NULL, &failure));
    turnkeep_session_close(session);
    OK(turnkeep_store_close(store, &failure));
}

static void a_program_of_then_reads_windows_and_histories(void) {
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    turnkeep_store *store = store_of_then();
    turnkeep_session *session = session_of_then(store);
    turnkeep_window *window = NULL;
    turnkeep_messages *messages = NULL;
    const turnkeep_message *message;
    options.reserve_tokens = 100;
    OK(turnkeep_session_window(session, &options, &window, &failure));
    CHECK(turnkeep_window_len(window) == 5);
    CHECK(turnkeep_window_report_of(window)->budget_tokens == 900);
    message = turnkeep_window_at(window, 1);
    CHECK(message->role == TURNKEEP_ROLE_USER && message->seq == 2 && message->tokens == 10);
    CHECK(is(message->content, "What is a quince?"));
    turnkeep_window_free(window);
    OK(turnkeep_session_history(session, &messages, &failure));
    CHECK(turnkeep_messages_len(messages) == 5);
    CHECK(is(turnkeep_messages_at(messages, 4)->content, "Another."));
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    OK(turnkeep_store_close(store, &failure));
}

static void a_program_of_then_forks_and_replaces(void) {
    const turnkeep_new_message anew = message_of(TURNKEEP_ROLE_USER, "What is a sloe?");
    GUARDED(turnkeep_comparison, comparison, TURNKEEP_COMPARISON_INIT);
    turnkeep_session_options fork_options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_branch_options branch_options = TURNKEEP_BRANCH_OPTIONS_INIT;
    turnkeep_store *store = store_of_then();
    turnkeep_session *session = session_of_then(store), *fork = NULL, *branch = NULL;
    fork_options.id = "fork";
    OK(turnkeep_session_fork(session, 3, &fork_options, &fork, &failure));
    OK(turnkeep_session_append(fork, TURNKEEP_ROLE_USER, "Sweet?", 6, NULL, &failure));
    OK(turnkeep_session_compare(session, fork, &comparison.value, &failure));
    CHECK_GUARDED(comparison, turnkeep_comparison);
    CHECK(comparison.value.common_seq == 3 && comparison.value.one_head_seq == 5);
    fork_options.id = "branch";
    branch_options.branching = TURNKEEP_BRANCH_FORK;
    branch_options.fork = &fork_options;
    OK(turnkeep_session_replace(session, 2, &anew, 1, &branch_options, &branch, NULL, &failure));
    turnkeep_session_close(branch);
    turnkeep_session_close(fork);
    turnkeep_session_close(session);
    OK(turnkeep_store_close(store, &failure));
}

static void a_program_of_then_lists_and_searches(void) {
    turnkeep_metadata_condition conditions[] = {TURNKEEP_METADATA_CONDITION_INIT, TURNKEEP_METADATA_CONDITION_INIT};
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_session_list_options list_options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    turnkeep_search_options search_options = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_store *store = store_of_then();
    turnkeep_session_list *list = NULL;
    turnkeep_search_results *results = NULL;
    const turnkeep_session_info *info;
    conditions[0].pointer = "/basket";
    conditions[0].value = "3";
    conditions[0].relation = TURNKEEP_RELATION_EQUAL;
    conditions[1].pointer = "/basket";
    conditions[1].relation = TURNKEEP_RELATION_EXISTS;
    filter.metadata = conditions;
    filter.metadata_count = 2;
    filter.model = "tiny";
    list_options.filter = &filter;
    list_options.ascending = 1;
    OK(turnkeep_store_list_sessions(store, &list_options, &list, &failure));
    CHECK(turnkeep_session_list_len(list) > 0);
    info = turnkeep_session_list_at(list, 0);
    CHECK(is(info->id, "then") && is(info->title, "Fruit") && info->message_count == 5);
    turnkeep_session_list_free(list);
    search_options.text = "medlar";
    OK(turnkeep_store_search(store, &search_options, &results, &failure));
    CHECK(turnkeep_search_results_len(results) == 1);
    CHECK(is(turnkeep_search_results_at(results, 0)->session_id, "then"));
    CHECK(turnkeep_search_results_at(results, 0)->seq == 4);
    turnkeep_search_results_free(results);
    OK(turnkeep_store_close(store, &failure));
}

static turnkeep_status go_on(void *user_data, uint64_t done, uint64_t total) {
    (void)done, (void)total;
    ++*(int *)user_data;
    return TURNKEEP_OK;
}

static void a_program_of_then_backs_up_exports_measures_and_erases(void) {
    GUARDED(turnkeep_metrics, metrics, TURNKEEP_METRICS_INIT);
    GUARDED(turnkeep_sizes, sizes, TURNKEEP_SIZES_INIT);
    GUARDED(turnkeep_erase_report, erased, TURNKEEP_ERASE_REPORT_INIT);
    turnkeep_backup_options backup_options = TURNKEEP_BACKUP_OPTIONS_INIT;
    turnkeep_export_options export_options = TURNKEEP_EXPORT_OPTIONS_INIT;
    turnkeep_import_options import_options = TURNKEEP_IMPORT_OPTIONS_INIT;
    turnkeep_store *store = store_of_then(), *copy = NULL;
    turnkeep_transfer_report *report = NULL;
    int calls = 0;
    OK(turnkeep_store_metrics(store, &metrics.value, &failure));
    CHECK_GUARDED(metrics, turnkeep_metrics);
    CHECK(metrics.value.active_sessions == 3);
    OK(turnkeep_store_sizes(store, &sizes.value, &failure));
    CHECK_GUARDED(sizes, turnkeep_sizes);
    CHECK(sizes.value.database > 0);
    backup_options.progress = go_on;
    backup_options.user_data = &calls;
    OK(turnkeep_store_backup(store, copy_path, &backup_options, &failure));
    CHECK(calls > 0);
    export_options.format = TURNKEEP_FORMAT_TURNKEEP;
    OK(turnkeep_store_export_file(store, export_path, &export_options, &report, &failure));
    CHECK(turnkeep_transfer_report_counts(report)->sessions == 3);
    turnkeep_transfer_report_free(report);
    report = NULL;
    OK(turnkeep_store_open(copy_path, NULL, &copy, &failure));
    import_options.existing = TURNKEEP_EXISTING_SKIP;
    OK(turnkeep_store_import(copy, export_path, &import_options, &report, &failure));
    CHECK(turnkeep_transfer_report_counts(report)->skipped == 3);
    turnkeep_transfer_report_free(report);
    OK(turnkeep_session_erase(copy, "fork", &erased.value, &failure));
    CHECK_GUARDED(erased, turnkeep_erase_report);
    CHECK(erased.value.messages_erased == 1 && erased.value.messages_kept_by_forks == 3);
    OK(turnkeep_store_close(copy, &failure));
    OK(turnkeep_store_close(store, &failure));
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(TURNKEEP_VERSION_NUMBER / 1000 == 1 && turnkeep_version_number() >= TURNKEEP_VERSION_NUMBER);
    CHECK(snprintf(store_path, sizeof store_path, "%s/then.db", argv[1]) < (int)sizeof store_path);
    CHECK(snprintf(copy_path, sizeof copy_path, "%s/copy.db", argv[1]) < (int)sizeof copy_path);
    CHECK(snprintf(export_path, sizeof export_path, "%s/then.jsonl", argv[1]) < (int)sizeof export_path);
    RUN(a_program_of_then_opens_creates_and_appends);
    RUN(a_program_of_then_reads_windows_and_histories);
    RUN(a_program_of_then_forks_and_replaces);
    RUN(a_program_of_then_lists_and_searches);
    RUN(a_program_of_then_backs_up_exports_measures_and_erases);
    return 0;
}

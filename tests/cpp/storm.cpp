// Everything at once: 3 processes of 8 threads each append, fork, rewind, delete, search, list, change and clean up on one
// file for 20 seconds (TURNKEEP_STORM_SECONDS). Then the file is checked, and everybody reads the same.

#include "../support/check.h"

#ifdef _WIN32
int main() {
    puts("skipped: this is about processes as POSIX has them");
    return 0;
}
#else

#include "../support/process.h"

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int processes = 3;
constexpr int threads = 8;
constexpr int sessions = 40;

std::string location;
double duration = 20;

// What may go wrong when others change the same sessions: they are gone, they are there, they became shorter.
bool is_expected(turnkeep_status status) {
    return status == TURNKEEP_OK || status == TURNKEEP_ERROR_NOT_FOUND || status == TURNKEEP_ERROR_EXISTS ||
           status == TURNKEEP_ERROR_INVALID || status == TURNKEEP_ERROR_TOO_LARGE;
}

#define EXPECTED(call)                                                                        \
    do {                                                                                      \
        const turnkeep_status status = (call);                                                \
        if (!is_expected(status))                                                             \
            check_fail(__FILE__, __LINE__, "%s: %s: %s", #call, turnkeep_status_name(status), \
                       turnkeep_error_message(failure).data);                                 \
        turnkeep_error_free(failure);                                                         \
        failure = nullptr;                                                                    \
    } while (0)

class worker {
public:
    worker(turnkeep_store *store, unsigned seed) : store_(store), random_(seed) {}

    void step() {
        const std::string id = "s" + std::to_string(below(sessions));
        turnkeep_session *session = nullptr;
        EXPECTED(turnkeep_session_open(store_, id.c_str(), &session, &failure));
        if (session == nullptr) {
            create(id);
            return;
        }
        change(session);
        turnkeep_session_close(session);
    }

private:
    unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }

    void create(const std::string &id) {
        turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
        options.id = id.c_str();
        options.title = "a title to be found";
        // One in four lives for a tenth of a second.
        options.expires_after_ms = below(4) == 0 ? 100 : 0;
        turnkeep_session *session = nullptr;
        EXPECTED(turnkeep_session_create(store_, &options, &session, &failure));
        turnkeep_session_close(session);
    }

    void change(turnkeep_session *session) {
        switch (below(20)) {
        case 0: fork(session); break;
        case 1: EXPECTED(turnkeep_session_rewind(session, below(20), 0, nullptr, &failure)); break;
        case 2: remove(session); break;
        case 3: EXPECTED(turnkeep_session_truncate(session, 1 + below(10), 0, 0, nullptr, &failure)); break;
        case 4: EXPECTED(turnkeep_session_clear(session, 0, nullptr, &failure)); break;
        case 5:
        case 6: search(); break;
        case 7: EXPECTED(turnkeep_store_cleanup(store_, nullptr, &failure)); break;
        case 8: list(); break;
        case 9: rename(session); break;
        case 10: window(session); break;
        case 11: history(session); break;
        default: append(session); break;
        }
    }

    void append(turnkeep_session *session) {
        const std::string content = "words to be found " + std::to_string(below(1000)) + " äpfel 漢字仮名";
        const std::int32_t role = below(2) == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT;
        EXPECTED(turnkeep_session_append(session, role, content.data(), content.size(), nullptr, &failure));
    }

    void fork(turnkeep_session *session) {
        turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
        const std::string id = "s" + std::to_string(below(sessions));
        options.id = id.c_str();
        turnkeep_session *out = nullptr;
        const std::uint64_t at = below(2) == 0 ? TURNKEEP_LAST : below(10);
        EXPECTED(turnkeep_session_fork(session, at, &options, &out, &failure));
        turnkeep_session_close(out);
    }

    void remove(turnkeep_session *session) {
        EXPECTED(turnkeep_session_delete(store_, turnkeep_session_id(session).data, &failure));
    }

    void rename(turnkeep_session *session) {
        turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
        const char *const tags[] = {"storm", "night"};
        const std::string summary = "summary " + std::to_string(below(100));
        changes.summary = summary.c_str();
        changes.add_tags = tags;
        changes.add_tag_count = 1 + below(2);
        changes.status = static_cast<std::int32_t>(1 + below(3));
        EXPECTED(turnkeep_session_update(session, &changes, nullptr, &failure));
    }

    void search() {
        static const char *const texts[] = {"found", "ÄPFEL", "漢字", "\"to be\"", "title", "sum*", "nothing like it"};
        turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
        turnkeep_search_results *results = nullptr;
        options.text = texts[below(sizeof texts / sizeof *texts)];
        EXPECTED(turnkeep_store_search(store_, &options, &results, &failure));
        turnkeep_search_results_free(results);
    }

    void list() {
        turnkeep_session_list *page = nullptr;
        EXPECTED(turnkeep_store_list_sessions(store_, nullptr, &page, &failure));
        turnkeep_session_list_free(page);
    }

    void window(turnkeep_session *session) {
        turnkeep_window *out = nullptr;
        EXPECTED(turnkeep_session_window(session, nullptr, &out, &failure));
        turnkeep_window_free(out);
    }

    // Whatever others do, what one reads is a whole: numbered from 1 without a gap.
    void history(turnkeep_session *session) {
        turnkeep_messages *messages = nullptr;
        EXPECTED(turnkeep_session_history(session, &messages, &failure));
        for (std::size_t index = 0; index < turnkeep_messages_len(messages); index++) {
            CHECK_EQUAL(turnkeep_messages_at(messages, index)->seq, index + 1);
        }
        turnkeep_messages_free(messages);
    }

    turnkeep_store *store_;
    std::mt19937 random_;
};

turnkeep_store *open_patient() {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = nullptr;
    options.durability = TURNKEEP_DURABILITY_OS;
    options.busy_timeout_ms = 60000;
    OK(turnkeep_store_open(location.c_str(), &options, &store, &failure));
    return store;
}

int storm(void *argument) {
    const unsigned seed = *static_cast<unsigned *>(argument);
    turnkeep_store *store = open_patient();
    const double end = seconds() + duration;
    std::atomic<std::uint64_t> steps{0};
    std::vector<std::thread> running;
    for (unsigned thread = 0; thread < threads; thread++) {
        running.emplace_back([&, thread] {
            worker worker{store, seed * 100 + thread};
            while (seconds() < end) {
                worker.step();
                steps++;
            }
        });
    }
    for (auto &thread : running) thread.join();
    CHECK(steps > threads);
    OK(turnkeep_store_close(store, &failure));
    return 0;
}

void a_file_that_24_threads_of_3_processes_stormed_is_whole() {
    location = fresh_path();
    pid_t children[processes];
    unsigned seeds[processes];
    for (unsigned number = 0; number < processes; number++) {
        seeds[number] = number + 1;
        children[number] = start(storm, &seeds[number]);
    }
    for (auto child : children) expect_success(child);
    turnkeep_store *store = open_patient();
    turnkeep_check_report *report = nullptr;
    OK(turnkeep_store_check(store, &report, &failure));
    for (std::size_t index = 0; index < turnkeep_check_report_len(report); index++) {
        fprintf(stderr, "%s\n", turnkeep_check_report_at(report, index).data);
    }
    CHECK_EQUAL(turnkeep_check_report_len(report), 0);
    turnkeep_check_report_free(report);
    OK(turnkeep_store_close(store, &failure));
}

} // namespace

int main(int argc, char **argv) {
    begin(argc, argv);
    if (const char *wanted = getenv("TURNKEEP_STORM_SECONDS")) duration = strtod(wanted, nullptr);
    RUN(a_file_that_24_threads_of_3_processes_stormed_is_whole);
    return 0;
}

#endif

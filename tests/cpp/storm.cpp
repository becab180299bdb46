// Everything at once: 3 processes of 8 threads each append, fork, rewind, delete, search, list, change one and many and clean
// up on one file for 20 seconds (TURNKEEP_STORM_SECONDS); the first keeps a log of events, the second compresses. Then the
// file is checked, everything was done at least once, and three new processes read the same.

#include "../support/check.h"

#ifdef _WIN32
int main() {
    puts("skipped: this is about processes as POSIX has them");
    return 0;
}
#else

#include "../support/process.h"

#include <atomic>
#include <new>
#include <random>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace {

constexpr int processes = 3;
constexpr int threads = 8;
constexpr int sessions = 40;

std::string location;
double duration = 20;

// What the threads do, as it is counted.
enum kind {
    opening,
    creating,
    appending,
    forking,
    rewinding,
    regenerating,
    truncating,
    clearing,
    deleting,
    updating,
    changing_many,
    cleaning_up,
    listing,
    filtering,
    searching,
    reading,
    windowing,
    measuring,
    following,
    kinds
};

const char *const names[kinds] = {
    "opening",   "creating", "appending", "forking",       "rewinding",   "regenerating", "truncating",
    "clearing",  "deleting", "updating",  "changing many", "cleaning up", "listing",      "filtering",
    "searching", "reading",  "windowing", "measuring",     "following",
};

// What all processes see: how often each thing was done, and what each reader found.
struct shared {
    std::atomic<std::uint64_t> done[kinds];
    std::atomic<std::uint64_t> digests[processes];
};

shared *all;

// What may go wrong when others change the same sessions: each call says which of these. They are gone or shorter, or they
// are there already; a regeneration may find no answer, or that another one came in between.
enum tolerated { nothing = 0, gone = 1, there = 2, unanswered = 4 };

bool is_tolerated(turnkeep_status status, int what) {
    switch (status) {
    case TURNKEEP_OK: return true;
    case TURNKEEP_ERROR_NOT_FOUND: return (what & gone) != 0;
    case TURNKEEP_ERROR_EXISTS: return (what & there) != 0;
    case TURNKEEP_ERROR_INVALID:
    case TURNKEEP_ERROR_CONFLICT: return (what & unanswered) != 0;
    default: return false;
    }
}

#define TRY(kind, tolerated, call)                                                            \
    do {                                                                                      \
        const turnkeep_status status = (call);                                                \
        if (!is_tolerated(status, tolerated))                                                 \
            check_fail(__FILE__, __LINE__, "%s: %s: %s", #call, turnkeep_status_name(status), \
                       turnkeep_error_message(failure).data);                                 \
        if (status == TURNKEEP_OK) all->done[kind]++;                                         \
        turnkeep_error_free(failure);                                                         \
        failure = nullptr;                                                                    \
    } while (0)

class worker {
public:
    worker(turnkeep_store *store, unsigned seed) : store_(store), random_(seed) {}

    void step() {
        const std::string id = "s" + std::to_string(below(sessions));
        turnkeep_session *session = nullptr;
        TRY(opening, gone, turnkeep_session_open(store_, id.c_str(), &session, &failure));
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
        TRY(creating, there, turnkeep_session_create(store_, &options, &session, &failure));
        turnkeep_session_close(session);
    }

    void change(turnkeep_session *session) {
        switch (below(28)) {
        case 0: fork(session); break;
        case 1: TRY(rewinding, gone, turnkeep_session_rewind(session, below(20), 0, nullptr, &failure)); break;
        case 2: remove(session); break;
        case 3:
            TRY(truncating, gone, turnkeep_session_truncate(session, 1 + below(10), 0, 0, nullptr, &failure));
            break;
        case 4: TRY(clearing, gone, turnkeep_session_clear(session, 0, nullptr, &failure)); break;
        case 5:
        case 6: search(); break;
        case 7: TRY(cleaning_up, nothing, turnkeep_store_cleanup(store_, nullptr, &failure)); break;
        case 8: list(); break;
        case 9: rename(session); break;
        case 10: window(session); break;
        case 11: history(session); break;
        case 12: filter(); break;
        case 13: change_many(); break;
        case 14: regenerate(session); break;
        case 15: measure(); break;
        case 16: follow(); break;
        default: append(session); break;
        }
    }

    void append(turnkeep_session *session) {
        std::string content = "words to be found " + std::to_string(below(1000)) + " äpfel 漢字仮名";
        // Some are long enough to be compressed.
        if (below(8) == 0) content.append(2000, 'x');
        const std::int32_t role = below(2) == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT;
        TRY(appending, gone, turnkeep_session_append(session, role, content.data(), content.size(), nullptr, &failure));
    }

    void fork(turnkeep_session *session) {
        turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
        const std::string id = "s" + std::to_string(below(sessions));
        options.id = id.c_str();
        turnkeep_session *out = nullptr;
        const std::uint64_t at = below(2) == 0 ? TURNKEEP_LAST : below(10);
        TRY(forking, gone | there, turnkeep_session_fork(session, at, &options, &out, &failure));
        turnkeep_session_close(out);
    }

    void remove(turnkeep_session *session) {
        TRY(deleting, gone, turnkeep_session_delete(store_, turnkeep_session_id(session).data, &failure));
    }

    void rename(turnkeep_session *session) {
        turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
        const char *const tags[] = {"storm", "night"};
        const std::string summary = "summary " + std::to_string(below(100));
        changes.summary = summary.c_str();
        changes.add_tags = tags;
        changes.add_tag_count = 1 + below(2);
        changes.status = static_cast<std::int32_t>(1 + below(3));
        TRY(updating, gone, turnkeep_session_update(session, &changes, nullptr, &failure));
    }

    void search() {
        static const char *const texts[] = {"found", "ÄPFEL", "漢字", "\"to be\"", "title", "sum*", "nothing like it"};
        turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
        turnkeep_search_results *results = nullptr;
        options.text = texts[below(sizeof texts / sizeof *texts)];
        TRY(searching, nothing, turnkeep_store_search(store_, &options, &results, &failure));
        turnkeep_search_results_free(results);
    }

    void list() { list_by(listing, nullptr); }

    void filter() {
        const char *const tag = "night";
        turnkeep_filter filter = TURNKEEP_FILTER_INIT;
        turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
        filter.all_tags = &tag;
        filter.all_tag_count = 1;
        filter.statuses = TURNKEEP_FILTER_ACTIVE | TURNKEEP_FILTER_TRASHED;
        filter.has_messages = TURNKEEP_FILTER_WITH_MESSAGES;
        filter.text = "title";
        options.filter = &filter;
        options.sort = static_cast<std::int32_t>(1 + below(6));
        list_by(filtering, &options);
    }

    void list_by(kind kind, const turnkeep_session_list_options *options) {
        turnkeep_session_list *page = nullptr;
        TRY(kind, nothing, turnkeep_store_list_sessions(store_, options, &page, &failure));
        turnkeep_session_list_free(page);
    }

    // What is thrown away at night is deleted; the rest goes to and fro.
    void change_many() {
        const char *const tag = "night";
        turnkeep_filter filter = TURNKEEP_FILTER_INIT;
        const auto action = static_cast<std::int32_t>(1 + below(TURNKEEP_BULK_DELETE));
        const bool tags = action == TURNKEEP_BULK_ADD_TAG || action == TURNKEEP_BULK_REMOVE_TAG;
        filter.statuses = static_cast<std::uint32_t>(TURNKEEP_FILTER_ACTIVE) << below(3);
        if (!tags) {
            filter.all_tags = &tag;
            filter.all_tag_count = 1;
        }
        if (action == TURNKEEP_BULK_DELETE) filter.statuses = TURNKEEP_FILTER_TRASHED;
        TRY(changing_many, nothing,
            turnkeep_store_change_sessions(store_, &filter, action, tags ? tag : nullptr, nullptr, &failure));
    }

    void regenerate(turnkeep_session *session) {
        TRY(regenerating, gone | unanswered,
            turnkeep_session_regenerate(session, TURNKEEP_LAST, nullptr, nullptr, &failure));
    }

    void measure() {
        turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
        TRY(measuring, nothing, turnkeep_store_metrics(store_, &metrics, &failure));
    }

    // One process writes the log, and whoever reads it finds no gap.
    void follow() {
        turnkeep_events *events = nullptr;
        TRY(following, nothing, turnkeep_store_events_after(store_, cursor_, 100, &events, &failure));
        const std::size_t count = turnkeep_events_len(events);
        for (std::size_t index = 0; index < count; index++) {
            const std::uint64_t number = turnkeep_events_at(events, index)->number;
            if (cursor_ > 0 && turnkeep_events_lost(events) == 0) CHECK_EQUAL(number, cursor_ + 1);
            cursor_ = number;
        }
        turnkeep_events_free(events);
    }

    void window(turnkeep_session *session) {
        turnkeep_window *out = nullptr;
        TRY(windowing, gone, turnkeep_session_window(session, nullptr, &out, &failure));
        turnkeep_window_free(out);
    }

    // Whatever others do, what one reads is a whole: numbered from 1 without a gap.
    void history(turnkeep_session *session) {
        turnkeep_messages *messages = nullptr;
        TRY(reading, gone, turnkeep_session_history(session, &messages, &failure));
        for (std::size_t index = 0; index < turnkeep_messages_len(messages); index++) {
            CHECK_EQUAL(turnkeep_messages_at(messages, index)->seq, index + 1);
        }
        turnkeep_messages_free(messages);
    }

    turnkeep_store *store_;
    std::mt19937 random_;
    std::uint64_t cursor_ = 0;
};

turnkeep_store *open_patient(unsigned process) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = nullptr;
    options.durability = TURNKEEP_DURABILITY_OS;
    options.busy_timeout_ms = 60000;
    options.event_log_rows = process == 1 ? 1000 : 0;
    options.compress_min_bytes = process == 2 ? 1024 : 0;
    OK(turnkeep_store_open(location.c_str(), &options, &store, &failure));
    return store;
}

int storm(void *argument) {
    const unsigned process = *static_cast<unsigned *>(argument);
    turnkeep_store *store = open_patient(process);
    const double end = seconds() + duration;
    std::vector<std::thread> running;
    for (unsigned thread = 0; thread < threads; thread++) {
        running.emplace_back([&, thread] {
            worker worker{store, process * 100 + thread};
            while (seconds() < end) worker.step();
        });
    }
    for (auto &thread : running) thread.join();
    OK(turnkeep_store_close(store, &failure));
    return 0;
}

// FNV-1a.
struct digest {
    std::uint64_t value = 14695981039346656037U;

    void add(const void *bytes, std::size_t count) {
        for (std::size_t index = 0; index < count; index++) {
            value = (value ^ static_cast<const unsigned char *>(bytes)[index]) * 1099511628211U;
        }
    }
    void add(std::uint64_t number) { add(&number, sizeof number); }
    void add(turnkeep_text text) {
        add(text.len);
        add(text.data, text.len);
    }
};

void read_session(turnkeep_store *store, const turnkeep_session_info *info, digest &digest) {
    turnkeep_session *session = open_session(store, info->id.data);
    turnkeep_messages *messages = history(session);
    digest.add(info->id);
    digest.add(info->title);
    digest.add(info->summary);
    digest.add(info->revision);
    CHECK_EQUAL(turnkeep_messages_len(messages), info->message_count);
    for (std::size_t index = 0; index < turnkeep_messages_len(messages); index++) {
        const turnkeep_message *message = turnkeep_messages_at(messages, index);
        digest.add(message->seq);
        digest.add(static_cast<std::uint64_t>(message->role));
        digest.add(message->total_tokens);
        digest.add(message->turn);
        digest.add(message->content);
    }
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
}

int read_all(void *argument) {
    const unsigned process = *static_cast<unsigned *>(argument);
    turnkeep_store *store = open_patient(0);
    turnkeep_filter filter = TURNKEEP_FILTER_INIT;
    turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
    turnkeep_session_list *list = nullptr;
    digest digest;
    filter.statuses = TURNKEEP_FILTER_ACTIVE | TURNKEEP_FILTER_ARCHIVED | TURNKEEP_FILTER_TRASHED;
    options.filter = &filter;
    options.sort = TURNKEEP_SORT_ID;
    options.limit = 1000;
    OK(turnkeep_store_list_sessions(store, &options, &list, &failure));
    CHECK(turnkeep_session_list_len(list) > 0);
    for (std::size_t index = 0; index < turnkeep_session_list_len(list); index++) {
        read_session(store, turnkeep_session_list_at(list, index), digest);
    }
    turnkeep_session_list_free(list);
    OK(turnkeep_store_close(store, &failure));
    all->digests[process - 1] = digest.value;
    return 0;
}

// Runs a function in three processes at once, which are numbered from 1.
void in_all_processes(int (*run)(void *)) {
    pid_t children[processes];
    unsigned numbers[processes];
    for (unsigned process = 0; process < processes; process++) {
        numbers[process] = process + 1;
        children[process] = start(run, &numbers[process]);
    }
    for (auto child : children) expect_success(child);
}

void check_file() {
    turnkeep_store *store = open_patient(0);
    turnkeep_check_report *report = nullptr;
    OK(turnkeep_store_check(store, &report, &failure));
    for (std::size_t index = 0; index < turnkeep_check_report_len(report); index++) {
        fprintf(stderr, "%s\n", turnkeep_check_report_at(report, index).data);
    }
    CHECK_EQUAL(turnkeep_check_report_len(report), 0);
    turnkeep_check_report_free(report);
    OK(turnkeep_store_close(store, &failure));
}

void a_file_that_24_threads_of_3_processes_stormed_is_whole() {
    location = fresh_path();
    void *memory = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    all = new (memory) shared{};
    in_all_processes(storm);
    check_file();
    for (int kind = 0; kind < kinds; kind++) {
        printf("%8" PRIu64 " times %s\n", all->done[kind].load(), names[kind]);
        CHECK(all->done[kind] > 0);
    }
    in_all_processes(read_all);
    for (const auto &digest : all->digests) CHECK(digest == all->digests[0]);
    CHECK(all->digests[0] != digest{}.value);
}

} // namespace

int main(int argc, char **argv) {
    begin(argc, argv);
    if (const char *wanted = getenv("TURNKEEP_STORM_SECONDS")) duration = strtod(wanted, nullptr);
    RUN(a_file_that_24_threads_of_3_processes_stormed_is_whole);
    return 0;
}

#endif

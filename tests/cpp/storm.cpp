// Everything at once: 3 processes of 8 threads each append, fork, rewind, delete, search, list, change one and many and clean
// up on one file for 6 seconds (TURNKEEP_STORM_SECONDS); the first keeps a log of events, the second compresses. Then the
// file is checked, everything was done at least once, and three new processes read the same.

#include "../support/check.h"

#ifdef _WIN32
int main() {
    puts("skipped: this is about processes as POSIX has them");
    return 0;
}
#else

#include "../support/worker.hpp"

#include <atomic>
#include <new>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <vector>

namespace {

constexpr int processes = 3;
constexpr int threads = 8;

std::string location;
double duration = 6;

// What all processes see: what was done, and what each reader found.
struct shared {
    deeds work;
    std::atomic<std::uint64_t> digests[processes];
};

shared *all;

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
    const field field{&all->work, 40, 10, 1, 20, {0}};
    const double end = seconds() + duration;
    std::vector<std::thread> running;
    for (unsigned thread = 0; thread < threads; thread++) {
        running.emplace_back([&, thread] {
            worker worker{field, store, process * 100 + thread};
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
        printf("%8" PRIu64 " times %s\n", all->work.done[kind].load(), names[kind]);
        CHECK(all->work.done[kind] > 0);
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

// What a host feels, through the C header and the shared library: host T5|T11|T12|T15 FOLDER
//
// Prints the figures of one target as a JSON object; `make bench` (benches/bench/host.rs) judges them.

#include <turnkeep/turnkeep.h>

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t content_bytes = 200;

[[noreturn]] void fail(const char *what, turnkeep_error *error) {
    std::fprintf(stderr, "%s: %s\n", what, turnkeep_error_message(error).data);
    std::_Exit(1);
}

// Calls a function that can fail, with the error that it takes last.
template <typename Function, typename... Arguments>
void must(const char *what, Function function, Arguments... arguments) {
    turnkeep_error *error = nullptr;
    if (function(arguments..., &error) != TURNKEEP_OK) fail(what, error);
}

turnkeep_store *open_store(const std::string &folder, turnkeep_store_options options) {
    turnkeep_store *store = nullptr;
    must("open", turnkeep_store_open, (folder + "/host.db").c_str(), &options, &store);
    return store;
}

turnkeep_store_options exclusive() {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_OS;
    return options;
}

turnkeep_session *create_session(turnkeep_store *store, const char *id) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    options.id = id;
    turnkeep_session *session = nullptr;
    must("create", turnkeep_session_create, store, &options, &session);
    return session;
}

turnkeep_session *open_session(turnkeep_store *store, const char *id) {
    turnkeep_session *session = nullptr;
    must("open session", turnkeep_session_open, store, id, &session);
    return session;
}

// Appends messages of 50 tokens, question and answer, in large batches.
void fill(turnkeep_session *session, std::size_t count) {
    const std::string content(content_bytes, 'x');
    turnkeep_new_message message = TURNKEEP_NEW_MESSAGE_INIT;
    message.content = content.data();
    message.content_len = content.size();
    message.tokens = 50;
    while (count > 0) {
        std::vector<turnkeep_new_message> batch(std::min<std::size_t>(count, 10'000), message);
        for (std::size_t i = 0; i < batch.size(); i++) {
            batch[i].role = i % 2 == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT;
        }
        must("append", turnkeep_session_append_batch, session, batch.data(), batch.size(),
             static_cast<const turnkeep_append_options *>(nullptr), static_cast<turnkeep_receipt *>(nullptr));
        count -= batch.size();
    }
}

turnkeep_window *window_of(const turnkeep_session *session) {
    turnkeep_window *window = nullptr;
    must("window", turnkeep_session_window, session, static_cast<const turnkeep_window_options *>(nullptr), &window);
    return window;
}

using clock_type = std::chrono::steady_clock;

double nanoseconds_since(clock_type::time_point begin) {
    return std::chrono::duration<double, std::nano>(clock_type::now() - begin).count();
}

template <typename Work>
double nanoseconds_of(std::size_t times, Work work) {
    const auto begin = clock_type::now();
    for (std::size_t i = 0; i < times; i++) work();
    return nanoseconds_since(begin) / static_cast<double>(times);
}

double at_percent(std::vector<double> &values, std::size_t percent) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(values.size() * percent / 100);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

double median(std::vector<double> values) { return at_percent(values, 50); }

using figures = std::vector<std::pair<const char *, double>>;

// T5: a window that is in memory, by handle, and its free; two lengths of history in turn.
figures cached_window(const std::string &folder) {
    turnkeep_store *store = open_store(folder, exclusive());
    turnkeep_session *small = create_session(store, "small");
    turnkeep_session *large = create_session(store, "large");
    fill(small, 100);
    fill(large, 1'000'000);
    std::vector<double> of_small, of_large, ratios;
    for (int round = 0; round < 200; round++) {
        of_small.push_back(nanoseconds_of(5'000, [&] { turnkeep_window_free(window_of(small)); }));
        of_large.push_back(nanoseconds_of(5'000, [&] { turnkeep_window_free(window_of(large)); }));
        ratios.push_back(of_large.back() / of_small.back());
    }
    turnkeep_session_close(small);
    turnkeep_session_close(large);
    must("close", turnkeep_store_close, store);
    return {{"small", median(of_small)}, {"large", median(of_large)}, {"ratio", median(ratios)}};
}

std::uint64_t sum_of_fields(const turnkeep_message &message) {
    return reinterpret_cast<std::uintptr_t>(message.content.data) + message.content.len +
           static_cast<std::uint64_t>(message.created_us) + message.total_tokens +
           reinterpret_cast<std::uintptr_t>(message.details) + message.seq + message.turn + message.tokens +
           static_cast<std::uint32_t>(message.role) + message.flags;
}

// A message is one cache line; this is a quarter of it.
using quarter = std::uint64_t __attribute__((vector_size(16), may_alias, aligned(8)));
static_assert(sizeof(turnkeep_message) == 4 * sizeof(quarter));

// T11: a history of 1 000 messages, every field read: as fast as the machine can, and by plain code.
figures history(const std::string &folder) {
    turnkeep_store *store = open_store(folder, exclusive());
    turnkeep_session *session = create_session(store, "history");
    fill(session, 1'000);
    volatile std::uint64_t sink = 0;
    const auto read = [&](auto sum) {
        turnkeep_messages *messages = nullptr;
        must("history", turnkeep_session_history, session, &messages);
        sink = sink + sum(turnkeep_messages_at(messages, 0), turnkeep_messages_len(messages));
        turnkeep_messages_free(messages);
    };
    const auto in_quarters = [](const turnkeep_message *message, std::size_t count) {
        quarter one = {}, two = {}, three = {}, four = {};
        for (const auto *end = message + count; message != end; message++) {
            const auto *read = reinterpret_cast<const quarter *>(message);
            one += read[0];
            two += read[1];
            three += read[2];
            four += read[3];
        }
        const quarter all = one ^ two ^ three ^ four;
        return all[0] ^ all[1];
    };
    const auto field_by_field = [](const turnkeep_message *message, std::size_t count) {
        std::uint64_t sum = 0;
        for (const auto *end = message + count; message != end; message++) sum += sum_of_fields(*message);
        return sum;
    };
    const auto nothing = [](const turnkeep_message *, std::size_t count) { return count; };
    std::vector<double> quarters, fields, calls;
    for (int round = 0; round < 200; round++) {
        quarters.push_back(nanoseconds_of(500, [&] { read(in_quarters); }));
        fields.push_back(nanoseconds_of(500, [&] { read(field_by_field); }));
        calls.push_back(nanoseconds_of(500, [&] { read(nothing); }));
    }
    turnkeep_session_close(session);
    must("close", turnkeep_store_close, store);
    return {{"history", median(quarters) / 1'000},
            {"field_by_field", median(fields) / 1'000},
            {"calls", median(calls) / 1'000}};
}

// What the two processes of T12 tell each other.
struct board {
    std::atomic<bool> ready, done;
    std::atomic<std::uint64_t> acknowledged, appends;
};

// Appends durably, to the session that is watched and to another one in turn, and says what was acknowledged.
void write_for_a_while(const std::string &folder, board &shared) {
    while (!shared.ready) usleep(100);
    turnkeep_store *store = open_store(folder, TURNKEEP_STORE_OPTIONS_INIT);
    turnkeep_session *watched = open_session(store, "watched");
    turnkeep_session *other = open_session(store, "other");
    const std::string content(content_bytes, 'y');
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    const auto begin = clock_type::now();
    while (nanoseconds_since(begin) < 4e9) {
        must("append", turnkeep_session_append, watched, TURNKEEP_ROLE_USER, content.data(), content.size(), &receipt);
        shared.acknowledged = receipt.last_seq;
        must("append", turnkeep_session_append, other, TURNKEEP_ROLE_USER, content.data(), content.size(), &receipt);
        shared.appends += 2;
    }
    turnkeep_session_close(watched);
    turnkeep_session_close(other);
    must("close", turnkeep_store_close, store);
    shared.done = true;
}

// T12: a cached window of a session that another process writes to, and whether it ever lacks what was acknowledged.
figures shared_window(const std::string &folder) {
    void *memory = mmap(nullptr, sizeof(board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    board &shared = *new (memory) board();
    const pid_t writer = fork();
    if (writer == 0) {
        write_for_a_while(folder, shared);
        std::_Exit(0);
    }
    turnkeep_store *store = open_store(folder, TURNKEEP_STORE_OPTIONS_INIT);
    turnkeep_session *watched = create_session(store, "watched");
    turnkeep_session_close(create_session(store, "other"));
    fill(watched, 1'000);
    turnkeep_window_free(window_of(watched));
    shared.ready = true;
    std::vector<double> times;
    double stale = 0;
    while (!shared.done && waitpid(writer, nullptr, WNOHANG) == 0) {
        for (int i = 0; i < 100; i++) {
            const std::uint64_t acknowledged = shared.acknowledged;
            const auto begin = clock_type::now();
            turnkeep_window *window = window_of(watched);
            times.push_back(nanoseconds_since(begin) / 1'000);
            if (turnkeep_window_report_of(window)->head_seq < acknowledged) stale++;
            turnkeep_window_free(window);
        }
    }
    if (!shared.done) {
        std::fprintf(stderr, "the writing process ended early\n");
        std::_Exit(1);
    }
    waitpid(writer, nullptr, 0);
    turnkeep_session_close(watched);
    must("close", turnkeep_store_close, store);
    return {{"median", at_percent(times, 50)},
            {"p99", at_percent(times, 99)},
            {"stale", stale},
            {"windows", static_cast<double>(times.size())},
            {"appends", static_cast<double>(shared.appends)}};
}

double resident_bytes() {
    std::ifstream status("/proc/self/status");
    std::string word;
    while (status >> word) {
        if (word == "VmRSS:") {
            double kib = 0;
            status >> kib;
            return kib * 1024;
        }
    }
    return 0;
}

// T15: how much memory 200 000 messages take that the cache holds and nobody else.
figures memory(const std::string &folder) {
    constexpr std::size_t count = 200'000;
    turnkeep_store *store = open_store(folder, exclusive());
    turnkeep_session *session = create_session(store, "long");
    fill(session, count);
    turnkeep_session *warm_up = create_session(store, "warm up");
    fill(warm_up, 20'000);
    turnkeep_session_close(session);
    turnkeep_session_close(warm_up);
    must("close", turnkeep_store_close, store);

    turnkeep_store_options options = exclusive();
    options.cache_bytes = 1ull << 32;
    store = open_store(folder, options);
    const auto load = [&](const char *id) {
        turnkeep_session *loaded = open_session(store, id);
        turnkeep_messages *messages = nullptr;
        must("history", turnkeep_session_history, loaded, &messages);
        turnkeep_messages_free(messages);
        return loaded;
    };
    warm_up = load("warm up"); // SQLite's own page cache is full now
    const double before = resident_bytes();
    session = load("long");
    const double after = resident_bytes();
    turnkeep_session_close(warm_up);
    turnkeep_session_close(session);
    must("close", turnkeep_store_close, store);
    return {{"per_message", (after - before) / count}};
}

} // namespace

int main(int argc, char **argv) {
    const std::string target = argc == 3 ? argv[1] : "";
    const std::string folder = argc == 3 ? argv[2] : "";
    figures found;
    if (target == "T5") found = cached_window(folder);
    if (target == "T11") found = history(folder);
    if (target == "T12") found = shared_window(folder);
    if (target == "T15") found = memory(folder);
    if (found.empty()) {
        std::fprintf(stderr, "usage: host T5|T11|T12|T15 FOLDER\n");
        return 2;
    }
    const char *separator = "{";
    for (const auto &[name, value] : found) {
        std::printf("%s\"%s\": %.3f", separator, name, value);
        separator = ", ";
    }
    std::puts("}");
}

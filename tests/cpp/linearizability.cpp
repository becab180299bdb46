// Every session behaves as if all calls, of whatever thread and process, had been made one after the other, each at some moment
// between its call and its return (tests/support/linear.hpp). Threads and processes append, append on condition, rewind and
// read at random on a few sessions and note what they were told and when; the notes are checked, and so is the checker.
//
// TURNKEEP_ROUNDS is how many calls each thread makes, 400 if it is not set.

#include "../support/check.h"

#ifdef _WIN32
int main() {
    puts("skipped: this is about processes as POSIX has them");
    return 0;
}
#else

#include "../support/linear.hpp"
#include "../support/process.h"

#include <atomic>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>
#include <thread>

namespace {

using linear::history;
using linear::kind;
using linear::operation;

constexpr int sessions = 3;
int rounds = 400;

// --- the checker itself ---

operation append_of(std::uint64_t called, std::uint64_t returned, std::uint64_t revision, std::uint64_t place,
                    const std::string &content) {
    operation made;
    made.what = kind::append;
    made.called = called;
    made.returned = returned;
    made.revision = revision;
    made.first = made.head = place;
    made.contents = {content};
    return made;
}

operation rewind_of(std::uint64_t called, std::uint64_t returned, std::uint64_t revision, std::uint64_t to) {
    operation made;
    made.what = kind::rewind;
    made.called = called;
    made.returned = returned;
    made.revision = revision;
    made.to = to;
    return made;
}

operation history_of(std::uint64_t called, std::uint64_t returned, std::vector<std::string> contents) {
    operation made;
    made.what = kind::history;
    made.called = called;
    made.returned = returned;
    made.head = contents.size();
    made.first = contents.empty() ? 0 : 1;
    made.contents = std::move(contents);
    return made;
}

operation conflict_of(std::uint64_t called, std::uint64_t returned, std::uint64_t expected) {
    operation made;
    made.called = called;
    made.returned = returned;
    made.expected = expected;
    made.conflict = true;
    return made;
}

bool is_accepted(const history &operations) {
    const bool accepted = linear::checker::check(operations).empty();
    CHECK(accepted == linear::search(operations));
    return accepted;
}

void what_overlaps_may_come_in_any_order() {
    const operation one = append_of(10, 40, 2, 1, "a");
    const operation other = append_of(20, 30, 3, 2, "b");
    CHECK(is_accepted({one, other}));
    CHECK(is_accepted({one, other, history_of(12, 39, {})}));
    CHECK(is_accepted({one, other, history_of(12, 39, {"a"})}));
    CHECK(is_accepted({one, other, history_of(12, 39, {"a", "b"})}));
    CHECK(is_accepted({one, other, history_of(31, 32, {"a", "b"})}));
    CHECK(is_accepted({one, conflict_of(5, 15, 7), rewind_of(50, 60, 3, 0), history_of(50, 70, {"a"})}));
    // Two states look the same here, and either will do.
    CHECK(is_accepted({one, rewind_of(50, 60, 3, 0), history_of(5, 99, {}), history_of(61, 62, {})}));
}

void a_bad_history_is_refused() {
    const operation one = append_of(10, 20, 2, 1, "a");
    const operation other = append_of(30, 40, 3, 2, "b");
    // Stale, from the future, half a batch, something that nobody said, and what was taken back.
    CHECK(!is_accepted({one, history_of(21, 22, {})}));
    CHECK(!is_accepted({one, history_of(5, 9, {"a"})}));
    operation batch = append_of(10, 20, 2, 1, "a");
    batch.contents = {"a", "b"};
    batch.head = 2;
    CHECK(is_accepted({batch, history_of(15, 25, {"a", "b"})}));
    CHECK(!is_accepted({batch, history_of(15, 25, {"a"})}));
    CHECK(!is_accepted({one, history_of(21, 22, {"x"})}));
    CHECK(!is_accepted({one, rewind_of(21, 29, 3, 0), history_of(30, 31, {"a"})}));
    // Two readings, of which the later one sees less.
    const operation slow = append_of(10, 90, 2, 1, "a");
    CHECK(is_accepted({slow, history_of(20, 30, {"a"}), history_of(25, 40, {})}));
    CHECK(!is_accepted({slow, history_of(20, 30, {"a"}), history_of(31, 40, {})}));
    // The order of the numbers is not that of the calls; a number twice; one that is missing; a place twice.
    CHECK(is_accepted({one, other}));
    CHECK(!is_accepted({append_of(10, 20, 3, 2, "a"), append_of(30, 40, 2, 1, "b")}));
    CHECK(!is_accepted({append_of(10, 40, 2, 1, "a"), append_of(10, 40, 2, 2, "b")}));
    CHECK(!is_accepted({append_of(10, 40, 2, 1, "a"), append_of(10, 40, 4, 2, "b")}));
    CHECK(!is_accepted({append_of(10, 40, 2, 1, "a"), append_of(10, 40, 3, 1, "b")}));
    // A condition that held and was refused, and one that did not hold and was not.
    CHECK(is_accepted({one, conflict_of(21, 22, 1)}));
    CHECK(!is_accepted({one, conflict_of(21, 22, 2)}));
    operation conditional = other;
    conditional.expected = 1;
    CHECK(!is_accepted({one, conditional}));
    // A window that shows one revision and tells another.
    operation window = history_of(50, 60, {"b"});
    window.what = kind::window;
    window.first = window.head = 2;
    window.revision = 3;
    CHECK(is_accepted({one, other, window}));
    window.revision = 2;
    CHECK(!is_accepted({one, other, window}));
}

// Answers that may be right: from the states that a session went through, at moments that may be wrong.
history some_history(std::mt19937 &random) {
    const auto below = [&](std::uint64_t count) { return random() % count; };
    history made;
    std::vector<linear::session> seen{{}};
    for (int number = 0; number < 6; number++) {
        const std::uint64_t called = below(12);
        const std::uint64_t returned = called + below(6);
        linear::session now = seen.back();
        const linear::session before = seen[below(seen.size())];
        operation next = history_of(called, returned, before.contents);
        if (below(2) == 0) {
            next = below(4) == 0
                       ? rewind_of(called, returned, now.revision + 1, below(now.contents.size() + 1))
                       : append_of(called, returned, now.revision + 1, now.contents.size() + 1, std::to_string(number));
            if (below(4) == 0) next.expected = now.revision;
            CHECK(now.allows(next));
            seen.push_back(now);
        } else if (below(4) == 0) {
            next = conflict_of(called, returned, 1 + below(4));
        } else if (below(3) == 0) {
            next.what = kind::window;
            next.revision = before.revision;
        }
        made.push_back(next);
    }
    return made;
}

void the_checker_agrees_with_a_search_of_all_orders() {
    std::mt19937 random{5};
    int accepted = 0;
    const int tried = 20000;
    for (int number = 0; number < tried; number++) {
        const history operations = some_history(random);
        const std::string wrong = linear::checker::check(operations);
        if (wrong.empty() != linear::search(operations)) {
            for (const operation &operation : operations) fprintf(stderr, "%s\n", linear::describe(operation).c_str());
            check_fail(__FILE__, __LINE__, "the checker says '%s' and the search does not", wrong.c_str());
        }
        accepted += wrong.empty();
    }
    printf("%d of %d random histories are linearizable\n", accepted, tried);
    CHECK(accepted > tried / 20 && accepted < tried * 19 / 20);
}

// --- what the library does ---

std::uint64_t nanoseconds() {
    struct timespec now {};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000000000U + static_cast<std::uint64_t>(now.tv_nsec);
}

std::string id_of(int session) { return "s" + std::to_string(session); }

// One thread with handles of its own, or with those of all.
class player {
public:
    player(std::vector<turnkeep_session *> handles, unsigned number)
        : handles_(std::move(handles)), number_(number), random_(number), last_known_(handles_.size(), 1) {}

    void play() {
        for (int round = 0; round < rounds; round++) {
            session_ = below(sessions);
            const operation made = call(handles_[session_]);
            if (made.revision != 0) last_known_[session_] = made.revision;
            notes_[session_].push_back(made);
        }
    }

    const history &notes(int session) const { return notes_[session]; }

private:
    unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }

    operation call(turnkeep_session *session) {
        const unsigned chance = below(20);
        if (chance < 8) return append(session, 0);
        if (chance < 10) return append(session, last_known_[session_]);
        if (chance < 11) return rewind(session);
        if (chance < 14) return read(session);
        if (chance < 18) return window(session);
        return describe(session);
    }

    operation append(turnkeep_session *session, std::uint64_t expected) {
        operation made;
        turnkeep_new_message messages[2];
        turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
        turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
        const unsigned count = 1 + below(2);
        for (unsigned index = 0; index < count; index++)
            made.contents.push_back(std::to_string(number_) + "." + std::to_string(said_++));
        for (unsigned index = 0; index < count; index++)
            messages[index] = message_of(TURNKEEP_ROLE_USER, made.contents[index].c_str());
        made.expected = options.expected_revision = expected;
        made.called = nanoseconds();
        const turnkeep_status status =
            turnkeep_session_append_batch(session, messages, count, &options, &receipt, &failure);
        made.returned = nanoseconds();
        made.conflict = refused(status, TURNKEEP_ERROR_CONFLICT);
        if (made.conflict) return made;
        made.revision = receipt.revision;
        made.first = receipt.first_seq;
        made.head = receipt.last_seq;
        return made;
    }

    operation rewind(turnkeep_session *session) {
        operation made;
        made.what = kind::rewind;
        made.to = below(40);
        made.called = nanoseconds();
        const turnkeep_status status = turnkeep_session_rewind(session, made.to, 0, &made.revision, &failure);
        made.returned = nanoseconds();
        made.missing = refused(status, TURNKEEP_ERROR_NOT_FOUND);
        return made;
    }

    operation read(turnkeep_session *session) {
        operation made;
        turnkeep_messages *messages = nullptr;
        made.what = kind::history;
        made.called = nanoseconds();
        const turnkeep_status status = turnkeep_session_history(session, &messages, &failure);
        made.returned = nanoseconds();
        check_ok(__FILE__, __LINE__, "history", status);
        note(made, turnkeep_messages_len(messages),
             [&](std::size_t index) { return turnkeep_messages_at(messages, index); });
        made.head = made.contents.size();
        turnkeep_messages_free(messages);
        return made;
    }

    // One that holds everything, or one with a cut.
    operation window(turnkeep_session *session) {
        operation made;
        turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
        turnkeep_window *window = nullptr;
        options.max_tokens = below(2) == 0 ? 1000000 : 100;
        made.what = kind::window;
        made.called = nanoseconds();
        const turnkeep_status status = turnkeep_session_window(session, &options, &window, &failure);
        made.returned = nanoseconds();
        check_ok(__FILE__, __LINE__, "window", status);
        note(made, turnkeep_window_len(window), [&](std::size_t index) { return turnkeep_window_at(window, index); });
        made.revision = turnkeep_window_report_of(window)->revision;
        made.head = turnkeep_window_report_of(window)->head_seq;
        turnkeep_window_free(window);
        return made;
    }

    operation describe(turnkeep_session *session) {
        operation made;
        turnkeep_session_list *list = nullptr;
        made.what = kind::describe;
        made.called = nanoseconds();
        const turnkeep_status status = turnkeep_session_describe(session, &list, &failure);
        made.returned = nanoseconds();
        check_ok(__FILE__, __LINE__, "describe", status);
        made.revision = turnkeep_session_list_at(list, 0)->revision;
        made.head = turnkeep_session_list_at(list, 0)->message_count;
        CHECK_EQUAL(turnkeep_session_list_at(list, 0)->head_seq, made.head);
        turnkeep_session_list_free(list);
        return made;
    }

    template <typename At>
    static void note(operation &made, std::size_t count, At at) {
        for (std::size_t index = 0; index < count; index++) {
            const turnkeep_message *message = at(index);
            if (index == 0) made.first = message->seq;
            CHECK_EQUAL(message->seq, made.first + index);
            made.contents.emplace_back(message->content.data, message->content.len);
        }
    }

    static bool refused(turnkeep_status status, turnkeep_status expected) {
        if (status != expected) check_ok(__FILE__, __LINE__, "a change", status);
        turnkeep_error_free(failure);
        failure = nullptr;
        return status == expected;
    }

    std::vector<turnkeep_session *> handles_;
    unsigned number_;
    std::mt19937 random_;
    std::vector<std::uint64_t> last_known_;
    history notes_[sessions];
    unsigned session_ = 0;
    unsigned said_ = 0;
};

std::vector<turnkeep_session *> open_all(turnkeep_store *store) {
    std::vector<turnkeep_session *> handles;
    for (int session = 0; session < sessions; session++) handles.push_back(open_session(store, id_of(session).c_str()));
    return handles;
}

void close_all(const std::vector<turnkeep_session *> &handles) {
    for (auto handle : handles) turnkeep_session_close(handle);
}

void create_all(turnkeep_store *store) {
    for (int session = 0; session < sessions; session++) {
        turnkeep_session *created = create(store, id_of(session).c_str());
        CHECK_EQUAL(revision_of(created), linear::session{}.revision);
        turnkeep_session_close(created);
    }
}

turnkeep_store *open_patient(const std::string &location, const turnkeep_store_options &wanted) {
    turnkeep_store_options options = wanted;
    options.busy_timeout_ms = 60000;
    return open_with(location.c_str(), &options);
}

// So many threads at once on one store; half of them share their handles.
std::vector<player> play(turnkeep_store *store, unsigned threads, unsigned first_number) {
    const std::vector<turnkeep_session *> common = open_all(store);
    std::vector<std::vector<turnkeep_session *>> own;
    std::vector<player> players;
    for (unsigned thread = 0; thread < threads; thread++) {
        if (thread % 2 == 1) own.push_back(open_all(store));
        players.emplace_back(thread % 2 == 0 ? common : own.back(), first_number + thread);
    }
    std::vector<std::thread> running;
    for (auto &player : players) running.emplace_back([&player] { player.play(); });
    for (auto &thread : running) thread.join();
    for (const auto &handles : own) close_all(handles);
    close_all(common);
    return players;
}

void expect_linearizable(const history *notes) {
    std::size_t calls = 0;
    for (int session = 0; session < sessions; session++) {
        const std::string wrong = linear::checker::check(notes[session]);
        if (!wrong.empty()) check_fail(__FILE__, __LINE__, "session %d: %s", session, wrong.c_str());
        calls += notes[session].size();
        CHECK(std::any_of(notes[session].begin(), notes[session].end(),
                          [](const operation &made) { return made.conflict; }));
    }
    printf("%zu calls on %d sessions\n", calls, sessions);
}

void collect(const std::vector<player> &players, history *notes) {
    for (const auto &player : players) {
        for (int session = 0; session < sessions; session++) {
            const history &more = player.notes(session);
            notes[session].insert(notes[session].end(), more.begin(), more.end());
        }
    }
}

void eight_threads_of(const std::string &location, const turnkeep_store_options &options) {
    turnkeep_store *store = open_patient(location, options);
    history notes[sessions];
    create_all(store);
    collect(play(store, 8, 0), notes);
    close_store(store);
    expect_linearizable(notes);
}

void what_eight_threads_see_has_an_order() {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.durability = TURNKEEP_DURABILITY_OS;
    // One session of three has room in the cache: the others are read anew again and again.
    options.cache_sessions = 1;
    eight_threads_of(fresh_path(), options);
}

void what_eight_threads_see_of_an_exclusive_store_has_an_order() {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    options.autosave_ms = 10;
    eight_threads_of(fresh_path(), options);
}

void what_eight_threads_see_of_a_store_in_memory_has_an_order() {
    const turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    eight_threads_of(":memory:", options);
}

// --- several processes ---

struct part {
    std::string location;
    unsigned number;

    std::string notes() const { return location + ".notes-" + std::to_string(number); }
};

void write(std::ostream &out, int session, const operation &made) {
    out << session << ' ' << static_cast<int>(made.what) << ' ' << made.called << ' ' << made.returned << ' '
        << made.expected << ' ' << made.to << ' ' << made.conflict << ' ' << made.missing << ' ' << made.revision << ' '
        << made.first << ' ' << made.head << ' ' << made.contents.size();
    for (const auto &content : made.contents) out << ' ' << content;
    out << '\n';
}

void read(std::istream &in, history *notes) {
    int session = 0;
    int what = 0;
    std::size_t count = 0;
    operation made;
    while (in >> session >> what >> made.called >> made.returned >> made.expected >> made.to >> made.conflict >>
           made.missing >> made.revision >> made.first >> made.head >> count) {
        made.what = static_cast<kind>(what);
        made.contents.resize(count);
        for (auto &content : made.contents) in >> content;
        notes[session].push_back(made);
    }
    CHECK(in.eof());
}

constexpr unsigned processes = 4;
constexpr unsigned threads_each = 2;

int play_a_part(void *argument) {
    const part *mine = static_cast<part *>(argument);
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.durability = TURNKEEP_DURABILITY_OS;
    turnkeep_store *store = open_patient(mine->location, options);
    const std::vector<player> players = play(store, threads_each, mine->number * threads_each);
    close_store(store);
    std::ofstream out{mine->notes()};
    for (const auto &player : players) {
        for (int session = 0; session < sessions; session++) {
            for (const operation &made : player.notes(session)) write(out, session, made);
        }
    }
    out.close();
    CHECK(out.good());
    return 0;
}

void what_four_processes_see_has_an_order() {
    part parts[processes];
    pid_t children[processes];
    history notes[sessions];
    const std::string location = fresh_path();
    turnkeep_store *store = open_store(location.c_str());
    create_all(store);
    close_store(store);
    for (unsigned process = 0; process < processes; process++) {
        parts[process] = {location, process};
        children[process] = start(play_a_part, &parts[process]);
    }
    for (auto child : children) expect_success(child);
    for (const auto &part : parts) {
        std::ifstream in{part.notes()};
        read(in, notes);
    }
    std::size_t calls = 0;
    for (const history &of_session : notes) calls += of_session.size();
    CHECK_EQUAL(calls, static_cast<std::size_t>(rounds) * processes * threads_each);
    expect_linearizable(notes);
}

} // namespace

int main(int argc, char **argv) {
    begin(argc, argv);
    if (const char *wanted = getenv("TURNKEEP_ROUNDS")) rounds = atoi(wanted);
    RUN(what_overlaps_may_come_in_any_order);
    RUN(a_bad_history_is_refused);
    RUN(the_checker_agrees_with_a_search_of_all_orders);
    RUN(what_four_processes_see_has_an_order);
    RUN(what_eight_threads_see_has_an_order);
    RUN(what_eight_threads_see_of_an_exclusive_store_has_an_order);
    RUN(what_eight_threads_see_of_a_store_in_memory_has_an_order);
    return 0;
}

#endif

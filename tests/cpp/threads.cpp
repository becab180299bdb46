// Rule 4 of the header: handles may be used by any number of threads at once. Every receipt is true, every number is given
// once, each thread's messages keep their order, and who reads meanwhile sees a beginning of what is there in the end.

#include "../support/check.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int THREADS = 8;

/// Runs a function on many threads at once, each with its number.
void on_threads(int count, const std::function<void(int)>& work) {
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    for (int number = 0; number < count; number++) {
        threads.emplace_back([&, number] {
            ready++;
            while (ready < count) std::this_thread::yield();
            work(number);
        });
    }
    for (auto& thread : threads) thread.join();
}

std::string content_of(int thread, int number) { return std::to_string(thread) + ":" + std::to_string(number); }

std::string text(const turnkeep_message* message) { return {message->content.data, message->content.len}; }

/// What a thread was told: which content stands at which place.
using told = std::vector<std::pair<uint64_t, std::string>>;

/// Appends so many messages, every fifth time two at once, with each of these durabilities in turn.
told append_and_note(turnkeep_session* session, int thread, int count, const std::vector<int32_t>& durabilities = {0}) {
    told notes;
    for (int number = 0; number < count;) {
        if (number % 5 == 4 && number + 1 < count) {
            std::string contents[2] = {content_of(thread, number), content_of(thread, number + 1)};
            turnkeep_new_message batch[2];
            turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
            options.durability = durabilities[static_cast<size_t>(thread + number) % durabilities.size()];
            for (int index = 0; index < 2; index++)
                batch[index] = message_of(TURNKEEP_ROLE_USER, contents[index].c_str());
            turnkeep_receipt receipt = append_batch(session, batch, 2, &options);
            // What others of the same commit asked for may have come on top.
            if (options.durability != 0) CHECK(receipt.durability <= options.durability);
            CHECK_EQUAL(receipt.last_seq, receipt.first_seq + 1);
            notes.emplace_back(receipt.first_seq, contents[0]);
            notes.emplace_back(receipt.last_seq, contents[1]);
            number += 2;
        } else {
            turnkeep_receipt receipt = say(session, content_of(thread, number).c_str());
            CHECK_EQUAL(receipt.last_seq, receipt.first_seq);
            notes.emplace_back(receipt.first_seq, content_of(thread, number));
            number++;
        }
    }
    return notes;
}

/// Checks the session against what the threads were told: nothing missing, nothing twice, in each thread's order.
void check_told(turnkeep_session* session, const std::vector<told>& all) {
    turnkeep_messages* messages = history(session);
    std::set<uint64_t> places;
    for (const told& notes : all) {
        uint64_t before = 0;
        for (const auto& [place, content] : notes) {
            CHECK(place > before);
            before = place;
            CHECK(places.insert(place).second);
            const turnkeep_message* message = turnkeep_messages_at(messages, place - 1);
            CHECK(message != nullptr);
            CHECK_EQUAL(message->seq, place);
            CHECK_BYTES(message->content, content.data(), content.size());
        }
    }
    CHECK_EQUAL(turnkeep_messages_len(messages), places.size());
    turnkeep_messages_free(messages);
}

void reopen_and_check(const char* path, const std::vector<std::string>& ids,
                      const std::vector<std::vector<told>>& all) {
    turnkeep_store* store = open_store(path);
    for (size_t index = 0; index < ids.size(); index++) {
        turnkeep_session* session = open_session(store, ids[index].c_str());
        check_told(session, all[index]);
        turnkeep_session_close(session);
    }
    close_store(store);
}

void eight_threads_on_one_session_get_every_number_once() {
    const char* path = fresh_path();
    turnkeep_store* store = open_store(path);
    turnkeep_session* session = create(store, "s");
    std::vector<told> all(THREADS);
    on_threads(THREADS, [&](int thread) { all[static_cast<size_t>(thread)] = append_and_note(session, thread, 100); });
    check_told(session, all);
    CHECK_EQUAL(count_messages(session), THREADS * 100);
    turnkeep_session_close(session);
    close_store(store);
    reopen_and_check(path, {"s"}, {all});
}

void eight_threads_on_one_exclusive_session_get_every_number_once_at_every_durability() {
    const char* path = fresh_path();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    options.autosave_ms = 1;
    turnkeep_store* store = open_with(path, &options);
    turnkeep_session* session = create(store, "s");
    std::vector<told> all(THREADS);
    std::atomic<int> writing{THREADS};
    on_threads(THREADS + 2, [&](int thread) {
        if (thread < THREADS) {
            all[static_cast<size_t>(thread)] =
                append_and_note(session, thread, 300,
                                {TURNKEEP_DURABILITY_DEFERRED, TURNKEEP_DURABILITY_OS, TURNKEEP_DURABILITY_DEFERRED,
                                 TURNKEEP_DURABILITY_DISK});
            writing--;
            return;
        }
        uint64_t before = 0;
        while (writing > 0) {
            turnkeep_messages* messages = history(session);
            CHECK(turnkeep_messages_len(messages) >= before);
            before = turnkeep_messages_len(messages);
            turnkeep_messages_free(messages);
            if (thread % 2 == 0) OK(turnkeep_store_flush(store, &failure));
        }
    });
    check_told(session, all);
    turnkeep_session_close(session);
    close_store(store);
    reopen_and_check(path, {"s"}, {all});
}

void eight_threads_with_handles_and_stores_of_their_own_get_every_number_once() {
    const char* path = fresh_path();
    turnkeep_store* store = open_store(path);
    turnkeep_session_close(create(store, "s"));
    close_store(store);
    std::vector<told> all(THREADS);
    on_threads(THREADS, [&](int thread) {
        turnkeep_store* own = open_store(path);
        turnkeep_session* session = open_session(own, "s");
        all[static_cast<size_t>(thread)] = append_and_note(session, thread, 40);
        turnkeep_session_close(session);
        close_store(own);
    });
    reopen_and_check(path, {"s"}, {all});
}

void eight_threads_on_eight_sessions_get_every_number_once() {
    const char* path = fresh_path();
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.cache_sessions = 3; // fewer than are in use
    turnkeep_store* store = open_with(path, &options);
    std::vector<std::string> ids;
    std::vector<std::vector<told>> all(THREADS, std::vector<told>(1));
    for (int thread = 0; thread < THREADS; thread++) {
        ids.push_back("s" + std::to_string(thread));
        turnkeep_session_close(create(store, ids.back().c_str()));
    }
    on_threads(THREADS, [&](int thread) {
        const auto own = static_cast<size_t>(thread);
        turnkeep_session* session = open_session(store, ids[own].c_str());
        all[own][0] = append_and_note(session, thread, 100);
        for (size_t index = 0; index < 100; index++) CHECK_EQUAL(all[own][0][index].first, index + 1);
        turnkeep_session_close(session);
    });
    close_store(store);
    reopen_and_check(path, ids, all);
}

/// Checks that a history is whole: numbered from 1, running totals right. Returns its length.
uint64_t check_whole(turnkeep_messages* messages) {
    uint64_t total = 0;
    for (size_t index = 0; index < turnkeep_messages_len(messages); index++) {
        const turnkeep_message* message = turnkeep_messages_at(messages, index);
        CHECK_EQUAL(message->seq, index + 1);
        total += message->tokens;
        CHECK_EQUAL(message->total_tokens, total);
        CHECK_EQUAL(message->turn, index + 1);
    }
    return turnkeep_messages_len(messages);
}

void readers_see_a_beginning_of_what_is_there_in_the_end(const char* location) {
    turnkeep_store* store = open_store(location);
    turnkeep_session* session = create(store, "s");
    std::atomic<int> writing{4};
    std::atomic<uint64_t> acknowledged{0};
    std::vector<std::vector<turnkeep_messages*>> seen(4);
    on_threads(THREADS, [&](int thread) {
        if (thread < 4) {
            for (int number = 0; number < 150; number++) {
                uint64_t place = say(session, content_of(thread, number).c_str()).last_seq;
                uint64_t known = acknowledged;
                while (known < place && !acknowledged.compare_exchange_weak(known, place)) {
                }
            }
            writing--;
            return;
        }
        uint64_t before = 0;
        do {
            // What was acknowledged before the call began is there, and what was seen once stays.
            const uint64_t least = std::max(before, acknowledged.load());
            if (thread % 2 == 0) {
                turnkeep_messages* messages = history(session);
                CHECK(check_whole(messages) >= least);
                before = turnkeep_messages_len(messages);
                auto& kept = seen[static_cast<size_t>(thread) - 4];
                if (kept.size() < 100) kept.push_back(messages);
                else turnkeep_messages_free(messages);
            } else {
                turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
                options.max_tokens = 200;
                turnkeep_window* window = window_of(session, &options);
                const turnkeep_window_report* report = turnkeep_window_report_of(window);
                CHECK(report->head_seq >= least);
                CHECK(report->tokens <= 200);
                CHECK_EQUAL(report->revision, report->head_seq + 1);
                before = report->head_seq;
                for (size_t index = 0; index < turnkeep_window_len(window); index++)
                    CHECK_EQUAL(turnkeep_window_at(window, index)->seq, report->cut_seq + index);
                CHECK_EQUAL(turnkeep_window_len(window), report->head_seq + 1 - report->cut_seq);
                turnkeep_window_free(window);
            }
        } while (writing > 0);
    });
    // Every snapshot is still what it was: a beginning of the whole.
    turnkeep_messages* whole = history(session);
    CHECK_EQUAL(check_whole(whole), 600);
    for (auto& kept : seen) {
        for (turnkeep_messages* messages : kept) {
            check_whole(messages);
            for (size_t index = 0; index < turnkeep_messages_len(messages); index++)
                CHECK(text(turnkeep_messages_at(messages, index)) == text(turnkeep_messages_at(whole, index)));
            turnkeep_messages_free(messages);
        }
    }
    turnkeep_messages_free(whole);
    turnkeep_session_close(session);
    close_store(store);
}

void readers_see_consistent_histories_and_windows_while_others_write() {
    readers_see_a_beginning_of_what_is_there_in_the_end(fresh_path());
    readers_see_a_beginning_of_what_is_there_in_the_end(":memory:");
}

void eight_threads_that_open_a_new_file_at_the_same_moment_all_succeed() {
    for (int round = 0; round < 20; round++) {
        const char* path = fresh_path();
        on_threads(THREADS, [&](int thread) {
            turnkeep_store* store = open_store(path);
            turnkeep_session* session = create(store, ("s" + std::to_string(thread)).c_str());
            CHECK_EQUAL(say(session, "x").last_seq, 1);
            turnkeep_session_close(session);
            close_store(store);
        });
        turnkeep_store* store = open_store(path);
        for (int thread = 0; thread < THREADS; thread++)
            CHECK_EQUAL(session_exists(store, ("s" + std::to_string(thread)).c_str()), 1);
        close_store(store);
    }
}

// Fault of the C++ session manager: its ids are 32 random bits.
void thirty_two_threads_that_create_sessions_get_distinct_ids() {
    turnkeep_store* store = open_store(fresh_path());
    std::vector<std::vector<std::string>> ids(32);
    on_threads(32, [&](int thread) {
        for (int number = 0; number < 30; number++) {
            turnkeep_session* session = create(store, nullptr);
            say(session, "mine");
            CHECK_EQUAL(count_messages(session), 1);
            ids[static_cast<size_t>(thread)].emplace_back(turnkeep_session_id(session).data);
            turnkeep_session_close(session);
        }
    });
    std::set<std::string> distinct;
    for (const auto& own : ids) distinct.insert(own.begin(), own.end());
    CHECK_EQUAL(distinct.size(), 32 * 30);
    close_store(store);
}

void of_threads_that_want_the_same_id_or_name_one_gets_it() {
    turnkeep_store* store = open_store(fresh_path());
    for (int round = 0; round < 20; round++) {
        std::atomic<int> made{0};
        std::string id = "s" + std::to_string(round);
        on_threads(THREADS, [&](int) {
            turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
            turnkeep_session* session = nullptr;
            if (round % 2 == 0) options.id = id.c_str();
            else options.name = id.c_str();
            turnkeep_status status = turnkeep_session_create(store, &options, &session, &failure);
            if (status == TURNKEEP_OK) made++;
            else FAILS(EXISTS, id.c_str(), status);
            turnkeep_session_close(session);
        });
        CHECK_EQUAL(made, 1);
    }
    close_store(store);
}

void of_threads_that_expect_the_same_revision_one_appends() {
    turnkeep_store* store = open_store(fresh_path());
    turnkeep_session* session = create(store, "s");
    std::atomic<uint64_t> appended{0};
    on_threads(THREADS, [&](int) {
        for (int number = 0; number < 50; number++) {
            turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
            turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
            turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
            options.expected_revision = revision_of(session);
            turnkeep_status status = turnkeep_session_append_batch(session, &message, 1, &options, &receipt, &failure);
            if (status == TURNKEEP_OK) {
                appended++;
                CHECK_EQUAL(receipt.revision, options.expected_revision + 1);
            } else {
                FAILS(CONFLICT, "expected revision", status);
            }
        }
    });
    CHECK_EQUAL(count_messages(session), appended);
    CHECK_EQUAL(revision_of(session), appended + 1);
    turnkeep_session_close(session);
    close_store(store);
}

void retries_with_one_key_append_once() {
    turnkeep_store* store = open_store(fresh_path());
    turnkeep_session* session = create(store, "s");
    for (int round = 0; round < 20; round++) {
        std::atomic<int> first{0};
        std::string key = "request-" + std::to_string(round);
        on_threads(THREADS, [&](int) {
            turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
            turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, key.c_str());
            options.idempotency_key = key.c_str();
            turnkeep_receipt receipt = append_batch(session, &message, 1, &options);
            CHECK_EQUAL(receipt.last_seq, round + 1);
            if (!receipt.repeated) first++;
        });
        CHECK_EQUAL(first, 1);
    }
    CHECK_EQUAL(count_messages(session), 20);
    turnkeep_session_close(session);
    close_store(store);
}

// What is under way when a store is closed is finished; what comes after answers CLOSED.
void closing_a_store_under_load_loses_nothing_that_was_acknowledged() {
    const char* path = fresh_path();
    for (int round = 0; round < 20; round++) {
        turnkeep_store* store = open_store(path);
        std::string id = "s" + std::to_string(round);
        turnkeep_session* session = create(store, id.c_str());
        std::atomic<uint64_t> acknowledged{0};
        on_threads(THREADS, [&](int thread) {
            if (thread == 0) {
                while (acknowledged < 10) std::this_thread::yield();
                OK(turnkeep_store_close(store, &failure));
                return;
            }
            turnkeep_status status = TURNKEEP_OK;
            while (status == TURNKEEP_OK) {
                if (thread % 3 == 2) {
                    turnkeep_messages* messages = nullptr;
                    status = turnkeep_session_history(session, &messages, &failure);
                    turnkeep_messages_free(messages);
                } else if (thread % 3 == 1) {
                    turnkeep_window* window = nullptr;
                    status = turnkeep_session_window(session, nullptr, &window, &failure);
                    turnkeep_window_free(window);
                    if (status != TURNKEEP_OK) break;
                    status = turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, nullptr, &failure);
                    if (status == TURNKEEP_OK) acknowledged++;
                } else {
                    status = turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, nullptr, &failure);
                    if (status == TURNKEEP_OK) acknowledged++;
                }
            }
            FAILS(CLOSED, "was closed", status);
        });
        turnkeep_session_close(session);
        store = open_store(path);
        session = open_session(store, id.c_str());
        CHECK_EQUAL(count_messages(session), acknowledged);
        turnkeep_session_close(session);
        close_store(store);
    }
}

// Fault of the C++ session manager: what get_session hands out crashes when two threads use it.
void a_session_may_be_deleted_and_cleared_while_others_use_it() {
    turnkeep_store* store = open_store(fresh_path());
    std::atomic<bool> over{false};
    on_threads(THREADS, [&](int thread) {
        if (thread == 0) {
            for (int round = 0; round < 100; round++) {
                turnkeep_session* session = create(store, "s");
                say(session, "x");
                OK(turnkeep_session_clear(session, 0, nullptr, &failure));
                OK(turnkeep_session_delete(store, "s", &failure));
                turnkeep_session_close(session);
            }
            over = true;
            return;
        }
        while (!over) {
            turnkeep_session* session = nullptr;
            turnkeep_status status = turnkeep_session_open(store, "s", &session, &failure);
            while (status == TURNKEEP_OK && !over) {
                turnkeep_messages* messages = nullptr;
                turnkeep_window* window = nullptr;
                status = turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, nullptr, &failure);
                if (status != TURNKEEP_OK) break;
                status = turnkeep_session_history(session, &messages, &failure);
                turnkeep_messages_free(messages);
                if (status != TURNKEEP_OK) break;
                status = turnkeep_session_window(session, nullptr, &window, &failure);
                turnkeep_window_free(window);
            }
            if (status != TURNKEEP_OK) FAILS(NOT_FOUND, "", status);
            turnkeep_session_close(session);
        }
    });
    close_store(store);
}

} // namespace

int main(int argc, char** argv) {
    begin(argc, argv);
    RUN(eight_threads_on_one_session_get_every_number_once);
    RUN(eight_threads_on_one_exclusive_session_get_every_number_once_at_every_durability);
    RUN(eight_threads_with_handles_and_stores_of_their_own_get_every_number_once);
    RUN(eight_threads_on_eight_sessions_get_every_number_once);
    RUN(readers_see_consistent_histories_and_windows_while_others_write);
    RUN(eight_threads_that_open_a_new_file_at_the_same_moment_all_succeed);
    RUN(thirty_two_threads_that_create_sessions_get_distinct_ids);
    RUN(of_threads_that_want_the_same_id_or_name_one_gets_it);
    RUN(of_threads_that_expect_the_same_revision_one_appends);
    RUN(retries_with_one_key_append_once);
    RUN(closing_a_store_under_load_loses_nothing_that_was_acknowledged);
    RUN(a_session_may_be_deleted_and_cleared_while_others_use_it);
    return 0;
}

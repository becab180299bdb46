// Events and metrics through turnkeep.hpp: callbacks as functions that may throw, the log as a range, metrics as text.
//
// Usage: events SCRATCH_DIRECTORY

#include "../support/check.hpp"

#include <turnkeep/turnkeep.hpp>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using turnkeep::event;
using turnkeep::event_kind;
using turnkeep::role;

namespace {

std::string scratch;

std::string fresh_path() {
    static int number = 0;
    return scratch + "/events-" + std::to_string(++number) + ".db";
}

turnkeep::store logging_store() {
    turnkeep::store_options options;
    options.event_log_rows = 1000;
    return turnkeep::store{fresh_path(), options};
}

turnkeep::session named(turnkeep::store& store, std::string_view id) {
    turnkeep::session_options options;
    options.id = id;
    return store.create_session(options);
}

void a_function_is_told_what_happens() {
    std::vector<std::string> heard;
    {
        turnkeep::store store{":memory:"};
        store.subscribe([&](const event& told) {
            heard.push_back(std::string{told.name()});
            CHECK_EQUAL(turnkeep::event_name(told.kind()), told.name());
        });
        auto session = named(store, "chat");
        session.append(role::user, "hello");
        session.clear();
    }
    const std::vector<std::string> expected{"store_opened", "session_created", "message_added", "session_cleared",
                                            "store_closed"};
    CHECK(heard == expected);
}

void what_a_callback_throws_is_counted_and_the_call_succeeds() {
    turnkeep::store store{":memory:"};
    store.subscribe([](const event&) { throw std::runtime_error{"no"}; });
    auto session = named(store, "chat");
    CHECK_EQUAL(session.append(role::user, "hello").last_seq, 1u);
    CHECK_EQUAL(store.metrics().event_failures, 3u);
    // Nor is it taken for the cause of a later failure.
    try {
        session.message(9);
        CHECK(false);
    } catch (const turnkeep::error& error) {
        CHECK(dynamic_cast<const std::nested_exception*>(&error) == nullptr);
    }
}

void a_callback_is_let_go_when_it_is_unsubscribed_or_refused() {
    const auto alive = std::make_shared<int>(0);
    turnkeep::store store{":memory:"};
    const auto subscription = store.subscribe([alive](const event&) {});
    CHECK_EQUAL(alive.use_count(), 2);
    store.unsubscribe(subscription);
    CHECK_EQUAL(alive.use_count(), 1);
    CHECK_THROWS(not_found, store.unsubscribe(subscription));
    turnkeep::store none{static_cast<turnkeep_store*>(nullptr)};
    CHECK_THROWS(invalid, none.subscribe([alive](const event&) {}));
    CHECK_EQUAL(alive.use_count(), 1);
}

void a_callback_uses_the_store() {
    turnkeep::store store{":memory:"};
    std::uint64_t messages = 0;
    std::uint64_t subscription = 0;
    subscription = store.subscribe([&](const event& told) {
        if (told.kind() != event_kind::message_added) return;
        messages = store.metrics().total_messages;
        if (told.last_seq() == 1) store.open_session(told.session_id()).append(role::assistant, "hi");
        if (told.last_seq() == 2) store.unsubscribe(subscription);
    });
    auto session = named(store, "chat");
    session.append(role::user, "hello");
    session.append(role::user, "and now?");
    CHECK_EQUAL(messages, 2u);
    CHECK_EQUAL(session.history().size(), 3u);
}

void events_of_eight_threads_have_every_number_once() {
    std::vector<std::atomic<int>> told(1 + 8 * 20 + 1);
    auto store = logging_store();
    auto session = named(store, "chat");
    store.subscribe([&](const event& event) { told[event.number()]++; });
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&] {
            for (int number = 0; number < 20; ++number) session.append(role::user, "hello");
        });
    }
    for (auto& thread : threads) thread.join();
    for (std::size_t number = 2; number < told.size(); ++number) CHECK_EQUAL(told[number].load(), 1);
    CHECK_EQUAL(store.events_after(0).size(), 8u * 20 + 1);
}

void the_log_is_a_range() {
    turnkeep::events events;
    {
        auto store = logging_store();
        auto session = named(store, "chat");
        session.append(role::user, "hello");
        turnkeep::session_changes changes;
        changes.summary = "They met.";
        session.update(changes);
        events = store.events_after(1, 10);
    }
    CHECK_EQUAL(events.size(), 2u);
    CHECK(!events.lost());
    std::uint64_t number = 1;
    for (const auto& event : events) {
        CHECK_EQUAL(event.number(), ++number);
        CHECK_EQUAL(event.session_id(), "chat");
        CHECK_EQUAL(event.revision(), number);
        CHECK(event.at() > turnkeep::time_point{});
    }
    CHECK(events[0].kind() == event_kind::message_added && events[0].count() == 1 && events[0].first_seq() == 1);
    CHECK(events.back().kind() == event_kind::summary_changed);
    CHECK(events.back().other_session_id().empty());
}

void metrics_come_as_a_struct_as_json_and_for_prometheus() {
    turnkeep::store store{":memory:"};
    auto session = named(store, "chat");
    session.append(role::user, "hello");
    CHECK_EQUAL(store.metrics().messages_appended, 1u);
    CHECK(store.metrics_json().find("\"messages_appended\":1") != std::string::npos);
    CHECK(store.metrics_prometheus().find("turnkeep_messages_appended_total{store=\":memory:\"} 1\n") !=
          std::string::npos);
    store.reset_metrics();
    CHECK_EQUAL(store.metrics().messages_appended, 0u);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s SCRATCH_DIRECTORY\n", argv[0]);
        return 2;
    }
    scratch = argv[1];
    return check::run({
        TEST(a_function_is_told_what_happens),
        TEST(what_a_callback_throws_is_counted_and_the_call_succeeds),
        TEST(a_callback_is_let_go_when_it_is_unsubscribed_or_refused),
        TEST(a_callback_uses_the_store),
        TEST(events_of_eight_threads_have_every_number_once),
        TEST(the_log_is_a_range),
        TEST(metrics_come_as_a_struct_as_json_and_for_prometheus),
    });
}

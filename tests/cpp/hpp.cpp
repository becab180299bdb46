// turnkeep.hpp: everything of turnkeep.h can be reached through it, and what it adds (owners, exceptions, views, ranges,
// safe strings, callbacks that may throw) holds.
//
// Usage: hpp SCRATCH_DIRECTORY

#include "../support/check.hpp"

#include <turnkeep/turnkeep.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L
#include <ranges>
#endif

using namespace std::string_literals;
using namespace std::string_view_literals;
using turnkeep::role;
using turnkeep::status;

namespace {

std::string scratch;

/// A path that no other test and no earlier run uses.
std::string fresh_path() {
    static int number = 0;
    const auto path = scratch + "/hpp-" + std::to_string(++number) + ".db";
    for (const auto* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
    return path;
}

turnkeep::store memory_store(const turnkeep::store_options& options = {}) {
    return turnkeep::store{":memory:", options};
}

turnkeep::new_message said(role who, std::string_view content, std::int64_t tokens = turnkeep::tokens_count) {
    turnkeep::new_message message;
    message.role = who;
    message.content = content;
    message.tokens = tokens;
    return message;
}

/// Ten turns of a question and an answer, of ten tokens each.
turnkeep::session session_of_ten_turns(turnkeep::store& store) {
    auto session = store.create_session();
    for (int turn = 0; turn < 10; ++turn) {
        session.append_batch({said(role::user, "question", 10), said(role::assistant, "answer", 10)});
    }
    return session;
}

turnkeep::window_options window_of(std::uint64_t tokens) {
    turnkeep::window_options options;
    options.max_tokens = tokens;
    return options;
}

turnkeep::store_options counting_with(turnkeep::tokenizer tokenizer) {
    turnkeep::store_options options;
    options.count_tokens = std::move(tokenizer);
    return options;
}

std::string contents_of(const turnkeep::messages& messages) {
    std::string all;
    for (const auto& message : messages) all += std::string{message.content()} + "|";
    return all;
}

// Basics

void the_header_and_the_library_are_of_one_version() {
    CHECK_EQUAL(turnkeep::version(), TURNKEEP_VERSION);
    CHECK_EQUAL(turnkeep::version_number(), static_cast<std::uint32_t>(TURNKEEP_VERSION_NUMBER));
    CHECK(!turnkeep::has_feature("telepathy"));
    CHECK_EQUAL(turnkeep::status_name(status::not_found), "NOT_FOUND");
}

void an_error_carries_the_status_and_a_line_for_people() {
    auto store = memory_store();
    CHECK_THROWS(not_found, store.open_session("nobody"));
    std::string line;
    try {
        store.open_session("nobody");
    } catch (const std::runtime_error& error) {
        line = error.what();
    }
    CHECK(line.find("nobody") != line.npos);
    CHECK(line.find('\n') == line.npos);
}

void a_text_with_a_nul_inside_is_refused_and_never_cut() {
    auto store = memory_store();
    turnkeep::session_options options;
    options.id = "chat";
    auto session = store.create_session(options);
    const auto cut = "chat\0s"sv;
    const auto json = "[{}]\0"sv;

    CHECK_THROWS(invalid, turnkeep::store{scratch + "/a\0b"s});
    CHECK_THROWS(invalid, store.open_session(cut));
    CHECK_THROWS(invalid, store.session_exists(cut));
    CHECK_THROWS(invalid, store.delete_session(cut));
    options.id = cut;
    CHECK_THROWS(invalid, store.create_session(options));
    turnkeep::session_changes changes;
    changes.title = cut;
    CHECK_THROWS(invalid, session.update(changes));
    auto message = said(role::assistant, "");
    message.tool_calls = json;
    CHECK_THROWS(invalid, session.append(message));
    turnkeep::append_options once;
    once.idempotency_key = cut;
    CHECK_THROWS(invalid, session.append(said(role::user, "hello"), once));

    CHECK(store.session_exists("chat"));
    CHECK(session.history().empty());
    CHECK_EQUAL(session.describe().title(), "");
}

// Messages

void every_field_of_a_message_comes_back() {
    auto store = memory_store();
    auto session = store.create_session();
    turnkeep::new_message call;
    call.role = role::assistant;
    call.content = "Let me look.";
    call.tokens = 7;
    call.created = turnkeep::time_point{std::chrono::microseconds{1'700'000'000'123'456}};
    call.tool_calls = R"([ {"id": "call-1", "type": "function"} ])";
    call.model = "small-1b";
    call.metadata = R"({"temperature":  0.7})";
    call.pinned = true;
    turnkeep::new_message result;
    result.role = role::tool;
    result.content = "42";
    result.tool_call_id = "call-1";
    session.append_batch({said(role::user, "?", 3), call, result});

    const auto history = session.history();
    CHECK_EQUAL(history.size(), 3u);
    const auto kept = history[1];
    CHECK(kept.role() == role::assistant);
    CHECK_EQUAL(kept.content(), call.content);
    CHECK_EQUAL(kept.seq(), 2u);
    CHECK_EQUAL(kept.turn(), 1u);
    CHECK_EQUAL(kept.tokens(), 7u);
    CHECK_EQUAL(kept.total_tokens(), 10u);
    CHECK(kept.created() == call.created);
    CHECK_EQUAL(kept.tool_calls(), call.tool_calls);
    CHECK_EQUAL(kept.model(), call.model);
    CHECK_EQUAL(kept.metadata(), call.metadata);
    CHECK(kept.pinned());
    CHECK(!kept.estimated());
    CHECK(!kept.is_summary());
    CHECK_EQUAL(history[2].tool_call_id(), "call-1");
    CHECK(history[2].estimated());
    CHECK(history[0].tool_calls().empty());
    CHECK(history[0].metadata().empty());
}

void content_of_any_bytes_of_utf8_comes_back_and_ends_in_a_nul() {
    auto store = memory_store();
    auto session = store.create_session();
    const auto content = "a\0b \xF0\x9F\x98\x80"s;
    session.append(role::user, content);
    session.append(role::user, "");
    session.append(role::user, {});
    const auto history = session.history();
    CHECK_EQUAL(history[0].content(), content);
    CHECK_EQUAL(history[0].content().data()[content.size()], '\0');
    CHECK_EQUAL(history[1].content(), "");
    CHECK_EQUAL(history[2].content(), "");
    CHECK_EQUAL(history[2].content().data()[0], '\0');
}

void half_a_character_is_refused_and_the_session_lives_on() {
    auto store = memory_store();
    auto session = store.create_session();
    CHECK_THROWS(encoding, session.append(role::assistant, "\xF0\x9F"));
    session.append(role::assistant, "\xF0\x9F\x98\x80");
    CHECK_EQUAL(session.history().size(), 1u);
}

void a_role_left_out_is_refused() {
    auto store = memory_store();
    auto session = store.create_session();
    CHECK_THROWS(invalid, session.append(turnkeep::new_message{}));
}

void a_time_left_out_is_now() {
    auto store = memory_store();
    auto session = store.create_session();
    const auto before = std::chrono::system_clock::now() - std::chrono::seconds{1};
    session.append(role::user, "hello");
    const auto created = session.message(1).created();
    CHECK(created > before && created < before + std::chrono::seconds{60});
}

void tokens_are_given_or_counted_or_none() {
    auto store = memory_store(counting_with([](std::string_view text) { return text.size(); }));
    auto session = store.create_session();
    session.append_batch(
        {said(role::user, "four"), said(role::user, "four", 9), said(role::user, "four", turnkeep::tokens_none)});
    const auto history = session.history();
    CHECK_EQUAL(history[0].tokens(), 4u);
    CHECK_EQUAL(history[1].tokens(), 9u);
    CHECK_EQUAL(history[2].tokens(), 0u);
    CHECK(!history[0].estimated());
}

void a_receipt_tells_where_and_how_safely() {
    auto store = memory_store();
    auto session = store.create_session();
    session.append(role::user, "one");
    const auto receipt = session.append_batch({said(role::user, "two"), said(role::user, "three")});
    CHECK_EQUAL(receipt.first_seq, 2u);
    CHECK_EQUAL(receipt.last_seq, 3u);
    CHECK_EQUAL(receipt.revision, session.describe().revision());
    CHECK(receipt.durability == turnkeep::durability::memory);
    CHECK(!receipt.repeated);

    turnkeep::store on_disk{fresh_path()};
    auto kept = on_disk.create_session();
    CHECK(kept.append(role::user, "one").durability == turnkeep::durability::disk);
    turnkeep::append_options quickly;
    quickly.durability = turnkeep::durability::os;
    CHECK(kept.append(said(role::user, "two"), quickly).durability == turnkeep::durability::os);
    quickly.durability = turnkeep::durability::deferred;
    CHECK_THROWS(unsupported, kept.append(said(role::user, "three"), quickly));
}

void a_batch_is_kept_as_a_whole_or_not_at_all() {
    auto store = memory_store();
    auto session = store.create_session();
    CHECK_THROWS(encoding, session.append_batch({said(role::user, "good"), said(role::user, "bad \xFF")}));
    CHECK(session.history().empty());

    const std::vector<turnkeep::new_message> vector{said(role::user, "a"), said(role::user, "b")};
    const std::array<turnkeep::new_message, 1> array{said(role::user, "c")};
    session.append_batch(vector);
    session.append_batch(array);
    session.append_batch(vector.data(), 1);
    CHECK_EQUAL(contents_of(session.history()), "a|b|c|a|");
}

void an_append_can_be_bound_to_a_revision() {
    auto store = memory_store();
    auto session = store.create_session();
    turnkeep::append_options bound;
    bound.expected_revision = session.append(role::user, "one").revision;
    session.append(said(role::assistant, "two"), bound);
    CHECK_THROWS(conflict, session.append(said(role::assistant, "two again"), bound));
    CHECK_EQUAL(contents_of(session.history()), "one|two|");
}

void a_retry_with_the_same_key_appends_nothing() {
    auto store = memory_store();
    auto session = store.create_session();
    turnkeep::append_options once;
    once.idempotency_key = "request 17";
    const auto first = session.append(said(role::user, "hello"), once);
    const auto again = session.append(said(role::user, "hello"), once);
    CHECK(again.repeated);
    CHECK_EQUAL(again.last_seq, first.last_seq);
    CHECK_EQUAL(session.history().size(), 1u);
    once.idempotency_key = "";
    CHECK_THROWS(invalid, session.append(said(role::user, "hello"), once));
}

void messages_are_read_from_the_end_by_range_or_one_by_one() {
    auto store = memory_store();
    auto session = store.create_session();
    for (const auto* content : {"a", "b", "c", "d"}) session.append(role::user, content);
    CHECK_EQUAL(contents_of(session.history()), "a|b|c|d|");
    CHECK_EQUAL(contents_of(session.last(2)), "c|d|");
    CHECK_EQUAL(contents_of(session.last(9)), "a|b|c|d|");
    CHECK_EQUAL(contents_of(session.range(2, 3)), "b|c|");
    CHECK_EQUAL(contents_of(session.range(4, 9)), "d|");
    CHECK_EQUAL(session.message(3).content(), "c");
    CHECK_THROWS(not_found, session.message(5));
}

void a_cleared_session_begins_again_at_one() {
    auto store = memory_store();
    auto session = store.create_session();
    const auto revision = session.append(role::user, "old").revision;
    CHECK_THROWS(conflict, session.clear(revision + 1));
    CHECK(session.clear(revision) > revision);
    CHECK_EQUAL(session.append(role::user, "new").first_seq, 1u);
}

// Results

void results_are_ranges() {
    auto store = memory_store();
    auto session = session_of_ten_turns(store);
    const auto history = session.history();
    CHECK(!history.empty());
    CHECK_EQUAL(history.front().seq(), 1u);
    CHECK_EQUAL(history.back().seq(), 20u);
    CHECK_EQUAL(std::distance(history.begin(), history.end()), 20);
    const auto seventh =
        std::find_if(history.begin(), history.end(), [](const auto& message) { return message.seq() == 7; });
    CHECK_EQUAL(seventh->seq(), 7u);
    CHECK_EQUAL(seventh[2].seq(), 9u);
    CHECK_EQUAL((seventh - 6)->seq(), history.begin()->seq());
    CHECK(history.begin() + 20 == history.end());
    CHECK(history.begin() < seventh && history.end() > seventh && seventh >= seventh && seventh <= seventh);
    auto walker = history.begin();
    CHECK_EQUAL((*walker++).seq(), 1u);
    CHECK_EQUAL((*++walker).seq(), 3u);
    CHECK_EQUAL((*walker--).seq(), 3u);
    CHECK_EQUAL((*--walker).seq(), 1u);
    const auto tokens = std::accumulate(history.begin(), history.end(), std::uint64_t{0},
                                        [](auto sum, const auto& message) { return sum + message.tokens(); });
    CHECK_EQUAL(tokens, 200u);
#if __cplusplus >= 202002L
    static_assert(std::ranges::random_access_range<const turnkeep::messages>);
    static_assert(std::ranges::random_access_range<const turnkeep::window>);
    static_assert(std::ranges::random_access_range<const turnkeep::session_list>);
    CHECK_EQUAL((*std::ranges::rbegin(history)).seq(), 20u);
#endif
}

void results_outlive_their_session_and_their_store() {
    const auto path = fresh_path();
    turnkeep::messages history;
    turnkeep::window window;
    turnkeep::session_list list;
    {
        turnkeep::store store{path};
        auto session = store.create_session();
        session.append(role::user, "still here");
        history = session.history();
        window = session.window();
        list = store.list_sessions();
    }
    CHECK_EQUAL(history[0].content(), "still here");
    CHECK_EQUAL(window[0].content(), "still here");
    CHECK_EQUAL(list[0].message_count(), 1u);
}

void a_single_one_keeps_its_result_alive() {
    auto store = memory_store();
    auto session = store.create_session();
    session.append(role::user, "kept");
    auto message = session.message(1);
    const auto moved = std::move(message);
    CHECK_EQUAL(moved.content(), "kept");
    const auto description = session.describe();
    session.append(role::user, "another");
    CHECK_EQUAL(description.message_count(), 1u);
}

void owners_move_and_do_not_copy() {
    static_assert(!std::is_copy_constructible_v<turnkeep::store> && !std::is_copy_constructible_v<turnkeep::session>);
    static_assert(!std::is_copy_constructible_v<turnkeep::messages> && !std::is_copy_constructible_v<turnkeep::window>);
    static_assert(!std::is_copy_assignable_v<turnkeep::session_list>);
    static_assert(std::is_nothrow_move_constructible_v<turnkeep::store>);
    static_assert(std::is_nothrow_move_assignable_v<turnkeep::session>);
    static_assert(std::is_nothrow_destructible_v<turnkeep::store>);
    auto store = memory_store();
    auto session = store.create_session();
    auto history = session.history();
    auto window = session.window();
    const auto moved_store = std::move(store);
    const auto moved_session = std::move(session);
    const auto moved_history = std::move(history);
    const auto moved_window = std::move(window);
    CHECK(moved_session.history().empty());
    // What was moved from says so, and does not crash.
    CHECK(history.empty() && window.empty()); // NOLINT(bugprone-use-after-move)
    CHECK_EQUAL(window.report().tokens, 0u);  // NOLINT(bugprone-use-after-move)
    CHECK_EQUAL(moved_window.common_prefix(window), 0u);
    CHECK_THROWS(invalid, store.create_session()); // NOLINT(bugprone-use-after-move)
    CHECK_THROWS(invalid, session.history());      // NOLINT(bugprone-use-after-move)
    CHECK_EQUAL(session.id(), "");                 // NOLINT(bugprone-use-after-move)
}

// Windows

void a_window_reports_what_is_in_it_and_what_is_not() {
    auto store = memory_store();
    auto session = store.create_session();
    session.append(said(role::system, "Be brief.", 10));
    for (int turn = 0; turn < 10; ++turn) {
        session.append_batch({said(role::user, "question", 10), said(role::assistant, "answer", 10)});
    }
    const auto window = session.window(window_of(100));
    const auto& report = window.report();
    std::uint64_t tokens = 0;
    for (const auto& message : window) tokens += message.tokens();
    CHECK_EQUAL(report.tokens, tokens);
    CHECK(report.tokens <= report.budget_tokens);
    CHECK_EQUAL(report.head_seq, 21u);
    CHECK_EQUAL(report.front_messages, 1u);
    CHECK(window.front().role() == role::system);
    CHECK_EQUAL(window[1].seq(), report.cut_seq);
    CHECK_EQUAL(window.size() + report.left_out_messages, 21u);
    CHECK_EQUAL(report.revision, session.describe().revision());
}

void options_of_a_window_reach_the_library() {
    auto store = memory_store();
    turnkeep::session_options options;
    options.summary = "They counted.";
    options.window_tokens = 100;
    auto session = store.create_session(options);
    for (int turn = 0; turn < 10; ++turn) session.append(said(role::user, "number", 10));

    auto wanted = turnkeep::window_options{};
    const auto by_session = session.window(wanted);
    CHECK_EQUAL(by_session.report().budget_tokens, 100u);
    CHECK(!by_session.front().is_summary());
    wanted.max_tokens = 60;
    wanted.reserve_tokens = 10;
    const auto small = session.window(wanted);
    CHECK_EQUAL(small.report().budget_tokens, 50u);
    CHECK(small.front().is_summary());
    CHECK_EQUAL(small.front().seq(), 0u);
    wanted.summary_tokens = 25;
    CHECK(session.window(wanted).size() < small.size());
    wanted.summary_tokens = 0;
    wanted.leave_out_summary = true;
    CHECK(!session.window(wanted).front().is_summary());
    wanted.keep_first_turns = 1;
    CHECK_EQUAL(session.window(wanted).front().seq(), 1u);
    wanted.message_overhead = 2;
    CHECK_EQUAL(session.window(wanted).report().tokens % 12, 0u);
    wanted.max_messages = 2;
    CHECK_EQUAL(session.window(wanted).size(), 2u);
    wanted.low_water_percent = 101;
    CHECK_THROWS(invalid, session.window(wanted));
}

void pinned_messages_stay_unless_they_are_left_out() {
    auto store = memory_store();
    auto session = store.create_session();
    auto pinned = said(role::user, "remember me", 10);
    pinned.pinned = true;
    session.append(pinned);
    for (int turn = 0; turn < 10; ++turn) session.append(said(role::user, "number", 10));
    auto wanted = window_of(50);
    CHECK_EQUAL(session.window(wanted).front().content(), "remember me");
    wanted.leave_out_pins = true;
    CHECK_EQUAL(session.window(wanted).front().content(), "number");
}

void windows_tell_how_much_of_the_front_is_the_same() {
    auto store = memory_store();
    auto session = session_of_ten_turns(store);
    const auto before = session.window(window_of(1000));
    session.append(said(role::user, "more", 10));
    const auto after = session.window(window_of(1000));
    CHECK_EQUAL(after.common_prefix(before), before.size());
    CHECK_EQUAL(after.size(), before.size() + 1);
}

void a_newest_message_that_does_not_fit_is_too_large() {
    auto store = memory_store();
    auto session = store.create_session();
    session.append(said(role::user, "long", 1000));
    CHECK_THROWS(too_large, session.window(window_of(100)));
    CHECK_EQUAL(session.history().size(), 1u);
}

// Sessions

void every_field_of_a_session_comes_back() {
    auto store = memory_store();
    turnkeep::session_options options;
    options.id = "support-42";
    options.user_id = "ada";
    options.name = "printer";
    options.title = "The printer";
    options.model = "small-1b";
    options.summary = "It burns.";
    options.metadata = R"({"floor": 3})";
    options.window_tokens = 4096;
    auto session = store.create_session(options);
    CHECK_EQUAL(session.id(), "support-42");
    const auto info = session.describe();
    CHECK_EQUAL(info.id(), "support-42");
    CHECK_EQUAL(info.user_id(), "ada");
    CHECK_EQUAL(info.name(), "printer");
    CHECK_EQUAL(info.title(), "The printer");
    CHECK_EQUAL(info.model(), "small-1b");
    CHECK_EQUAL(info.summary(), "It burns.");
    CHECK_EQUAL(info.metadata(), R"({"floor": 3})");
    CHECK_EQUAL(info.window_tokens(), 4096u);
    CHECK_EQUAL(info.parent_id(), "");
    CHECK_EQUAL(info.fork_seq(), 0u);
    CHECK_EQUAL(info.head_seq(), 0u);
    CHECK_EQUAL(info.message_count(), 0u);
    CHECK_EQUAL(info.total_tokens(), 0u);
    CHECK(info.status() == turnkeep::session_status::active);
    CHECK(info.created() <= info.updated());
    CHECK(info.expires() == turnkeep::time_point{});
    CHECK_THROWS(exists, store.create_session(options));
}

void an_id_left_out_is_made_and_an_empty_one_is_refused() {
    auto store = memory_store();
    CHECK_EQUAL(store.create_session().id().size(), 36u);
    turnkeep::session_options options;
    options.id = "";
    CHECK_THROWS(invalid, store.create_session(options));
}

void an_update_changes_what_is_given_and_nothing_else() {
    auto store = memory_store();
    turnkeep::session_options options;
    options.name = "printer";
    options.title = "The printer";
    options.window_tokens = 4096;
    auto session = store.create_session(options);

    turnkeep::session_changes changes;
    changes.title = "";
    changes.model = "large-70b";
    changes.summary = "It burns.";
    changes.metadata = "{}";
    changes.expected_revision = session.describe().revision();
    const auto revision = session.update(changes);
    CHECK_EQUAL(session.describe().revision(), revision);
    CHECK_EQUAL(session.describe().name(), "printer");
    CHECK_EQUAL(session.describe().title(), "");
    CHECK_EQUAL(session.describe().model(), "large-70b");
    CHECK_EQUAL(session.describe().summary(), "It burns.");
    CHECK_EQUAL(session.describe().window_tokens(), 4096u);
    CHECK_THROWS(conflict, session.update(changes));

    turnkeep::session_changes back;
    back.name = "";
    back.window_tokens = turnkeep::window_of_store;
    session.update(back);
    CHECK_EQUAL(session.describe().name(), "");
    CHECK_EQUAL(session.describe().window_tokens(), 0u);
}

void a_deleted_session_is_not_found() {
    auto store = memory_store();
    auto session = store.create_session();
    const std::string id{session.id()};
    CHECK(store.session_exists(id));
    store.delete_session(id);
    CHECK(!store.session_exists(id));
    CHECK_THROWS(not_found, session.append(role::user, "hello"));
    CHECK_THROWS(not_found, store.delete_session(id));
}

void a_list_pages_through_all_sessions_newest_first() {
    auto store = memory_store();
    std::vector<std::string> created;
    for (int i = 0; i < 7; ++i) created.insert(created.begin(), std::string{store.create_session().id()});
    std::vector<std::string> listed;
    turnkeep::list_options options;
    options.limit = 3;
    auto page = store.list_sessions(options);
    for (;;) {
        for (const auto& info : page) listed.emplace_back(info.id());
        if (page.next_page().empty()) break;
        options.page = page.next_page();
        page = store.list_sessions(options);
    }
    CHECK(listed == created);
    options.page = "no list gave this";
    CHECK_THROWS(invalid, store.list_sessions(options));
}

void a_list_tells_nobody_from_everybody() {
    auto store = memory_store();
    turnkeep::session_options options;
    options.user_id = "ada";
    store.create_session(options);
    store.create_session();
    turnkeep::list_options whose;
    CHECK_EQUAL(store.list_sessions(whose).size(), 2u);
    whose.filter.user_id = "ada";
    CHECK_EQUAL(store.list_sessions(whose).size(), 1u);
    whose.filter.user_id = "";
    CHECK_EQUAL(store.list_sessions(whose)[0].user_id(), "");
}

// Stores

void a_store_remembers_after_it_was_closed() {
    const auto path = fresh_path();
    turnkeep::store store{path};
    CHECK_EQUAL(store.location(), path);
    auto session = store.create_session();
    const std::string id{session.id()};
    session.append(role::user, "remember");
    store.flush();
    store.close();
    CHECK_THROWS(closed, session.append(role::user, "too late"));
    CHECK_THROWS(invalid, store.create_session());
    store.close();

    const turnkeep::store again{path};
    CHECK_EQUAL(again.open_session(id).message(1).content(), "remember");
}

void options_of_a_store_reach_the_library() {
    const auto path = fresh_path();
    turnkeep::store_options options;
    options.must_exist = true;
    CHECK_THROWS(not_found, turnkeep::store(path, options));
    options.must_exist = false;
    options.durability = turnkeep::durability::deferred;
    CHECK_THROWS(unsupported, turnkeep::store(path, options));
    options.exclusive = true;
    options.autosave = std::chrono::milliseconds{10};
    options.cache_sessions = 2;
    options.cache_bytes = 1 << 20;
    options.readers = 1;
    options.busy_timeout = std::chrono::seconds{1};
    options.window_tokens = 500;
    {
        turnkeep::store store{path, options};
        auto session = store.create_session();
        CHECK(session.append(role::user, "hello").durability == turnkeep::durability::deferred);
        CHECK_EQUAL(session.window().report().budget_tokens, 500u);
        store.close();
    }
    turnkeep::store_options reading;
    reading.read_only = true;
    turnkeep::store store{path, reading};
    CHECK_EQUAL(store.list_sessions()[0].message_count(), 1u);
    CHECK_THROWS(readonly, store.create_session());

    turnkeep::store_options wrong;
    wrong.autosave = std::chrono::milliseconds{-1};
    CHECK_THROWS(invalid, memory_store(wrong));
    wrong.autosave = std::chrono::hours{24 * 365};
    CHECK_THROWS(invalid, memory_store(wrong));
    turnkeep::store_options unknown;
    unknown.tokenizer = "no such vocabulary";
    CHECK_THROWS(unsupported, memory_store(unknown));
}

void a_file_of_somebody_else_is_left_alone() {
    const auto path = fresh_path();
    std::ofstream{path} << "Dear diary, today I was mistaken for a database.";
    CHECK_THROWS(mismatch, turnkeep::store{path});
    std::ifstream file{path};
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    CHECK_EQUAL(content, "Dear diary, today I was mistaken for a database.");
}

void handles_of_c_can_be_taken_over() {
    turnkeep_store* raw_store = nullptr;
    CHECK_EQUAL(turnkeep_store_open(":memory:", nullptr, &raw_store, nullptr), TURNKEEP_OK);
    turnkeep::store store{raw_store};
    turnkeep_session* raw_session = nullptr;
    CHECK_EQUAL(turnkeep_session_create(store.get(), nullptr, &raw_session, nullptr), TURNKEEP_OK);
    turnkeep::session session{raw_session};
    session.append(role::user, "from C");
    CHECK_EQUAL(turnkeep_messages_len(session.history().get()), 1u);
    CHECK_EQUAL(session.history()[0].get()->content.len, 6u);

    turnkeep_error* raw_error = nullptr;
    CHECK(turnkeep_session_open(store.get(), "nobody", &raw_session, &raw_error) != TURNKEEP_OK);
    const turnkeep::error error{raw_error};
    turnkeep_error_free(raw_error);
    CHECK(error.status() == status::not_found);
    CHECK(error.what() != ""s);
}

// The tokenizer

/// What is nested in what a call throws.
template <typename Call>
std::exception_ptr nested_in(Call&& call) {
    try {
        call();
    } catch (const std::nested_exception& outer) {
        return outer.nested_ptr();
    } catch (const turnkeep::error&) {
    }
    return nullptr;
}

void what_a_tokenizer_throws_comes_out_nested_and_nothing_is_kept() {
    bool is_broken = true;
    auto store = memory_store(counting_with([&](std::string_view) -> std::uint64_t {
        if (is_broken) throw std::domain_error{"out of vocabulary"};
        return 1;
    }));
    auto session = store.create_session();
    CHECK_THROWS(aborted, session.append(role::user, "hello"));
    const auto cause = nested_in([&] { session.append(role::user, "hello"); });
    CHECK(cause != nullptr);
    std::string what;
    try {
        std::rethrow_exception(cause);
    } catch (const std::domain_error& error) {
        what = error.what();
    }
    CHECK_EQUAL(what, "out of vocabulary");
    CHECK(session.history().empty());

    is_broken = false;
    session.append(role::user, "hello");
    CHECK_EQUAL(session.history().size(), 1u);
    CHECK(nested_in([&] { store.open_session("nobody"); }) == nullptr);
}

void a_tokenizer_may_throw_what_is_no_exception() {
    auto store = memory_store(counting_with([](std::string_view) -> std::uint64_t { throw 17; }));
    auto session = store.create_session();
    CHECK_THROWS(aborted, session.append(role::user, "hello"));
}

void a_tokenizer_may_use_the_store_that_calls_it() {
    turnkeep::store* in_use = nullptr;
    auto store = memory_store(counting_with([&](std::string_view) { return in_use->list_sessions().size(); }));
    in_use = &store;
    auto session = store.create_session();
    session.append(role::user, "hello");
    CHECK_EQUAL(session.message(1).tokens(), 1u);
}

void a_tokenizer_lives_exactly_as_long_as_it_is_needed() {
    const auto vocabulary = std::make_shared<int>(1);
    const auto count = [vocabulary](std::string_view) { return static_cast<std::uint64_t>(*vocabulary); };
    {
        auto store = memory_store(counting_with(count));
        store.create_session().append(role::user, "hello");
        CHECK_EQUAL(vocabulary.use_count(), 3);
    }
    CHECK_EQUAL(vocabulary.use_count(), 2);
    CHECK_THROWS(invalid, turnkeep::store(scratch, counting_with(count)));
    CHECK_THROWS(invalid, turnkeep::store("a\0b"sv, counting_with(count)));
    CHECK_EQUAL(vocabulary.use_count(), 2);
}

// Threads

void one_session_may_be_used_by_many_threads() {
    auto store = memory_store(counting_with([](std::string_view text) { return text.size(); }));
    auto session = store.create_session();
    std::vector<std::thread> threads;
    std::array<std::vector<std::uint64_t>, 8> seqs;
    for (auto& mine : seqs) {
        threads.emplace_back([&] {
            for (int i = 0; i < 100; ++i) mine.push_back(session.append(role::user, "hello").first_seq);
        });
    }
    for (auto& thread : threads) thread.join();
    std::set<std::uint64_t> all;
    for (const auto& mine : seqs) {
        CHECK(std::is_sorted(mine.begin(), mine.end()));
        all.insert(mine.begin(), mine.end());
    }
    CHECK_EQUAL(all.size(), 800u);
    CHECK_EQUAL(*all.rbegin(), 800u);
}

#if __cplusplus >= 202002L
void the_snippet_of_the_header_works() {
    std::string prompt;
    const auto path = fresh_path();
    turnkeep::store store{path};
    auto session = store.create_session({.title = "demo"});
    session.append(turnkeep::role::user, "Hello!");
    for (const auto& message : session.window({.max_tokens = 8192})) prompt += message.content();
    CHECK_EQUAL(prompt, "Hello!");
    CHECK_EQUAL(session.describe().title(), "demo");
}

void options_can_be_designated() {
    turnkeep::store store{":memory:", {.durability = turnkeep::durability::disk, .window_tokens = 4096}};
    const std::string id = "chat";
    auto session = store.create_session({.id = id, .window_tokens = 100});
    session.append({.role = role::user, .content = "hello", .pinned = true}, {.idempotency_key = "1"});
    session.append_batch({{.role = role::assistant, .content = "a"}, {.role = role::user, .content = "b"}});
    session.update({.title = "A chat"});
    CHECK_EQUAL(store.list_sessions({.limit = 1}).size(), 1u);
    CHECK_EQUAL(session.window({.low_water_percent = 50}).size(), 3u);
}
#endif

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: hpp SCRATCH_DIRECTORY\n";
        return 2;
    }
    scratch = argv[1];
    return check::run({
        TEST(the_header_and_the_library_are_of_one_version), TEST(an_error_carries_the_status_and_a_line_for_people),
            TEST(a_text_with_a_nul_inside_is_refused_and_never_cut), TEST(every_field_of_a_message_comes_back),
            TEST(content_of_any_bytes_of_utf8_comes_back_and_ends_in_a_nul),
            TEST(half_a_character_is_refused_and_the_session_lives_on), TEST(a_role_left_out_is_refused),
            TEST(a_time_left_out_is_now), TEST(tokens_are_given_or_counted_or_none),
            TEST(a_receipt_tells_where_and_how_safely), TEST(a_batch_is_kept_as_a_whole_or_not_at_all),
            TEST(an_append_can_be_bound_to_a_revision), TEST(a_retry_with_the_same_key_appends_nothing),
            TEST(messages_are_read_from_the_end_by_range_or_one_by_one), TEST(a_cleared_session_begins_again_at_one),
            TEST(results_are_ranges), TEST(results_outlive_their_session_and_their_store),
            TEST(a_single_one_keeps_its_result_alive), TEST(owners_move_and_do_not_copy),
            TEST(a_window_reports_what_is_in_it_and_what_is_not), TEST(options_of_a_window_reach_the_library),
            TEST(pinned_messages_stay_unless_they_are_left_out), TEST(windows_tell_how_much_of_the_front_is_the_same),
            TEST(a_newest_message_that_does_not_fit_is_too_large), TEST(every_field_of_a_session_comes_back),
            TEST(an_id_left_out_is_made_and_an_empty_one_is_refused),
            TEST(an_update_changes_what_is_given_and_nothing_else), TEST(a_deleted_session_is_not_found),
            TEST(a_list_pages_through_all_sessions_newest_first), TEST(a_list_tells_nobody_from_everybody),
            TEST(a_store_remembers_after_it_was_closed), TEST(options_of_a_store_reach_the_library),
            TEST(a_file_of_somebody_else_is_left_alone), TEST(handles_of_c_can_be_taken_over),
            TEST(what_a_tokenizer_throws_comes_out_nested_and_nothing_is_kept),
            TEST(a_tokenizer_may_throw_what_is_no_exception), TEST(a_tokenizer_may_use_the_store_that_calls_it),
            TEST(a_tokenizer_lives_exactly_as_long_as_it_is_needed), TEST(one_session_may_be_used_by_many_threads),
#if __cplusplus >= 202002L
            TEST(the_snippet_of_the_header_works), TEST(options_can_be_designated),
#endif
    });
}

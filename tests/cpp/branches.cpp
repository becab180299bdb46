// turnkeep.hpp: branches and turns, each function once with what only C++ adds to it.
//
// Usage: branches SCRATCH_DIRECTORY

#include "../support/check.hpp"

#include <turnkeep/turnkeep.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L
#include <ranges>
#endif

using namespace std::string_literals;
using namespace std::string_view_literals;
using turnkeep::role;

namespace {

turnkeep::new_message said(role who, std::string_view content) {
    turnkeep::new_message message;
    message.role = who;
    message.content = content;
    return message;
}

turnkeep::session_options named(std::string_view id) {
    turnkeep::session_options options;
    options.id = id;
    return options;
}

/// A session "chat" of "a", "b", "c", "d": two turns.
turnkeep::session chat_of_two_turns(turnkeep::store& store) {
    return store.create_session(named("chat"), {said(role::user, "a"), said(role::assistant, "b"),
                                                said(role::user, "c"), said(role::assistant, "d")});
}

std::string contents_of(const turnkeep::session& session) {
    std::string all;
    for (const auto& message : session.history()) all += message.content();
    return all;
}

std::string ids_of(const turnkeep::session_list& list) {
    std::string all;
    for (const auto& info : list) all.append(info.id()) += ' ';
    return all;
}

void a_fork_is_an_owner_of_its_own() {
    turnkeep::store store{":memory:"};
    auto session = chat_of_two_turns(store);
    auto fork = session.fork(2, named("fork"));
    fork.append(role::user, "x");
    CHECK_EQUAL(contents_of(fork), "abx");
    CHECK_EQUAL(contents_of(session), "abcd");
    CHECK_EQUAL(fork.describe().parent_id(), "chat");
    CHECK_EQUAL(fork.describe().fork_seq(), 2u);
    CHECK_EQUAL(contents_of(session.fork()), "abcd");
    CHECK_EQUAL(contents_of(session.fork(0)), "");
    CHECK_THROWS(not_found, session.fork(5));
    CHECK_THROWS(exists, session.fork(1, named("fork")));
    CHECK_THROWS(invalid, session.fork(1, named("f\0k"sv)));
    store.delete_session("chat");
    CHECK_EQUAL(contents_of(fork), "abx");
}

void a_rewind_returns_the_new_revision() {
    turnkeep::store store{":memory:"};
    auto session = chat_of_two_turns(store);
    const auto revision = session.rewind(3);
    CHECK_EQUAL(revision, session.describe().revision());
    CHECK_THROWS(conflict, session.rewind(1, revision + 1));
    session.rewind(1, revision);
    CHECK_EQUAL(contents_of(session), "a");
    CHECK_THROWS(not_found, session.rewind(2));
}

void messages_are_replaced_from_a_list_a_vector_or_a_pointer() {
    turnkeep::store store{":memory:"};
    auto session = chat_of_two_turns(store);
    const std::vector<turnkeep::new_message> vector{said(role::user, "C"), said(role::assistant, "D")};
    CHECK_EQUAL(session.replace(3, vector).first_seq, 3u);
    CHECK_EQUAL(contents_of(session), "abCD");
    const auto revision = session.replace(2, {said(role::assistant, "B")}).revision;
    CHECK_EQUAL(contents_of(session), "aB");
    CHECK_THROWS(conflict, session.replace(1, vector, revision + 1));
    CHECK_EQUAL(session.replace(1, vector.data(), 1, revision).last_seq, 1u);
    CHECK_EQUAL(contents_of(session), "C");
    const auto nothing = session.replace(1, {});
    CHECK_EQUAL(nothing.last_seq, 0u);
    CHECK_EQUAL(nothing.revision, session.describe().revision());
}

void messages_are_replaced_in_a_fork_and_the_session_stays() {
    turnkeep::store store{":memory:"};
    auto session = chat_of_two_turns(store);
    const std::vector<turnkeep::new_message> vector{said(role::user, "C")};
    auto fork = session.replace_in_fork(3, vector, named("other"));
    CHECK_EQUAL(fork.id(), "other");
    CHECK_EQUAL(contents_of(fork), "abC");
    CHECK_EQUAL(contents_of(session.replace_in_fork(1, {said(role::user, "A")})), "A");
    CHECK_EQUAL(contents_of(session.replace_in_fork(2, vector.data(), 0)), "a");
    CHECK_EQUAL(contents_of(session), "abcd");
}

void an_answer_is_taken_back_here_or_in_a_fork() {
    turnkeep::store store{":memory:"};
    auto session = chat_of_two_turns(store);
    CHECK_EQUAL(contents_of(session.regenerate_in_fork()), "abc");
    CHECK_EQUAL(session.regenerate_in_fork(2, named("first")).id(), "first");
    CHECK_THROWS(conflict, session.regenerate(turnkeep::last_message, 99));
    session.regenerate();
    CHECK_EQUAL(contents_of(session), "abc");
    CHECK_THROWS(invalid, session.regenerate());
    session.regenerate(2);
    CHECK_EQUAL(contents_of(session), "a");
}

void two_sessions_are_compared_and_messages_adopted() {
    turnkeep::store store{":memory:"};
    auto session = chat_of_two_turns(store);
    auto draft = session.fork(2, named("draft"));
    draft.append_batch({said(role::user, "x"), said(role::assistant, "y")});
    const auto found = session.compare(draft);
    CHECK_EQUAL(found.common_seq, 2u);
    CHECK_EQUAL(found.one_head_seq, 4u);
    CHECK_EQUAL(found.other_head_seq, 4u);
    turnkeep::append_options once;
    once.idempotency_key = "merge";
    const auto receipt = session.adopt(draft, found.common_seq + 1, turnkeep::last_message, once);
    CHECK_EQUAL(receipt.first_seq, 5u);
    CHECK(session.adopt(draft, found.common_seq + 1, turnkeep::last_message, once).repeated);
    CHECK_EQUAL(contents_of(session), "abcdxy");
    CHECK(session.message(5).metadata().find("\"draft\"") != std::string_view::npos);
    turnkeep::store other{":memory:"};
    CHECK_THROWS(invalid, session.compare(other.create_session()));
}

void families_are_lists_of_sessions() {
    turnkeep::store store{":memory:"};
    auto root = store.create_session(named("root"));
    auto one = root.fork(0, named("one"));
    auto leaf = one.fork(0, named("leaf"));
    root.fork(0, named("two"));
    CHECK_EQUAL(ids_of(root.forks()), "one two ");
    CHECK_EQUAL(ids_of(leaf.ancestors()), "one root ");
    CHECK_EQUAL(ids_of(leaf.tree()), "root one leaf two ");
    CHECK(leaf.forks().empty());
}

void every_field_of_an_exchange_comes_back_as_a_turn() {
    turnkeep::store store{":memory:"};
    auto session = store.create_session();
    turnkeep::exchange exchange;
    exchange.input = "What\0is this?"sv;
    exchange.input_name = "lecture.pdf";
    exchange.input_type = "application/pdf";
    exchange.answer = "A proof.";
    exchange.processing = std::chrono::milliseconds{1500};
    exchange.tokens_used = 321;
    exchange.model = "small-1b";
    exchange.metadata = R"({"page":3})";
    turnkeep::append_options once;
    once.idempotency_key = "page 3";
    const auto done = session.append_exchange(exchange, once);
    CHECK_EQUAL(done.number, 1u);
    CHECK_EQUAL(done.receipt.last_seq, 2u);
    CHECK(session.append_exchange(exchange, once).receipt.repeated);

    const auto turns = session.turns();
    CHECK_EQUAL(turns.size(), 1u);
    const auto turn = turns[0];
    CHECK_EQUAL(turn.number(), 1u);
    CHECK_EQUAL(turn.first_seq(), 1u);
    CHECK_EQUAL(turn.last_seq(), 2u);
    CHECK_EQUAL(turn.input(), "What\0is this?"sv);
    CHECK_EQUAL(turn.input_name(), "lecture.pdf");
    CHECK_EQUAL(turn.input_type(), "application/pdf");
    CHECK_EQUAL(turn.answer(), "A proof.");
    CHECK(turn.processing() == std::chrono::milliseconds{1500});
    CHECK_EQUAL(turn.tokens_used(), 321u);
    CHECK_EQUAL(turn.metadata(), R"({"page":3})");
    CHECK_EQUAL(turn.tokens(), session.describe().total_tokens());
    CHECK(turn.created() == session.message(1).created());
    CHECK_EQUAL(session.message(2).model(), "small-1b");
    CHECK_EQUAL(turn.get()->answer.len, 8u);

    exchange.input_name = "a\0b"sv;
    CHECK_THROWS(invalid, session.append_exchange(exchange));
    CHECK_THROWS(invalid, session.append_exchange(turnkeep::exchange{}));
    CHECK_EQUAL(session.turns().size(), 1u);
}

void turns_are_a_range_that_outlives_its_store() {
    turnkeep::turns turns;
    CHECK(turns.empty());
    {
        turnkeep::store store{":memory:"};
        auto session = chat_of_two_turns(store);
        CHECK_EQUAL(session.turns(2, 2).front().input(), "c");
        CHECK_EQUAL(session.last_turns(1).back().answer(), "d");
        CHECK(session.last_turns(0).empty());
        CHECK_THROWS(invalid, session.turns(2, 1));
        turns = session.turns();
    }
    const auto second = std::find_if(turns.begin(), turns.end(), [](const auto& turn) { return turn.number() == 2; });
    CHECK_EQUAL(second->input(), "c");
    CHECK_EQUAL(turns.end() - second, 1);
#if __cplusplus >= 202002L
    static_assert(std::ranges::random_access_range<const turnkeep::turns>);
#endif
    static_assert(!std::is_copy_constructible_v<turnkeep::turns>);
}

void texts_that_are_made_are_strings() {
    turnkeep::store store{":memory:"};
    auto session = chat_of_two_turns(store);
    CHECK_EQUAL(session.context_text(1), "Recent turns of session chat:\n#2 user: c\n#2 assistant: d\n"s);
    CHECK_EQUAL(session.context_text(0), ""s);
    CHECK_EQUAL(session.context_text(turnkeep::all_turns, 70), session.context_text(1));
    CHECK_THROWS(too_large, session.context_text(1, 10));
    const std::string name = session.file_name(2, "notes/lecture 3.pdf");
    CHECK_EQUAL(name.substr(0, 27), "RESPONSE_chat_ex002_lecture");
    CHECK_EQUAL(session.file_name(2, "x", true).substr(0, 6), "ERROR_");
    CHECK_THROWS(invalid, session.file_name(1, "a\0b"sv));
}

#if __cplusplus >= 202002L
void branches_can_be_designated() {
    turnkeep::store store{":memory:"};
    auto session = store.create_session({.id = "chat"}, {{.role = role::user, .content = "a"}});
    session.append_exchange({.input = "q", .answer = "a", .tokens_used = 7}, {.idempotency_key = "1"});
    auto fork = session.fork(1, {.id = "fork", .title = "Another", .tags = {"draft", "b"}});
    CHECK_EQUAL(fork.describe().title(), "Another");
    session.replace(2, {{.role = role::user, .content = "b"}});
    CHECK_EQUAL(contents_of(session), "ab");
    CHECK_EQUAL(contents_of(session.replace_in_fork(2, {{.role = role::user, .content = "c"}}, {.title = "c"})), "ac");
}
#endif

} // namespace

int main(int argc, char**) {
    if (argc != 2) {
        std::cerr << "usage: branches SCRATCH_DIRECTORY\n";
        return 2;
    }
    return check::run({
        TEST(a_fork_is_an_owner_of_its_own), TEST(a_rewind_returns_the_new_revision),
            TEST(messages_are_replaced_from_a_list_a_vector_or_a_pointer),
            TEST(messages_are_replaced_in_a_fork_and_the_session_stays),
            TEST(an_answer_is_taken_back_here_or_in_a_fork), TEST(two_sessions_are_compared_and_messages_adopted),
            TEST(families_are_lists_of_sessions), TEST(every_field_of_an_exchange_comes_back_as_a_turn),
            TEST(turns_are_a_range_that_outlives_its_store), TEST(texts_that_are_made_are_strings),
#if __cplusplus >= 202002L
            TEST(branches_can_be_designated),
#endif
    });
}

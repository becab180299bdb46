// turnkeep.hpp: what a session goes through beside its messages, each with what only C++ adds to it.
//
// Usage: lifecycle SCRATCH_DIRECTORY

#include "../support/check.hpp"

#include <turnkeep/turnkeep.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if __cplusplus >= 202002L
#include <ranges>
#endif

using namespace std::chrono_literals;
using namespace std::string_view_literals;
using turnkeep::role;
using turnkeep::session_status;

namespace {

turnkeep::new_message said(role who, std::string_view content) {
    turnkeep::new_message message;
    message.role = who;
    message.content = content;
    return message;
}

turnkeep::time_point in(std::chrono::hours time) {
    return std::chrono::time_point_cast<turnkeep::time_point::duration>(std::chrono::system_clock::now()) + time;
}

std::string tags_of(const turnkeep::session& session) {
    const auto info = session.describe();
    std::string all;
    for (const auto tag : info.tags()) all.append(tag) += ' ';
    return all;
}

void every_field_of_a_sessions_life_comes_back() {
    turnkeep::store store{":memory:"};
    turnkeep::session_options options;
    options.tags = {"work", "\xC3\xA4pfel"};
    options.expires = in(24h);
    options.expires_after = 36h;
    options.max_bytes = 1000;
    auto session = store.create_session(options, {said(role::user, "hello")});
    const auto info = session.describe();
    CHECK_EQUAL(info.tags().size(), 2u);
    CHECK(!info.tags().empty());
    CHECK_EQUAL(info.tags()[0], "work");
    CHECK_EQUAL(*(info.tags().begin() + 1), "\xC3\xA4pfel");
    CHECK_EQUAL(info.tags().end() - info.tags().begin(), 2);
    CHECK(info.expires() == options.expires);
    CHECK(info.expires_after() == 36h);
    CHECK_EQUAL(info.max_bytes(), 1000u);
    CHECK_EQUAL(info.bytes(), 5u);
    CHECK(info.status() == session_status::active);

    const auto plain = store.create_session().describe();
    CHECK(plain.tags().empty());
    CHECK(plain.tags().begin() == plain.tags().end());
    CHECK(plain.expires_after() == 0ms);
    CHECK_EQUAL(plain.max_bytes(), 0u);
#if __cplusplus >= 202002L
    static_assert(std::ranges::random_access_range<decltype(plain.tags())>);
#endif
}

void what_is_left_out_of_a_change_stays_and_what_is_zero_is_taken_away() {
    turnkeep::store store{":memory:"};
    turnkeep::session_options options;
    options.tags = {"a", "b"};
    options.expires = in(24h);
    options.expires_after = 36h;
    options.max_bytes = 1000;
    options.metadata = R"({"a":1,"b":2})";
    auto session = store.create_session(options);

    turnkeep::session_changes changes;
    changes.metadata_patch = R"({"a":null,"c":3})";
    changes.add_tags = {"c"};
    changes.remove_tags = {"a", "never there"};
    session.update(changes);
    CHECK_EQUAL(session.describe().metadata(), R"({"b":2,"c":3})");
    CHECK_EQUAL(tags_of(session), "b c ");
    CHECK(session.describe().expires() == options.expires);
    CHECK(session.describe().expires_after() == 36h);
    CHECK_EQUAL(session.describe().max_bytes(), 1000u);

    turnkeep::session_changes other;
    other.expires = in(48h);
    other.expires_after = 1h;
    other.max_bytes = 2000;
    session.update(other);
    CHECK(session.describe().expires() == *other.expires);
    CHECK(session.describe().expires_after() == 1h);
    CHECK_EQUAL(session.describe().max_bytes(), 2000u);

    turnkeep::session_changes none;
    none.expires = turnkeep::time_point{};
    none.expires_after = 0ms;
    none.max_bytes = 0;
    session.update(none);
    CHECK(session.describe().expires() == turnkeep::time_point{});
    CHECK(session.describe().expires_after() == 0ms);
    CHECK_EQUAL(session.describe().max_bytes(), 0u);
}

void changes_that_are_wrong_are_refused_as_a_whole() {
    turnkeep::store store{":memory:"};
    auto session = store.create_session();
    turnkeep::session_changes changes;
    changes.title = "changed";
    changes.add_tags = {"good", "b\0d"sv};
    CHECK_THROWS(invalid, session.update(changes));
    changes.add_tags = {"good", ""};
    CHECK_THROWS(invalid, session.update(changes));
    changes.add_tags = {"good", "\xFF"};
    CHECK_THROWS(encoding, session.update(changes));
    changes.add_tags.clear();
    changes.expires_after = -1ms;
    CHECK_THROWS(invalid, session.update(changes));
    changes.expires_after.reset();
    changes.metadata = "{}";
    changes.metadata_patch = "{}";
    CHECK_THROWS(invalid, session.update(changes));
    CHECK_EQUAL(session.describe().revision(), 1u);
    turnkeep::session_options options;
    options.expires_after = -1ms;
    CHECK_THROWS(invalid, store.create_session(options));
}

void a_session_is_archived_trashed_and_restored_by_name() {
    turnkeep::store store{":memory:"};
    auto session = store.create_session();
    session.archive();
    CHECK(session.describe().status() == session_status::archived);
    const auto revision = session.trash();
    CHECK(session.describe().status() == session_status::trashed);
    turnkeep::session_changes back;
    back.status = session_status::active;
    back.expected_revision = revision;
    session.update(back);
    CHECK(session.describe().status() == session_status::active);
    session.trash();
    session.restore();
    CHECK(session.describe().status() == session_status::active);
}

void a_session_begins_with_messages_or_like_another() {
    turnkeep::store store{":memory:"};
    turnkeep::session_options pattern;
    pattern.id = "support";
    pattern.model = "small-1b";
    pattern.tags = {"support"};
    const std::vector<turnkeep::new_message> first{said(role::system, "Be brief."), said(role::user, "hello")};
    CHECK_EQUAL(store.create_session(pattern, first).history().size(), 2u);
    CHECK_EQUAL(store.create_session({}, first.data(), 1).history().size(), 1u);
    turnkeep::session_options like;
    like.like = "support";
    auto session = store.create_session(like, {said(role::user, "another")});
    CHECK_EQUAL(session.history().size(), 2u);
    CHECK_EQUAL(session.message(1).content(), "Be brief.");
    CHECK_EQUAL(session.message(2).content(), "another");
    CHECK_EQUAL(session.describe().model(), "small-1b");
    CHECK_EQUAL(tags_of(session), "support ");
    like.like = "nobody";
    CHECK_THROWS(not_found, store.create_session(like));
    like.like = "sup\0port"sv;
    CHECK_THROWS(invalid, store.create_session(like));
}

void a_session_is_cut_short_and_numbered_anew() {
    turnkeep::store store{":memory:"};
    auto session = store.create_session(
        {}, {said(role::system, "rules"), said(role::user, "a"), said(role::assistant, "b"), said(role::user, "c")});
    const auto revision = session.truncate(2);
    CHECK_EQUAL(session.describe().revision(), revision);
    CHECK_EQUAL(session.history().size(), 3u);
    CHECK_EQUAL(session.message(2).content(), "b");
    CHECK_THROWS(conflict, session.truncate(1, 0, revision + 1));
    session.truncate(0, 1000000, revision);
    CHECK_EQUAL(session.history().size(), 3u);
    CHECK_THROWS(invalid, session.truncate(0));
}

void an_append_beyond_the_limit_is_too_large() {
    turnkeep::store store{":memory:"};
    turnkeep::session_options options;
    options.max_bytes = 10;
    auto session = store.create_session(options);
    session.append(role::user, "12345678");
    CHECK_THROWS(too_large, session.append(role::user, "123"));
    CHECK_EQUAL(session.history().size(), 1u);
}

void a_session_is_resumed_with_its_last_message_and_its_window() {
    turnkeep::store store{":memory:"};
    turnkeep::session_options options;
    options.id = "chat";
    store.create_session(options, {said(role::user, "a"), said(role::assistant, "b")});
    turnkeep::window_options window;
    window.max_tokens = 500;
    auto resumed = store.resume_session("chat", window);
    CHECK_EQUAL(resumed.last.size(), 1u);
    CHECK_EQUAL(resumed.last[0].content(), "b");
    CHECK_EQUAL(resumed.window.size(), 2u);
    CHECK_EQUAL(resumed.window.report().budget_tokens, 500u);
    resumed.session.append(role::user, "c");
    auto session = std::move(resumed.session);
    CHECK_EQUAL(session.history().size(), 3u);
    CHECK_THROWS(not_found, store.resume_session("nobody"));
    CHECK_THROWS(invalid, store.resume_session("ch\0at"sv));
}

void options_of_expiry_reach_the_library() {
    turnkeep::store_options options;
    options.expire_after = 1ms;
    turnkeep::store store{":memory:", options};
    auto session = store.create_session();
    std::this_thread::sleep_for(5ms);
    CHECK_EQUAL(store.cleanup(), 1u);
    CHECK_EQUAL(store.cleanup(), 0u);
    CHECK_THROWS(not_found, session.history());

    options.expire_after = 24h * 365 * 100;
    options.expire_sliding = true;
    options.cleanup_interval = 1ms;
    turnkeep::store by_itself{":memory:", options};
    turnkeep::session_options soon;
    soon.expires_after = 1ms;
    auto kept = by_itself.create_session();
    const std::string id{by_itself.create_session(soon).id()};
    for (int tries = 0; by_itself.session_exists(id); ++tries) {
        CHECK(tries < 10000);
        std::this_thread::sleep_for(1ms);
    }
    CHECK(kept.history().empty());

    turnkeep::store_options wrong;
    wrong.expire_sliding = true;
    CHECK_THROWS(invalid, turnkeep::store(":memory:", wrong));
    wrong.expire_after = -1ms;
    CHECK_THROWS(invalid, turnkeep::store(":memory:", wrong));
    wrong.expire_after = std::chrono::milliseconds::max();
    wrong.cleanup_interval = 24h * 365;
    CHECK_THROWS(invalid, turnkeep::store(":memory:", wrong));
    wrong.cleanup_interval = 0ms;
    turnkeep::store for_long{":memory:", wrong};
    for_long.create_session();
    CHECK_EQUAL(for_long.cleanup(), 0u);
}

#if __cplusplus >= 202002L
void a_sessions_life_can_be_designated() {
    turnkeep::store store{":memory:", {.expire_after = 24h, .expire_sliding = true}};
    auto session = store.create_session({.tags = {"a", "b"}, .expires_after = 1h, .max_bytes = 100},
                                        {{.role = role::system, .content = "Be brief."}});
    session.update({.add_tags = {"c"}, .remove_tags = {"a"}, .status = session_status::archived});
    CHECK_EQUAL(tags_of(session), "b c ");
    session.update({.expires = turnkeep::time_point{}, .max_bytes = 0});
    CHECK_EQUAL(session.describe().max_bytes(), 0u);
    CHECK(session.describe().status() == session_status::archived);
    CHECK_EQUAL(store.resume_session(session.id(), {.max_tokens = 100}).window.size(), 1u);
}
#endif

} // namespace

int main(int argc, char**) {
    if (argc != 2) {
        std::cerr << "usage: lifecycle SCRATCH_DIRECTORY\n";
        return 2;
    }
    return check::run({
        TEST(every_field_of_a_sessions_life_comes_back),
            TEST(what_is_left_out_of_a_change_stays_and_what_is_zero_is_taken_away),
            TEST(changes_that_are_wrong_are_refused_as_a_whole),
            TEST(a_session_is_archived_trashed_and_restored_by_name),
            TEST(a_session_begins_with_messages_or_like_another), TEST(a_session_is_cut_short_and_numbered_anew),
            TEST(an_append_beyond_the_limit_is_too_large),
            TEST(a_session_is_resumed_with_its_last_message_and_its_window), TEST(options_of_expiry_reach_the_library),
#if __cplusplus >= 202002L
            TEST(a_sessions_life_can_be_designated),
#endif
    });
}

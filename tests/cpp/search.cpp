// turnkeep.hpp: full-text search.
//
// Usage: search SCRATCH_DIRECTORY

#include "../support/check.hpp"

#include <turnkeep/turnkeep.hpp>

#include <string>
#include <string_view>
#include <vector>

using turnkeep::role;

namespace {

turnkeep::search_options wanted(std::string_view text) {
    turnkeep::search_options options;
    options.text = text;
    return options;
}

turnkeep::session chat_about_bees(turnkeep::store& store) {
    turnkeep::session_options options;
    options.id = "bees";
    options.title = "Garden";
    auto session = store.create_session(options);
    session.append(role::user, "Where do bees live?");
    session.append(role::assistant, "In hives, if bees may choose.");
    session.append(role::user, "Thanks.");
    return session;
}

void a_hit_says_where_and_what() {
    turnkeep::store store{":memory:"};
    chat_about_bees(store);
    const auto found = store.search(wanted("BEES hive*"));
    CHECK_EQUAL(found.size(), 1u);
    CHECK(found.complete());
    const auto hit = found.front();
    CHECK_EQUAL(hit.session_id(), "bees");
    CHECK_EQUAL(hit.title(), "Garden");
    CHECK_EQUAL(hit.seq(), 2u);
    CHECK(hit.role() == role::assistant);
    CHECK(hit.created() > turnkeep::time_point{});
    CHECK_EQUAL(hit.snippet(), "In hives, if bees may choose.");
    CHECK((hit.marks() == std::vector<std::string_view>{"hives", "bees"}));
    CHECK(hit.neighbours().empty());
}

void a_session_is_a_hit_of_nobody() {
    turnkeep::store store{":memory:"};
    chat_about_bees(store);
    const auto found = store.search(wanted("garden"));
    CHECK_EQUAL(found.size(), 1u);
    CHECK_EQUAL(found[0].seq(), 0u);
    CHECK(!found[0].role());
}

void options_of_a_search_reach_the_library() {
    turnkeep::store store{":memory:"};
    auto session = chat_about_bees(store);
    auto options = wanted("bees");
    CHECK_EQUAL(store.search(options).size(), 2u);
    options.neighbours = 1;
    options.roles = {role{40}};
    CHECK_THROWS(invalid, store.search(options));
    options.roles = {role::user, role::tool};
    const auto found = store.search(options);
    CHECK_EQUAL(found.size(), 1u);
    const auto around = found[0].neighbours();
    CHECK_EQUAL(around.size(), 2u);
    CHECK_EQUAL(around[found[0].message_index()].content(), "Where do bees live?");
    std::string all;
    for (const auto& message : around) all += message.content().front();
    CHECK_EQUAL(all, "WI");

    options = wanted("bees");
    options.limit = 1;
    CHECK_EQUAL(store.search(options).size(), 1u);
    options = wanted("bees");
    options.snippet_chars = 4;
    CHECK_EQUAL(store.search(options)[1].snippet(), "…bees…");
    options = wanted("bees NOT hives");
    options.raw = true;
    CHECK_EQUAL(store.search(options).size(), 1u);
    options = wanted("bees");
    options.order = turnkeep::search_order::rank;
    options.time_limit = std::chrono::seconds{10};
    CHECK(store.search(options)[0].score() != 0);
    options.message_to = "2001-01-01";
    CHECK(store.search(options).empty());
    options.message_to = {};
    options.message_from = "2001-01-01";
    CHECK_EQUAL(store.search(options).size(), 2u);
    options.filter.user_id = "ada";
    CHECK(store.search(options).empty());
    options = wanted("bees");
    options.filter.utc_offset = std::chrono::hours{24};
    CHECK_THROWS(invalid, store.search(options));
}

void a_text_with_a_nul_inside_is_refused() {
    turnkeep::store store{":memory:"};
    CHECK_THROWS(invalid, store.search(wanted(std::string_view{"a\0b", 3})));
}

void a_store_without_search_says_so() {
    turnkeep::store_options options;
    options.no_search = true;
    turnkeep::store store{":memory:", options};
    CHECK_THROWS(unsupported, store.search(wanted("bees")));
}

void results_outlive_their_store() {
    turnkeep::search_results found;
    CHECK(found.empty());
    {
        turnkeep::store store{":memory:"};
        chat_about_bees(store);
        auto options = wanted("thanks");
        options.neighbours = 5;
        found = store.search(options);
    }
    CHECK_EQUAL(found[0].neighbours().size(), 3u);
    CHECK_EQUAL(found[0].neighbours()[2].content(), "Thanks.");
}

} // namespace

int main() {
    return check::run({
        TEST(a_hit_says_where_and_what),
        TEST(a_session_is_a_hit_of_nobody),
        TEST(options_of_a_search_reach_the_library),
        TEST(a_text_with_a_nul_inside_is_refused),
        TEST(a_store_without_search_says_so),
        TEST(results_outlive_their_store),
    });
}

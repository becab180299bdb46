// What keeps a store in order, through turnkeep.hpp.
//
// Usage: maintenance SCRATCH_DIRECTORY

#include "../support/check.hpp"

#include <turnkeep/turnkeep.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

using turnkeep::role;

namespace {

std::string scratch;

std::string fresh_path() {
    static int number = 0;
    const auto path = scratch + "/maintenance-" + std::to_string(++number) + ".db";
    for (const auto* suffix : {"", "-wal", "-shm"}) std::remove((path + suffix).c_str());
    return path;
}

turnkeep::session_options named(std::string_view id) {
    turnkeep::session_options options;
    options.id = id;
    return options;
}

void a_backup_opens_and_tells_how_far_it_is() {
    turnkeep::store store{":memory:"};
    store.create_session(named("s")).append(role::user, "kept");
    const auto path = fresh_path();
    std::uint64_t done = 0;
    std::uint64_t all = 1;
    turnkeep::backup_options options;
    options.progress = [&](std::uint64_t now, std::uint64_t of_all) {
        done = now;
        all = of_all;
        return true;
    };
    store.backup(path, options);
    CHECK_EQUAL(done, all);
    CHECK_THROWS(exists, store.backup(path));
    options.overwrite = true;
    store.backup(path, options);
    turnkeep::store copy{path};
    CHECK_EQUAL(copy.open_session("s").history().front().content(), "kept");
    CHECK(copy.check().empty());
}

void a_backup_stops_when_progress_says_no_or_throws() {
    turnkeep::store store{":memory:"};
    const auto path = fresh_path();
    turnkeep::backup_options options;
    options.progress = [](std::uint64_t, std::uint64_t) { return false; };
    CHECK_THROWS(aborted, store.backup(path, options));
    options.progress = [](std::uint64_t, std::uint64_t) -> bool { throw std::out_of_range{"enough"}; };
    try {
        store.backup(path, options);
        CHECK(false);
    } catch (const turnkeep::error& error) {
        CHECK(error.status() == turnkeep::status::aborted);
        try {
            std::rethrow_if_nested(error);
            CHECK(false);
        } catch (const std::out_of_range& cause) {
            CHECK_EQUAL(std::string{cause.what()}, "enough");
        }
    }
    CHECK(!std::ifstream{path}.good());
}

void a_check_is_a_range_of_sentences() {
    turnkeep::store store{fresh_path()};
    auto session = store.create_session();
    session.append(role::user, "one");
    const auto check = store.check();
    CHECK(check.empty() && check.begin() == check.end());
    CHECK_EQUAL(check.counts().sessions, 1u);
    CHECK_EQUAL(check.counts().messages, 1u);
    CHECK_EQUAL(turnkeep::check_report{}.counts().messages, 0u);
}

void sizes_shrink_by_a_vacuum() {
    turnkeep::store store{fresh_path()};
    store.create_session(named("s")).append(role::user, std::string(1 << 20, 'x'));
    store.delete_session("s");
    CHECK(store.sizes().free_pages > 1 << 19);
    store.vacuum();
    store.optimize();
    CHECK(store.sizes().database < 1 << 20);
}

void an_erased_session_says_how_many_messages_went() {
    turnkeep::store store{fresh_path()};
    store.create_session(named("s")).append(role::user, "secret");
    const auto report = store.erase_session("s");
    CHECK_EQUAL(report.messages_erased, 1u);
    CHECK_EQUAL(report.messages_kept_by_forks, 0u);
    CHECK(report.wal_truncated);
    CHECK_THROWS(not_found, store.erase_session("s"));
}

void what_is_lost_by_damage_is_told_in_sentences() {
    const auto path = fresh_path();
    {
        turnkeep::store store{path};
        auto session = store.create_session(named("s"));
        session.append(role::user, "a message that nobody can read");
        session.append(role::user, "two");
    }
    // Its log would hide what is done to the file.
    std::remove((path + "-wal").c_str());
    std::ifstream file{path, std::ios::binary};
    std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    file.close();
    bytes.replace(bytes.find("a message that"), 5, "\xFF\xFF\xFF\xFF\xFF");
    std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;

    const auto target = fresh_path();
    const auto report = turnkeep::store::salvage(path, target);
    CHECK_EQUAL(report.counts().messages, 1u);
    CHECK_EQUAL(report.counts().messages_lost, 1u);
    CHECK_EQUAL(report.size(), 1u);
    for (const auto problem : report) CHECK(problem.find("message 1 cannot be read") != problem.npos);
    turnkeep::store salvaged{target};
    CHECK(salvaged.check().empty());
    CHECK_EQUAL(salvaged.open_session("s (salvaged after message 0)").history().front().content(), "two");
}

void options_for_size_reach_the_library() {
    turnkeep::store_options options;
    options.max_session_bytes = 4096;
    options.compress_min_bytes = 64;
    options.compression_level = 9;
    turnkeep::store store{":memory:", options};
    auto session = store.create_session();
    session.append(role::user, std::string(4000, 'x'));
    CHECK_EQUAL(session.history().front().content(), std::string(4000, 'x'));
    CHECK_THROWS(too_large, session.append(role::user, std::string(100, 'x')));
    options.compression_level = 99;
    CHECK_THROWS(invalid, (turnkeep::store{":memory:", options}));
}

void a_settings_file_opens_a_store() {
    const auto path = scratch + "/settings.toml";
    std::ofstream{path} << "[session]\nbackend = \"memory\"\nmax_session_bytes = 3\n";
    auto store = turnkeep::store::open_config(path);
    CHECK_EQUAL(store.location(), ":memory:");
    CHECK_THROWS(too_large, store.create_session().append(role::user, "four"));
    CHECK_THROWS(not_found, turnkeep::store::open_config(scratch + "/none.toml"));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: maintenance SCRATCH_DIRECTORY\n";
        return 2;
    }
    scratch = argv[1];
    return check::run({
        TEST(a_backup_opens_and_tells_how_far_it_is),
        TEST(a_backup_stops_when_progress_says_no_or_throws),
        TEST(a_check_is_a_range_of_sentences),
        TEST(sizes_shrink_by_a_vacuum),
        TEST(an_erased_session_says_how_many_messages_went),
        TEST(what_is_lost_by_damage_is_told_in_sentences),
        TEST(options_for_size_reach_the_library),
        TEST(a_settings_file_opens_a_store),
    });
}

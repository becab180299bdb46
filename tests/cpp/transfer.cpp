// Sessions on their way out of one store and into another, through turnkeep.hpp.
//
// Usage: transfer SCRATCH_DIRECTORY

#include "../support/check.hpp"

#include <turnkeep/turnkeep.hpp>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

using turnkeep::role;

namespace {

std::string scratch;

std::string fresh_path() {
    static int number = 0;
    const auto path = scratch + "/transfer-" + std::to_string(++number);
    std::remove(path.c_str());
    return path;
}

turnkeep::session_options named(std::string_view id) {
    turnkeep::session_options options;
    options.id = id;
    return options;
}

void fill(turnkeep::store& store) {
    auto session = store.create_session(named("one"));
    session.append(role::user, "kept");
    session.fork(1, named("two")).append(role::assistant, "forked");
}

void a_store_moves_through_a_file() {
    turnkeep::store from{":memory:"};
    fill(from);
    const auto path = fresh_path();
    const auto written = from.export_sessions(path);
    CHECK_EQUAL(written.counts().sessions, 2u);
    CHECK(written.empty());
    CHECK(written.losses().empty());
    turnkeep::store to{":memory:"};
    const auto taken = to.import_sessions(path);
    CHECK_EQUAL(taken.counts().forks, 1u);
    CHECK_EQUAL(to.open_session("two").history().back().content(), "forked");
}

void chunks_are_the_bytes_of_the_file() {
    turnkeep::store store{":memory:"};
    fill(store);
    const auto path = fresh_path();
    store.export_sessions(path);
    std::string chunks;
    store.export_sessions([&](std::string_view chunk) { chunks += chunk; });
    std::ifstream file{path, std::ios::binary};
    CHECK_EQUAL(chunks, std::string(std::istreambuf_iterator<char>{file}, {}));
}

void what_a_writer_throws_comes_out_and_the_store_lives_on() {
    turnkeep::store store{":memory:"};
    fill(store);
    bool nested = false;
    try {
        store.export_sessions([](std::string_view) { throw std::runtime_error("the pipe is closed"); });
    } catch (const turnkeep::error& failure) {
        CHECK(failure.status() == turnkeep::status::aborted);
        try {
            std::rethrow_if_nested(failure);
        } catch (const std::runtime_error& cause) {
            nested = std::string{cause.what()} == "the pipe is closed";
        }
    }
    CHECK(nested);
    store.create_session(named("three"));
}

void problems_say_what_became_of_a_session_and_where_it_stands() {
    turnkeep::store store{":memory:"};
    fill(store);
    const auto path = fresh_path();
    turnkeep::export_options one;
    one.session_ids = {"one"};
    store.export_sessions(path, one);
    const auto report = store.import_sessions(path);
    CHECK_EQUAL(report.size(), 1u);
    CHECK(report.front().kind() == turnkeep::problem_kind::skipped);
    CHECK_EQUAL(report.front().session_id(), "one");
    CHECK_EQUAL(report.front().place(), "line 2");
    CHECK(!report.front().reason().empty());
}

void an_import_is_tried_first_and_told_how_far_it_is() {
    turnkeep::store from{":memory:"};
    fill(from);
    const auto path = fresh_path();
    from.export_sessions(path);
    turnkeep::store to{":memory:"};
    turnkeep::import_options options;
    options.format = turnkeep::format::turnkeep;
    options.dry_run = true;
    std::uint64_t all = 0;
    options.progress = [&](std::uint64_t done, std::uint64_t of) {
        all = of;
        return done <= of;
    };
    CHECK_EQUAL(to.import_sessions(path, options).counts().sessions, 2u);
    CHECK(all > 0);
    CHECK_EQUAL(to.count_sessions(), 0u);
    options.dry_run = false;
    options.progress = [](std::uint64_t, std::uint64_t) { return false; };
    CHECK_THROWS(aborted, to.import_sessions(path, options));
    CHECK_EQUAL(to.count_sessions(), 0u);
}

void a_filter_chooses_what_goes_out() {
    turnkeep::store store{":memory:"};
    fill(store);
    turnkeep::export_options options;
    options.filter.emplace();
    options.filter->parent_id = "one";
    CHECK_EQUAL(store.export_sessions(fresh_path(), options).counts().sessions, 1u);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: transfer SCRATCH_DIRECTORY\n";
        return 2;
    }
    scratch = argv[1];
    return check::run({
        TEST(a_store_moves_through_a_file),
        TEST(chunks_are_the_bytes_of_the_file),
        TEST(what_a_writer_throws_comes_out_and_the_store_lives_on),
        TEST(problems_say_what_became_of_a_session_and_where_it_stands),
        TEST(an_import_is_tried_first_and_told_how_far_it_is),
        TEST(a_filter_chooses_what_goes_out),
    });
}

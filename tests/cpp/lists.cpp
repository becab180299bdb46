// turnkeep.hpp: filters, lists, counts and changes to many sessions reach the library with every field.
//
// Usage: lists

#include "../support/check.hpp"

#include <string>
#include <string_view>
#include <vector>

using turnkeep::bulk_action;
using turnkeep::comparison;
using turnkeep::session_status;
using turnkeep::sort;

namespace {

turnkeep::store library() {
    turnkeep::store store{":memory:"};
    turnkeep::session_options options;
    options.id = "a";
    options.user_id = "ada";
    options.name = "first";
    options.title = "Saure ÄPFEL";
    options.metadata = R"({"n": 1})";
    store.create_session(options);
    options = {};
    options.id = "b";
    options.model = "gemma";
    store.create_session(options).append(turnkeep::role::user, "hello");
    return store;
}

std::string ids_of(const turnkeep::session_list& list) {
    std::string ids;
    for (const auto& info : list) ids += info.id();
    return ids;
}

/// What a filter finds, in the order of creation; and that the count says the same.
std::string found(const turnkeep::store& store, const turnkeep::filter& filter) {
    turnkeep::list_options options;
    options.filter = filter;
    options.ascending = true;
    const auto ids = ids_of(store.list_sessions(options));
    CHECK_EQUAL(store.count_sessions(filter), ids.size());
    return ids;
}

/// A filter with one field set.
template <typename Field, typename Value>
turnkeep::filter with(Field turnkeep::filter::*field, const Value& value) {
    turnkeep::filter filter;
    filter.*field = value;
    return filter;
}

void every_field_of_a_filter_reaches_the_library() {
    using filter = turnkeep::filter;
    auto store = library();
    const std::vector<std::string_view> tags{"t", "u"};
    CHECK_EQUAL(store.change_sessions(with(&filter::user_id, "ada"), bulk_action::add_tag, "t"), 1u);
    CHECK_EQUAL(found(store, {}), "ab");
    CHECK_EQUAL(found(store, with(&filter::user_id, "ada")), "a");
    CHECK_EQUAL(found(store, with(&filter::user_id, "")), "b");
    CHECK_EQUAL(found(store, with(&filter::statuses, std::vector{session_status::archived})), "");
    CHECK_EQUAL(found(store, with(&filter::statuses, std::vector{session_status::trashed, session_status::active})),
                "ab");
    CHECK_EQUAL(found(store, with(&filter::has_messages, true)), "b");
    CHECK_EQUAL(found(store, with(&filter::has_messages, false)), "a");
    CHECK_EQUAL(found(store, with(&filter::all_tags, tags)), "");
    CHECK_EQUAL(found(store, with(&filter::any_tags, tags)), "a");
    CHECK_EQUAL(found(store, with(&filter::model, "gemma")), "b");
    CHECK_EQUAL(found(store, with(&filter::text, "äpfel")), "a");
    CHECK_EQUAL(found(store, with(&filter::parent_id, "a")), "");
    CHECK_EQUAL(found(store, with(&filter::created_from, "2020-01-01")), "ab");
    CHECK_EQUAL(found(store, with(&filter::created_to, "2020-01-01")), "");
    CHECK_EQUAL(found(store, with(&filter::updated_from, "2999-01-01")), "");
    CHECK_EQUAL(found(store, with(&filter::updated_to, "2999-01-01")), "ab");
    CHECK_EQUAL(found(store, with(&filter::expires_from, "2020-01-01")), "");
    CHECK_EQUAL(found(store, with(&filter::expires_to, "2999-01-01")), "");

    turnkeep::metadata_condition condition;
    condition.pointer = "/n";
    CHECK_EQUAL(found(store, with(&filter::metadata, std::vector{condition})), "a");
    condition.relation = turnkeep::metadata_relation::greater;
    condition.value = "1";
    CHECK_EQUAL(found(store, with(&filter::metadata, std::vector{condition})), "");
}

void what_is_wrong_with_a_filter_is_thrown() {
    using filter = turnkeep::filter;
    const auto store = library();
    CHECK_THROWS(invalid, store.count_sessions(with(&filter::created_from, "tomorrow")));
    CHECK_THROWS(invalid, store.count_sessions(with(&filter::utc_offset, std::chrono::hours{24})));
    CHECK_THROWS(invalid, store.count_sessions(with(&filter::utc_offset, std::chrono::minutes::max())));
    CHECK_THROWS(invalid, store.count_sessions(with(&filter::text, std::string_view{"a\0b", 3})));
    CHECK_THROWS(invalid, store.count_sessions(with(&filter::statuses, std::vector{session_status{9}})));
}

void lists_sort_and_page() {
    const auto store = library();
    turnkeep::list_options options;
    options.sort = sort::name;
    options.limit = 1;
    const auto first = store.list_sessions(options);
    CHECK_EQUAL(ids_of(first), "a");
    options.page = first.next_page();
    CHECK_EQUAL(ids_of(store.list_sessions(options)), "b");
    options.ascending = true;
    CHECK_THROWS(invalid, store.list_sessions(options));
    options.page = {};
    CHECK_EQUAL(ids_of(store.list_sessions(options)), "b");
}

void many_sessions_change_at_once() {
    auto store = library();
    CHECK_EQUAL(store.change_sessions({}, bulk_action::archive), 2u);
    CHECK(store.list_sessions()[0].status() == session_status::archived);
    CHECK_EQUAL(store.change_sessions({}, bulk_action::trash), 2u);
    CHECK_EQUAL(store.count_sessions(), 0u);
    const auto trashed = with(&turnkeep::filter::statuses, std::vector{session_status::trashed});
    CHECK_EQUAL(store.change_sessions(trashed, bulk_action::restore), 2u);
    CHECK_EQUAL(store.change_sessions({}, bulk_action::add_tag, "t"), 2u);
    CHECK_EQUAL(store.change_sessions({}, bulk_action::remove_tag, "t"), 2u);
    CHECK_THROWS(invalid, store.change_sessions({}, bulk_action::remove_tag));
    CHECK_EQUAL(store.change_sessions({}, bulk_action::remove), 2u);
    CHECK_EQUAL(store.count_sessions(), 0u);
}

} // namespace

int main() {
    return check::run({
        TEST(every_field_of_a_filter_reaches_the_library),
        TEST(what_is_wrong_with_a_filter_is_thrown),
        TEST(lists_sort_and_page),
        TEST(many_sessions_change_at_once),
    });
}

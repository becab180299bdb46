// gemma_session.hpp: what hosts of the Gemma.cpp session management had is there, and its faults are not.
//
// Usage: gemma_session SCRATCH_DIRECTORY. Built twice: with nlohmann::json if it is here, and by gemma_session_text.cpp
// without.

#undef NDEBUG

#include "../support/check.hpp"

#include <turnkeep/gemma_session.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#ifdef __linux__
#include <csignal>
#include <sys/resource.h>
#endif

using namespace gemma::session;
using Role = ConversationMessage::Role;
using gemma::session::detail::json_reader;
using gemma::session::detail::to_text;
using gemma::session::detail::to_value;

/// Checks that an expression throws exactly this type, with these words in what it says.
#define CHECK_THROWS_AS(type, words, expression)                                                \
    do {                                                                                        \
        std::string said;                                                                       \
        try {                                                                                   \
            (void)(expression);                                                                 \
        } catch (const type& thrown) {                                                          \
            said = std::string{"it said: "} + thrown.what();                                    \
        }                                                                                       \
        if (said.empty()) check::fail(__FILE__, __LINE__, #expression " did not throw " #type); \
        if (said.find(words) == said.npos) check::fail(__FILE__, __LINE__, said);               \
    } while (false)

namespace {

std::string scratch;

std::string fresh_path() {
    static int number = 0;
    return scratch + "/sessions" + std::to_string(++number) + ".db";
}

SessionManager::Config at(const std::string& path) {
    SessionManager::Config config;
    config.storage_config.db_path = path;
    return config;
}

/// A manager with a file of its own, initialized.
struct ready : SessionManager {
    ready() : ready(at(fresh_path())) {}
    explicit ready(const Config& config) : SessionManager(config) { CHECK(initialize()); }
};

SessionManager::CreateOptions named(const std::string& id, std::size_t window = 0) {
    SessionManager::CreateOptions options;
    options.session_id = id;
    options.max_context_tokens = window;
    return options;
}

/// What is at a place in a JSON value, as it is written there.
std::string field(const json& value, std::initializer_list<const char*> names) {
    const auto text = to_text(value);
    const auto whole = json_reader{text}.read();
    const auto* here = &whole;
    for (const auto* name : names) {
        here = here->find(name);
        if (!here) return "absent";
    }
    return std::string{here->raw};
}

std::string field(const json& value, const char* name) { return field(value, {name}); }

template <typename Messages>
std::string texts(const Messages& messages) {
    std::string all;
    for (const auto& message : messages) all += message.content + ' ';
    return all;
}

std::string ids(const std::vector<json>& rows) {
    std::string all;
    for (const auto& row : rows) all += field(row, "session_id") + ' ';
    return all;
}

std::string contents(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Events in the order in which they were told. Must outlive its manager, which tells of its own end.
struct events {
    std::vector<std::string> names;
    std::vector<json> data;

    std::function<void(const std::string&, const json&)> listener() {
        return [this](const std::string& name, const json& said) {
            names.push_back(name);
            data.push_back(said);
        };
    }

    std::string all() const {
        std::string joined;
        for (const auto& name : names) joined += name + ' ';
        return joined;
    }
};

/* A session of its own */

void a_session_of_its_own_keeps_what_is_said() {
    const auto before = std::chrono::system_clock::now() - std::chrono::seconds{1};
    Session session(std::string{"own"}, 100);
    session.add_message(Role::SYSTEM, "Be brief.", 3);
    session.add_message(Role::USER, "Hello!", 2);
    session.add_message(Role::ASSISTANT, "Hi.", 0);

    CHECK_EQUAL(session.get_session_id(), "own");
    const std::deque<ConversationMessage>& history = session.get_conversation_history();
    CHECK_EQUAL(history.size(), 3u);
    CHECK(history[0].role == Role::SYSTEM && history[1].role == Role::USER && history[2].role == Role::ASSISTANT);
    CHECK_EQUAL(texts(history), "Be brief. Hello! Hi. ");
    CHECK_EQUAL(history[1].token_count, 2u);
    CHECK_EQUAL(history[2].token_count, 0u);
    CHECK(history[2].timestamp >= before);
    CHECK_EQUAL(texts(session.get_context_messages()), "Be brief. Hello! Hi. ");
    CHECK_EQUAL(session.get_total_tokens(), 5u);
    CHECK_EQUAL(session.get_context_tokens(), 5u);
    CHECK_EQUAL(session.get_max_context_tokens(), 100u);
    CHECK(session.get_created_at() >= before);
    CHECK(session.get_last_activity() >= session.get_created_at());

    session.clear_history();
    CHECK_EQUAL(session.get_conversation_history().size(), 0u);
    CHECK_EQUAL(session.get_total_tokens(), 0u);
    CHECK_EQUAL(Session("in quotes").get_max_context_tokens(), 8192u);
}

void two_sessions_of_their_own_may_have_one_id() {
    Session one("same"), other("same");
    one.add_message(Role::USER, "one", 1);
    CHECK_EQUAL(one.get_conversation_history().size(), 1u);
    CHECK_EQUAL(other.get_conversation_history().size(), 0u);
}

const char* const exported =
    R"({"session_id":"old","max_context_tokens":50,"total_tokens":9000,"created_at":1700000000123,
    "last_activity":1700000000456,"conversation_history":[
    {"role":2,"content":"Be \"brief\".\n\u00e4\ud83d\ude00","timestamp":0,"token_count":4},
    {"role":0,"content":"Hello!","timestamp":1700000000200,"token_count":2},
    {"role":1,"content":"","timestamp":1700000000300,"token_count":0}],"metadata":{"user":"kim"},"later":[1,{"x":null}]})";

void a_session_of_its_own_comes_back_from_its_json() {
    const Session session{to_value(exported)};
    CHECK_EQUAL(session.get_session_id(), "old");
    CHECK_EQUAL(session.get_max_context_tokens(), 50u);
    CHECK_EQUAL(session.get_total_tokens(), 6u); // of the messages that are there
    CHECK_EQUAL(session.get_created_at().time_since_epoch() / std::chrono::milliseconds{1}, 1700000000123);
    CHECK_EQUAL(session.get_last_activity().time_since_epoch() / std::chrono::milliseconds{1}, 1700000000456);
    const auto& history = session.get_conversation_history();
    CHECK_EQUAL(history[0].content, "Be \"brief\".\n\xC3\xA4\xF0\x9F\x98\x80");
    CHECK(history[0].role == Role::SYSTEM);
    CHECK_EQUAL(history[0].timestamp.time_since_epoch() / std::chrono::milliseconds{1}, 0);
    CHECK_EQUAL(history[1].timestamp.time_since_epoch() / std::chrono::milliseconds{1}, 1700000000200);
    CHECK_EQUAL(history[2].content, "");

    Session again("other");
    again.add_message(Role::USER, "goes", 1);
    again.from_json(session.to_json());
    CHECK_EQUAL(to_text(again.to_json()), to_text(session.to_json()));
    CHECK_EQUAL(field(again.to_json(), {"metadata", "user"}), "\"kim\"");
    again.touch();
    CHECK(again.get_last_activity() > session.get_last_activity());
    CHECK(again.get_created_at() == session.get_created_at());
}

void json_that_is_no_session_is_refused_and_nothing_changes() {
    Session session("stays");
    session.add_message(Role::USER, "here", 1);
    const auto with = [](const std::string& what, const std::string& instead) {
        std::string text = exported;
        const auto where = text.find(what);
        CHECK(where != text.npos);
        return text.replace(where, what.size(), instead);
    };
    const auto refuses = [&](const char* words, const std::string& text) {
        CHECK_THROWS_AS(std::invalid_argument, words, session.from_json(to_value(text)));
    };
    refuses("not an object", "[]");
    refuses("\"session_id\" is missing", with("session_id", "other_id"));
    refuses("\"session_id\" is empty", with("\"old\"", "\"\""));
    refuses("\"session_id\" is not of the kind", with("\"old\"", "7"));
    refuses("\"max_context_tokens\" is 0", with(":50", ":0"));
    refuses("\"max_context_tokens\" is -1", with(":50", ":-1"));
    refuses("\"max_context_tokens\" is 1.5", with(":50", ":1.5"));
    refuses("\"total_tokens\" is missing", with("total_tokens", "totals"));
    refuses("out of range", with("1700000000123", "9223372036854775807"));
    refuses("message 1 of session 'old': \"role\" is 3", with("\"role\":2", "\"role\":3"));
    refuses("message 1 of session 'old': \"content\" is missing", with("\"content\":\"Be", "\"said\":\"Be"));
    refuses("token_count is 4294967296", with("\"token_count\":4", "\"token_count\":4294967296"));
    refuses("\"metadata\" is not of the kind", with("{\"user\":\"kim\"}", "[1]"));
    CHECK_EQUAL(session.get_session_id(), "stays");
    CHECK_EQUAL(texts(session.get_conversation_history()), "here ");
}

void json_text_is_read_strictly() {
    const auto refuses = [](const char* words, const std::string& text) {
        CHECK_THROWS_AS(std::invalid_argument, words, json_reader{text}.read());
    };
    refuses("byte 0 of the JSON: this is no value", "");
    refuses("behind the value", "1 2");
    refuses("comes twice", R"({"a":1,"a":2})");
    refuses("half a surrogate pair", R"("\ud83d")");
    refuses("half a surrogate pair", R"("\ude00")");
    refuses("half a surrogate pair", R"("\ud83d\u0041")");
    refuses("hexadecimal", R"("\u12g4")");
    refuses("no such escape", R"("\x")");
    refuses("control character", "\"a\nb\"");
    refuses("no end", "\"a");
    refuses("not UTF-8", "\"\xC3\"");
    refuses("not UTF-8", "\"\xED\xA0\x80\"");
    refuses("not UTF-8", "\"\xC0\xAF\"");
    refuses("begins with 0", "01");
    refuses("its point", "1.");
    refuses("its e", "1e");
    refuses("no value", "NaN");
    refuses("no value", "nul");
    refuses("colon", R"({"a" 1})");
    refuses("name in quotes", R"({"a":1,})");
    refuses("bracket", "[1 2]");
    refuses("brace", R"({"a":1 "b")");
    refuses("too deep", std::string(1000000, '['));
    CHECK_EQUAL(json_reader{" [ 1 , -2.5e+3 , true, false, null , \"\\u20ac\" ] "}.read().items.size(), 6u);
    CHECK_EQUAL(json_reader{std::string(127, '[') + std::string(127, ']')}.read().items.size(), 1u);
}

void a_message_goes_to_json_and_back() {
    ConversationMessage message{Role::ASSISTANT, "tab\t \x01 \"quoted\" \\", {}, 7};
    message.timestamp = std::chrono::system_clock::time_point{std::chrono::milliseconds{1234}};
    json value;
    message.to_json(value);
    CHECK_EQUAL(field(value, "role"), "1");
    ConversationMessage back;
    back.from_json(value);
    CHECK(back.role == message.role);
    CHECK_EQUAL(back.content, message.content);
    CHECK(back.timestamp == message.timestamp);
    CHECK_EQUAL(back.token_count, 7u);
}

void a_session_of_its_own_moves_and_who_was_moved_from_says_so() {
    Session one("moved");
    one.add_message(Role::USER, "here", 1);
    Session other(std::move(one));
    CHECK_EQUAL(texts(other.get_conversation_history()), "here ");
    CHECK_THROWS_AS(std::runtime_error, "moved from", one.get_total_tokens());
    one = Session("again");
    CHECK_EQUAL(one.get_session_id(), "again");
}

void a_session_with_an_empty_id_or_no_room_is_refused() {
    CHECK_THROWS_AS(std::invalid_argument, "id of a session is empty", Session(std::string{}));
    CHECK_THROWS_AS(std::invalid_argument, "max_context_tokens is 0", Session("x", 0));
    Session session("x", std::numeric_limits<std::size_t>::max());
    CHECK_THROWS_AS(std::invalid_argument, "max_context_tokens is 0", session.set_max_context_tokens(0));
    session.add_message(Role::USER, "fits", 1000000);
    CHECK_EQUAL(session.get_context_tokens(), 1000000u);
}

/* Sessions of a manager */

void sessions_are_created_found_and_deleted_and_an_unknown_one_is_not() {
    ready manager;
    const auto id = manager.create_session();
    CHECK_EQUAL(manager.create_session(named("mine", 1000)), "mine");
    CHECK(manager.session_exists(id));
    CHECK_EQUAL(manager.get_session("mine")->get_max_context_tokens(), 1000u);
    CHECK_EQUAL(manager.get_session(id)->get_max_context_tokens(), 8192u);
    CHECK(manager.delete_session(id));
    CHECK(!manager.delete_session(id));

    for (const auto& unknown : {id, std::string{"never"}, std::string{}, std::string(300, 'x')}) {
        CHECK(!manager.session_exists(unknown));
        CHECK(manager.get_session(unknown) == nullptr);
        CHECK(!manager.delete_session(unknown));
        CHECK(!manager.add_message(unknown, Role::USER, "lost", 1));
        CHECK(!manager.clear_session_history(unknown));
        CHECK(!manager.update_session_context_size(unknown, 10));
        CHECK(manager.get_conversation_history(unknown).empty());
        CHECK(manager.get_context_messages(unknown).empty());
    }
}

void ids_that_a_manager_makes_are_valid_uuids() {
    ready manager;
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        const auto id = manager.create_session();
        CHECK_EQUAL(id.size(), 36u);
        for (std::size_t at = 0; at < id.size(); ++at) {
            const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
            CHECK(dash ? id[at] == '-' : std::string{"0123456789abcdef"}.find(id[at]) != std::string::npos);
        }
        CHECK_EQUAL(id[14], '7');
        CHECK(std::string{"89ab"}.find(id[19]) != std::string::npos);
        CHECK(seen.insert(id).second);
    }
}

void what_is_wrong_with_a_new_session_is_thrown() {
    ready manager;
    manager.create_session(named("taken"));
    CHECK_THROWS_AS(std::runtime_error, "taken", manager.create_session(named("taken")));
    CHECK_THROWS_AS(std::invalid_argument, "", manager.create_session(named("a\nb")));
    SessionManager::CreateOptions options;
    options.metadata = to_value("[1,2]");
    CHECK_THROWS_AS(std::invalid_argument, "not an object", manager.create_session(options));
    CHECK_EQUAL(manager.list_sessions().size(), 1u);
    CHECK_EQUAL(manager.get_metrics().total_sessions_created, 1u);

    auto config = at(fresh_path());
    config.storage_config.cache_capacity = 0;
    CHECK_THROWS_AS(std::invalid_argument, "cache_capacity", SessionManager{config});
    config = at(fresh_path());
    config.default_max_context_tokens = 0;
    CHECK_THROWS_AS(std::invalid_argument, "max_context_tokens", SessionManager{config});
    config = at(fresh_path());
    config.context_low_water_percent = 101;
    CHECK_THROWS_AS(std::invalid_argument, "context_low_water_percent", SessionManager{config});
    config = at(fresh_path());
    config.storage_config.session_ttl = std::chrono::hours{-1};
    CHECK_THROWS_AS(std::invalid_argument, "session_ttl", SessionManager{config});
}

void metadata_of_a_new_session_is_stored() {
    const auto path = fresh_path();
    std::string id;
    {
        ready manager(at(path));
        SessionManager::CreateOptions options;
        options.metadata = to_value(R"({"user":"kim","tags":["a","b"]})");
        id = manager.create_session(options);
    }
    ready manager(at(path));
    CHECK_EQUAL(field(manager.get_session(id)->get_metadata(), {"metadata", "user"}), "\"kim\"");
    CHECK_EQUAL(field(manager.list_sessions().front(), {"metadata", "user"}), "\"kim\"");
}

void a_session_of_a_manager_is_a_live_view() {
    const auto path = fresh_path();
    ready manager(at(path));
    manager.create_session(named("live", 50));
    const auto session = manager.get_session("live");
    session->add_message(Role::USER, "through the session", 3);
    CHECK(manager.add_message("live", Role::ASSISTANT, "through the manager", 4));
    CHECK_EQUAL(texts(session->get_conversation_history()), "through the session through the manager ");
    CHECK_EQUAL(texts(manager.get_conversation_history("live")), "through the session through the manager ");
    CHECK_EQUAL(session->get_total_tokens(), 7u);
    CHECK_EQUAL(manager.get_metrics().total_messages_processed, 2u);

    CHECK(manager.update_session_context_size("live", 60));
    CHECK_EQUAL(session->get_max_context_tokens(), 60u);
    const auto active = session->get_last_activity();
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
    session->touch();
    CHECK(session->get_last_activity() > active);

    const auto about = session->get_metadata();
    for (const auto* name : {"session_id", "created_at", "last_activity", "total_tokens", "context_tokens",
                             "max_context_tokens", "message_count", "context_message_count", "metadata"}) {
        CHECK(field(about, name) != "absent");
    }
    CHECK_EQUAL(field(about, "context_message_count"), "2");

    session->clear_history();
    CHECK(manager.get_conversation_history("live").empty());
    session->add_message(Role::USER, "kept", 1);
    manager.shutdown();
    CHECK_THROWS_AS(std::runtime_error, "", session->add_message(Role::USER, "too late", 1));
    ready again(at(path));
    CHECK_EQUAL(texts(again.get_conversation_history("live")), "kept ");
    again.delete_session("live");
}

void a_session_of_a_manager_takes_other_contents_but_no_other_id() {
    ready manager;
    manager.create_session(named("old"));
    const auto session = manager.get_session("old");
    session->from_json(to_value(exported));
    session->from_json(to_value(exported));
    CHECK_EQUAL(manager.get_conversation_history("old").size(), 3u);
    CHECK_EQUAL(session->get_max_context_tokens(), 50u);
    CHECK_EQUAL(field(session->get_metadata(), {"metadata", "user"}), "\"kim\"");

    manager.create_session(named("other"));
    const auto other = manager.get_session("other");
    other->add_message(Role::USER, "stays", 1);
    CHECK_THROWS_AS(std::invalid_argument, "keeps its id", other->from_json(to_value(exported)));
    CHECK_EQUAL(texts(other->get_conversation_history()), "stays ");
    session->from_json(Session("old").to_json());
    CHECK(manager.get_conversation_history("old").empty());
}

void json_that_does_not_fit_changes_nothing_of_a_stored_session() {
    for (const auto window : {0u, 77u}) {
        const auto path = fresh_path();
        {
            turnkeep::store store{path};
            turnkeep::session_options options;
            options.id = "old";
            options.max_bytes = 20;
            options.window_tokens = window;
            options.metadata = R"({ "user": "lee" })";
            store.create_session(options).append(turnkeep::role::user, "stays");
        }
        ready manager(at(path));
        const auto session = manager.get_session("old");
        CHECK_THROWS_AS(std::runtime_error, "20", session->from_json(to_value(exported)));
        CHECK_EQUAL(texts(session->get_conversation_history()), "stays ");
        CHECK_EQUAL(session->get_max_context_tokens(), window == 0 ? 8192u : window);
        CHECK_EQUAL(field(session->get_metadata(), {"metadata", "user"}), "\"lee\"");
    }
}

void a_stored_session_takes_other_contents_while_others_write() {
    ready manager;
    manager.create_session(named("old"));
    const auto session = manager.get_session("old");
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        while (!stop) {
            session->clear_history();
            session->add_message(Role::USER, "of somebody else", 1);
        }
    });
    std::string wrong;
    for (int round = 0; round < 300 && wrong.empty(); ++round) {
        try {
            session->from_json(to_value(exported));
            const auto now = texts(session->get_conversation_history());
            if (now.find("Hello!") != now.npos && now.find("Be ") != 0) wrong = "it has become: " + now;
        } catch (const std::runtime_error& why) {
            wrong = why.what();
        }
    }
    stop = true;
    writer.join();
    CHECK_EQUAL(wrong, "");
}

void the_same_session_is_handed_out_again_until_it_is_another() {
    auto config = at(fresh_path());
    config.storage_config.cache_capacity = 2;
    ready manager(config);
    for (const auto* id : {"a", "b", "c"}) manager.create_session(named(id));
    const auto first = manager.get_session("a");
    CHECK(manager.get_session("a") == first);
    // A host may read on from a session that only the manager holds.
    std::string read;
    manager.add_message("a", Role::USER, "read", 1);
    for (const auto& message : manager.get_session("a")->get_conversation_history()) read += message.content;
    CHECK_EQUAL(read, "read");
    manager.get_session("b");
    manager.get_session("c");
    CHECK(manager.get_session("a") != first);
    CHECK_EQUAL(first->get_conversation_history().size(), 1u);

    ready other(config);
    CHECK(other.delete_session("a"));
    CHECK(manager.get_session("a") == nullptr);
    CHECK_THROWS_AS(std::runtime_error, "", first->get_total_tokens());
    other.create_session(named("a"));
    CHECK(manager.get_session("a") != nullptr);
    CHECK_EQUAL(manager.get_session("a")->get_conversation_history().size(), 0u);
}

void half_a_character_is_refused_and_later_messages_are_kept() {
    const auto path = fresh_path();
    ready manager(at(path));
    manager.create_session(named("utf8"));
    const std::string split = "caf\xC3";
    CHECK_THROWS_AS(std::invalid_argument, "UTF-8", manager.add_message("utf8", Role::ASSISTANT, split, 1));
    CHECK_THROWS_AS(std::invalid_argument, "UTF-8", manager.get_session("utf8")->add_message(Role::USER, split, 1));
    CHECK_THROWS_AS(std::invalid_argument, "UTF-8", Session("own").add_message(Role::USER, split, 1));
    CHECK_THROWS_AS(std::invalid_argument, "empty", manager.add_message("utf8", Role::USER, "", 1));
    CHECK_THROWS_AS(std::invalid_argument, "role", manager.add_message("utf8", static_cast<Role>(7), "who?", 1));
    CHECK_THROWS_AS(std::invalid_argument, "token_count",
                    manager.add_message("utf8", Role::USER, "much", std::numeric_limits<std::size_t>::max()));
    CHECK(manager.add_message("utf8", Role::ASSISTANT, "caf\xC3\xA9", 2));
    CHECK(manager.add_message("utf8", Role::ASSISTANT, std::string{"a\0b", 3}, 2));
    CHECK_EQUAL(manager.get_metrics().total_messages_processed, 2u);
    manager.shutdown();
    ready again(at(path));
    CHECK_EQUAL(again.get_conversation_history("utf8").size(), 2u);
    CHECK_EQUAL(again.get_conversation_history("utf8")[1].content, (std::string{"a\0b", 3}));
}

void the_whole_history_is_kept_and_the_system_prompt_stays_in_the_context() {
    const auto path = fresh_path();
    ready manager(at(path));
    manager.create_session(named("long", 100));
    manager.add_message("long", Role::SYSTEM, "Be brief.", 10);
    for (int turn = 0; turn < 100; ++turn) {
        manager.add_message("long", Role::USER, "question " + std::to_string(turn), 10);
        manager.add_message("long", Role::ASSISTANT, "answer " + std::to_string(turn), 10);
    }
    const auto history = manager.get_conversation_history("long");
    CHECK_EQUAL(history.size(), 201u);
    CHECK_EQUAL(history.front().content, "Be brief.");
    const auto context = manager.get_context_messages("long");
    CHECK_EQUAL(context.front().content, "Be brief.");
    CHECK_EQUAL(context[1].content, "question 96");
    CHECK_EQUAL(context.size(), 9u);
    manager.shutdown();
    ready again(at(path));
    CHECK_EQUAL(again.get_conversation_history("long").size(), 201u);
    CHECK_EQUAL(again.get_session("long")->get_context_tokens(), 90u);
}

void the_context_is_the_newest_whole_turns_that_fit() {
    ready manager;
    manager.create_session(named("c", 10));
    for (const auto* text : {"first", "second", "third"}) manager.add_message("c", Role::USER, text, 5);
    CHECK_EQUAL(texts(manager.get_context_messages("c")), "second third ");
    CHECK(manager.update_session_context_size("c", 20));
    CHECK_EQUAL(texts(manager.get_context_messages("c")), "first second third ");
    CHECK_THROWS_AS(std::invalid_argument, "max_context_tokens is 0", manager.update_session_context_size("c", 0));
    manager.add_message("c", Role::ASSISTANT, "answer", 8);
    // Room for the answer to "third" and half a turn: no answer without its question.
    CHECK(manager.update_session_context_size("c", 14));
    CHECK_EQUAL(texts(manager.get_context_messages("c")), "third answer ");
    CHECK_EQUAL(manager.get_conversation_history("c").size(), 4u);

    auto config = at(fresh_path());
    config.context_low_water_percent = 50;
    ready calm(config);
    calm.create_session(named("c", 10));
    for (const auto* text : {"first", "second", "third"}) calm.add_message("c", Role::USER, text, 5);
    CHECK_EQUAL(texts(calm.get_context_messages("c")), "third ");
}

void a_context_too_small_for_the_last_message_is_empty() {
    ready manager;
    manager.create_session(named("tiny", 4));
    manager.add_message("tiny", Role::USER, "too long", 5);
    CHECK(manager.get_context_messages("tiny").empty());
    CHECK_EQUAL(manager.get_session("tiny")->get_context_tokens(), 0u);
    CHECK_EQUAL(field(manager.get_session("tiny")->get_metadata(), "context_message_count"), "0");
    CHECK_EQUAL(manager.get_conversation_history("tiny").size(), 1u);
}

void roles_of_other_hosts_are_read_as_the_three_that_there_are() {
    const auto path = fresh_path();
    {
        turnkeep::store store{path};
        auto session = store.create_session();
        turnkeep::new_message call, result;
        call.role = turnkeep::role::assistant;
        call.tool_calls = R"([{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}])";
        result.role = turnkeep::role::tool;
        result.tool_call_id = "1";
        result.content = "42";
        session.append(turnkeep::role::developer, "rules");
        session.append(turnkeep::role::user, "question");
        session.append_batch({call, result});
    }
    ready manager(at(path));
    const auto row = to_text(manager.list_sessions().front());
    const auto id = json_reader{row}.read().find("session_id")->text;
    const auto history = manager.get_conversation_history(id);
    CHECK(history[0].role == Role::SYSTEM && history[1].role == Role::USER);
    CHECK(history[2].role == Role::ASSISTANT && history[3].role == Role::ASSISTANT);
    CHECK_EQUAL(manager.get_session(id)->get_max_context_tokens(), 8192u);
}

void sessions_are_listed_in_every_order_a_page_at_a_time() {
    ready manager;
    for (const auto* id : {"b", "c", "a"}) {
        manager.create_session(named(id));
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    manager.add_message("c", Role::USER, "newest", 30);
    manager.add_message("b", Role::USER, "newer", 10);
    CHECK_EQUAL(ids(manager.list_sessions()), "\"b\" \"c\" \"a\" ");
    CHECK_EQUAL(ids(manager.list_sessions(0, 0, "created_at", true)), "\"b\" \"c\" \"a\" ");
    CHECK_EQUAL(ids(manager.list_sessions(0, 0, "session_id", true)), "\"a\" \"b\" \"c\" ");
    CHECK_EQUAL(ids(manager.list_sessions(0, 0, "session_id", false)), "\"c\" \"b\" \"a\" ");
    CHECK_EQUAL(ids(manager.list_sessions(0, 0, "total_tokens")), "\"c\" \"b\" \"a\" ");
    CHECK_EQUAL(ids(manager.list_sessions(2, 1, "session_id", true)), "\"b\" \"c\" ");
    CHECK_EQUAL(ids(manager.list_sessions(0, 2, "session_id", true)), "\"c\" ");
    CHECK_EQUAL(manager.list_sessions(5, 3).size(), 0u);
    CHECK_THROWS_AS(std::invalid_argument, "sort_by is \"colour\"", manager.list_sessions(0, 0, "colour"));
    for (int i = 0; i < 1005; ++i) manager.create_session();
    CHECK_EQUAL(manager.list_sessions().size(), 1008u);
    CHECK_EQUAL(manager.list_sessions(3, 1004).size(), 3u);
}

/* Files, failures, expiry */

void a_manager_does_nothing_before_initialize_and_after_shutdown() {
    const auto path = fresh_path();
    SessionManager manager(at(path));
    const auto does_nothing = [&] {
        CHECK_THROWS_AS(std::runtime_error, "initialize", manager.create_session());
        CHECK(manager.get_session("x") == nullptr);
        CHECK(!manager.delete_session("x"));
        CHECK(!manager.session_exists("x"));
        CHECK(!manager.add_message("x", Role::USER, "lost", 1));
        CHECK(manager.get_conversation_history("x").empty());
        CHECK(manager.list_sessions().empty());
        CHECK_EQUAL(manager.cleanup_expired_sessions(), 0u);
        CHECK_EQUAL(to_text(manager.get_statistics()), "null");
    };
    does_nothing();
    CHECK(!std::filesystem::exists(path));
    CHECK(manager.initialize());
    CHECK(manager.initialize());
    CHECK_EQUAL(manager.get_config().storage_config.db_path, path);
    manager.create_session(named("x"));
    manager.shutdown();
    manager.shutdown();
    does_nothing();
    CHECK(manager.initialize());
    CHECK(manager.session_exists("x"));
}

void a_locked_file_is_an_error_and_no_empty_list() {
    const auto path = fresh_path();
    { ready(at(path)).create_session(named("there")); }
    SessionManager manager(at(path));
    {
        turnkeep::store_options alone;
        alone.exclusive = true;
        const turnkeep::store other{path, alone};
        CHECK(!manager.initialize());
        CHECK_THROWS_AS(std::runtime_error, path, manager.list_sessions());
        CHECK_THROWS_AS(std::runtime_error, path, manager.get_session("there"));
        CHECK_THROWS_AS(std::runtime_error, path, manager.session_exists("there"));
        CHECK_THROWS_AS(std::runtime_error, path, manager.get_conversation_history("there"));
        CHECK_THROWS_AS(std::runtime_error, path, manager.create_session());
        CHECK_THROWS_AS(std::runtime_error, path, manager.get_statistics());
        CHECK(!manager.add_message("there", Role::USER, "not now", 1));
    }
    CHECK(manager.initialize());
    CHECK_EQUAL(manager.list_sessions().size(), 1u);
}

void a_file_that_is_no_store_is_refused_and_left_as_it_is() {
    const auto path = fresh_path();
    std::ofstream(path) << "These are no sessions.";
    SessionManager manager(at(path));
    CHECK_THROWS_AS(std::runtime_error, path, manager.initialize());
    std::ifstream file(path);
    CHECK_EQUAL((std::string{std::istreambuf_iterator<char>(file), {}}), "These are no sessions.");
}

/// A file as the Gemma.cpp session management itself writes it.
std::string old_database() {
    const auto path = fresh_path();
    const auto tests = std::filesystem::absolute(__FILE__).parent_path().parent_path();
    const auto script = (tests / "fixtures" / "ancestors" / "make_gemma.py").string();
    const auto command = "python3 \"" + script + "\" \"" + path + "\" --short";
    CHECK_EQUAL(std::system(command.c_str()), 0);
    return path;
}

void the_database_that_a_host_had_before_is_named_and_brought_over() {
    const auto old = old_database(), before = contents(old);
    SessionManager unchanged(at(old));
    CHECK_THROWS_AS(std::runtime_error, "import_database(\"" + old + "\")", unchanged.initialize());
    CHECK_THROWS_AS(std::runtime_error, "database of the Gemma.cpp session", unchanged.list_sessions());
    CHECK(contents(old) == before);

    events told;
    ready manager;
    manager.set_event_callback(told.listener());
    std::vector<std::string> problems;
    CHECK_EQUAL(manager.import_database(old, false, &problems), 4u);
    CHECK(told.all().find("session_imported ") == 0);
    CHECK(problems.size() >= 6);
    CHECK_EQUAL(texts(manager.get_conversation_history("full")),
                (std::string{"Be kind. a\0b '\" \xF0\x9F\x98\x80 Two. ", 26}));
    CHECK_EQUAL(manager.get_session("full")->get_max_context_tokens(), 4096u);
    manager.add_message("full", Role::USER, "said since", 1);
    CHECK_EQUAL(manager.import_database(old), 0u);
    CHECK_EQUAL(manager.get_conversation_history("full").size(), 4u);
    CHECK(contents(old) == before);

    SessionStorage storage(at(fresh_path()).storage_config);
    CHECK_EQUAL(storage.import_database(old), 0u); // not initialized
    CHECK(storage.initialize());
    CHECK_EQUAL(storage.import_database(old), 4u);
    CHECK_EQUAL(storage.import_database(old, true), 4u);
    problems.clear();
    CHECK_EQUAL(storage.import_database(old + ".missing", false, &problems), 0u);
    CHECK_EQUAL(problems.size(), 1u);
}

void two_managers_on_one_file_keep_what_both_were_told() {
    const auto path = fresh_path();
    ready one(at(path)), other(at(path));
    one.create_session(named("shared"));
    const auto here = one.get_session("shared"), there = other.get_session("shared");
    for (int i = 0; i < 20; ++i) {
        CHECK(one.add_message("shared", Role::USER, "one", 1));
        CHECK(other.add_message("shared", Role::ASSISTANT, "other", 1));
        CHECK_EQUAL(here->get_conversation_history().size(), there->get_conversation_history().size());
    }
    CHECK_EQUAL(one.get_conversation_history("shared").size(), 40u);
    CHECK_EQUAL(there->get_conversation_history().size(), 40u);
}

#ifdef __linux__
/// A disk that is full for whoever wants to make a file longer than that.
struct file_size_limit {
    explicit file_size_limit(std::uintmax_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        CHECK_EQUAL(getrlimit(RLIMIT_FSIZE, &before), 0);
        rlimit small = before;
        small.rlim_cur = bytes;
        CHECK_EQUAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;
    ~file_size_limit() { setrlimit(RLIMIT_FSIZE, &before); }

    rlimit before{};
};

void a_message_that_cannot_be_written_is_false_and_the_reason_is_told() {
    const auto path = fresh_path();
    events told;
    ready manager(at(path));
    manager.create_session(named("full"));
    manager.add_message("full", Role::USER, "fits", 1);
    manager.set_event_callback(told.listener());

    bool added = true;
    {
        const file_size_limit full(std::filesystem::file_size(path + "-wal"));
        added = manager.add_message("full", Role::USER, std::string(500000, 'x'), 1);
    }
    CHECK(!added);
    CHECK_EQUAL(told.all(), "storage_error ");
    CHECK_EQUAL(field(told.data.front(), "about"), "\"full\"");
    CHECK(manager.add_message("full", Role::USER, "again", 1));
    CHECK_EQUAL(texts(manager.get_conversation_history("full")), "fits again ");
}
#endif

/// A session whose time is over, which only a cleanup deletes.
void make_expired(const std::string& path, const char* id) {
    turnkeep::store store{path};
    turnkeep::session_options options;
    options.id = id;
    options.expires_after = std::chrono::milliseconds{1};
    store.create_session(options);
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
}

void sessions_are_only_cleaned_up_when_asked_to() {
    const auto path = fresh_path();
    make_expired(path, "over");
    auto config = at(path);
    CHECK(!config.storage_config.enable_auto_cleanup);
    config.storage_config.cleanup_interval = std::chrono::minutes{0};
    events told;
    ready manager(config);
    manager.create_session(named("young"));
    manager.get_session("young");
    manager.add_message("young", Role::USER, "still here", 1);
    CHECK(manager.session_exists("over"));

    manager.set_event_callback(told.listener());
    CHECK_EQUAL(manager.cleanup_expired_sessions(), 1u);
    CHECK_EQUAL(manager.cleanup_expired_sessions(), 0u);
    CHECK(!manager.session_exists("over"));
    CHECK(manager.session_exists("young"));
    CHECK_EQUAL(told.all(), "sessions_cleaned_up ");
    CHECK_EQUAL(field(told.data.front(), "count"), "1");
    CHECK_EQUAL(manager.get_metrics().total_sessions_deleted, 1u);
}

void sessions_are_cleaned_up_by_themselves_where_the_host_wants_it() {
    const auto path = fresh_path();
    auto config = at(path);
    config.storage_config.enable_auto_cleanup = true;
    ready manager(config);
    manager.create_session(named("young"));
    make_expired(path, "over");
    manager.get_session("young");
    CHECK(manager.session_exists("over")); // the interval of an hour is not over

    config.storage_config.cleanup_interval = std::chrono::minutes{0};
    config.storage_config.session_ttl = std::chrono::hours::max();
    events told;
    ready eager(config);
    eager.set_event_callback(told.listener());
    eager.get_session("young");
    CHECK(!eager.session_exists("over"));
    CHECK(eager.session_exists("young"));
    CHECK_EQUAL(told.all(), "sessions_cleaned_up session_accessed ");
}

/* Export and import */

void sessions_go_out_to_a_file_and_come_back_in() {
    const auto path = fresh_path() + ".json";
    events told;
    ready manager;
    manager.create_session(named("one", 500));
    manager.create_session(named("other"));
    manager.add_message("one", Role::SYSTEM, "Be \"brief\".", 3);
    manager.add_message("one", Role::USER, "\xC3\xA4\n\xF0\x9F\x98\x80", 2);
    const auto before = to_text(manager.get_session("one")->to_json());
    std::ofstream(path) << "an older export";
    CHECK(manager.export_sessions(path));
    const auto text = contents(path);
    const auto all = json_reader{text}.read();
    CHECK(all.kind == gemma::session::detail::json_value::kinds::array);
    CHECK_EQUAL(all.items.size(), 2u);

    manager.delete_session("one");
    manager.set_event_callback(told.listener());
    CHECK_EQUAL(manager.import_sessions(path), 1u);
    CHECK_EQUAL(to_text(manager.get_session("one")->to_json()), before);
    CHECK(told.all().find("session_imported session_import_problem ") == 0);
    CHECK_EQUAL(field(told.data.front(), "session_id"), "\"one\"");
    CHECK_EQUAL(field(told.data.front(), "overwrite"), "false");
    CHECK_EQUAL(Session(to_value(std::string{all.items[0].raw})).get_session_id(), "one");

    ready another;
    CHECK_EQUAL(another.import_sessions(path), 2u);
    CHECK_EQUAL(another.get_session("one")->get_max_context_tokens(), 500u);
    CHECK_EQUAL(to_text(another.get_session("one")->to_json()), before);
}

void only_sessions_that_were_named_and_are_there_go_out() {
    const auto path = fresh_path() + ".json";
    ready manager;
    for (const auto* id : {"a", "b", "c"}) manager.create_session(named(id));
    CHECK(manager.export_sessions(path, {"a", "c", "never"}));
    ready another;
    CHECK_EQUAL(another.import_sessions(path), 2u);
    CHECK(another.session_exists("a") && !another.session_exists("b") && another.session_exists("c"));
    const auto none = fresh_path() + ".json";
    CHECK(!manager.export_sessions(none, {"never"}));
    CHECK(!std::filesystem::exists(none));
}

void an_import_tells_what_it_did_not_take_in() {
    const auto path = fresh_path() + ".json";
    const std::string good =
        R"({"session_id":"good","max_context_tokens":50,"total_tokens":2,"created_at":1700000000000,
        "last_activity":1700000000000,"conversation_history":[
        {"role":0,"content":"imported","timestamp":1700000000000,"token_count":2}]})";
    auto wrong = good, there = good;
    wrong.replace(wrong.find("good"), 4, "wrong").replace(wrong.find("\"role\":0"), 8, "\"role\":9");
    there.replace(there.find("good"), 4, "there");
    std::ofstream(path) << '[' << wrong << ',' << good << ',' << there << ']';

    events told;
    ready manager;
    manager.create_session(named("there"));
    manager.add_message("there", Role::USER, "older", 1);
    const auto session = manager.get_session("there");
    manager.set_event_callback(told.listener());
    std::vector<std::string> problems;
    CHECK_EQUAL(manager.import_sessions(path, false, &problems), 1u);
    CHECK_EQUAL(problems.size(), 2u);
    CHECK(problems[0].find("role") != std::string::npos);
    CHECK_EQUAL(told.all(), "session_imported session_import_problem session_import_problem ");
    CHECK(!manager.session_exists("wrong"));
    CHECK_EQUAL(texts(manager.get_conversation_history("good")), "imported ");
    CHECK_EQUAL(texts(manager.get_conversation_history("there")), "older ");

    CHECK_EQUAL(manager.import_sessions(path, true), 2u);
    CHECK_EQUAL(texts(manager.get_conversation_history("there")), "imported ");
    CHECK_EQUAL(texts(manager.get_session("there")->get_conversation_history()), "imported ");
    CHECK_EQUAL(manager.list_sessions().size(), 2u);
}

void a_file_that_cannot_be_written_or_read_is_told_and_stays_as_it_was() {
    events told;
    ready manager;
    manager.create_session(named("s"));
    manager.set_event_callback(told.listener());
    const auto folder = fresh_path();
    CHECK(!manager.export_sessions(folder + "/missing/sessions.json"));
    std::filesystem::create_directory(folder);
    CHECK(!manager.export_sessions(folder));
    CHECK(std::filesystem::is_empty(folder));

    std::vector<std::string> problems;
    CHECK_EQUAL(manager.import_sessions(folder + "/missing.json", false, &problems), 0u);
    const auto broken = folder + "/broken.json";
    std::ofstream(broken) << R"([{"session_id":"half","conversation_history":[{"role":0,"cont)";
    CHECK_EQUAL(manager.import_sessions(broken, true, &problems), 0u);
    CHECK(problems.size() >= 2);
    CHECK(!manager.session_exists("half"));
    CHECK(told.names.size() >= 4);
    for (const auto& name : told.names) CHECK(name == "storage_error" || name == "session_import_problem");
}

#ifdef __linux__
void an_export_that_fails_leaves_the_older_file_whole() {
    const auto folder = fresh_path(), path = folder + "/sessions.json";
    std::filesystem::create_directory(folder);
    std::ofstream(path) << "an older export";
    ready manager;
    manager.create_session(named("s"));
    manager.add_message("s", Role::USER, std::string(100000, 'x'), 1);
    bool exported_whole = true;
    {
        const file_size_limit none(100);
        exported_whole = manager.export_sessions(path);
    }
    CHECK(!exported_whole);
    CHECK_EQUAL(contents(path), "an older export");
    CHECK_EQUAL(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
}
#endif

void a_session_older_than_its_time_stays_until_a_cleanup_is_asked_for() {
    const auto path = fresh_path(), file = path + ".json";
    std::ofstream(file) << '[' << exported << ']'; // of 2023
    {
        ready manager(at(path));
        CHECK_EQUAL(manager.import_sessions(file), 1u);
        manager.create_session(named("young"));
    }
    ready manager(at(path));
    CHECK(manager.get_session("old") != nullptr);
    CHECK_EQUAL(manager.list_sessions().size(), 2u);
    CHECK_EQUAL(manager.cleanup_expired_sessions(), 1u);
    CHECK(manager.get_session("old") == nullptr);
    CHECK(manager.session_exists("young"));

    SessionStorage::Config config;
    config.db_path = path;
    config.session_ttl = std::chrono::hours{0};
    SessionStorage storage(config);
    CHECK(storage.initialize());
    CHECK(storage.import_from_json(file));
    CHECK(!storage.import_from_json(file));
    CHECK(storage.import_from_json(file, true));
    CHECK(storage.export_to_json(file));
    CHECK_EQUAL(storage.cleanup_expired_sessions(), 0u);
    CHECK(storage.session_exists("old"));
}

/* Events, metrics, statistics */

void every_event_is_told_with_what_it_is_about() {
    events told;
    SessionManager manager(at(fresh_path()));
    manager.set_event_callback(told.listener());
    CHECK(manager.initialize());
    SessionManager::CreateOptions options = named("s", 100);
    options.metadata = to_value(R"({"user":"kim"})");
    manager.create_session(options);
    manager.get_session("s");
    manager.add_message("s", Role::ASSISTANT, "\xC3\xA4\xC3\xA4", 7);
    manager.update_session_context_size("s", 200);
    manager.clear_session_history("s");
    manager.delete_session("s");
    manager.delete_session("s");
    manager.reset_metrics();
    manager.shutdown();
    CHECK_EQUAL(told.all(),
                "manager_initialized session_created session_accessed message_added session_context_updated "
                "session_history_cleared session_deleted metrics_reset manager_shutdown ");
    for (const auto& data : told.data) CHECK(field(data, "timestamp") != "absent");
    for (std::size_t index = 1; index < 7; ++index) CHECK_EQUAL(field(told.data[index], "session_id"), "\"s\"");
    CHECK_EQUAL(field(told.data[1], "max_context_tokens"), "100");
    CHECK_EQUAL(field(told.data[1], {"metadata", "user"}), "\"kim\"");
    CHECK_EQUAL(field(told.data[3], "role"), "1");
    CHECK_EQUAL(field(told.data[3], "content_length"), "4");
    CHECK_EQUAL(field(told.data[3], "token_count"), "7");
    CHECK_EQUAL(field(told.data[4], "max_context_tokens"), "200");
}

void metrics_count_what_was_done_and_begin_anew_after_a_reset() {
    ready manager;
    const auto one = manager.create_session(), other = manager.create_session();
    manager.add_message(one, Role::USER, "1", 5);
    manager.add_message(one, Role::ASSISTANT, "2", 10);
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    manager.add_message(other, Role::USER, "3", 3);
    manager.delete_session(one);
    const auto metrics = manager.get_metrics();
    CHECK_EQUAL(metrics.total_sessions_created, 2u);
    CHECK_EQUAL(metrics.total_sessions_deleted, 1u);
    CHECK_EQUAL(metrics.total_messages_processed, 3u);
    CHECK_EQUAL(metrics.total_tokens_processed, 18u);
    CHECK_EQUAL(metrics.avg_tokens_per_session, 9.0);
    CHECK_EQUAL(metrics.avg_messages_per_session, 1.5);
    CHECK(metrics.avg_session_duration_minutes >= 0.02 / 60 && metrics.avg_session_duration_minutes < 1);

    manager.reset_metrics();
    CHECK_EQUAL(manager.get_metrics().total_sessions_created, 0u);
    CHECK_EQUAL(manager.get_metrics().total_tokens_processed, 0u);
    CHECK_EQUAL(manager.get_metrics().avg_tokens_per_session, 0.0);
    CHECK(manager.get_metrics().last_reset > metrics.last_reset);
    CHECK(manager.session_exists(other));
}

void averages_are_left_out_and_kept_for_a_while_as_the_settings_say() {
    auto config = at(fresh_path());
    config.enable_metrics = false;
    ready none(config);
    none.add_message(none.create_session(), Role::USER, "1", 5);
    CHECK_EQUAL(none.get_metrics().total_tokens_processed, 5u);
    CHECK_EQUAL(none.get_metrics().avg_tokens_per_session, 0.0);

    for (const auto interval : {0, 5}) {
        config = at(fresh_path());
        config.metrics_interval = std::chrono::minutes{interval};
        ready manager(config);
        const auto id = manager.create_session();
        const auto before = manager.get_metrics().avg_session_duration_minutes;
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
        manager.add_message(id, Role::USER, "later", 1);
        CHECK_EQUAL(manager.get_metrics().avg_session_duration_minutes > before, interval == 0);
    }
}

void statistics_tell_of_storage_metrics_and_settings() {
    auto config = at(fresh_path());
    config.storage_config.cache_capacity = 7;
    config.storage_config.session_ttl = std::chrono::hours{48};
    ready manager(config);
    manager.add_message(manager.create_session(), Role::USER, "counted", 5);
    const auto all = manager.get_statistics();
    CHECK_EQUAL(field(all, {"storage", "total_sessions"}), "1");
    CHECK_EQUAL(field(all, {"storage", "total_tokens"}), "5");
    CHECK_EQUAL(field(all, {"storage", "cache_size"}), "1");
    CHECK_EQUAL(field(all, {"storage", "cache_capacity"}), "7");
    CHECK_EQUAL(field(all, {"storage", "session_ttl_hours"}), "48");
    CHECK_EQUAL(field(all, {"storage", "auto_cleanup_enabled"}), "false");
    CHECK_EQUAL(field(all, {"metrics", "total_messages_processed"}), "1");
    CHECK(field(all, {"metrics", "avg_session_duration_minutes"}) != "absent");
    CHECK(field(all, {"metrics", "last_reset"}) != "absent");
    CHECK_EQUAL(field(all, {"config", "default_max_context_tokens"}), "8192");
    CHECK_EQUAL(field(all, {"config", "enable_metrics"}), "true");
    CHECK_EQUAL(field(all, {"config", "metrics_interval_minutes"}), "5");
}

void a_callback_may_call_everything_and_is_told_afterwards_what_that_caused() {
    events told;
    bool inside = false;
    ready manager;
    manager.set_event_callback([&](const std::string& name, const json& data) {
        CHECK(!inside);
        inside = true;
        told.listener()(name, data);
        if (name == "session_created") {
            const auto text = to_text(data);
            const auto id = json_reader{text}.read().find("session_id")->text;
            manager.add_message(id, Role::SYSTEM, "Be brief.", 3);
            manager.get_session(id)->add_message(Role::USER, "Hello!", 2);
            CHECK_EQUAL(manager.get_conversation_history(id).size(), 2u);
            CHECK_EQUAL(manager.get_context_messages(id).size(), 2u);
            CHECK_EQUAL(field(manager.get_statistics(), {"metrics", "total_messages_processed"}), "2");
            CHECK_EQUAL(manager.get_metrics().total_sessions_created, 1u);
            CHECK_EQUAL(manager.list_sessions().size(), 1u);
            manager.cleanup_expired_sessions();
            manager.reset_metrics();
            // A callback may even wait for somebody else who tells of something.
            std::thread([&] { manager.clear_session_history(id); }).join();
            manager.delete_session(id);
            manager.set_event_callback(told.listener());
            manager.shutdown();
            manager.initialize();
        }
        inside = false;
    });
    manager.create_session();
    CHECK_EQUAL(told.all(), "session_created message_added session_accessed message_added metrics_reset "
                            "session_history_cleared session_deleted manager_shutdown manager_initialized ");
}

void a_callback_that_throws_harms_nobody() {
    int called = 0;
    ready manager;
    manager.set_event_callback([&](const std::string&, const json&) {
        ++called;
        throw std::runtime_error("out of order");
    });
    const auto id = manager.create_session();
    CHECK(manager.add_message(id, Role::USER, "kept", 1));
    CHECK_EQUAL(called, 2);
    CHECK_EQUAL(manager.get_conversation_history(id).size(), 1u);
}

void a_callback_that_was_taken_away_is_not_called_any_more() {
    ready manager;
    const auto id = manager.create_session();
    std::atomic<bool> stop{false};
    std::thread writer([&] {
        while (!stop) manager.get_session(id);
    });
    for (int round = 0; round < 200; ++round) {
        auto here = std::make_unique<std::atomic<int>>(0);
        auto* const counter = here.get();
        manager.set_event_callback([counter](const std::string&, const json&) { counter->fetch_add(1); });
        std::this_thread::yield();
        manager.set_event_callback(nullptr);
        here.reset(); // a call that comes later would touch what is gone
    }
    stop = true;
    writer.join();
    CHECK(manager.session_exists(id));
}

/* Threads */

void eight_threads_use_one_session_and_a_callback_that_calls_back() {
    ready manager;
    manager.create_session(named("busy", 100));
    const auto session = manager.get_session("busy");
    std::size_t messages_told = 0; // no atomic: events come one at a time
    std::size_t answers = 0;
    manager.set_event_callback([&](const std::string& event, const json&) {
        if (event != "message_added") return;
        ++messages_told;
        answers += manager.get_session("busy")->get_context_messages().size();
        manager.get_statistics();
    });
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&, thread] {
            std::size_t seen = 0;
            for (int i = 0; i < 25; ++i) {
                if (thread % 2 == 0) session->add_message(Role::USER, "message", 2);
                else wrong += !manager.add_message("busy", Role::ASSISTANT, "message", 2);
                const auto& history = session->get_conversation_history();
                wrong += history.size() <= seen;
                seen = history.size();
                for (const auto& message : history) wrong += message.content != "message";
                wrong += session->get_context_tokens() > 100;
                wrong += manager.list_sessions().size() != 1;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    manager.set_event_callback(nullptr);
    CHECK_EQUAL(wrong, 0);
    CHECK_EQUAL(session->get_conversation_history().size(), 200u);
    CHECK_EQUAL(manager.get_metrics().total_messages_processed, 200u);
    CHECK_EQUAL(messages_told, 200u);
    CHECK(answers > 0);
}

void a_reference_to_a_history_stays_as_it_is_while_others_write() {
    ready manager;
    manager.create_session(named("read"));
    const auto session = manager.get_session("read");
    session->add_message(Role::USER, "first", 1);
    const auto& history = session->get_conversation_history();
    const auto& first = history.front();
    std::thread([&] {
        for (int i = 0; i < 50; ++i) {
            session->add_message(Role::USER, "later", 1);
            session->get_conversation_history();
        }
        session->clear_history();
        CHECK_EQUAL(session->get_conversation_history().size(), 0u);
    }).join();
    CHECK_EQUAL(history.size(), 1u);
    CHECK_EQUAL(first.content, "first");
    CHECK_EQUAL(session->get_conversation_history().size(), 0u);
}

void histories_that_no_thread_refers_to_any_more_are_given_back() {
    using histories = gemma::session::detail::given_histories;
    histories given;
    std::vector<std::weak_ptr<const std::deque<ConversationMessage>>> seen;
    const auto give = [&] {
        const histories::history newest = std::make_shared<const std::deque<ConversationMessage>>(1);
        seen.push_back(newest);
        return &given.give(newest);
    };
    const auto* const kept = give();
    for (int thread = 0; thread < 3; ++thread) std::thread(give).join();
    CHECK_EQUAL(kept->size(), 1u);
    CHECK(!seen[0].expired());
    CHECK(seen[1].expired() && seen[2].expired());
    give();
    CHECK(seen[0].expired() && seen[3].expired());
    CHECK(!seen[4].expired());
}

void a_thread_that_is_ending_may_still_read() {
    Session session("s");
    session.add_message(Role::USER, "last words", 1);
    static std::string read;
    std::thread([&] {
        struct late_reader {
            Session* from = nullptr;
            ~late_reader() { read = texts(from->get_conversation_history()); }
        };
        static thread_local late_reader reader;
        reader.from = &session; // made before the session knows this thread, so it ends later
        session.get_conversation_history();
    }).join();
    CHECK_EQUAL(read, "last words ");
}

void a_manager_is_shut_down_while_others_use_it() {
    ready manager;
    const auto id = manager.create_session();
    std::atomic<int> kept{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            while (manager.add_message(id, Role::USER, "message", 1)) ++kept;
        });
    }
    while (kept < 20) std::this_thread::yield();
    manager.shutdown();
    for (auto& thread : threads) thread.join();
    CHECK(manager.initialize());
    CHECK_EQUAL(manager.get_conversation_history(id).size(), static_cast<std::size_t>(kept));
}

/* The storage alone */

void a_storage_saves_loads_lists_and_deletes() {
    SessionStorage::Config config;
    config.db_path = fresh_path();
    {
        SessionStorage storage(config);
        CHECK(!storage.save_session(std::make_shared<Session>("early")));
        CHECK(storage.initialize());
        CHECK(!storage.save_session(nullptr));
        CHECK(storage.save_session(std::make_shared<Session>(to_value(exported))));
        const auto session = std::make_shared<Session>("s", 100);
        session->add_message(Role::USER, "one", 1);
        CHECK(storage.save_session(session));
        session->add_message(Role::ASSISTANT, "two", 2);
        session->set_max_context_tokens(200);
        CHECK(storage.save_session(session));
        const auto loaded = storage.load_session("s");
        loaded->add_message(Role::USER, "three", 3);
        CHECK(storage.save_session(loaded));
        CHECK_EQUAL(storage.get_config().db_path, config.db_path);
        CHECK_EQUAL(field(storage.get_statistics(), "total_messages"), "6");
        storage.close();
        CHECK(storage.load_session("s") == nullptr);
    }
    SessionStorage storage(config);
    CHECK(storage.initialize());
    CHECK_EQUAL(texts(storage.load_session("s")->get_conversation_history()), "one two three ");
    CHECK_EQUAL(storage.load_session("s")->get_max_context_tokens(), 200u);
    CHECK_EQUAL(texts(storage.load_session("old")->get_conversation_history()),
                "Be \"brief\".\n\xC3\xA4\xF0\x9F\x98\x80 Hello!  ");
    CHECK_EQUAL(storage.list_sessions().size(), 2u);
    CHECK_EQUAL(ids(storage.list_sessions(1, 0, "session_id", true)), "\"old\" ");
    CHECK(storage.session_exists("s"));
    CHECK(storage.delete_session("s"));
    CHECK(!storage.delete_session("s"));
    CHECK_EQUAL(storage.cleanup_expired_sessions(), 0u);
    CHECK_EQUAL(SessionStorage().get_config().db_path, "sessions.db");
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: gemma_session SCRATCH_DIRECTORY\n";
        return 2;
    }
    scratch = argv[1];
    return check::run({
        TEST(a_session_of_its_own_keeps_what_is_said),
        TEST(two_sessions_of_their_own_may_have_one_id),
        TEST(a_session_of_its_own_comes_back_from_its_json),
        TEST(json_that_is_no_session_is_refused_and_nothing_changes),
        TEST(json_text_is_read_strictly),
        TEST(a_message_goes_to_json_and_back),
        TEST(a_session_of_its_own_moves_and_who_was_moved_from_says_so),
        TEST(a_session_with_an_empty_id_or_no_room_is_refused),
        TEST(sessions_are_created_found_and_deleted_and_an_unknown_one_is_not),
        TEST(ids_that_a_manager_makes_are_valid_uuids),
        TEST(what_is_wrong_with_a_new_session_is_thrown),
        TEST(metadata_of_a_new_session_is_stored),
        TEST(a_session_of_a_manager_is_a_live_view),
        TEST(a_session_of_a_manager_takes_other_contents_but_no_other_id),
        TEST(json_that_does_not_fit_changes_nothing_of_a_stored_session),
        TEST(a_stored_session_takes_other_contents_while_others_write),
        TEST(the_same_session_is_handed_out_again_until_it_is_another),
        TEST(half_a_character_is_refused_and_later_messages_are_kept),
        TEST(the_whole_history_is_kept_and_the_system_prompt_stays_in_the_context),
        TEST(the_context_is_the_newest_whole_turns_that_fit),
        TEST(a_context_too_small_for_the_last_message_is_empty),
        TEST(roles_of_other_hosts_are_read_as_the_three_that_there_are),
        TEST(sessions_are_listed_in_every_order_a_page_at_a_time),
        TEST(a_manager_does_nothing_before_initialize_and_after_shutdown),
        TEST(a_locked_file_is_an_error_and_no_empty_list),
        TEST(a_file_that_is_no_store_is_refused_and_left_as_it_is),
        TEST(the_database_that_a_host_had_before_is_named_and_brought_over),
        TEST(two_managers_on_one_file_keep_what_both_were_told),
#ifdef __linux__
        TEST(a_message_that_cannot_be_written_is_false_and_the_reason_is_told),
#endif
        TEST(sessions_are_only_cleaned_up_when_asked_to),
        TEST(sessions_are_cleaned_up_by_themselves_where_the_host_wants_it),
        TEST(sessions_go_out_to_a_file_and_come_back_in),
        TEST(only_sessions_that_were_named_and_are_there_go_out),
        TEST(an_import_tells_what_it_did_not_take_in),
        TEST(a_file_that_cannot_be_written_or_read_is_told_and_stays_as_it_was),
#ifdef __linux__
        TEST(an_export_that_fails_leaves_the_older_file_whole),
#endif
        TEST(a_session_older_than_its_time_stays_until_a_cleanup_is_asked_for),
        TEST(every_event_is_told_with_what_it_is_about),
        TEST(metrics_count_what_was_done_and_begin_anew_after_a_reset),
        TEST(averages_are_left_out_and_kept_for_a_while_as_the_settings_say),
        TEST(statistics_tell_of_storage_metrics_and_settings),
        TEST(a_callback_may_call_everything_and_is_told_afterwards_what_that_caused),
        TEST(a_callback_that_throws_harms_nobody),
        TEST(a_callback_that_was_taken_away_is_not_called_any_more),
        TEST(eight_threads_use_one_session_and_a_callback_that_calls_back),
        TEST(a_reference_to_a_history_stays_as_it_is_while_others_write),
        TEST(histories_that_no_thread_refers_to_any_more_are_given_back),
        TEST(a_thread_that_is_ending_may_still_read),
        TEST(a_manager_is_shut_down_while_others_use_it),
        TEST(a_storage_saves_loads_lists_and_deletes),
    });
}

// Recorded conversations: what chat_host reads from a .jsonl file, one conversation a line.
//
//     {"id": "...", "messages": [{"role": "...", "content": "...", "tool_calls"?: [...], "tool_call_id"?: "...",
//      "name"?: "..."}, ...]}
//
// Other members are passed over. Everything is read and checked before the first message goes into a store.

#ifndef CHAT_HOST_RECORDING_HPP
#define CHAT_HOST_RECORDING_HPP

#include "../json_lines.hpp"

#include <turnkeep/turnkeep.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// What the user has to mend: an argument or an input file. The program then ends with 2.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Message {
    turnkeep::role role{};
    std::string content{};
    std::string tool_calls{};
    std::string tool_call_id{};
    std::string metadata{};

    /// The same message, as the store takes it.
    turnkeep::new_message to_append() const {
        turnkeep::new_message message;
        message.role = role;
        message.content = content;
        message.tool_calls = tool_calls;
        message.tool_call_id = tool_call_id;
        message.metadata = metadata;
        return message;
    }

    bool is_kept_as(const turnkeep::message& kept) const {
        return role == kept.role() && content == kept.content() && tool_calls == kept.tool_calls() &&
               tool_call_id == kept.tool_call_id() && metadata == kept.metadata();
    }
};

struct Conversation {
    std::string id;
    std::vector<Message> messages;
    /// Where it was read: "chats.jsonl:17".
    std::string where;
};

namespace detail {

inline turnkeep::role read_role(json::reader& in) {
    const auto at = in.position();
    const auto name = in.string();
    if (name == "system") return turnkeep::role::system;
    if (name == "user") return turnkeep::role::user;
    if (name == "assistant") return turnkeep::role::assistant;
    if (name == "tool") return turnkeep::role::tool;
    if (name == "developer") return turnkeep::role::developer;
    throw json::error{at, "the role is \"" + name + "\"; it must be system, user, assistant, tool or developer"};
}

/// The text of an array, byte for byte; an empty one is none.
inline std::string read_tool_calls(json::reader& in) {
    if (in.null()) return {};
    const auto start = in.position();
    bool is_empty = true;
    in.array([&] {
        in.raw();
        is_empty = false;
    });
    return is_empty ? std::string{} : std::string{in.since(start)};
}

inline Message read_message(json::reader& in) {
    Message message;
    bool has_content = false;
    const auto at = in.position();
    in.object([&](const std::string& key) {
        if (key == "role") {
            message.role = read_role(in);
        } else if (key == "content") {
            has_content = true;
            if (!in.null()) message.content = in.string();
        } else if (key == "tool_calls") {
            message.tool_calls = read_tool_calls(in);
        } else if (key == "tool_call_id") {
            if (!in.null()) message.tool_call_id = in.string();
        } else if (key == "name") {
            if (!in.null()) message.metadata = "{\"name\": " + std::string{in.raw()} + "}";
        } else {
            in.raw();
        }
    });
    if (message.role == turnkeep::role{}) throw json::error{at, "the message has no role"};
    if (!has_content && message.tool_calls.empty()) throw json::error{at, "the message has no content"};
    return message;
}

inline Conversation read_conversation(const std::string& line) {
    json::reader in{line};
    Conversation conversation;
    bool has_messages = false;
    in.object([&](const std::string& key) {
        if (key == "id") {
            conversation.id = in.string();
        } else if (key == "messages") {
            has_messages = true;
            in.array([&] { conversation.messages.push_back(read_message(in)); });
        } else {
            in.raw();
        }
    });
    in.end();
    if (conversation.id.empty()) throw json::error{0, "the conversation has no id"};
    if (!has_messages) throw json::error{0, "the conversation has no messages"};
    return conversation;
}

} // namespace detail

/// Reads a file of conversations. Throws UsageError with the number of the line that is wrong.
inline std::vector<Conversation> read_recording(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) throw UsageError{"cannot open " + path + ": " + std::strerror(errno)};
    std::vector<Conversation> conversations;
    std::map<std::string, std::string> places;
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        const auto where = path + ":" + std::to_string(++number);
        if (line.find_first_not_of(" \t\r") == line.npos) continue;
        try {
            auto conversation = detail::read_conversation(line);
            conversation.where = where;
            const auto [place, is_new] = places.emplace(conversation.id, where);
            if (!is_new) throw UsageError{where + ": the id '" + conversation.id + "' is that of " + place->second};
            conversations.push_back(std::move(conversation));
        } catch (const json::error& error) {
            throw UsageError{where + ": " + error.what()};
        }
    }
    if (file.bad()) throw UsageError{"cannot read " + path + ": " + std::strerror(errno)};
    return conversations;
}

#endif

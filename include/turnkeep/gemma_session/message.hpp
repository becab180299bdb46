/*
 * gemma::session::ConversationMessage, and how messages and sessions go to JSON, to the store, and back: see
 * gemma_session.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_MESSAGE_HPP
#define TURNKEEP_GEMMA_SESSION_MESSAGE_HPP

#include "../turnkeep.hpp"
#include "events.hpp"
#include "json.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace gemma::session {

/// Something that was said.
struct ConversationMessage {
    enum class Role { USER, ASSISTANT, SYSTEM };

    Role role = Role::USER;
    std::string content{};
    std::chrono::system_clock::time_point timestamp{};
    std::size_t token_count = 0;

    /// Writes {role, content, timestamp, token_count}.
    inline void to_json(json& out) const;

    /// Reads the same. Throws std::invalid_argument, and then nothing was changed.
    inline void from_json(const json& in);
};

namespace detail {

/// A session as the JSON of an export has it.
struct session_record {
    std::string id{};
    std::size_t max_context_tokens = 0;
    std::optional<system_time> created{};
    std::optional<system_time> active{};
    /// A JSON object; empty is none.
    std::string metadata{};
    std::vector<ConversationMessage> messages{};
};

inline system_time moment(std::int64_t milliseconds) {
    // As many as a clock of nanoseconds holds, and 9999-12-31 for one that holds more.
    constexpr auto clock_end =
        std::chrono::duration_cast<std::chrono::milliseconds>(system_time::duration::max()).count();
    constexpr auto end = std::min<std::int64_t>(clock_end, 253402300799999);
    if (milliseconds > end || milliseconds < -end) {
        throw std::invalid_argument("the time " + std::to_string(milliseconds) + " ms is out of range");
    }
    return system_time{std::chrono::milliseconds{milliseconds}};
}

inline std::string write(const ConversationMessage& message) {
    return object_writer{}
        .number("role", static_cast<int>(message.role))
        .text("content", message.content)
        .number("timestamp", milliseconds(message.timestamp))
        .number("token_count", message.token_count)
        .done();
}

inline ConversationMessage read_message(const json_value& value) {
    if (value.kind != json_value::kinds::object) throw std::invalid_argument("a message is not an object");
    ConversationMessage message;
    const auto role = integer<int>(value, "role");
    if (role < 0 || role > 2) {
        throw std::invalid_argument("\"role\" is " + std::to_string(role) +
                                    "; it must be 0 (user), 1 (assistant) or 2 (system)");
    }
    message.role = static_cast<ConversationMessage::Role>(role);
    message.content = member(value, "content", json_value::kinds::text).text;
    message.timestamp = moment(integer<std::int64_t>(value, "timestamp"));
    message.token_count = integer<std::size_t>(value, "token_count");
    return message;
}

inline session_record read_record(const json_value& value) {
    if (value.kind != json_value::kinds::object) throw std::invalid_argument("a session is not an object");
    session_record record;
    record.id = member(value, "session_id", json_value::kinds::text).text;
    if (record.id.empty()) throw std::invalid_argument("\"session_id\" is empty");
    record.max_context_tokens = integer<std::size_t>(value, "max_context_tokens");
    if (record.max_context_tokens == 0) throw std::invalid_argument("\"max_context_tokens\" is 0");
    record.created = moment(integer<std::int64_t>(value, "created_at"));
    record.active = moment(integer<std::int64_t>(value, "last_activity"));
    // What has been trimmed away is in this sum, and in no message: it is checked, and the messages are summed anew.
    (void)integer<std::uint64_t>(value, "total_tokens");
    if (value.find("metadata")) record.metadata = member(value, "metadata", json_value::kinds::object).raw;
    if (!value.find("conversation_history")) return record;
    for (const auto& item : member(value, "conversation_history", json_value::kinds::array).items) {
        try {
            record.messages.push_back(read_message(item));
        } catch (const std::invalid_argument& why) {
            throw std::invalid_argument("message " + std::to_string(record.messages.size() + 1) + " of session '" +
                                        record.id + "': " + why.what());
        }
    }
    return record;
}

/// A window's size as a store takes it: who gives more means any size.
inline std::uint64_t window_tokens(std::size_t wanted) {
    if (wanted == 0) throw std::invalid_argument("max_context_tokens is 0; it must be at least 1");
    return std::min<std::uint64_t>(wanted, std::numeric_limits<std::int64_t>::max() / 2);
}

inline turnkeep::role stored_role(ConversationMessage::Role role) {
    switch (role) {
    case ConversationMessage::Role::USER: return turnkeep::role::user;
    case ConversationMessage::Role::ASSISTANT: return turnkeep::role::assistant;
    case ConversationMessage::Role::SYSTEM: return turnkeep::role::system;
    }
    throw std::invalid_argument("the role " + std::to_string(static_cast<int>(role)) +
                                " is none of USER, ASSISTANT and SYSTEM");
}

/// Other hosts of the store know more roles, which are read as an export writes them.
inline ConversationMessage::Role role_of(turnkeep::role role) noexcept {
    switch (role) {
    case turnkeep::role::assistant:
    case turnkeep::role::tool: return ConversationMessage::Role::ASSISTANT;
    case turnkeep::role::system:
    case turnkeep::role::developer: return ConversationMessage::Role::SYSTEM;
    case turnkeep::role::user: break;
    }
    return ConversationMessage::Role::USER;
}

inline ConversationMessage read(const turnkeep::message& message) {
    return {role_of(message.role()), std::string{message.content()}, message.created(), message.tokens()};
}

template <typename Container, typename Messages>
Container read_all(const Messages& messages) {
    Container all;
    for (const auto& message : messages) all.push_back(read(message));
    return all;
}

/// A view of a message, as a store takes it.
inline turnkeep::new_message to_store(const ConversationMessage& message, bool keeps_time) {
    if (message.token_count > std::numeric_limits<std::int32_t>::max()) {
        throw std::invalid_argument("token_count is " + std::to_string(message.token_count) +
                                    "; it must be at most 2 147 483 647");
    }
    turnkeep::new_message wanted;
    wanted.role = stored_role(message.role);
    wanted.content = message.content;
    wanted.tokens = message.token_count == 0 ? turnkeep::tokens_none : static_cast<std::int64_t>(message.token_count);
    if (keeps_time) {
        wanted.created = std::chrono::time_point_cast<turnkeep::time_point::duration>(message.timestamp);
        // The epoch itself means now.
        if (wanted.created == turnkeep::time_point{}) wanted.created += std::chrono::microseconds{1};
    }
    return wanted;
}

inline std::vector<turnkeep::new_message> to_store(const std::vector<ConversationMessage>& messages) {
    std::vector<turnkeep::new_message> wanted;
    wanted.reserve(messages.size());
    for (const auto& message : messages) wanted.push_back(to_store(message, true));
    return wanted;
}

} // namespace detail

inline void ConversationMessage::to_json(json& out) const { out = detail::to_value(detail::write(*this)); }

inline void ConversationMessage::from_json(const json& in) {
    const auto text = detail::to_text(in);
    *this = detail::read_message(detail::json_reader{text}.read());
}

} // namespace gemma::session

#endif

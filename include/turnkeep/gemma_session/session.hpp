/*
 * gemma::session::ConversationMessage and Session: see gemma_session.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_SESSION_HPP
#define TURNKEEP_GEMMA_SESSION_SESSION_HPP

#include "../turnkeep.hpp"
#include "events.hpp"
#include "json.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
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

/// What a store says to be wrong with an argument is an std::invalid_argument; everything else stays a runtime_error.
template <typename Call>
decltype(auto) checked(Call&& call) {
    try {
        return call();
    } catch (const turnkeep::error& why) {
        if (why.status() != turnkeep::status::invalid && why.status() != turnkeep::status::encoding) throw;
        throw std::invalid_argument(why.what());
    }
}

/// The store in memory of the sessions that belong to no manager: there while one of them is.
inline std::shared_ptr<turnkeep::store> scratch_store() {
    static std::mutex lock;
    static std::weak_ptr<turnkeep::store> last;
    const std::lock_guard hold{lock};
    auto store = last.lock();
    if (!store) {
        turnkeep::store_options options;
        options.no_search = true;
        last = store = std::make_shared<turnkeep::store>(":memory:", options);
    }
    return store;
}

} // namespace detail

inline void ConversationMessage::to_json(json& out) const { out = detail::to_value(detail::write(*this)); }

inline void ConversationMessage::from_json(const json& in) {
    const auto text = detail::to_text(in);
    *this = detail::read_message(detail::json_reader{text}.read());
}

/// One conversation. One that a manager gave is a view of what is stored: it sees every change, whoever made it, and every
/// change through it is stored when the call returns. One that was constructed belongs to nobody, and ends with its object.
///
/// Threads: any number at once, but for a move, and for from_json without a manager. What is wrong with an argument throws std::invalid_argument, everything else
/// std::runtime_error, also that the session was deleted; then nothing was changed.
class Session {
public:
    explicit Session(const std::string& session_id, std::size_t max_context_tokens = 8192)
        : body_(std::make_unique<body>()) {
        if (session_id.empty()) throw std::invalid_argument("the id of a session is empty");
        detail::session_record record;
        record.id = session_id;
        record.max_context_tokens = max_context_tokens;
        take(record);
    }

    /// The same. A text in quotes could be JSON otherwise.
    explicit Session(const char* session_id, std::size_t max_context_tokens = 8192)
        : Session(std::string{session_id}, max_context_tokens) {}

    /// From what to_json wrote.
    explicit Session(const json& json_data) : body_(std::make_unique<body>()) { from_json(json_data); }

    Session(Session&&) = default;
    Session& operator=(Session&&) = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() = default;

    void add_message(ConversationMessage::Role role, const std::string& content, std::size_t token_count) {
        auto& own = self();
        if (content.empty()) throw std::invalid_argument("the content of a message is empty; nothing was appended");
        const ConversationMessage message{role, content, {}, token_count};
        detail::checked([&] { own.stored.append(detail::to_store(message, false)); });
        own.changed();
        if (!own.told) return;
        own.told->messages += 1;
        own.told->tokens += token_count;
        own.told->events.tell("message_added", [&](detail::object_writer& said) {
            said.text("session_id", own.id).number("role", static_cast<int>(role));
            said.number("content_length", content.size()).number("token_count", token_count);
        });
    }

    /// All messages. What it refers to stays as it is until the same thread calls this function of the same object again.
    const std::deque<ConversationMessage>& get_conversation_history() const {
        auto& own = self();
        const auto revision = own.stored.describe().revision();
        const std::lock_guard hold{own.lock};
        if (!own.newest || own.newest_revision < revision) {
            own.newest = std::make_shared<const std::deque<ConversationMessage>>(
                detail::read_all<std::deque<ConversationMessage>>(own.stored.history()));
            own.newest_revision = revision;
        }
        auto& held = own.held[std::this_thread::get_id()];
        held = own.newest;
        return *held;
    }

    /// What is pinned, as a system prompt at the head is, and the newest whole turns that fit; empty if not even the last
    /// message does.
    std::vector<ConversationMessage> get_context_messages() const {
        return detail::read_all<std::vector<ConversationMessage>>(window());
    }

    const std::string& get_session_id() const { return self().id; }
    std::size_t get_total_tokens() const { return static_cast<std::size_t>(self().stored.describe().total_tokens()); }
    std::size_t get_context_tokens() const { return static_cast<std::size_t>(window().report().tokens); }

    std::chrono::system_clock::time_point get_created_at() const { return self().created_at(self().stored.describe()); }

    /// When it was changed last.
    std::chrono::system_clock::time_point get_last_activity() const {
        return self().last_activity(self().stored.describe());
    }

    void touch() {
        self().stored.update({});
        self().changed();
    }

    void clear_history() {
        auto& own = self();
        own.stored.clear();
        own.changed();
        if (own.told) own.told->tell_of_session("session_history_cleared", own.id);
    }

    void set_max_context_tokens(std::size_t max_tokens) {
        auto& own = self();
        turnkeep::session_changes changes;
        changes.window_tokens = detail::window_tokens(max_tokens);
        detail::checked([&] { own.stored.update(changes); });
        own.changed();
        if (!own.told) return;
        own.told->events.tell("session_context_updated", [&](detail::object_writer& said) {
            said.text("session_id", own.id).number("max_context_tokens", max_tokens);
        });
    }

    std::size_t get_max_context_tokens() const { return self().window_size(self().stored.describe()); }

    /// Writes {session_id, max_context_tokens, total_tokens, created_at, last_activity, conversation_history}, and metadata
    /// if it has some.
    json to_json() const { return detail::to_value(write()); }

    /// Becomes what to_json wrote, or throws and stays as it is. A session of a manager keeps its id, which must be the
    /// same, and the time of its creation.
    void from_json(const json& json_data) {
        const auto text = detail::to_text(json_data);
        take(detail::read_record(detail::json_reader{text}.read()));
    }

    /// {session_id, created_at, last_activity, total_tokens, context_tokens, max_context_tokens, message_count,
    /// context_message_count, metadata}; the last is what it was created with.
    json get_metadata() const {
        const auto& own = self();
        const auto info = own.stored.describe();
        const auto context = window();
        auto about = own.describe(info);
        about.number("context_tokens", context.report().tokens).number("context_message_count", context.size());
        return detail::to_value(about.done());
    }

private:
    friend class SessionManager;
    friend class SessionStorage;

    struct body {
        body() = default;
        body(std::shared_ptr<detail::ledger> ledger, turnkeep::session session)
            : told(std::move(ledger)), stored(std::move(session)), id(stored.id()) {}
        body(const body&) = delete;
        body& operator=(const body&) = delete;
        ~body() { leave_scratch(); }

        void leave_scratch() noexcept {
            if (!scratch) return;
            try {
                scratch->delete_session(stored.id());
            } catch (...) {
                // It ends with the store in memory at the latest.
            }
        }

        void changed() {
            const std::lock_guard hold{lock};
            active.reset();
        }

        detail::system_time created_at(const turnkeep::session_info& info) const {
            const std::lock_guard hold{lock};
            return created.value_or(info.created());
        }

        detail::system_time last_activity(const turnkeep::session_info& info) const {
            const std::lock_guard hold{lock};
            return active.value_or(info.updated());
        }

        std::size_t window_size(const turnkeep::session_info& info) const {
            if (info.window_tokens() != 0) return static_cast<std::size_t>(info.window_tokens());
            return told ? told->default_window : 8192;
        }

        detail::object_writer describe(const turnkeep::session_info& info) const {
            detail::object_writer about;
            about.text("session_id", id);
            about.number("created_at", detail::milliseconds(created_at(info)));
            about.number("last_activity", detail::milliseconds(last_activity(info)));
            about.number("total_tokens", info.total_tokens()).number("max_context_tokens", window_size(info));
            about.number("message_count", info.message_count()).value("metadata", info.metadata());
            return about;
        }

        /// Of its manager; none if it has none.
        std::shared_ptr<detail::ledger> told;
        turnkeep::session stored{nullptr};
        std::string id;
        /// Where it is stored if it has no manager.
        std::shared_ptr<turnkeep::store> scratch;
        mutable std::mutex lock; // of all that follows
        /// Told by JSON, where the store knows another time.
        std::optional<detail::system_time> created;
        std::optional<detail::system_time> active;
        std::shared_ptr<const std::deque<ConversationMessage>> newest;
        std::uint64_t newest_revision = 0;
        /// What each thread was given last: it may still read it while others get newer ones.
        std::map<std::thread::id, std::shared_ptr<const std::deque<ConversationMessage>>> held;
    };

    Session(std::shared_ptr<detail::ledger> ledger, turnkeep::session session)
        : body_(std::make_unique<body>(std::move(ledger), std::move(session))) {}

    body& self() const {
        if (!body_) throw std::runtime_error("this gemma::session::Session was moved from");
        return *body_;
    }

    turnkeep::window window() const {
        turnkeep::window_options options;
        options.low_water_percent = self().told ? self().told->low_water_percent : 100;
        try {
            return self().stored.window(options);
        } catch (const turnkeep::error& why) {
            if (why.status() != turnkeep::status::too_large) throw;
            return {};
        }
    }

    /// As an export has it.
    std::string write() const {
        const auto& own = self();
        const auto info = own.stored.describe();
        std::string messages = "[";
        std::uint64_t tokens = 0;
        for (const auto& message : own.stored.history()) {
            if (messages.size() > 1) messages += ',';
            messages += detail::write(detail::read(message));
            tokens += message.tokens();
        }
        detail::object_writer all;
        all.text("session_id", own.id).number("max_context_tokens", own.window_size(info));
        all.number("total_tokens", tokens);
        all.number("created_at", detail::milliseconds(own.created_at(info)));
        all.number("last_activity", detail::milliseconds(own.last_activity(info)));
        if (info.metadata() != "{}") all.value("metadata", info.metadata());
        return all.value("conversation_history", messages + ']').done();
    }

    void take(const detail::session_record& record) {
        detail::checked([&] {
            if (self().told) replace(record);
            else become(record);
        });
    }

    /// Without a manager: a new session in the store in memory, in place of the one before.
    void become(const detail::session_record& record) {
        auto next = std::make_unique<body>();
        turnkeep::session_options options;
        options.window_tokens = detail::window_tokens(record.max_context_tokens);
        options.metadata = record.metadata;
        auto scratch = detail::scratch_store();
        next->stored = scratch->create_session(options, detail::to_store(record.messages));
        next->scratch = std::move(scratch);
        next->id = record.id;
        next->created = record.created;
        next->active = record.active;
        body_ = std::move(next);
    }

    /// With a manager: other contents of the session that is stored.
    void replace(const detail::session_record& record) {
        auto& own = self();
        if (record.id != own.id) {
            throw std::invalid_argument("session '" + own.id + "' cannot become session '" + record.id +
                                        "': a session of a manager keeps its id");
        }
        const auto messages = detail::to_store(record.messages);
        turnkeep::session_changes changes;
        changes.window_tokens = detail::window_tokens(record.max_context_tokens);
        if (!record.metadata.empty()) changes.metadata = record.metadata;
        // First what may still be refused.
        own.stored.update(changes);
        if (own.stored.describe().head_seq() != 0 && !messages.empty()) {
            own.stored.replace(1, messages);
        } else if (!messages.empty()) {
            own.stored.append_batch(messages);
        } else {
            own.stored.clear();
        }
    }

    std::unique_ptr<body> body_;
};

} // namespace gemma::session

#endif

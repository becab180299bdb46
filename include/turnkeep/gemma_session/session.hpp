/*
 * gemma::session::Session: see gemma_session.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_SESSION_HPP
#define TURNKEEP_GEMMA_SESSION_SESSION_HPP

#include "../turnkeep.hpp"
#include "events.hpp"
#include "json.hpp"
#include "message.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace gemma::session {

namespace detail {

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

/// True when a thread has ended.
using thread_end = std::shared_ptr<const std::atomic<bool>>;

/// Of the calling thread. One whose thread-local objects are gone already has one that never comes true.
inline thread_end this_thread_end() {
    static thread_local bool is_ending = false;
    struct life {
        std::shared_ptr<std::atomic<bool>> has_ended = std::make_shared<std::atomic<bool>>(false);
        life() = default;
        life(const life&) = delete;
        life& operator=(const life&) = delete;
        ~life() {
            is_ending = true;
            // What the thread has read, it read before.
            has_ended->store(true, std::memory_order_release);
        }
    };
    if (is_ending) {
        static const auto* const never = new thread_end(std::make_shared<const std::atomic<bool>>(false));
        return *never;
    }
    static thread_local const life here;
    return here.has_ended;
}

/// What each thread was given last: it may read on in it while others are given newer ones, and until it ends.
class given_histories {
public:
    using history = std::shared_ptr<const std::deque<ConversationMessage>>;

    const std::deque<ConversationMessage>& give(const history& newest) {
        for (auto entry = given_.begin(); entry != given_.end();) {
            const bool has_ended = entry->first->load(std::memory_order_acquire);
            entry = has_ended ? given_.erase(entry) : std::next(entry);
        }
        return *(given_[this_thread_end()] = newest);
    }

private:
    std::map<thread_end, history> given_;
};

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

/// One conversation. One that a manager gave is a view of what is stored: it sees every change, whoever made it, and every
/// change through it is stored when the call returns. One that was constructed belongs to nobody, and ends with its object.
///
/// Threads: any number at once, but for a move, and for from_json without a manager. What is wrong with an argument throws
/// std::invalid_argument, everything else std::runtime_error, also that the session was deleted; then nothing was changed.
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

    /// All messages. What it refers to stays as it is until the same thread calls this function of the same object again, or
    /// ends.
    const std::deque<ConversationMessage>& get_conversation_history() const {
        auto& own = self();
        const auto revision = own.stored.describe().revision();
        const std::lock_guard hold{own.lock};
        if (!own.newest || own.newest_revision < revision) {
            own.newest = std::make_shared<const std::deque<ConversationMessage>>(
                detail::read_all<std::deque<ConversationMessage>>(own.stored.history()));
            own.newest_revision = revision;
        }
        return own.given.give(own.newest);
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
    /// same, the time of its creation, and its metadata where the JSON has none.
    ///
    /// There the messages are exchanged at once, all of them, also while others append; window and metadata just before.
    /// If the messages are refused these two are set back, and only the time of the last change is another one. Where even
    /// that fails the exception says so; a crash in between leaves the new two with the old messages, too.
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
        detail::given_histories given;
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
        const auto before = own.stored.describe();
        own.stored.update(changes);
        try {
            exchange(messages);
        } catch (const turnkeep::error& why) {
            set_back(before, changes, why);
            throw;
        }
    }

    /// These messages in place of all that are there: those that somebody appends meanwhile go with them, or come behind.
    void exchange(const std::vector<turnkeep::new_message>& messages) {
        auto& stored = self().stored;
        if (messages.empty()) {
            stored.clear();
            return;
        }
        for (int tries = 1;; ++tries) {
            const auto info = stored.describe();
            const bool has_messages = info.head_seq() != 0;
            turnkeep::append_options options;
            options.expected_revision = info.revision();
            try {
                if (has_messages) stored.replace(1, messages);
                else stored.append_batch(messages, options);
                return;
            } catch (const turnkeep::error& why) {
                // Somebody took the first one away, or appended one: look again.
                const auto passed_by = has_messages ? turnkeep::status::not_found : turnkeep::status::conflict;
                if (why.status() != passed_by || tries == 1000) throw;
            }
        }
    }

    /// Window and metadata as they were, unless somebody else has changed them since. Throws if that fails.
    void set_back(const turnkeep::session_info& before, const turnkeep::session_changes& made,
                  const turnkeep::error& why) {
        auto& stored = self().stored;
        try {
            for (int tries = 1;; ++tries) {
                const auto now = stored.describe();
                turnkeep::session_changes back;
                back.expected_revision = now.revision();
                if (now.window_tokens() == made.window_tokens) {
                    const auto window = before.window_tokens();
                    back.window_tokens = window != 0 ? window : turnkeep::window_of_store;
                }
                if (made.metadata && now.metadata() == *made.metadata) back.metadata = before.metadata();
                try {
                    stored.update(back);
                    return;
                } catch (const turnkeep::error& again) {
                    if (again.status() != turnkeep::status::conflict || tries == 1000) throw;
                }
            }
        } catch (const turnkeep::error& also) {
            throw turnkeep::error{why.status(), std::string{why.what()} +
                                                    "; its window and metadata are those of the JSON already, and "
                                                    "could not be set back: " +
                                                    also.what()};
        }
    }

    std::unique_ptr<body> body_;
};

} // namespace gemma::session

#endif

/*
 * gemma::session::SessionManager: see gemma_session.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_MANAGER_HPP
#define TURNKEEP_GEMMA_SESSION_MANAGER_HPP

#include "storage.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace gemma::session {

/// Sessions by their ids, with metrics and events, over one SessionStorage, whose comment says what calls answer when they
/// cannot do what they should. Threads: any number at once.
///
/// Events come after what they tell of was stored, one at a time, on a thread that is using the manager, with no lock held:
/// the callback may call anything here. What true and false cannot say is told as the event "storage_error", {operation,
/// about, error}.
class SessionManager {
public:
    struct Config {
        SessionStorage::Config storage_config{};
        std::size_t default_max_context_tokens = 8192;
        /// Whether get_metrics answers averages.
        bool enable_metrics = true;
        /// How old avg_session_duration_minutes may be: it looks at every session.
        std::chrono::minutes metrics_interval{5};
        /// How full the window is after something has left it, in percent. 100 drops a turn each turn; less keeps its
        /// beginning the same for many turns, and with it an engine's KV cache.
        std::uint32_t context_low_water_percent = 100;
    };

    struct CreateOptions {
        /// 1 to 255 bytes without control characters; empty makes a UUID.
        std::string session_id{};
        /// 0 is the manager's.
        std::size_t max_context_tokens = 0;
        /// An object, or null.
        json metadata{};
    };

    struct Metrics {
        std::size_t total_sessions_created = 0;
        std::size_t total_sessions_deleted = 0;
        std::size_t total_messages_processed = 0;
        std::size_t total_tokens_processed = 0;
        std::chrono::system_clock::time_point last_reset{};
        /// From creation to the last change, of all sessions in the file.
        double avg_session_duration_minutes = 0.0;
        double avg_tokens_per_session = 0.0;
        double avg_messages_per_session = 0.0;
    };

    using EventCallback = std::function<void(const std::string& event, const json& data)>;

    SessionManager() : SessionManager(Config{}) {}
    explicit SessionManager(const Config& config)
        : config_(config), ledger_(make_ledger(config)), storage_(config.storage_config, ledger_) {}

    SessionManager(const SessionManager&) = delete;
    SessionManager& operator=(const SessionManager&) = delete;
    ~SessionManager() {
        try {
            shutdown();
            ledger_->events.set(nullptr);
        } catch (...) {
            // A destructor has nobody to tell; what was acknowledged is on the disk.
        }
    }

    /// False if the file cannot be opened now; throws std::runtime_error if it is no store. True also if it is open already.
    bool initialize() {
        {
            const std::lock_guard one_at_a_time{open_lock_};
            if (open_) return true;
            if (!storage_.initialize()) return false;
            open_ = true;
        }
        ledger_->events.tell("manager_initialized", [](detail::object_writer&) {});
        return true;
    }

    std::string create_session() { return create_session(CreateOptions{}); }

    std::string create_session(const CreateOptions& options) {
        detail::session_record record;
        record.id = options.session_id;
        const auto window = options.max_context_tokens;
        record.max_context_tokens = window != 0 ? window : config_.default_max_context_tokens;
        const auto metadata = detail::to_text(options.metadata);
        if (metadata != "null") record.metadata = metadata;
        const auto id = storage_.create_new(record);
        ledger_->sessions_created += 1;
        ledger_->events.tell("session_created", [&](detail::object_writer& said) {
            said.text("session_id", id).number("max_context_tokens", record.max_context_tokens);
            said.value("metadata", metadata);
        });
        return id;
    }

    /// Null if there is none.
    std::shared_ptr<Session> get_session(const std::string& session_id) {
        auto session = storage_.load_session(session_id);
        if (session) ledger_->tell_of_session("session_accessed", session_id);
        return session;
    }

    bool delete_session(const std::string& session_id) {
        const bool deleted = storage_.delete_session(session_id);
        if (deleted) ledger_->tell_of_session("session_deleted", session_id);
        return deleted;
    }

    bool session_exists(const std::string& session_id) { return storage_.session_exists(session_id); }

    /// Throws std::invalid_argument for a content that is empty or not UTF-8, as one that ends amid a character is: nothing
    /// is appended then, and the session goes on.
    bool add_message(const std::string& session_id, ConversationMessage::Role role, const std::string& content,
                     std::size_t token_count) {
        return storage_.with_session("add a message", session_id,
                                     [&](Session& session) { session.add_message(role, content, token_count); });
    }

    std::vector<ConversationMessage> get_conversation_history(const std::string& session_id) {
        const auto session = storage_.find_one(session_id);
        if (!session) return {};
        return detail::read_all<std::vector<ConversationMessage>>(session->self().stored.history());
    }

    std::vector<ConversationMessage> get_context_messages(const std::string& session_id) {
        const auto session = storage_.find_one(session_id);
        return session ? session->get_context_messages() : std::vector<ConversationMessage>{};
    }

    bool clear_session_history(const std::string& session_id) {
        return storage_.with_session("clear a session", session_id, [](Session& session) { session.clear_history(); });
    }

    bool update_session_context_size(const std::string& session_id, std::size_t max_context_tokens) {
        return storage_.with_session("change a window", session_id,
                                     [&](Session& session) { session.set_max_context_tokens(max_context_tokens); });
    }

    /// See SessionStorage::list_sessions. A limit of 0 is none.
    std::vector<json> list_sessions(std::size_t limit = 0, std::size_t offset = 0,
                                    const std::string& sort_by = "last_activity", bool ascending = false) {
        return storage_.list_sessions(limit, offset, sort_by, ascending);
    }

    /// Writes all sessions, or those with these ids that are there, as one JSON array: beside the file that is there, which
    /// it then replaces.
    bool export_sessions(const std::string& file_path, const std::vector<std::string>& session_ids = {}) {
        return storage_.export_some(file_path, session_ids);
    }

    /// Takes in what an export wrote, in one transaction, and returns how many sessions that were. A session whose id is
    /// there already is left out, or replaces the one that is there. What was not taken in as it stood in the file is told,
    /// a line each, by `problems` and by the event "session_import_problem", {session_id, place, reason}.
    std::size_t import_sessions(const std::string& file_path, bool overwrite_existing = false,
                                std::vector<std::string>* problems = nullptr) {
        return storage_.import_some(file_path, turnkeep::format::gemma_sessions, overwrite_existing, problems);
    }

    /// The same with a database that the Gemma.cpp session management wrote, its sessions.db, which stays as it is.
    std::size_t import_database(const std::string& db_path, bool overwrite_existing = false,
                                std::vector<std::string>* problems = nullptr) {
        return storage_.import_database(db_path, overwrite_existing, problems);
    }

    /// Deletes what has not been changed for session_ttl, and returns how many sessions that were.
    std::size_t cleanup_expired_sessions() { return storage_.cleanup_expired_sessions(); }

    /// {storage, metrics, config}; null before initialize.
    json get_statistics() {
        const auto storage = detail::to_text(storage_.get_statistics());
        return storage == "null" ? json{} : detail::to_value(statistics(storage));
    }

    /// What was done through this manager since it was constructed, or since reset_metrics.
    Metrics get_metrics() const {
        Metrics metrics;
        metrics.total_sessions_created = ledger_->sessions_created;
        metrics.total_sessions_deleted = ledger_->sessions_deleted;
        metrics.total_messages_processed = ledger_->messages;
        metrics.total_tokens_processed = ledger_->tokens;
        const std::lock_guard hold{metrics_lock_};
        metrics.last_reset = last_reset_;
        if (!config_.enable_metrics) return metrics;
        metrics.avg_session_duration_minutes = duration();
        if (metrics.total_sessions_created == 0) return metrics;
        const auto sessions = static_cast<double>(metrics.total_sessions_created);
        metrics.avg_tokens_per_session = static_cast<double>(metrics.total_tokens_processed) / sessions;
        metrics.avg_messages_per_session = static_cast<double>(metrics.total_messages_processed) / sessions;
        return metrics;
    }

    void reset_metrics() {
        {
            const std::lock_guard hold{metrics_lock_};
            ledger_->sessions_created = ledger_->sessions_deleted = 0;
            ledger_->messages = ledger_->tokens = 0;
            last_reset_ = std::chrono::system_clock::now();
            duration_at_ = {};
        }
        ledger_->events.tell("metrics_reset", [](detail::object_writer&) {});
    }

    /// An empty function is nobody. Afterwards the one before is not called any more; this waits for a call of it that
    /// another thread has under way.
    void set_event_callback(EventCallback callback) { ledger_->events.set(std::move(callback)); }

    const Config& get_config() const { return config_; }

    /// Closes the file; initialize opens it again.
    void shutdown() {
        {
            const std::lock_guard one_at_a_time{open_lock_};
            storage_.close();
            if (!open_) return;
            open_ = false;
        }
        ledger_->events.tell("manager_shutdown", [](detail::object_writer&) {});
    }

private:
    static std::shared_ptr<detail::ledger> make_ledger(const Config& config) {
        if (config.context_low_water_percent == 0 || config.context_low_water_percent > 100) {
            throw std::invalid_argument("context_low_water_percent is " +
                                        std::to_string(config.context_low_water_percent) + "; it must be 1 to 100");
        }
        auto ledger = std::make_shared<detail::ledger>();
        ledger->default_window = static_cast<std::size_t>(detail::window_tokens(config.default_max_context_tokens));
        ledger->low_water_percent = config.context_low_water_percent;
        return ledger;
    }

    /// Under the metrics' lock.
    double duration() const {
        const auto now = std::chrono::steady_clock::now();
        const bool is_known = duration_at_ != std::chrono::steady_clock::time_point{};
        if (is_known &&
            now - duration_at_ < std::min<std::chrono::minutes>(config_.metrics_interval, SessionStorage::ages)) {
            return duration_;
        }
        if (const auto found = storage_.average_duration_minutes()) {
            duration_ = *found;
            duration_at_ = now;
        }
        return duration_;
    }

    std::string statistics(const std::string& storage) const {
        const auto metrics = get_metrics();
        detail::object_writer counted;
        counted.number("total_sessions_created", metrics.total_sessions_created);
        counted.number("total_sessions_deleted", metrics.total_sessions_deleted);
        counted.number("total_messages_processed", metrics.total_messages_processed);
        counted.number("total_tokens_processed", metrics.total_tokens_processed);
        counted.number("avg_session_duration_minutes", metrics.avg_session_duration_minutes);
        counted.number("avg_tokens_per_session", metrics.avg_tokens_per_session);
        counted.number("avg_messages_per_session", metrics.avg_messages_per_session);
        counted.number("last_reset", detail::milliseconds(metrics.last_reset));
        detail::object_writer config;
        config.number("default_max_context_tokens", config_.default_max_context_tokens);
        config.truth("enable_metrics", config_.enable_metrics);
        config.number("metrics_interval_minutes", config_.metrics_interval.count());
        config.number("context_low_water_percent", config_.context_low_water_percent);
        detail::object_writer all;
        return all.value("storage", storage).value("metrics", counted.done()).value("config", config.done()).done();
    }

    Config config_;
    std::shared_ptr<detail::ledger> ledger_;
    SessionStorage storage_;
    std::mutex open_lock_;
    bool open_ = false;
    mutable std::mutex metrics_lock_;
    std::chrono::system_clock::time_point last_reset_ = std::chrono::system_clock::now();
    mutable double duration_ = 0.0;
    mutable std::chrono::steady_clock::time_point duration_at_{};
};

} // namespace gemma::session

#endif

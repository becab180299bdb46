/*
 * gemma::session::SessionStorage: see gemma_session.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_STORAGE_HPP
#define TURNKEEP_GEMMA_SESSION_STORAGE_HPP

#include "recent.hpp"
#include "session.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gemma::session {

namespace detail {

/// Whether a call that answers true or false answers false to a failure. What is wrong with the store's file itself, or
/// with the call, is thrown.
inline bool is_recoverable(turnkeep::status status) noexcept {
    switch (status) {
    case turnkeep::status::not_found:
    case turnkeep::status::conflict:
    case turnkeep::status::busy:
    case turnkeep::status::readonly:
    case turnkeep::status::storage:
    case turnkeep::status::full:
    case turnkeep::status::aborted:
    case turnkeep::status::closed: return true;
    default: return false;
    }
}

/// Whether a file is a database of the Gemma.cpp session management itself.
inline bool is_of_gemma_sessions(const std::string& path) noexcept {
    try {
        turnkeep::store_options options;
        options.no_search = true;
        turnkeep::store nowhere{":memory:", options};
        turnkeep::import_options trial;
        trial.format = turnkeep::format::gemma_sessions_db;
        trial.dry_run = true;
        // The first row tells as much as all of them.
        trial.progress = [](std::uint64_t, std::uint64_t) { return false; };
        nowhere.import_sessions(path, trial);
        return true;
    } catch (const turnkeep::error& why) {
        return why.status() == turnkeep::status::aborted;
    } catch (...) {
        return false;
    }
}

inline turnkeep::sort sort_of(const std::string& sort_by) {
    if (sort_by == "last_activity") return turnkeep::sort::updated;
    if (sort_by == "created_at") return turnkeep::sort::created;
    if (sort_by == "session_id") return turnkeep::sort::id;
    if (sort_by == "total_tokens") return turnkeep::sort::tokens;
    throw std::invalid_argument("sort_by is \"" + sort_by +
                                "\"; it must be created_at, last_activity, session_id or total_tokens");
}

} // namespace detail

/// Sessions in one file, which any number of storages, managers and processes may use at the same time.
///
/// Before initialize, after close, and for ids that are not there, calls answer false, nullptr, 0 or nothing. Where opening
/// the file has failed they do so only where that is no answer about what the file holds: the others throw
/// std::runtime_error, and say why. Threads: any number at once.
class SessionStorage {
public:
    struct Config {
        std::string db_path = "sessions.db";
        std::size_t cache_capacity = 100;
        /// How long after its last change cleanup_expired_sessions deletes a session; 0 is never.
        std::chrono::hours session_ttl{24};
        /// Calls that one by itself, when the storage is used and cleanup_interval is over. Nothing is deleted otherwise.
        bool enable_auto_cleanup = false;
        std::chrono::minutes cleanup_interval{60};
    };

    SessionStorage() : SessionStorage(Config{}) {}
    explicit SessionStorage(const Config& config) : SessionStorage(config, std::make_shared<detail::ledger>()) {}

    SessionStorage(const SessionStorage&) = delete;
    SessionStorage& operator=(const SessionStorage&) = delete;
    ~SessionStorage() = default;

    /// Opens the file, or makes it. False where it cannot be opened now; throws where it is no store at all. Such a one
    /// is what the Gemma.cpp session management wrote: import_database brings that over.
    bool initialize() {
        const std::unique_lock hold{gate_};
        if (store_) return true;
        try {
            detail::checked([&] { store_.emplace(config_.db_path, store_options()); });
        } catch (const turnkeep::error& why) {
            why_not_open_ = why.what();
            if (why.status() == turnkeep::status::mismatch && detail::is_of_gemma_sessions(config_.db_path)) {
                why_not_open_ = "it is a database of the Gemma.cpp session management, and was left untouched; set "
                                "db_path to a new file, and after initialize call import_database(\"" +
                                config_.db_path + "\")";
                throw turnkeep::error{why.status(), "'" + config_.db_path + "': " + why_not_open_};
            }
            if (!detail::is_recoverable(why.status())) throw;
            return false;
        }
        why_not_open_.clear();
        const std::lock_guard since{cleanup_lock_};
        last_cleanup_ = std::chrono::steady_clock::now();
        return true;
    }

    /// Stores a session that belongs to nobody under its id. One of this storage is stored already.
    bool save_session(std::shared_ptr<Session> session) {
        if (!session) return false;
        tend();
        return attempt("save a session", session->get_session_id(), [&] {
            if (session->self().told == ledger_) return exists(session->get_session_id());
            const auto text = session->write();
            const auto record = detail::read_record(detail::json_reader{text}.read());
            if (const auto known = find(record.id)) known->take(record);
            else create(record);
            return true;
        });
    }

    /// The same object again, as long as it is among the last cache_capacity ones that were asked for.
    std::shared_ptr<Session> load_session(const std::string& session_id) {
        tend();
        const std::shared_lock use{gate_};
        if (!is_open()) return nullptr;
        if (auto known = recent_.get(session_id)) {
            if (is_there(*known)) return known;
            recent_.remove(session_id);
        }
        auto session = find(session_id);
        if (session) recent_.put(session);
        return session;
    }

    bool delete_session(const std::string& session_id) {
        return attempt("delete a session", session_id, [&] {
            if (!exists(session_id)) return false;
            store_->delete_session(session_id);
            recent_.remove(session_id);
            ledger_->sessions_deleted += 1;
            return true;
        });
    }

    bool session_exists(const std::string& session_id) {
        const std::shared_lock use{gate_};
        return is_open() && exists(session_id);
    }

    /// {session_id, created_at, last_activity, total_tokens, max_context_tokens, message_count, metadata} of all sessions,
    /// those that were changed last first.
    std::vector<json> list_sessions() { return list_sessions(0, 0); }

    /// A limit of 0 is none.
    std::vector<json> list_sessions(std::size_t limit, std::size_t offset, const std::string& sort_by = "last_activity",
                                    bool ascending = false) {
        const std::shared_lock use{gate_};
        std::vector<json> rows;
        if (!is_open()) return rows;
        turnkeep::list_options options;
        options.sort = detail::sort_of(sort_by);
        options.ascending = ascending;
        options.limit = 1000;
        each_session(options, [&](const turnkeep::session_info& info) {
            if (offset > 0) {
                --offset;
                return true;
            }
            rows.push_back(detail::to_value(describe(info)));
            return limit == 0 || rows.size() < limit;
        });
        return rows;
    }

    /// Writes all sessions as one JSON array, beside the file that is there, which it then replaces.
    bool export_to_json(const std::string& file_path) { return export_some(file_path, {}); }

    /// Takes in what an export wrote, in one transaction. A session whose id is there already is left out, or replaces the
    /// one that is there. True if any was taken in. `problems` is given a line for each session that was not.
    bool import_from_json(const std::string& file_path, bool overwrite_existing = false,
                          std::vector<std::string>* problems = nullptr) {
        return import_some(file_path, turnkeep::format::gemma_sessions, overwrite_existing, problems) > 0;
    }

    /// The same with a database that the Gemma.cpp session management wrote, its sessions.db, which stays as it is. Returns
    /// how many sessions were taken in.
    std::size_t import_database(const std::string& db_path, bool overwrite_existing = false,
                                std::vector<std::string>* problems = nullptr) {
        return import_some(db_path, turnkeep::format::gemma_sessions_db, overwrite_existing, problems);
    }

    /// Deletes what has not been changed for session_ttl, and returns how many sessions that were.
    std::size_t cleanup_expired_sessions() {
        std::size_t deleted = 0;
        {
            const std::shared_lock use{gate_};
            if (!is_open()) return 0;
            deleted = static_cast<std::size_t>(store_->cleanup());
        }
        ledger_->sessions_deleted += deleted;
        if (deleted > 0) {
            ledger_->events.tell("sessions_cleaned_up",
                                 [&](detail::object_writer& said) { said.number("count", deleted); });
        }
        return deleted;
    }

    /// {total_sessions, total_messages, total_tokens, cache_size, cache_capacity, session_ttl_hours, auto_cleanup_enabled,
    /// db_path}; null before initialize.
    json get_statistics() {
        const std::shared_lock use{gate_};
        return is_open() ? detail::to_value(statistics()) : json{};
    }

    /// Waits for calls that other threads have under way. Sessions that were handed out answer with a runtime_error from
    /// then on.
    void close() {
        const std::unique_lock hold{gate_};
        recent_.clear();
        store_.reset();
        why_not_open_.clear();
    }

    const Config& get_config() const { return config_; }

private:
    friend class SessionManager;

    SessionStorage(const Config& config, std::shared_ptr<detail::ledger> ledger)
        : config_(config), ledger_(std::move(ledger)), recent_(config.cache_capacity) {
        if (config.session_ttl.count() < 0) throw std::invalid_argument("session_ttl is less than none");
        if (config.cleanup_interval.count() < 0) throw std::invalid_argument("cleanup_interval is less than none");
    }

    turnkeep::store_options store_options() const {
        turnkeep::store_options options;
        options.cache_sessions = config_.cache_capacity;
        options.window_tokens = ledger_->default_window;
        if (config_.session_ttl < ages) options.expire_after = config_.session_ttl;
        options.expire_sliding = options.expire_after.count() != 0;
        return options;
    }

    /// Under the gate.
    bool is_open() const {
        if (!store_ && !why_not_open_.empty()) {
            throw std::runtime_error("'" + config_.db_path + "' is not open: " + why_not_open_);
        }
        return store_.has_value();
    }

    /// For calls that answer whether something was done.
    template <typename Call>
    bool attempt(const char* operation, const std::string& about, Call&& call) {
        try {
            const std::shared_lock use{gate_};
            return store_ && detail::checked(call);
        } catch (const turnkeep::error& why) {
            return failed(operation, about, why);
        }
    }

    /// The same with a session, and not under the gate: what it does may call back.
    template <typename Call>
    bool with_session(const char* operation, const std::string& id, Call&& call) {
        tend();
        try {
            std::shared_ptr<Session> session;
            {
                const std::shared_lock use{gate_};
                if (store_) session = find(id);
            }
            if (!session) return false;
            call(*session);
            return true;
        } catch (const turnkeep::error& why) {
            return failed(operation, id, why);
        }
    }

    /// In a handler: false, of which who listens is told why, or thrown again.
    bool failed(const char* operation, const std::string& about, const turnkeep::error& why) {
        if (!detail::is_recoverable(why.status())) throw;
        if (why.status() != turnkeep::status::not_found) ledger_->tell_of_failure(operation, about, why.what());
        return false;
    }

    /// All of them, or those with these ids that are there.
    bool export_some(const std::string& path, const std::vector<std::string>& session_ids) {
        try {
            const std::shared_lock use{gate_};
            if (!store_) return false;
            turnkeep::export_options options;
            options.format = turnkeep::format::gemma_sessions;
            for (const auto& id : session_ids) {
                if (exists(id)) options.session_ids.emplace_back(id);
            }
            // No ids would be all sessions.
            if (!session_ids.empty() && options.session_ids.empty()) return false;
            store_->export_sessions(path, options);
            return true;
        } catch (const turnkeep::error& why) {
            tell_of_file("export sessions", path, why);
            return false;
        }
    }

    /// A file that cannot be read holds no session.
    std::size_t import_some(const std::string& path, turnkeep::format format, bool overwrite,
                            std::vector<std::string>* problems) {
        imported done;
        try {
            const std::shared_lock use{gate_};
            if (!is_open()) return 0;
            done = import_file(path, format, overwrite);
        } catch (const turnkeep::error& why) {
            if (problems) problems->push_back(why.what());
            tell_of_file("import sessions", path, why);
            return 0;
        }
        for (const auto& id : done.ids) {
            ledger_->events.tell("session_imported", [&](detail::object_writer& said) {
                said.text("session_id", id).truth("overwrite", overwrite);
            });
        }
        for (const auto& problem : done.report) tell_of_problem(problem, problems);
        return static_cast<std::size_t>(done.report.counts().sessions);
    }

    struct imported {
        turnkeep::transfer_report report;
        std::vector<std::string> ids;
    };

    imported import_file(const std::string& path, turnkeep::format format, bool overwrite) {
        turnkeep::import_options options;
        options.format = format;
        options.existing = overwrite ? turnkeep::existing::overwrite : turnkeep::existing::skip;
        // The report does not name what went well; the store's events do, on this thread.
        const auto ids = std::make_shared<std::vector<std::string>>();
        const auto subscription =
            store_->subscribe([ids, here = std::this_thread::get_id()](const turnkeep::event& event) {
                const bool is_ours = std::this_thread::get_id() == here;
                if (is_ours && event.kind() == turnkeep::event_kind::session_imported) {
                    ids->emplace_back(event.session_id());
                }
            });
        try {
            auto report = store_->import_sessions(path, options);
            store_->unsubscribe(subscription);
            return {std::move(report), std::move(*ids)};
        } catch (...) {
            store_->unsubscribe(subscription);
            throw;
        }
    }

    /// In a handler: what is wrong with a file of somebody's is told, what is wrong with the store's own is thrown again.
    void tell_of_file(const char* operation, const std::string& path, const turnkeep::error& why) {
        if (why.status() == turnkeep::status::corrupt || why.status() == turnkeep::status::panic) throw;
        ledger_->tell_of_failure(operation, path, why.what());
    }

    void tell_of_problem(const turnkeep::transfer_problem& problem, std::vector<std::string>* problems) {
        if (problems) problems->push_back(std::string{problem.place()}.append(": ").append(problem.reason()));
        ledger_->events.tell("session_import_problem", [&](detail::object_writer& said) {
            said.text("session_id", problem.session_id()).text("place", problem.place());
            said.text("reason", problem.reason());
        });
    }

    /// Null if there is none. Another object each time.
    std::shared_ptr<Session> find_one(const std::string& id) {
        tend();
        const std::shared_lock use{gate_};
        return is_open() ? find(id) : nullptr;
    }

    std::string create_new(const detail::session_record& record) {
        tend();
        const std::shared_lock use{gate_};
        if (!is_open()) throw std::runtime_error("'" + config_.db_path + "' is not open: call initialize first");
        return create(record);
    }

    /// None if it cannot be told now.
    std::optional<double> average_duration_minutes() const {
        const std::shared_lock use{gate_};
        if (!store_) return std::nullopt;
        try {
            const auto metrics = store_->metrics();
            const auto sessions = metrics.active_sessions + metrics.archived_sessions + metrics.trashed_sessions;
            if (sessions == 0) return 0.0;
            return static_cast<double>(metrics.total_duration_us) / 60e6 / static_cast<double>(sessions);
        } catch (const turnkeep::error&) {
            return std::nullopt;
        }
    }

    /// An id that no session can have is not there.
    bool exists(const std::string& id) const {
        try {
            return store_->session_exists(id);
        } catch (const turnkeep::error& why) {
            if (why.status() != turnkeep::status::invalid && why.status() != turnkeep::status::encoding) throw;
            return false;
        }
    }

    std::shared_ptr<Session> find(const std::string& id) const {
        if (!exists(id)) return nullptr;
        try {
            return std::shared_ptr<Session>(new Session(ledger_, store_->open_session(id)));
        } catch (const turnkeep::error& why) {
            if (why.status() != turnkeep::status::not_found) throw;
            return nullptr;
        }
    }

    static bool is_there(const Session& session) {
        try {
            session.self().stored.describe();
            return true;
        } catch (const turnkeep::error& why) {
            if (why.status() != turnkeep::status::not_found) throw;
            return false;
        }
    }

    /// Returns the id, which is made here if the record has none.
    std::string create(const detail::session_record& record) {
        return detail::checked([&] {
            turnkeep::session_options options;
            if (!record.id.empty()) options.id = record.id;
            options.window_tokens = detail::window_tokens(record.max_context_tokens);
            options.metadata = record.metadata;
            return std::string{store_->create_session(options, detail::to_store(record.messages)).id()};
        });
    }

    template <typename Take>
    void each_session(turnkeep::list_options options, Take&& take) const {
        std::string page;
        do {
            options.page = page;
            const auto list = store_->list_sessions(options);
            for (const auto& info : list) {
                if (!take(info)) return;
            }
            page = list.next_page();
        } while (!page.empty());
    }

    std::string describe(const turnkeep::session_info& info) const {
        const auto window = info.window_tokens() != 0 ? info.window_tokens() : ledger_->default_window;
        detail::object_writer row;
        row.text("session_id", info.id()).number("created_at", detail::milliseconds(info.created()));
        row.number("last_activity", detail::milliseconds(info.updated())).number("total_tokens", info.total_tokens());
        row.number("max_context_tokens", window).number("message_count", info.message_count());
        return row.value("metadata", info.metadata()).done();
    }

    std::string statistics() const {
        const auto metrics = store_->metrics();
        detail::object_writer all;
        all.number("total_sessions", metrics.active_sessions + metrics.archived_sessions + metrics.trashed_sessions);
        all.number("total_messages", metrics.total_messages).number("total_tokens", metrics.total_tokens);
        all.number("cache_size", metrics.cache_sessions).number("cache_capacity", config_.cache_capacity);
        all.number("session_ttl_hours", config_.session_ttl.count());
        all.truth("auto_cleanup_enabled", config_.enable_auto_cleanup).text("db_path", config_.db_path);
        return all.done();
    }

    /// What is to be done now and then, before a call and not under the gate. Its failure is not that of the call.
    void tend() {
        if (!config_.enable_auto_cleanup) return;
        {
            const std::lock_guard hold{cleanup_lock_};
            const auto now = std::chrono::steady_clock::now();
            if (now - last_cleanup_ < std::min<std::chrono::minutes>(config_.cleanup_interval, ages)) return;
            last_cleanup_ = now;
        }
        try {
            cleanup_expired_sessions();
        } catch (const std::runtime_error& why) {
            ledger_->tell_of_failure("clean up", config_.db_path, why.what());
        }
    }

    /// What is longer would not fit into finer units.
    static constexpr std::chrono::hours ages{1000 * 365 * 24};

    Config config_;
    std::shared_ptr<detail::ledger> ledger_;
    detail::recent_sessions recent_;
    /// Shared by those who use the store, for the time of a call of it: never while a callback runs.
    mutable std::shared_mutex gate_;
    std::optional<turnkeep::store> store_;
    std::string why_not_open_;
    std::mutex cleanup_lock_;
    std::chrono::steady_clock::time_point last_cleanup_{};
};

} // namespace gemma::session

#endif

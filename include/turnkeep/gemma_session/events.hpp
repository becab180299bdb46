/*
 * Whom a gemma::session::SessionManager tells what happened, and what it counts.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_EVENTS_HPP
#define TURNKEEP_GEMMA_SESSION_EVENTS_HPP

#include "json.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace gemma::session::detail {

using system_time = std::chrono::system_clock::time_point;

inline std::int64_t milliseconds(system_time time) noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// Tells one callback of one event at a time, in order, with no lock held.
///
/// A thread that has something to tell while another one is telling leaves it to that one. So a callback need not be safe
/// for threads, may call back into whatever told it, and may wait for threads that do: nobody ever waits for a callback
/// but who exchanges it.
class mailbox {
public:
    using callback = std::function<void(const std::string&, const json&)>;

    /// Afterwards the one before is not called any more, unless this is called from it.
    void set(callback wanted) {
        auto given = wanted ? std::make_shared<const callback>(std::move(wanted)) : nullptr;
        std::unique_lock hold{lock_};
        listening_ = given != nullptr;
        callback_.swap(given);
        idle_.wait(hold, [&] { return !given || running_ != given.get() || teller_ == std::this_thread::get_id(); });
    }

    /// `write` is asked what to say only if somebody listens.
    template <typename Write>
    void tell(const char* event, Write&& write) {
        if (!listening_) return;
        object_writer said;
        write(said);
        said.number("timestamp", milliseconds(std::chrono::system_clock::now()));
        auto data = to_value(said.done());

        std::unique_lock hold{lock_};
        waiting_.emplace_back(event, std::move(data));
        if (telling_) return;
        telling_ = true;
        teller_ = std::this_thread::get_id();
        while (!waiting_.empty()) deliver_one(hold);
        telling_ = false;
    }

private:
    void deliver_one(std::unique_lock<std::mutex>& hold) {
        const auto [event, data] = std::move(waiting_.front());
        waiting_.pop_front();
        auto listener = callback_;
        running_ = listener.get();
        hold.unlock();
        try {
            if (listener) (*listener)(event, data);
        } catch (...) {
            // What a callback throws must not look like a failure of what it is told of.
        }
        listener.reset();
        hold.lock();
        running_ = nullptr;
        idle_.notify_all();
    }

    std::mutex lock_;
    std::condition_variable idle_;
    std::shared_ptr<const callback> callback_;
    std::deque<std::pair<std::string, json>> waiting_;
    std::atomic<bool> listening_{false};
    bool telling_ = false;
    const callback* running_ = nullptr;
    std::thread::id teller_;
};

/// What a manager and the sessions it handed out have in common.
struct ledger {
    mailbox events;
    std::atomic<std::size_t> sessions_created{0};
    std::atomic<std::size_t> sessions_deleted{0};
    std::atomic<std::size_t> messages{0};
    std::atomic<std::size_t> tokens{0};
    /// The window of a session that has none of its own, in tokens.
    std::size_t default_window = 8192;
    std::uint32_t low_water_percent = 100;

    void tell_of_session(const char* event, const std::string& id) {
        events.tell(event, [&](object_writer& said) { said.text("session_id", id); });
    }

    /// Why a call that answers false or 0 did so.
    void tell_of_failure(const char* operation, const std::string& about, const char* why) {
        events.tell("storage_error", [&](object_writer& said) {
            said.text("operation", operation).text("about", about).text("error", why);
        });
    }
};

} // namespace gemma::session::detail

#endif

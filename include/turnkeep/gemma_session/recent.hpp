/*
 * Which sessions a gemma::session::SessionStorage hands out again.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_RECENT_HPP
#define TURNKEEP_GEMMA_SESSION_RECENT_HPP

#include "session.hpp"

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <unordered_map>

namespace gemma::session::detail {

/// The sessions that were handed out last, so that the same one is handed out again.
class recent_sessions {
public:
    explicit recent_sessions(std::size_t capacity) : capacity_(capacity) {
        if (capacity == 0) throw std::invalid_argument("cache_capacity is 0; it must be at least 1");
    }

    std::shared_ptr<Session> get(const std::string& id) {
        const std::lock_guard hold{lock_};
        const auto found = places_.find(id);
        if (found == places_.end()) return nullptr;
        order_.splice(order_.begin(), order_, found->second);
        return order_.front();
    }

    void put(const std::shared_ptr<Session>& session) {
        const std::lock_guard hold{lock_};
        forget(session->get_session_id());
        order_.push_front(session);
        places_[session->get_session_id()] = order_.begin();
        if (order_.size() > capacity_) forget(std::string{order_.back()->get_session_id()});
    }

    void remove(const std::string& id) {
        const std::lock_guard hold{lock_};
        forget(id);
    }

    void clear() {
        const std::lock_guard hold{lock_};
        places_.clear();
        order_.clear();
    }

private:
    void forget(const std::string& id) {
        const auto found = places_.find(id);
        if (found == places_.end()) return;
        order_.erase(found->second);
        places_.erase(found);
    }

    std::size_t capacity_;
    std::mutex lock_;
    std::list<std::shared_ptr<Session>> order_;
    std::unordered_map<std::string, std::list<std::shared_ptr<Session>>::iterator> places_;
};

} // namespace gemma::session::detail

#endif

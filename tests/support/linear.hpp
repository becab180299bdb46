// Whether what was seen of a session could have happened one thing after the other.
//
// A history is linearizable if its operations can be put in one order in which each finds what the ones before it left, and
// none comes before another that had returned when it was called. For a session the order of the changes is not to be
// guessed: each tells its revision, and revisions are counted without a gap. So it is enough to
//
//   1. replay the changes by revision, and compare what each was told,
//   2. see that no change was called after one of a higher revision had returned,
//   3. give each reading the lowest revision that shows what it saw and that is not below what had been reached, by a change or
//      by another reading, when it was called; and see that no change that it then shows was called after it had returned.
//
// Taking the lowest is no loss: a reading's revision only ever bounds later ones from below. `search` tries all orders instead,
// which takes too long for more than a few operations, and must come to the same verdict.

#ifndef TURNKEEP_TESTS_LINEAR_HPP
#define TURNKEEP_TESTS_LINEAR_HPP

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace linear {

enum class kind : int { append, rewind, history, window, describe };

// One call and its answer.
struct operation {
    kind what = kind::append;
    // By a clock that all threads and processes share.
    std::uint64_t called = 0;
    std::uint64_t returned = 0;
    // A change only at this revision; 0 is any.
    std::uint64_t expected = 0;
    // A rewind: the last message that stays.
    std::uint64_t to = 0;
    // A change that was refused: CONFLICT, or for a rewind, message `to` is not there.
    bool conflict = false;
    bool missing = false;
    // What it was told: 0 where nobody tells.
    std::uint64_t revision = 0;
    // The place of the first of `contents`, and of the session's last message.
    std::uint64_t first = 0;
    std::uint64_t head = 0;
    // What was appended or read. No content is ever appended twice.
    std::vector<std::string> contents;

    bool is_refused() const { return conflict || missing; }
    bool is_change() const { return !is_refused() && (what == kind::append || what == kind::rewind); }
};

using history = std::vector<operation>;

inline std::string describe(const operation &operation) {
    static const char *const names[] = {"append", "rewind", "history", "window", "describe"};
    std::string text = names[static_cast<int>(operation.what)];
    text += " [" + std::to_string(operation.called) + ", " + std::to_string(operation.returned) + "]";
    if (operation.expected != 0) text += " at revision " + std::to_string(operation.expected);
    if (operation.what == kind::rewind) text += " to " + std::to_string(operation.to);
    if (operation.conflict) text += ": conflict";
    if (operation.missing) text += ": missing";
    if (operation.revision != 0) text += ": revision " + std::to_string(operation.revision);
    if (operation.what != kind::rewind && !operation.is_refused()) text += ", head " + std::to_string(operation.head);
    if (!operation.contents.empty()) text += ", last '" + operation.contents.back() + "'";
    return text;
}

// A session at one moment, and the rules of every call, one at a time.
struct session {
    std::uint64_t revision = 1;
    std::vector<std::string> contents;

    // Whether this call could be answered so now; if so, it has been made.
    bool allows(const operation &operation) {
        const bool expected = operation.expected == 0 || operation.expected == revision;
        if (operation.conflict) return !expected;
        if (operation.missing) return expected && operation.to > contents.size();
        switch (operation.what) {
        case kind::append: return expected && append(operation);
        case kind::rewind: return expected && rewind(operation);
        default: return shows(operation);
        }
    }

private:
    bool append(const operation &operation) {
        if (operation.first != contents.size() + 1 || operation.revision != revision + 1) return false;
        contents.insert(contents.end(), operation.contents.begin(), operation.contents.end());
        revision++;
        return operation.head == contents.size();
    }

    bool rewind(const operation &operation) {
        if (operation.to > contents.size() || operation.revision != revision + 1) return false;
        contents.resize(operation.to);
        revision++;
        return true;
    }

    bool shows(const operation &operation) const {
        if (operation.revision != 0 && operation.revision != revision) return false;
        if (operation.head != contents.size()) return false;
        if (operation.what == kind::describe) return true;
        // A history is the whole, a window the end.
        if (operation.what == kind::history && operation.contents.size() != contents.size()) return false;
        if (operation.contents.size() > contents.size()) return false;
        if (!operation.contents.empty() && operation.first != contents.size() - operation.contents.size() + 1)
            return false;
        return std::equal(operation.contents.rbegin(), operation.contents.rend(), contents.rbegin());
    }
};

// Tries every order. For a few operations only.
inline bool search(const history &left, const session &now = {}) {
    if (left.empty()) return true;
    for (std::size_t next = 0; next < left.size(); next++) {
        const bool waits = std::any_of(left.begin(), left.end(),
                                       [&](const operation &other) { return other.returned < left[next].called; });
        session then = now;
        if (waits || !then.allows(left[next])) continue;
        history rest = left;
        rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(next));
        if (search(rest, then)) return true;
    }
    return false;
}

// What is wrong with a history; empty if nothing is.
class checker {
public:
    static std::string check(const history &operations) { return checker{operations}.verdict(); }

private:
    explicit checker(const history &operations) {
        for (const operation &operation : operations)
            (operation.is_change() ? changes_ : readings_).push_back(&operation);
        const auto by_revision = [](const operation *one, const operation *other) {
            return one->revision < other->revision;
        };
        const auto by_call = [](const operation *one, const operation *other) { return one->called < other->called; };
        std::stable_sort(changes_.begin(), changes_.end(), by_revision);
        std::stable_sort(readings_.begin(), readings_.end(), by_call);
    }

    std::string verdict() {
        std::string wrong = replay();
        if (wrong.empty()) wrong = order_of_changes();
        if (wrong.empty()) wrong = place_readings();
        return wrong;
    }

    // The states by revision, from 1 on: that of index 0 is before every change.
    std::string replay() {
        states_.push_back({});
        for (const operation *change : changes_) {
            session next = states_.back();
            if (!next.allows(*change))
                return "does not follow on revision " + std::to_string(states_.back().revision) + ": " +
                       describe(*change);
            states_.push_back(std::move(next));
        }
        return {};
    }

    std::string order_of_changes() const {
        const operation *latest = nullptr;
        for (const operation *change : changes_) {
            if (latest != nullptr && change->returned < latest->called)
                return describe(*change) + " had returned before " + describe(*latest) + " was called";
            if (latest == nullptr || change->called > latest->called) latest = change;
        }
        return {};
    }

    std::string place_readings() {
        // What has returned by a moment, changes and readings, with the state that it had reached.
        std::multimap<std::uint64_t, std::size_t> returned;
        for (std::size_t index = 0; index < changes_.size(); index++)
            returned.emplace(changes_[index]->returned, index + 1);
        std::size_t lowest = 0;
        for (const operation *reading : readings_) {
            while (!returned.empty() && returned.begin()->first < reading->called) {
                lowest = std::max(lowest, returned.begin()->second);
                returned.erase(returned.begin());
            }
            const std::size_t end = first_called_after(reading->returned);
            std::size_t state = lowest;
            while (state < end && !states_[state].allows(*reading)) state++;
            if (state >= end)
                return "no state from revision " + std::to_string(lowest + 1) + " to " + std::to_string(end) +
                       " shows this: " + describe(*reading);
            returned.emplace(reading->returned, state);
        }
        return {};
    }

    // The first state that a change made which was called after a moment.
    std::size_t first_called_after(std::uint64_t moment) const {
        const auto found = std::find_if(changes_.begin(), changes_.end(),
                                        [&](const operation *change) { return change->called > moment; });
        return static_cast<std::size_t>(found - changes_.begin()) + 1;
    }

    std::vector<const operation *> changes_;
    std::vector<const operation *> readings_;
    std::vector<session> states_;
};

} // namespace linear

#endif

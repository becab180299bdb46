// What a thread of the storm and of the soak does: one random step after another, on sessions that others change, too. What
// it did and how long that took is counted where all processes see it.
//
// Every call must succeed, but for what its caller tolerates: the session may be gone meanwhile, or be there already.

#ifndef TURNKEEP_TESTS_WORKER_HPP
#define TURNKEEP_TESTS_WORKER_HPP

#include "check.h"
#include "process.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <random>
#include <string>
#include <vector>

// What the threads do, as it is counted.
enum kind {
    opening,
    creating,
    appending,
    forking,
    rewinding,
    regenerating,
    truncating,
    clearing,
    deleting,
    updating,
    changing_many,
    cleaning_up,
    listing,
    filtering,
    searching,
    reading,
    windowing,
    measuring,
    following,
    kinds
};

inline const char *const names[kinds] = {
    "opening",   "creating", "appending", "forking",       "rewinding",   "regenerating", "truncating",
    "clearing",  "deleting", "updating",  "changing many", "cleaning up", "listing",      "filtering",
    "searching", "reading",  "windowing", "measuring",     "following",
};

// How often something took how long, within a tenth; memory that processes share.
class durations {
public:
    void add(double seconds) { counts_[bucket_of(seconds)]++; }

    using snapshot = std::array<std::uint64_t, 256>;

    snapshot now() const {
        snapshot counts{};
        for (std::size_t index = 0; index < counts.size(); index++) counts[index] = counts_[index];
        return counts;
    }

    // Of what was counted between two moments, this share took no longer; 0 if nothing was.
    static double quantile(const snapshot &since, const snapshot &until, double share) {
        std::uint64_t all = 0;
        for (std::size_t index = 0; index < since.size(); index++) all += until[index] - since[index];
        std::uint64_t seen = 0;
        for (std::size_t index = 0; index < since.size(); index++) {
            seen += until[index] - since[index];
            if (seen > 0 && static_cast<double>(seen) >= share * static_cast<double>(all)) return end_of(index);
        }
        return 0;
    }

private:
    static constexpr double shortest = 1e-8;
    static constexpr double buckets_per_octave = 8;

    static std::size_t bucket_of(double seconds) {
        const double bucket = std::log2(std::max(seconds, shortest) / shortest) * buckets_per_octave;
        return std::min<std::size_t>(static_cast<std::size_t>(bucket), 255);
    }
    static double end_of(std::size_t bucket) {
        return shortest * std::exp2((static_cast<double>(bucket) + 1) / buckets_per_octave);
    }

    std::atomic<std::uint64_t> counts_[256];
};

// What all processes see.
struct deeds {
    std::atomic<std::uint64_t> done[kinds];
    durations took[kinds];
};

// What a worker works on.
struct field {
    deeds *all;
    // The sessions are s0, s1 and so on; behind so many of them come as many that only a fork makes.
    unsigned sessions;
    unsigned forks;
    // One in so many of the changes that take messages away is made: how long sessions grow.
    unsigned patience;
    // A message to which a session is cut back is below this.
    unsigned places;
    // The levels of appends, in turn by chance; 0 is the store's.
    std::vector<std::int32_t> levels;
};

// What may go wrong when others change the same sessions: each call says which of these. They are gone or shorter, or they
// are there already; a regeneration may find no answer, or that another one came in between.
enum tolerated { nothing = 0, gone = 1, there = 2, unanswered = 4 };

bool is_tolerated(turnkeep_status status, int what) {
    switch (status) {
    case TURNKEEP_OK: return true;
    case TURNKEEP_ERROR_NOT_FOUND: return (what & gone) != 0;
    case TURNKEEP_ERROR_EXISTS: return (what & there) != 0;
    case TURNKEEP_ERROR_INVALID:
    case TURNKEEP_ERROR_CONFLICT: return (what & unanswered) != 0;
    default: return false;
    }
}

#define TRY(kind, tolerated, call)                                                            \
    do {                                                                                      \
        const double began = seconds();                                                       \
        const turnkeep_status status = (call);                                                \
        field_.all->took[kind].add(seconds() - began);                                        \
        if (!is_tolerated(status, tolerated))                                                 \
            check_fail(__FILE__, __LINE__, "%s: %s: %s", #call, turnkeep_status_name(status), \
                       turnkeep_error_message(failure).data);                                 \
        if (status == TURNKEEP_OK) field_.all->done[kind]++;                                  \
        turnkeep_error_free(failure);                                                         \
        failure = nullptr;                                                                    \
    } while (0)

class worker {
public:
    worker(const field &field, turnkeep_store *store, unsigned seed) : field_(field), store_(store), random_(seed) {}

    void step() {
        const unsigned number = below(field_.sessions + field_.forks);
        const std::string id = "s" + std::to_string(number);
        turnkeep_session *session = nullptr;
        TRY(opening, gone, turnkeep_session_open(store_, id.c_str(), &session, &failure));
        if (session == nullptr) {
            if (number < field_.sessions) create(id);
            return;
        }
        change(session);
        turnkeep_session_close(session);
    }

private:
    unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }

    void create(const std::string &id) {
        turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
        options.id = id.c_str();
        options.title = "a title to be found";
        // One in four lives for a tenth of a second.
        options.expires_after_ms = below(4) == 0 ? 100 : 0;
        turnkeep_session *session = nullptr;
        TRY(creating, there, turnkeep_session_create(store_, &options, &session, &failure));
        turnkeep_session_close(session);
    }

    void change(turnkeep_session *session) {
        const unsigned chance = below(28);
        switch (chance) {
        case 0: fork(session); break;
        case 1:
        case 2:
        case 3:
        case 4: below(field_.patience) == 0 ? shorten(session, chance) : converse(session); break;
        case 5:
        case 6: search(); break;
        case 7: TRY(cleaning_up, nothing, turnkeep_store_cleanup(store_, nullptr, &failure)); break;
        case 8: list(); break;
        case 9: rename(session); break;
        case 10: window(session); break;
        case 11: history(session); break;
        case 12: filter(); break;
        case 13:
            if (below(field_.patience) == 0) change_many();
            break;
        case 14: regenerate(session); break;
        case 15: measure(); break;
        case 16: follow(); break;
        default: converse(session); break;
        }
    }

    // What is said is mostly said to a model.
    void converse(turnkeep_session *session) {
        append(session);
        if (below(2) == 0) window(session);
    }

    void shorten(turnkeep_session *session, unsigned way) {
        const unsigned place = below(field_.places);
        switch (way) {
        case 1: TRY(rewinding, gone, turnkeep_session_rewind(session, place, 0, nullptr, &failure)); break;
        case 2: remove(session); break;
        case 3: TRY(truncating, gone, turnkeep_session_truncate(session, 1 + place, 0, 0, nullptr, &failure)); break;
        default: TRY(clearing, gone, turnkeep_session_clear(session, 0, nullptr, &failure)); break;
        }
    }

    void append(turnkeep_session *session) {
        std::string content = "words to be found " + std::to_string(below(1000)) + " äpfel 漢字仮名";
        // Some are long enough to be compressed.
        if (below(8) == 0) content.append(2000, 'x');
        turnkeep_new_message message = TURNKEEP_NEW_MESSAGE_INIT;
        turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
        message.role = below(2) == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT;
        message.content = content.data();
        message.content_len = content.size();
        options.durability = field_.levels[below(static_cast<unsigned>(field_.levels.size()))];
        TRY(appending, gone, turnkeep_session_append_batch(session, &message, 1, &options, nullptr, &failure));
    }

    void fork(turnkeep_session *session) {
        turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
        const std::string id = "s" + std::to_string(below(field_.sessions + field_.forks));
        options.id = id.c_str();
        turnkeep_session *out = nullptr;
        const std::uint64_t at = below(2) == 0 ? TURNKEEP_LAST : below(field_.places);
        TRY(forking, gone | there, turnkeep_session_fork(session, at, &options, &out, &failure));
        turnkeep_session_close(out);
    }

    void remove(turnkeep_session *session) {
        TRY(deleting, gone, turnkeep_session_delete(store_, turnkeep_session_id(session).data, &failure));
    }

    void rename(turnkeep_session *session) {
        turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
        const char *const tags[] = {"storm", "night"};
        const std::string summary = "summary " + std::to_string(below(100));
        changes.summary = summary.c_str();
        changes.add_tags = tags;
        changes.add_tag_count = 1 + below(2);
        changes.status = static_cast<std::int32_t>(1 + below(3));
        TRY(updating, gone, turnkeep_session_update(session, &changes, nullptr, &failure));
    }

    void search() {
        static const char *const texts[] = {"found", "ÄPFEL", "漢字", "\"to be\"", "title", "sum*", "nothing like it"};
        turnkeep_search_options options = TURNKEEP_SEARCH_OPTIONS_INIT;
        turnkeep_search_results *results = nullptr;
        options.text = texts[below(sizeof texts / sizeof *texts)];
        TRY(searching, nothing, turnkeep_store_search(store_, &options, &results, &failure));
        turnkeep_search_results_free(results);
    }

    void list() { list_by(listing, nullptr); }

    void filter() {
        const char *const tag = "night";
        turnkeep_filter filter = TURNKEEP_FILTER_INIT;
        turnkeep_session_list_options options = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
        filter.all_tags = &tag;
        filter.all_tag_count = 1;
        filter.statuses = TURNKEEP_FILTER_ACTIVE | TURNKEEP_FILTER_TRASHED;
        filter.has_messages = TURNKEEP_FILTER_WITH_MESSAGES;
        filter.text = "title";
        options.filter = &filter;
        options.sort = static_cast<std::int32_t>(1 + below(6));
        list_by(filtering, &options);
    }

    void list_by(kind kind, const turnkeep_session_list_options *options) {
        turnkeep_session_list *page = nullptr;
        TRY(kind, nothing, turnkeep_store_list_sessions(store_, options, &page, &failure));
        turnkeep_session_list_free(page);
    }

    // What is thrown away at night is deleted; the rest goes to and fro.
    void change_many() {
        const char *const tag = "night";
        turnkeep_filter filter = TURNKEEP_FILTER_INIT;
        const auto action = static_cast<std::int32_t>(1 + below(TURNKEEP_BULK_DELETE));
        const bool tags = action == TURNKEEP_BULK_ADD_TAG || action == TURNKEEP_BULK_REMOVE_TAG;
        filter.statuses = static_cast<std::uint32_t>(TURNKEEP_FILTER_ACTIVE) << below(3);
        if (!tags) {
            filter.all_tags = &tag;
            filter.all_tag_count = 1;
        }
        if (action == TURNKEEP_BULK_DELETE) filter.statuses = TURNKEEP_FILTER_TRASHED;
        TRY(changing_many, nothing,
            turnkeep_store_change_sessions(store_, &filter, action, tags ? tag : nullptr, nullptr, &failure));
    }

    void regenerate(turnkeep_session *session) {
        TRY(regenerating, gone | unanswered,
            turnkeep_session_regenerate(session, TURNKEEP_LAST, nullptr, nullptr, &failure));
    }

    void measure() {
        turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
        TRY(measuring, nothing, turnkeep_store_metrics(store_, &metrics, &failure));
    }

    // One process writes the log, and whoever reads it finds no gap.
    void follow() {
        turnkeep_events *events = nullptr;
        TRY(following, nothing, turnkeep_store_events_after(store_, cursor_, 100, &events, &failure));
        const std::size_t count = turnkeep_events_len(events);
        for (std::size_t index = 0; index < count; index++) {
            const std::uint64_t number = turnkeep_events_at(events, index)->number;
            if (cursor_ > 0 && turnkeep_events_lost(events) == 0) CHECK_EQUAL(number, cursor_ + 1);
            cursor_ = number;
        }
        turnkeep_events_free(events);
    }

    void window(turnkeep_session *session) {
        turnkeep_window *out = nullptr;
        TRY(windowing, gone, turnkeep_session_window(session, nullptr, &out, &failure));
        turnkeep_window_free(out);
    }

    // Whatever others do, what one reads is a whole: numbered from 1 without a gap.
    void history(turnkeep_session *session) {
        turnkeep_messages *messages = nullptr;
        TRY(reading, gone, turnkeep_session_history(session, &messages, &failure));
        for (std::size_t index = 0; index < turnkeep_messages_len(messages); index++) {
            CHECK_EQUAL(turnkeep_messages_at(messages, index)->seq, index + 1);
        }
        turnkeep_messages_free(messages);
    }

    const field &field_;
    turnkeep_store *store_;
    std::mt19937 random_;
    std::uint64_t cursor_ = 0;
};

#endif

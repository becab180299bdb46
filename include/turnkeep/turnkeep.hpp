/*
 * Turnkeep for C++17: turnkeep.h with destructors, exceptions, string views and ranges. Header-only, nothing more.
 *
 *     turnkeep::store store{"chat.db"};
 *     auto session = store.create_session({.title = "demo"});                    // C++20; in C++17 set the members
 *     session.append(turnkeep::role::user, "Hello!");
 *     for (const auto& message : session.window({.max_tokens = 8192})) prompt += message.content();
 *
 * What turnkeep.h says holds here too. Besides:
 *
 *  1. What fails throws turnkeep::error, and then nothing was changed. Destructors throw nothing; see store::close.
 *  2. Stores, sessions and results are owners: they move, they do not copy, and the last one gives back what C gave.
 *  3. Messages and session_infos are views, as cheap as a pointer, and end with the result that they came from. So do
 *     the string views they give out; each of those ends in a NUL, so its data() is also a C string.
 *  4. Texts go in as string views. One that C takes up to its NUL must not hold a NUL: it is refused as INVALID.
 *  5. Options are plain structs. What is left out is the default, and what is optional is told apart from "".
 *  6. A const member function reads, another one changes the store; both may be called from any number of threads.
 *
 * 1 Basics   2 Message   3 Window   4 Session   5 Store
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_HPP
#define TURNKEEP_HPP

#include "turnkeep.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <forward_list>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace turnkeep {

/* 1 Basics ---------------------------------------------------------------------------------------------------------- */

/// How a call went: the TURNKEEP_ERROR_ numbers.
enum class status : turnkeep_status {
    ok = TURNKEEP_OK,
    invalid = TURNKEEP_ERROR_INVALID,
    not_found = TURNKEEP_ERROR_NOT_FOUND,
    exists = TURNKEEP_ERROR_EXISTS,
    conflict = TURNKEEP_ERROR_CONFLICT,
    busy = TURNKEEP_ERROR_BUSY,
    readonly = TURNKEEP_ERROR_READONLY,
    corrupt = TURNKEEP_ERROR_CORRUPT,
    storage = TURNKEEP_ERROR_STORAGE,
    full = TURNKEEP_ERROR_FULL,
    encoding = TURNKEEP_ERROR_ENCODING,
    unsupported = TURNKEEP_ERROR_UNSUPPORTED,
    aborted = TURNKEEP_ERROR_ABORTED,
    too_large = TURNKEEP_ERROR_TOO_LARGE,
    mismatch = TURNKEEP_ERROR_MISMATCH,
    closed = TURNKEEP_ERROR_CLOSED,
    panic = TURNKEEP_ERROR_PANIC,
};

/// The name of a status: "NOT_FOUND".
inline std::string_view status_name(status value) noexcept {
    return turnkeep_status_name(static_cast<turnkeep_status>(value));
}

/// The version of the library at run time, "0.1.0".
inline std::string_view version() noexcept { return turnkeep_version(); }

/// The same as a number, to compare with TURNKEEP_VERSION_NUMBER.
inline std::uint32_t version_number() noexcept { return turnkeep_version_number(); }

/// Whether a feature is built in.
inline bool has_feature(const char* name) noexcept { return turnkeep_has_feature(name) != 0; }

/// A moment, as exact as the store keeps it. Clocks that tick finer need std::chrono::time_point_cast.
using time_point = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

/// What failed. what() is one line for people, and never holds a message's content.
///
/// Where a callback threw, the status is `aborted`, and std::rethrow_if_nested throws what the callback threw.
class error : public std::runtime_error {
public:
    error(turnkeep::status status, const std::string& message) : std::runtime_error(message), status_(status) {}

    /// For those who call C themselves. The C error stays theirs.
    explicit error(const turnkeep_error* raw)
        : error(static_cast<turnkeep::status>(turnkeep_error_status(raw)), turnkeep_error_message(raw).data) {}

    turnkeep::status status() const noexcept { return status_; }

private:
    turnkeep::status status_;
};

/// Counts the tokens of a text. What it throws comes out nested in the error of the call that needed the count.
using tokenizer = std::function<std::uint64_t(std::string_view)>;

/// Is told how many pages of a backup are done, and of how many; false stops it. What it throws comes out nested.
using progress = std::function<bool(std::uint64_t, std::uint64_t)>;

/// What sits between C and C++; not for hosts.
namespace detail {

struct give_back {
    void operator()(turnkeep_error* raw) const noexcept { turnkeep_error_free(raw); }
    void operator()(turnkeep_store* raw) const noexcept { turnkeep_store_close(raw, nullptr); }
    void operator()(turnkeep_session* raw) const noexcept { turnkeep_session_close(raw); }
    void operator()(turnkeep_session_list* raw) const noexcept { turnkeep_session_list_free(raw); }
    void operator()(turnkeep_messages* raw) const noexcept { turnkeep_messages_free(raw); }
    void operator()(turnkeep_window* raw) const noexcept { turnkeep_window_free(raw); }
    void operator()(turnkeep_check* raw) const noexcept { turnkeep_check_free(raw); }
    void operator()(turnkeep_salvage_report* raw) const noexcept { turnkeep_salvage_report_free(raw); }
};

template <typename Raw>
using handle = std::unique_ptr<Raw, give_back>;

/// What a callback threw during the call that this thread is in: an exception must not pass through C.
inline std::exception_ptr& thrown_by_callback() noexcept {
    static thread_local std::exception_ptr thrown;
    return thrown;
}

inline turnkeep_status count_tokens(void* user_data, const char* text, std::size_t size,
                                    std::uint64_t* tokens) noexcept {
    try {
        *tokens = (*static_cast<const tokenizer*>(user_data))({text, size});
        return TURNKEEP_OK;
    } catch (...) {
        thrown_by_callback() = std::current_exception();
        return TURNKEEP_ERROR_ABORTED;
    }
}

inline turnkeep_status report_progress(void* user_data, std::uint64_t done, std::uint64_t all) noexcept {
    try {
        return (*static_cast<const progress*>(user_data))(done, all) ? TURNKEEP_OK : TURNKEEP_ERROR_ABORTED;
    } catch (...) {
        thrown_by_callback() = std::current_exception();
        return TURNKEEP_ERROR_ABORTED;
    }
}

inline void destroy_tokenizer(void* user_data) noexcept { delete static_cast<tokenizer*>(user_data); }

[[noreturn]] inline void fail(const handle<turnkeep_error>& raw) {
    if (const auto cause = std::exchange(thrown_by_callback(), nullptr)) {
        try {
            std::rethrow_exception(cause);
        } catch (...) {
            std::throw_with_nested(error{raw.get()});
        }
    }
    throw error{raw.get()};
}

/// Calls a C function that can fail, and throws if it does.
template <typename... Parameters, typename... Arguments>
void call(turnkeep_status (*function)(Parameters...), Arguments... arguments) {
    turnkeep_error* raw = nullptr;
    // What a callback threw during a call of the C functions is not the cause of this one's failure.
    thrown_by_callback() = nullptr;
    if (function(arguments..., &raw) != TURNKEEP_OK) fail(handle<turnkeep_error>{raw});
}

/// Texts with a NUL at their end, for as long as a call lasts.
class c_texts {
public:
    const char* required(const char* what, std::string_view text) {
        if (const auto at = text.find('\0'); at != text.npos) {
            throw error{status::invalid, std::string{what} + " has a NUL at byte " + std::to_string(at) +
                                             ", where C would cut it; nothing was changed"};
        }
        return texts_.emplace_front(text).c_str();
    }

    const char* optional(const char* what, const std::optional<std::string_view>& text) {
        return text ? required(what, *text) : nullptr;
    }

    const char* unless_empty(const char* what, std::string_view text) {
        return text.empty() ? nullptr : required(what, text);
    }

private:
    std::forward_list<std::string> texts_; // a list, because its strings never move
};

inline std::string_view view(const turnkeep_text& text) noexcept { return {text.data, text.len}; }

inline time_point moment(std::int64_t microseconds) noexcept {
    return time_point{std::chrono::microseconds{microseconds}};
}

inline std::uint32_t milliseconds(const char* what, std::chrono::milliseconds time) {
    if (time.count() < 0 || time.count() > std::numeric_limits<std::uint32_t>::max()) {
        throw error{status::invalid,
                    std::string{what} + " is " + std::to_string(time.count()) + " ms; it must be 0 to 4 294 967 295"};
    }
    return static_cast<std::uint32_t>(time.count());
}

inline std::size_t length(const turnkeep_messages* raw) noexcept { return turnkeep_messages_len(raw); }
inline std::size_t length(const turnkeep_window* raw) noexcept { return turnkeep_window_len(raw); }
inline std::size_t length(const turnkeep_session_list* raw) noexcept { return turnkeep_session_list_len(raw); }
inline std::size_t length(const turnkeep_check* raw) noexcept { return turnkeep_check_len(raw); }
inline std::size_t length(const turnkeep_salvage_report* raw) noexcept { return turnkeep_salvage_report_len(raw); }

inline const turnkeep_message* item(const turnkeep_messages* raw, std::size_t index) noexcept {
    return turnkeep_messages_at(raw, index);
}
inline const turnkeep_message* item(const turnkeep_window* raw, std::size_t index) noexcept {
    return turnkeep_window_at(raw, index);
}
inline const turnkeep_session_info* item(const turnkeep_session_list* raw, std::size_t index) noexcept {
    return turnkeep_session_list_at(raw, index);
}
inline std::string_view item(const turnkeep_check* raw, std::size_t index) noexcept {
    return view(turnkeep_check_at(raw, index));
}
inline std::string_view item(const turnkeep_salvage_report* raw, std::size_t index) noexcept {
    return view(turnkeep_salvage_report_at(raw, index));
}

/// Walks over a result at random. To C++17 it is an input iterator, since it gives out views by value.
template <typename Raw, typename View>
class iterator {
    struct arrow {
        View view;
        const View* operator->() const noexcept { return &view; }
    };

public:
    using value_type = View;
    using reference = View;
    using pointer = arrow;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
#if __cplusplus >= 202002L
    using iterator_concept = std::random_access_iterator_tag;
#endif

    iterator() noexcept = default;
    iterator(const Raw* raw, std::size_t index) noexcept : raw_(raw), index_(static_cast<difference_type>(index)) {}

    View operator*() const noexcept { return View{item(raw_, static_cast<std::size_t>(index_))}; }
    arrow operator->() const noexcept { return {**this}; }
    View operator[](difference_type offset) const noexcept { return *(*this + offset); }

    iterator& operator+=(difference_type offset) noexcept {
        index_ += offset;
        return *this;
    }
    iterator& operator-=(difference_type offset) noexcept { return *this += -offset; }
    iterator& operator++() noexcept { return *this += 1; }
    iterator& operator--() noexcept { return *this -= 1; }
    iterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
    iterator operator--(int) noexcept { return std::exchange(*this, *this - 1); }

    friend iterator operator+(iterator one, difference_type offset) noexcept { return one += offset; }
    friend iterator operator+(difference_type offset, iterator one) noexcept { return one += offset; }
    friend iterator operator-(iterator one, difference_type offset) noexcept { return one -= offset; }
    friend difference_type operator-(const iterator& one, const iterator& other) noexcept {
        return one.index_ - other.index_;
    }
    friend bool operator==(const iterator& one, const iterator& other) noexcept { return one.index_ == other.index_; }
    friend bool operator!=(const iterator& one, const iterator& other) noexcept { return one.index_ != other.index_; }
    friend bool operator<(const iterator& one, const iterator& other) noexcept { return one.index_ < other.index_; }
    friend bool operator>(const iterator& one, const iterator& other) noexcept { return other < one; }
    friend bool operator<=(const iterator& one, const iterator& other) noexcept { return !(other < one); }
    friend bool operator>=(const iterator& one, const iterator& other) noexcept { return !(one < other); }

private:
    const Raw* raw_ = nullptr;
    difference_type index_ = 0;
};

/// An immutable result of C, as a range of views. One that holds nothing, or was moved from, is empty.
template <typename Raw, typename View>
class result {
public:
    using value_type = View;
    using iterator = detail::iterator<Raw, View>;
    using const_iterator = iterator;

    result() noexcept = default;

    /// Takes over what C gave.
    explicit result(Raw* raw) noexcept : raw_(raw) {}

    std::size_t size() const noexcept { return length(get()); }
    bool empty() const noexcept { return size() == 0; }

    /// As with a vector, the index must be below size().
    View operator[](std::size_t index) const noexcept { return View{item(get(), index)}; }
    View front() const noexcept { return (*this)[0]; }
    View back() const noexcept { return (*this)[size() - 1]; }

    iterator begin() const noexcept { return {get(), 0}; }
    iterator end() const noexcept { return {get(), size()}; }

    const Raw* get() const noexcept { return raw_.get(); }

private:
    handle<Raw> raw_;
};

} // namespace detail

/// The only view of a result, and the result with it: it lasts as long as you keep it.
template <typename Result>
class single : public Result::value_type {
public:
    explicit single(Result&& result) noexcept : Result::value_type(result.front()), result_(std::move(result)) {}

private:
    Result result_;
};

/* 2 Message --------------------------------------------------------------------------------------------------------- */

/// Who speaks.
enum class role : std::int32_t {
    system = TURNKEEP_ROLE_SYSTEM,
    user = TURNKEEP_ROLE_USER,
    assistant = TURNKEEP_ROLE_ASSISTANT,
    tool = TURNKEEP_ROLE_TOOL,
    developer = TURNKEEP_ROLE_DEVELOPER,
};

/// What an acknowledged change survives. `memory` is only in receipts.
enum class durability : std::int32_t {
    disk = TURNKEEP_DURABILITY_DISK,
    os = TURNKEEP_DURABILITY_OS,
    deferred = TURNKEEP_DURABILITY_DEFERRED,
    memory = TURNKEEP_DURABILITY_MEMORY,
};

/// In new_message::tokens: count it.
inline constexpr std::int64_t tokens_count = TURNKEEP_TOKENS_COUNT;

/// In new_message::tokens: it has none.
inline constexpr std::int64_t tokens_none = TURNKEEP_TOKENS_NONE;

/// A message to append. Only role is needed; an empty text is none.
struct new_message {
    turnkeep::role role{};
    std::string_view content{};
    std::int64_t tokens = tokens_count;
    /// When it was said; the epoch is now. Does not decide the order.
    time_point created{};
    /// A JSON array of calls in the shape of the OpenAI chat API, on an assistant message.
    std::string_view tool_calls{};
    /// Which call a tool message answers.
    std::string_view tool_call_id{};
    /// The model that wrote it.
    std::string_view model{};
    /// A JSON object.
    std::string_view metadata{};
    /// It stays in every window.
    bool pinned = false;
};

/// How to append.
struct append_options {
    /// Append only if the session has this revision, else CONFLICT; 0 is any.
    std::uint64_t expected_revision = 0;
    /// A retry with the same key answers with the first receipt and appends nothing.
    std::optional<std::string_view> idempotency_key{};
    /// The store's unless given.
    std::optional<turnkeep::durability> durability{};
};

/// What an append did.
struct receipt {
    std::uint64_t first_seq = 0;
    std::uint64_t last_seq = 0;
    /// The session's revision after it.
    std::uint64_t revision = 0;
    turnkeep::durability durability = turnkeep::durability::disk;
    /// This is the first receipt again, for a retry with the same idempotency key.
    bool repeated = false;
};

/// A message, borrowed from the result it came from.
class message {
public:
    explicit message(const turnkeep_message* raw) noexcept : raw_(raw) {}

    turnkeep::role role() const noexcept { return static_cast<turnkeep::role>(raw_->role); }
    std::string_view content() const noexcept { return detail::view(raw_->content); }
    /// Its place in the session: 1, 2, 3 ... 0 for the session's summary.
    std::uint64_t seq() const noexcept { return raw_->seq; }
    /// The number of its turn; 0 before the first.
    std::uint32_t turn() const noexcept { return raw_->turn; }
    std::uint32_t tokens() const noexcept { return raw_->tokens; }
    /// The tokens of the session up to and with this message.
    std::uint64_t total_tokens() const noexcept { return raw_->total_tokens; }
    time_point created() const noexcept { return detail::moment(raw_->created_us); }

    bool pinned() const noexcept { return has(TURNKEEP_MESSAGE_PINNED); }
    /// The token count is the estimate.
    bool estimated() const noexcept { return has(TURNKEEP_MESSAGE_ESTIMATED); }
    /// Not of the history: the session's summary, in a window.
    bool is_summary() const noexcept { return has(TURNKEEP_MESSAGE_SUMMARY); }

    /// JSON, byte for byte as appended; empty is none. So are the others below.
    std::string_view tool_calls() const noexcept { return detail_of(&turnkeep_message_details::tool_calls); }
    std::string_view tool_call_id() const noexcept { return detail_of(&turnkeep_message_details::tool_call_id); }
    std::string_view model() const noexcept { return detail_of(&turnkeep_message_details::model); }
    std::string_view metadata() const noexcept { return detail_of(&turnkeep_message_details::metadata); }

    const turnkeep_message* get() const noexcept { return raw_; }

private:
    bool has(std::uint32_t flag) const noexcept { return (raw_->flags & flag) != 0; }

    std::string_view detail_of(turnkeep_text turnkeep_message_details::*text) const noexcept {
        return raw_->details ? detail::view(raw_->details->*text) : std::string_view{""};
    }

    const turnkeep_message* raw_;
};

/// Messages of a session, in order, as of one moment. Outlives its session and its store.
class messages : public detail::result<turnkeep_messages, message> {
public:
    using result::result;
};

/* 3 Window ---------------------------------------------------------------------------------------------------------- */

/// What to ask of a window. Zero means default everywhere.
struct window_options {
    /// The window in tokens; 0 is the session's, then the store's.
    std::uint64_t max_tokens = 0;
    /// Tokens of it that are kept free for the answer.
    std::uint64_t reserve_tokens = 0;
    /// Tokens of it that are kept free for the summary, so that a new one never moves the cut; 0 is what it needs.
    std::uint64_t summary_tokens = 0;
    /// Tokens that the prompt's template adds to each message.
    std::uint32_t message_overhead = 0;
    /// How much of the budget is used after the cut has moved, in percent; 0 is 75; 100 drops a turn each turn.
    std::uint32_t low_water_percent = 0;
    /// How many turns from the beginning stay in front.
    std::uint32_t keep_first_turns = 0;
    /// How many messages it may hold; 0 is any number.
    std::uint32_t max_messages = 0;
    bool leave_out_summary = false;
    /// Pinned messages go with the turns they belong to.
    bool leave_out_pins = false;
};

/// What is in a window and what is not: the fields are explained in turnkeep.h.
using window_report = turnkeep_window_report;

/// The messages for the next prompt, as of one moment. Outlives its session and its store.
class window : public detail::result<turnkeep_window, message> {
public:
    using result::result;

    /// All zero for a window that holds nothing.
    const window_report& report() const noexcept {
        static const window_report nothing{};
        const auto* report = turnkeep_window_report_of(get());
        return report ? *report : nothing;
    }

    /// How many leading messages are the same, byte for byte: what an engine need not read again.
    std::size_t common_prefix(const window& other) const noexcept {
        return turnkeep_window_common_prefix(get(), other.get());
    }
};

/* 4 Session --------------------------------------------------------------------------------------------------------- */

enum class session_status : std::int32_t {
    active = TURNKEEP_SESSION_ACTIVE,
    archived = TURNKEEP_SESSION_ARCHIVED,
    trashed = TURNKEEP_SESSION_TRASHED,
};

/// In session_changes::window_tokens: back to the store's window size.
inline constexpr std::uint64_t window_of_store = TURNKEEP_WINDOW_OF_STORE;

/// A session to create. An empty text is none, but for the id: left out, it is made here, and an empty one is refused.
struct session_options {
    std::optional<std::string_view> id{};
    std::string_view user_id{};
    /// Unique among the owner's sessions.
    std::string_view name{};
    std::string_view title{};
    std::string_view model{};
    /// What has been said so far: a window that left something out shows it in front.
    std::string_view summary{};
    /// A JSON object.
    std::string_view metadata{};
    /// Its window in tokens; 0 is the store's.
    std::uint64_t window_tokens = 0;
};

/// What to change of a session. What is left out stays as it is; "" takes a name or a summary away.
struct session_changes {
    /// Change only if the session has this revision, else CONFLICT; 0 is any.
    std::uint64_t expected_revision = 0;
    std::optional<std::string_view> name{};
    std::optional<std::string_view> title{};
    std::optional<std::string_view> model{};
    std::optional<std::string_view> summary{};
    std::optional<std::string_view> metadata{};
    /// A new window in tokens, or window_of_store.
    std::uint64_t window_tokens = 0;
};

/// Everything about a session but its messages, borrowed from the list it came from.
class session_info {
public:
    explicit session_info(const turnkeep_session_info* raw) noexcept : raw_(raw) {}

    std::string_view id() const noexcept { return detail::view(raw_->id); }
    /// Empty is nobody.
    std::string_view user_id() const noexcept { return detail::view(raw_->user_id); }
    /// Empty is none.
    std::string_view name() const noexcept { return detail::view(raw_->name); }
    std::string_view title() const noexcept { return detail::view(raw_->title); }
    std::string_view model() const noexcept { return detail::view(raw_->model); }
    std::string_view summary() const noexcept { return detail::view(raw_->summary); }
    std::string_view metadata() const noexcept { return detail::view(raw_->metadata); }
    /// The session it was forked from; empty is none.
    std::string_view parent_id() const noexcept { return detail::view(raw_->parent_id); }
    time_point created() const noexcept { return detail::moment(raw_->created_us); }
    time_point updated() const noexcept { return detail::moment(raw_->updated_us); }
    /// When it may be removed; the epoch is never.
    time_point expires() const noexcept { return detail::moment(raw_->expires_us); }
    /// Grows by one with every change.
    std::uint64_t revision() const noexcept { return raw_->revision; }
    /// The place of its last message; 0 is none yet.
    std::uint64_t head_seq() const noexcept { return raw_->head_seq; }
    /// The last message that it shares with its parent; 0 is none.
    std::uint64_t fork_seq() const noexcept { return raw_->fork_seq; }
    std::uint64_t message_count() const noexcept { return raw_->message_count; }
    std::uint64_t total_tokens() const noexcept { return raw_->total_tokens; }
    /// Its window in tokens; 0 is the store's.
    std::uint64_t window_tokens() const noexcept { return raw_->window_tokens; }
    session_status status() const noexcept { return static_cast<session_status>(raw_->status); }

    const turnkeep_session_info* get() const noexcept { return raw_; }

private:
    const turnkeep_session_info* raw_;
};

/// Which sessions to list.
struct list_options {
    /// Only this owner's ("" is nobody's); left out, everybody's.
    std::optional<std::string_view> user_id{};
    /// What session_list::next_page answered for the page before; empty is the first.
    std::string_view page{};
    /// How many sessions a page holds; 0 is 50, at most 1 000.
    std::uint32_t limit = 0;
};

/// A page of sessions, newest first, as of one moment. Outlives its store.
class session_list : public detail::result<turnkeep_session_list, session_info> {
public:
    using result::result;

    /// What list_options::page takes for the next page; empty at the end.
    std::string_view next_page() const noexcept { return detail::view(turnkeep_session_list_next_page(get())); }
};

/// One conversation of a store. Threads: any number at once.
class session {
public:
    /// Takes over what C gave.
    explicit session(turnkeep_session* raw) noexcept : raw_(raw) {}

    std::string_view id() const noexcept { return detail::view(turnkeep_session_id(get())); }

    single<session_list> describe() const {
        turnkeep_session_list* raw = nullptr;
        detail::call(turnkeep_session_describe, get(), &raw);
        return single{session_list{raw}};
    }

    /// Changes all of it or nothing. Returns the new revision.
    std::uint64_t update(const session_changes& changes) {
        detail::c_texts texts;
        turnkeep_session_changes wanted = TURNKEEP_SESSION_CHANGES_INIT;
        wanted.expected_revision = changes.expected_revision;
        wanted.name = texts.optional("name", changes.name);
        wanted.title = texts.optional("title", changes.title);
        wanted.model = texts.optional("model", changes.model);
        wanted.summary = texts.optional("summary", changes.summary);
        wanted.metadata = texts.optional("metadata", changes.metadata);
        wanted.window_tokens = changes.window_tokens;
        std::uint64_t revision = 0;
        detail::call(turnkeep_session_update, get(), &wanted, &revision);
        return revision;
    }

    receipt append(turnkeep::role role, std::string_view content) {
        turnkeep_receipt done = TURNKEEP_RECEIPT_INIT;
        detail::call(turnkeep_session_append, get(), static_cast<std::int32_t>(role), content.data(), content.size(),
                     &done);
        return read(done);
    }

    receipt append(const new_message& message, const append_options& options = {}) {
        return append_batch(&message, 1, options);
    }

    /// Appends messages that lie one after the other (a vector, an array, a span), all of them or none.
    template <typename Messages>
    receipt append_batch(const Messages& messages, const append_options& options = {}) {
        return append_batch(std::data(messages), std::size(messages), options);
    }

    receipt append_batch(std::initializer_list<new_message> messages, const append_options& options = {}) {
        return append_batch(messages.begin(), messages.size(), options);
    }

    receipt append_batch(const new_message* messages, std::size_t count, const append_options& options = {}) {
        detail::c_texts texts;
        std::vector<turnkeep_new_message> wanted;
        wanted.reserve(count);
        for (const auto* message = messages; message != messages + count; ++message) {
            wanted.push_back(write(*message, texts));
        }
        turnkeep_append_options how = TURNKEEP_APPEND_OPTIONS_INIT;
        how.expected_revision = options.expected_revision;
        how.idempotency_key = texts.optional("idempotency_key", options.idempotency_key);
        how.durability = options.durability ? static_cast<std::int32_t>(*options.durability) : 0;
        turnkeep_receipt done = TURNKEEP_RECEIPT_INIT;
        detail::call(turnkeep_session_append_batch, get(), wanted.data(), count, &how, &done);
        return read(done);
    }

    /// Removes all messages; the next one appended is 1 again. Returns the new revision.
    std::uint64_t clear(std::uint64_t expected_revision = 0) {
        std::uint64_t revision = 0;
        detail::call(turnkeep_session_clear, get(), expected_revision, &revision);
        return revision;
    }

    messages history() const {
        turnkeep_messages* raw = nullptr;
        detail::call(turnkeep_session_history, get(), &raw);
        return messages{raw};
    }

    /// The last `count` messages, or all if there are fewer.
    messages last(std::uint64_t count) const {
        turnkeep_messages* raw = nullptr;
        detail::call(turnkeep_session_last, get(), count, &raw);
        return messages{raw};
    }

    /// The messages from `first_seq` to `last_seq`, both included; those that are not there are left out.
    messages range(std::uint64_t first_seq, std::uint64_t last_seq) const {
        turnkeep_messages* raw = nullptr;
        detail::call(turnkeep_session_range, get(), first_seq, last_seq, &raw);
        return messages{raw};
    }

    single<messages> message(std::uint64_t seq) const {
        turnkeep_messages* raw = nullptr;
        detail::call(turnkeep_session_message, get(), seq, &raw);
        return single{messages{raw}};
    }

    /// The messages for the next prompt: what is pinned, then the newest whole turns that fit.
    turnkeep::window window(const window_options& options = {}) const {
        turnkeep_window_options wanted = TURNKEEP_WINDOW_OPTIONS_INIT;
        wanted.max_tokens = options.max_tokens;
        wanted.reserve_tokens = options.reserve_tokens;
        wanted.summary_tokens = options.summary_tokens;
        wanted.message_overhead = options.message_overhead;
        wanted.low_water_percent = options.low_water_percent;
        wanted.keep_first_turns = options.keep_first_turns;
        wanted.max_messages = options.max_messages;
        wanted.leave_out = (options.leave_out_summary ? std::uint32_t{TURNKEEP_LEAVE_OUT_SUMMARY} : 0) |
                           (options.leave_out_pins ? std::uint32_t{TURNKEEP_LEAVE_OUT_PINS} : 0);
        turnkeep_window* raw = nullptr;
        detail::call(turnkeep_session_window, get(), &wanted, &raw);
        return turnkeep::window{raw};
    }

    const turnkeep_session* get() const noexcept { return raw_.get(); }

private:
    static turnkeep_new_message write(const new_message& message, detail::c_texts& texts) {
        turnkeep_new_message wanted = TURNKEEP_NEW_MESSAGE_INIT;
        wanted.role = static_cast<std::int32_t>(message.role);
        wanted.flags = message.pinned ? TURNKEEP_MESSAGE_PINNED : 0;
        wanted.content = message.content.data();
        wanted.content_len = message.content.size();
        wanted.tokens = message.tokens;
        wanted.created_us = message.created.time_since_epoch().count();
        wanted.tool_calls = texts.unless_empty("tool_calls", message.tool_calls);
        wanted.tool_call_id = texts.unless_empty("tool_call_id", message.tool_call_id);
        wanted.model = texts.unless_empty("model", message.model);
        wanted.metadata = texts.unless_empty("metadata", message.metadata);
        return wanted;
    }

    static receipt read(const turnkeep_receipt& done) noexcept {
        return {done.first_seq, done.last_seq, done.revision, static_cast<turnkeep::durability>(done.durability),
                done.repeated != 0};
    }

    detail::handle<turnkeep_session> raw_;
};

/* 5 Store ----------------------------------------------------------------------------------------------------------- */

/// How to open a store. Zero means default everywhere.
struct store_options {
    turnkeep::durability durability = turnkeep::durability::disk;
    /// With deferred durability: how long an acknowledged change may stay unwritten; 0 is 1 s.
    std::chrono::milliseconds autosave{};
    /// How many sessions the cache holds; 0 is 100.
    std::uint64_t cache_sessions = 0;
    /// How many bytes the cache holds; 0 is 64 MiB.
    std::uint64_t cache_bytes = 0;
    /// The window of sessions that set none, in tokens; 0 is 8 192.
    std::uint64_t window_tokens = 0;
    /// How long to wait for another process that writes; 0 is 5 s.
    std::chrono::milliseconds busy_timeout{};
    /// How many connections read at the same time; 0 is as many as the machine has cores.
    std::uint32_t readers = 0;
    /// Keeps every other process out, and is faster.
    bool exclusive = false;
    /// Changes nothing, not even the file's schema.
    bool read_only = false;
    /// Fails with NOT_FOUND instead of making a new store.
    bool must_exist = false;
    /// Counts tokens. Called on the threads that append, at the same time if they do.
    turnkeep::tokenizer count_tokens{};
    /// The vocabulary to count with, where there is no count_tokens: "cl100k_base" or "o200k_base".
    std::string_view tokenizer{};
    /// How many bytes the texts of a session's messages may have, for new sessions; 0 is any number.
    std::uint64_t max_session_bytes = 0;
    /// Contents of at least so many bytes are kept compressed; 0 is none. Below 1 024 it does not pay.
    std::uint64_t compress_min_bytes = 0;
    /// How hard zstd tries: 1 to 22; 0 is 3.
    std::int32_t compression_level = 0;
};

/// How to back up.
struct backup_options {
    /// Replaces a store that is at the target. What is no store is never replaced.
    bool overwrite = false;
    /// Called on the thread of the call.
    turnkeep::progress progress{};
};

/// What a check looked at: the fields are explained in turnkeep.h.
using check_counts = turnkeep_check_counts;

/// What is wrong with a store, as a range of sentences; empty if all is well. Outlives its store.
class check_report : public detail::result<turnkeep_check, std::string_view> {
public:
    using result::result;

    const check_counts& counts() const noexcept {
        static const check_counts nothing{};
        const auto* counts = turnkeep_check_counts_of(get());
        return counts ? *counts : nothing;
    }
};

/// What a salvage brought over: the fields are explained in turnkeep.h.
using salvage_counts = turnkeep_salvage_counts;

/// What a salvage could not read, and what it made of it, as a range of sentences.
class salvage_report : public detail::result<turnkeep_salvage_report, std::string_view> {
public:
    using result::result;

    const salvage_counts& counts() const noexcept {
        static const salvage_counts nothing{};
        const auto* counts = turnkeep_salvage_counts_of(get());
        return counts ? *counts : nothing;
    }
};

/// How large a store is, in bytes: the fields are explained in turnkeep.h.
using store_sizes = turnkeep_sizes;

/// What an erasure did.
struct erase_report {
    /// Messages that are gone.
    std::uint64_t messages_erased = 0;
    /// Messages that stay because forks have them, too.
    std::uint64_t messages_kept_by_forks = 0;
    /// The write-ahead log was emptied; false in memory.
    bool wal_truncated = false;
};

/// Copies what can be read of a damaged store into a new one, and leaves the source as it is.
inline salvage_report salvage(std::string_view source, std::string_view target) {
    detail::c_texts texts;
    turnkeep_salvage_report* raw = nullptr;
    detail::call(turnkeep_salvage, texts.required("source", source), texts.required("target", target), &raw);
    return salvage_report{raw};
}

/// One database of sessions: a file, or memory. Threads: any number at once, but one that closes or moves it.
class store {
public:
    /// Opens the store at a path, or makes it; ":memory:" is one that ends with its owner.
    explicit store(std::string_view location, const store_options& options = {}) {
        detail::c_texts texts;
        const char* where = texts.required("location", location);
        turnkeep_store_options wanted = TURNKEEP_STORE_OPTIONS_INIT;
        wanted.durability = static_cast<std::int32_t>(options.durability);
        wanted.autosave_ms = detail::milliseconds("autosave", options.autosave);
        wanted.cache_sessions = options.cache_sessions;
        wanted.cache_bytes = options.cache_bytes;
        wanted.window_tokens = options.window_tokens;
        wanted.busy_timeout_ms = detail::milliseconds("busy_timeout", options.busy_timeout);
        wanted.readers = options.readers;
        wanted.exclusive = options.exclusive ? 1 : 0;
        wanted.read_only = options.read_only ? 1 : 0;
        wanted.must_exist = options.must_exist ? 1 : 0;
        wanted.tokenizer = texts.unless_empty("tokenizer", options.tokenizer);
        wanted.max_session_bytes = options.max_session_bytes;
        wanted.compress_min_bytes = options.compress_min_bytes;
        wanted.compression_level = options.compression_level;
        if (options.count_tokens) {
            // From here on it is the store's, also when opening fails: that calls destroy.
            wanted.user_data = new turnkeep::tokenizer(options.count_tokens);
            wanted.count_tokens = detail::count_tokens;
            wanted.destroy = detail::destroy_tokenizer;
        }
        turnkeep_store* raw = nullptr;
        detail::call(turnkeep_store_open, where, &wanted, &raw);
        raw_.reset(raw);
    }

    /// Takes over what C gave.
    explicit store(turnkeep_store* raw) noexcept : raw_(raw) {}

    /// As it was given.
    std::string_view location() const noexcept { return detail::view(turnkeep_store_location(get())); }

    /// Writes what was acknowledged as deferred, and flushes everything acknowledged so far to the disk.
    void flush() { detail::call(turnkeep_store_flush, get()); }

    /// Flushes and closes, and throws if that fails, where the destructor would keep silent. The store is gone either
    /// way; its sessions answer CLOSED.
    void close() { detail::call(turnkeep_store_close, raw_.release()); }

    session create_session(const session_options& options = {}) {
        detail::c_texts texts;
        turnkeep_session_options wanted = TURNKEEP_SESSION_OPTIONS_INIT;
        wanted.id = texts.optional("id", options.id);
        wanted.user_id = texts.unless_empty("user_id", options.user_id);
        wanted.name = texts.unless_empty("name", options.name);
        wanted.title = texts.unless_empty("title", options.title);
        wanted.model = texts.unless_empty("model", options.model);
        wanted.summary = texts.unless_empty("summary", options.summary);
        wanted.metadata = texts.unless_empty("metadata", options.metadata);
        wanted.window_tokens = options.window_tokens;
        turnkeep_session* raw = nullptr;
        detail::call(turnkeep_session_create, get(), &wanted, &raw);
        return session{raw};
    }

    session open_session(std::string_view id) const {
        detail::c_texts texts;
        turnkeep_session* raw = nullptr;
        detail::call(turnkeep_session_open, get(), texts.required("id", id), &raw);
        return session{raw};
    }

    bool session_exists(std::string_view id) const {
        detail::c_texts texts;
        std::int32_t exists = 0;
        detail::call(turnkeep_session_exists, get(), texts.required("id", id), &exists);
        return exists != 0;
    }

    /// Deletes a session with all its messages.
    void delete_session(std::string_view id) {
        detail::c_texts texts;
        detail::call(turnkeep_session_delete, get(), texts.required("id", id));
    }

    /// Lists sessions, newest first, a page at a time.
    session_list list_sessions(const list_options& options = {}) const {
        detail::c_texts texts;
        turnkeep_session_list_options wanted = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
        wanted.user_id = texts.optional("user_id", options.user_id);
        wanted.page = texts.unless_empty("page", options.page);
        wanted.limit = options.limit;
        turnkeep_session_list* raw = nullptr;
        detail::call(turnkeep_store_list, get(), &wanted, &raw);
        return session_list{raw};
    }

    /// Opens the store that the table [session] of a TOML file describes.
    static store open_config(std::string_view path) {
        detail::c_texts texts;
        turnkeep_store* raw = nullptr;
        detail::call(turnkeep_store_open_config, texts.required("path", path), &raw);
        return store{raw};
    }

    /// Copies everything acknowledged so far into a new file, while others go on.
    void backup(std::string_view path, const backup_options& options = {}) const {
        detail::c_texts texts;
        turnkeep_backup_options wanted = TURNKEEP_BACKUP_OPTIONS_INIT;
        wanted.overwrite = options.overwrite ? 1 : 0;
        if (options.progress) {
            wanted.user_data = const_cast<turnkeep::progress*>(&options.progress);
            wanted.progress = detail::report_progress;
        }
        detail::call(turnkeep_store_backup, get(), texts.required("path", path), &wanted);
    }

    /// Looks whether everything is as it should be.
    check_report check() const {
        turnkeep_check* raw = nullptr;
        detail::call(turnkeep_store_check, get(), &raw);
        return check_report{raw};
    }

    /// Writes the database anew, without the room that deleted messages left.
    void vacuum() { detail::call(turnkeep_store_vacuum, get()); }

    /// Merges the search index, and gathers statistics.
    void optimize() { detail::call(turnkeep_store_optimize, get()); }

    store_sizes sizes() const {
        store_sizes sizes = TURNKEEP_SIZES_INIT;
        detail::call(turnkeep_store_sizes, get(), &sizes);
        return sizes;
    }

    /// Deletes a session so that no copy of its text stays in any file of the store. After BUSY the same call finishes it.
    erase_report erase_session(std::string_view id) {
        detail::c_texts texts;
        turnkeep_erase_report done = TURNKEEP_ERASE_REPORT_INIT;
        detail::call(turnkeep_session_erase, get(), texts.required("id", id), &done);
        return {done.messages_erased, done.messages_kept_by_forks, done.wal_truncated != 0};
    }

    const turnkeep_store* get() const noexcept { return raw_.get(); }

private:
    detail::handle<turnkeep_store> raw_;
};

} // namespace turnkeep

#endif

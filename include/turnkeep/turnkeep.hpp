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
 *  3. Messages, turns and session_infos are views, cheap as a pointer, and end with the result they came from. So do
 *     the string views they give out; each of those ends in a NUL, so its data() is also a C string.
 *  4. Texts go in as string views. One that C takes up to its NUL must not hold a NUL: it is refused as INVALID.
 *  5. Options are plain structs. What is left out is the default, and what is optional is told apart from "".
 *  6. A const member function reads, another one changes the store; both may be called from any number of threads.
 *
 * In the order of turnkeep.h, but that the two classes which need all else come last:
 *
 * 1 Basics   2 Session   3 Message   4 Window   5 Turn   6 Branch   7 List   8 Search   9 Events   10 Metrics
 * 11 Maintenance   12 Transfer   13 A session   14 A store
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

/* 1 Basics --------------------------------------------------------------------------------------------------------- */

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

/// What an acknowledged change survives. `memory` is only in receipts.
enum class durability : std::int32_t {
    disk = TURNKEEP_DURABILITY_DISK,
    os = TURNKEEP_DURABILITY_OS,
    deferred = TURNKEEP_DURABILITY_DEFERRED,
    memory = TURNKEEP_DURABILITY_MEMORY,
};

/// Counts the tokens of a text. What it throws comes out nested in the error of the call that needed the count.
using tokenizer = std::function<std::uint64_t(std::string_view)>;

/// Is told how much of something is done, and how much there is (of a backup in pages, of an export in messages, of an import
/// in bytes or rows); false stops it. What it throws comes out nested.
using progress = std::function<bool(std::uint64_t, std::uint64_t)>;

/// Takes the next bytes of an export: UTF-8, cut anywhere. What it throws comes out of the call that exports.
using writer = std::function<void(std::string_view)>;

/// What sits between C and C++; not for hosts.
namespace detail {

struct give_back {
    void operator()(turnkeep_error* raw) const noexcept { turnkeep_error_free(raw); }
    void operator()(turnkeep_store* raw) const noexcept { turnkeep_store_close(raw, nullptr); }
    void operator()(turnkeep_session* raw) const noexcept { turnkeep_session_close(raw); }
    void operator()(turnkeep_session_list* raw) const noexcept { turnkeep_session_list_free(raw); }
    void operator()(turnkeep_messages* raw) const noexcept { turnkeep_messages_free(raw); }
    void operator()(turnkeep_window* raw) const noexcept { turnkeep_window_free(raw); }
    void operator()(turnkeep_turns* raw) const noexcept { turnkeep_turns_free(raw); }
    void operator()(turnkeep_events* raw) const noexcept { turnkeep_events_free(raw); }
    void operator()(turnkeep_document* raw) const noexcept { turnkeep_document_free(raw); }
    void operator()(turnkeep_search_results* raw) const noexcept { turnkeep_search_results_free(raw); }
    void operator()(turnkeep_check_report* raw) const noexcept { turnkeep_check_report_free(raw); }
    void operator()(turnkeep_salvage_report* raw) const noexcept { turnkeep_salvage_report_free(raw); }
    void operator()(turnkeep_transfer_report* raw) const noexcept { turnkeep_transfer_report_free(raw); }
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

inline turnkeep_status report_progress(void* user_data, std::uint64_t done, std::uint64_t total) noexcept {
    try {
        return (*static_cast<const progress*>(user_data))(done, total) ? TURNKEEP_OK : TURNKEEP_ERROR_ABORTED;
    } catch (...) {
        thrown_by_callback() = std::current_exception();
        return TURNKEEP_ERROR_ABORTED;
    }
}

inline turnkeep_status write_chunk(void* user_data, const char* data, std::size_t size) noexcept {
    try {
        (*static_cast<const writer*>(user_data))({data, size});
        return TURNKEEP_OK;
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

    const char* const* array(const char* what, const std::vector<std::string_view>& texts) {
        auto& array = arrays_.emplace_front();
        for (const auto text : texts) array.push_back(required(what, text));
        return array.data();
    }

private:
    std::forward_list<std::string> texts_; // a list, because its strings never move
    std::forward_list<std::vector<const char*>> arrays_;
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

inline std::uint64_t long_milliseconds(const char* what, std::chrono::milliseconds time) {
    if (time.count() < 0) {
        throw error{status::invalid, std::string{what} + " is " + std::to_string(time.count()) + " ms: less than none"};
    }
    return static_cast<std::uint64_t>(time.count());
}

/// The text of a document, which ends with it.
inline std::string take(turnkeep_document* raw) {
    const handle<turnkeep_document> document{raw};
    return std::string{view(turnkeep_document_text(raw))};
}

inline std::size_t length(const turnkeep_messages* raw) noexcept { return turnkeep_messages_len(raw); }
inline std::size_t length(const turnkeep_window* raw) noexcept { return turnkeep_window_len(raw); }
inline std::size_t length(const turnkeep_session_list* raw) noexcept { return turnkeep_session_list_len(raw); }
inline std::size_t length(const turnkeep_turns* raw) noexcept { return turnkeep_turns_len(raw); }
inline std::size_t length(const turnkeep_events* raw) noexcept { return turnkeep_events_len(raw); }

inline std::size_t length(const turnkeep_search_results* raw) noexcept { return turnkeep_search_results_len(raw); }
inline std::size_t length(const turnkeep_transfer_report* raw) noexcept { return turnkeep_transfer_report_len(raw); }
inline std::size_t length(const turnkeep_check_report* raw) noexcept { return turnkeep_check_report_len(raw); }
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
inline const turnkeep_turn* item(const turnkeep_turns* raw, std::size_t index) noexcept {
    return turnkeep_turns_at(raw, index);
}
inline std::string_view item(const turnkeep_text* raw, std::size_t index) noexcept { return view(raw[index]); }
inline const turnkeep_event* item(const turnkeep_events* raw, std::size_t index) noexcept {
    return turnkeep_events_at(raw, index);
}
inline const turnkeep_hit* item(const turnkeep_search_results* raw, std::size_t index) noexcept {
    return turnkeep_search_results_at(raw, index);
}
inline const turnkeep_message* item(const turnkeep_hit* raw, std::size_t index) noexcept {
    return raw->messages + index;
}
inline const turnkeep_transfer_problem* item(const turnkeep_transfer_report* raw, std::size_t index) noexcept {
    return turnkeep_transfer_report_at(raw, index);
}
inline std::string_view item(const turnkeep_check_report* raw, std::size_t index) noexcept {
    return view(turnkeep_check_report_at(raw, index));
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

/// Texts of an object of C, as a range of string views.
class texts {
public:
    using value_type = std::string_view;
    using iterator = detail::iterator<turnkeep_text, std::string_view>;
    using const_iterator = iterator;

    texts(const turnkeep_text* raw, std::size_t count) noexcept : raw_(raw), count_(count) {}

    std::size_t size() const noexcept { return count_; }
    bool empty() const noexcept { return count_ == 0; }
    std::string_view operator[](std::size_t index) const noexcept { return view(raw_[index]); }
    iterator begin() const noexcept { return {raw_, 0}; }
    iterator end() const noexcept { return {raw_, count_}; }

private:
    const turnkeep_text* raw_;
    std::size_t count_;
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

/* 2 Session -------------------------------------------------------------------------------------------------------- */

/// What a session is: in use, put away, thrown away.
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
    std::vector<std::string_view> tags{};
    /// When a cleanup may delete it; the epoch is no such time.
    time_point expires{};
    /// How long after its last change a cleanup may delete it; 0 is no such time. Of the two what comes first counts.
    std::chrono::milliseconds expires_after{};
    /// How many bytes of text its messages may have; 0 is any number.
    std::uint64_t max_bytes = 0;
    /// The id of a session to be like: what is not given here is as there, the instructions at its head included;
    /// tags are added.
    std::string_view like{};
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
    /// A JSON merge patch (RFC 7396) for the metadata; not with metadata.
    std::optional<std::string_view> metadata_patch{};
    std::vector<std::string_view> add_tags{};
    /// Taken away before the others are added.
    std::vector<std::string_view> remove_tags{};
    /// The epoch is never.
    std::optional<time_point> expires{};
    /// 0 is never.
    std::optional<std::chrono::milliseconds> expires_after{};
    /// 0 is any number.
    std::optional<std::uint64_t> max_bytes{};
    /// Archives, trashes, restores.
    std::optional<session_status> status{};
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
    /// When a cleanup may delete it; the epoch is no such time.
    time_point expires() const noexcept { return detail::moment(raw_->expires_us); }
    /// How long after its last change a cleanup may delete it; 0 is no such time.
    std::chrono::milliseconds expires_after() const noexcept {
        return std::chrono::milliseconds{static_cast<std::int64_t>(raw_->expires_after_ms)};
    }
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
    /// In order.
    detail::texts tags() const noexcept { return {raw_->tags, raw_->tag_count}; }
    /// The bytes of its messages' texts.
    std::uint64_t bytes() const noexcept { return raw_->bytes; }
    /// How many there may be; 0 is any number.
    std::uint64_t max_bytes() const noexcept { return raw_->max_bytes; }

    const turnkeep_session_info* get() const noexcept { return raw_; }

private:
    const turnkeep_session_info* raw_;
};

/// A page of sessions, as of one moment. Outlives its store.
class session_list : public detail::result<turnkeep_session_list, session_info> {
public:
    using result::result;

    /// What list_options::page takes for the next page; empty at the end.
    std::string_view next_page() const noexcept { return detail::view(turnkeep_session_list_next_page(get())); }
};

/* 3 Message -------------------------------------------------------------------------------------------------------- */

/// Who speaks.
enum class role : std::int32_t {
    system = TURNKEEP_ROLE_SYSTEM,
    user = TURNKEEP_ROLE_USER,
    assistant = TURNKEEP_ROLE_ASSISTANT,
    tool = TURNKEEP_ROLE_TOOL,
    developer = TURNKEEP_ROLE_DEVELOPER,
};

/// Where the number of a message is asked for: the last message.
inline constexpr std::uint64_t last_message = TURNKEEP_LAST;

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

/* 4 Window --------------------------------------------------------------------------------------------------------- */

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

/* 5 Turn ----------------------------------------------------------------------------------------------------------- */

/// Where the number of a turn is asked for: the last turn.
inline constexpr std::uint64_t last_turn = TURNKEEP_LAST;

/// Where a number of turns is asked for: all of them.
inline constexpr std::uint64_t all_turns = TURNKEEP_ALL;

/// A question and its answer, to append in one call. An input is needed: a text, a file's name, or both.
struct exchange {
    std::string_view input{};
    /// The name of the file that was given.
    std::string_view input_name{};
    /// Its type, such as "application/pdf".
    std::string_view input_type{};
    std::string_view answer{};
    /// How long the answer took.
    std::chrono::microseconds processing{};
    /// What it cost, as you count.
    std::uint64_t tokens_used = 0;
    /// The model that answered.
    std::string_view model{};
    /// A JSON object, kept with the answer.
    std::string_view metadata{};
};

/// What appending an exchange did.
struct exchange_receipt {
    /// The number of the turn that it is.
    std::uint64_t number = 0;
    turnkeep::receipt receipt{};
};

/// A user message and all that follows, up to the next one. Borrowed from the result it came from.
class turn {
public:
    explicit turn(const turnkeep_turn* raw) noexcept : raw_(raw) {}

    /// What was asked.
    std::string_view input() const noexcept { return detail::view(raw_->input); }
    /// The name of the file that was given; empty is none.
    std::string_view input_name() const noexcept { return detail::view(raw_->input_name); }
    std::string_view input_type() const noexcept { return detail::view(raw_->input_type); }
    /// The last thing that the assistant said.
    std::string_view answer() const noexcept { return detail::view(raw_->answer); }
    /// The answer's; empty is none.
    std::string_view metadata() const noexcept { return detail::view(raw_->metadata); }
    /// 1, 2, 3 ... in its session; 0 is what stands before the first user message.
    std::uint64_t number() const noexcept { return raw_->number; }
    std::uint64_t first_seq() const noexcept { return raw_->first_seq; }
    std::uint64_t last_seq() const noexcept { return raw_->last_seq; }
    std::uint64_t tokens() const noexcept { return raw_->tokens; }
    /// When it began.
    time_point created() const noexcept { return detail::moment(raw_->created_us); }
    /// How long the answer took, and what it cost; 0 where nobody told.
    std::chrono::microseconds processing() const noexcept { return std::chrono::microseconds{raw_->processing_us}; }
    std::uint64_t tokens_used() const noexcept { return raw_->tokens_used; }

    const turnkeep_turn* get() const noexcept { return raw_; }

private:
    const turnkeep_turn* raw_;
};

/// Turns of a session, in order, as of one moment. Outlives its session and its store.
class turns : public detail::result<turnkeep_turns, turn> {
public:
    using result::result;
};

/* 6 Branch --------------------------------------------------------------------------------------------------------- */

/// How two sessions are alike.
struct comparison {
    /// The last message that both share; 0 is none. Behind it are the two tails.
    std::uint64_t common_seq = 0;
    std::uint64_t one_head_seq = 0;
    std::uint64_t other_head_seq = 0;
};

/* 7 List ----------------------------------------------------------------------------------------------------------- */

/// How what is at a place in a session's metadata relates to a value.
enum class metadata_relation : std::int32_t {
    exists = TURNKEEP_RELATION_EXISTS,
    equal = TURNKEEP_RELATION_EQUAL,
    less = TURNKEEP_RELATION_LESS,
    greater = TURNKEEP_RELATION_GREATER,
};

/// What a place in a session's metadata must hold.
struct metadata_condition {
    /// A JSON Pointer, "/project/name"; "" is the whole object.
    std::string_view pointer{};
    metadata_relation relation = metadata_relation::exists;
    /// JSON; left out for metadata_relation::exists.
    std::optional<std::string_view> value{};
};

/// Which sessions: those that meet all of it. What is left out asks for nothing, but that trashed sessions are left out unless
/// `statuses` has them. A time is a text: 2026-11-20 is the whole day, 2026-11-20T12:30 the whole minute; see turnkeep.h.
struct filter {
    /// Only this owner's ("" is nobody's); left out, everybody's.
    std::optional<std::string_view> user_id{};
    /// Empty is active and archived.
    std::vector<session_status> statuses{};
    /// With messages, or without.
    std::optional<bool> has_messages{};
    /// With every one of these tags.
    std::vector<std::string_view> all_tags{};
    /// With at least one of these tags.
    std::vector<std::string_view> any_tags{};
    std::optional<std::string_view> model{};
    /// In the name or the title, whatever the case and the accents.
    std::optional<std::string_view> text{};
    /// With metadata that meets every one of these.
    std::vector<metadata_condition> metadata{};
    std::optional<std::string_view> created_from{};
    std::optional<std::string_view> created_to{};
    std::optional<std::string_view> updated_from{};
    std::optional<std::string_view> updated_to{};
    std::optional<std::string_view> expires_from{};
    std::optional<std::string_view> expires_to{};
    /// Forked from the session with this id.
    std::optional<std::string_view> parent_id{};
    /// The offset from UTC of times that say none.
    std::chrono::minutes utc_offset{};
};

/// What a list is sorted by.
enum class sort : std::int32_t {
    created = TURNKEEP_SORT_CREATED,
    updated = TURNKEEP_SORT_UPDATED,
    id = TURNKEEP_SORT_ID,
    tokens = TURNKEEP_SORT_TOKENS,
    messages = TURNKEEP_SORT_MESSAGES,
    name = TURNKEEP_SORT_NAME,
};

/// Which sessions to list, and how.
struct list_options {
    turnkeep::filter filter{};
    turnkeep::sort sort = turnkeep::sort::created;
    /// The smallest or first ones first.
    bool ascending = false;
    /// What session_list::next_page answered for the page before, with the same filter and order; empty is the first.
    std::string_view page{};
    /// How many sessions a page holds; 0 is 50, at most 1 000.
    std::uint32_t limit = 0;
};

/// What to do with many sessions.
enum class bulk_action : std::int32_t {
    archive = TURNKEEP_BULK_ARCHIVE,
    trash = TURNKEEP_BULK_TRASH,
    restore = TURNKEEP_BULK_RESTORE,
    add_tag = TURNKEEP_BULK_ADD_TAG,
    remove_tag = TURNKEEP_BULK_REMOVE_TAG,
    /// With all their messages, for good.
    remove = TURNKEEP_BULK_DELETE,
};

namespace detail {

inline std::uint32_t bit(turnkeep::role wanted) noexcept {
    switch (wanted) {
    case role::system: return TURNKEEP_ROLES_SYSTEM;
    case role::user: return TURNKEEP_ROLES_USER;
    case role::assistant: return TURNKEEP_ROLES_ASSISTANT;
    case role::tool: return TURNKEEP_ROLES_TOOL;
    case role::developer: return TURNKEEP_ROLES_DEVELOPER;
    }
    return std::numeric_limits<std::uint32_t>::max(); // which C refuses
}

/// A filter as C takes it, for as long as a call lasts.
class c_filter {
public:
    explicit c_filter(const filter& wanted) {
        raw_.user_id = texts_.optional("user_id", wanted.user_id);
        for (const auto status : wanted.statuses) raw_.statuses |= bit(status);
        if (wanted.has_messages) {
            raw_.has_messages = *wanted.has_messages ? TURNKEEP_FILTER_WITH_MESSAGES : TURNKEEP_FILTER_WITHOUT_MESSAGES;
        }
        raw_.all_tags = strings("all_tags", wanted.all_tags, all_tags_);
        raw_.all_tag_count = all_tags_.size();
        raw_.any_tags = strings("any_tags", wanted.any_tags, any_tags_);
        raw_.any_tag_count = any_tags_.size();
        raw_.model = texts_.optional("model", wanted.model);
        raw_.text = texts_.optional("text", wanted.text);
        for (const auto& condition : wanted.metadata) metadata_.push_back(write(condition));
        raw_.metadata = metadata_.empty() ? nullptr : metadata_.data();
        raw_.metadata_count = metadata_.size();
        raw_.created_from = texts_.optional("created_from", wanted.created_from);
        raw_.created_to = texts_.optional("created_to", wanted.created_to);
        raw_.updated_from = texts_.optional("updated_from", wanted.updated_from);
        raw_.updated_to = texts_.optional("updated_to", wanted.updated_to);
        raw_.expires_from = texts_.optional("expires_from", wanted.expires_from);
        raw_.expires_to = texts_.optional("expires_to", wanted.expires_to);
        raw_.parent_id = texts_.optional("parent_id", wanted.parent_id);
        raw_.utc_offset_minutes = minutes(wanted.utc_offset);
    }

    c_filter(const c_filter&) = delete;
    c_filter& operator=(const c_filter&) = delete;

    const turnkeep_filter* get() const noexcept { return &raw_; }

private:
    static std::uint32_t bit(session_status status) noexcept {
        switch (status) {
        case session_status::active: return TURNKEEP_FILTER_ACTIVE;
        case session_status::archived: return TURNKEEP_FILTER_ARCHIVED;
        case session_status::trashed: return TURNKEEP_FILTER_TRASHED;
        }
        return std::numeric_limits<std::uint32_t>::max(); // which C refuses
    }

    static std::int32_t minutes(std::chrono::minutes offset) noexcept {
        const auto count = offset.count();
        // What does not fit is out of range in any case, and C says so.
        const bool fits =
            count >= std::numeric_limits<std::int32_t>::min() && count < std::numeric_limits<std::int32_t>::max();
        return fits ? static_cast<std::int32_t>(count) : std::numeric_limits<std::int32_t>::max();
    }

    const char* const* strings(const char* what, const std::vector<std::string_view>& from,
                               std::vector<const char*>& to) {
        for (const auto text : from) to.push_back(texts_.required(what, text));
        return to.empty() ? nullptr : to.data();
    }

    turnkeep_metadata_condition write(const metadata_condition& condition) {
        turnkeep_metadata_condition wanted = TURNKEEP_METADATA_CONDITION_INIT;
        wanted.pointer = texts_.required("pointer", condition.pointer);
        wanted.value = texts_.optional("value", condition.value);
        wanted.relation = static_cast<std::int32_t>(condition.relation);
        return wanted;
    }

    c_texts texts_;
    std::vector<const char*> all_tags_;
    std::vector<const char*> any_tags_;
    std::vector<turnkeep_metadata_condition> metadata_;
    turnkeep_filter raw_ = TURNKEEP_FILTER_INIT;
};

} // namespace detail

/* 8 Search --------------------------------------------------------------------------------------------------------- */

/// What comes first in a search.
enum class search_order : std::int32_t {
    newest = TURNKEEP_SEARCH_NEWEST,
    rank = TURNKEEP_SEARCH_RANK,
};

/// What to search for. What the text may be is said with turnkeep_search_options.
struct search_options {
    std::string_view text{};
    /// In which sessions. Its utc_offset holds for the times below, too.
    turnkeep::filter filter{};
    /// Only what was said from then on.
    std::optional<std::string_view> message_from{};
    /// Only what was said until then, that day or second included.
    std::optional<std::string_view> message_to{};
    /// Only messages of these roles; empty is all of them, and sessions by title, name and summary.
    std::vector<turnkeep::role> roles{};
    search_order order = search_order::newest;
    /// How long ranking may take; 0 is 200 ms.
    std::chrono::milliseconds time_limit{};
    /// How many hits at most; 0 is 20, at most 1 000.
    std::uint32_t limit = 0;
    /// How many messages before, and how many after, each hit come with it; at most 100.
    std::uint32_t neighbours = 0;
    /// How many characters of a hit's text are shown; 0 is 160.
    std::uint32_t snippet_chars = 0;
    /// The text is an expression of SQLite's FTS5.
    bool raw = false;
};

/// A message, or a session, that was found, borrowed from the results.
class hit {
public:
    /// The message and its neighbours, in order.
    class neighbours_range {
    public:
        using iterator = detail::iterator<turnkeep_hit, message>;

        explicit neighbours_range(const turnkeep_hit* raw) noexcept : raw_(raw) {}

        std::size_t size() const noexcept { return raw_->message_count; }
        bool empty() const noexcept { return size() == 0; }
        message operator[](std::size_t index) const noexcept { return begin()[static_cast<std::ptrdiff_t>(index)]; }
        iterator begin() const noexcept { return {raw_, 0}; }
        iterator end() const noexcept { return {raw_, size()}; }

    private:
        const turnkeep_hit* raw_;
    };

    explicit hit(const turnkeep_hit* raw) noexcept : raw_(raw) {}

    std::string_view session_id() const noexcept { return detail::view(raw_->session_id); }
    std::string_view title() const noexcept { return detail::view(raw_->title); }
    /// The part of the text around the first thing that was asked for.
    std::string_view snippet() const noexcept { return detail::view(raw_->snippet); }
    /// The pieces of the snippet that were asked for, in order.
    std::vector<std::string_view> marks() const {
        std::vector<std::string_view> marks;
        marks.reserve(raw_->mark_count);
        for (const auto* mark = raw_->marks; mark != raw_->marks + raw_->mark_count; ++mark) {
            marks.push_back(snippet().substr(mark->begin, mark->end - mark->begin));
        }
        return marks;
    }
    /// Empty if none were asked for, or for a session.
    neighbours_range neighbours() const noexcept { return neighbours_range{raw_}; }
    /// Which of the neighbours is the message itself.
    std::size_t message_index() const noexcept { return raw_->message_index; }
    /// The message's place in the session; 0 is the session itself.
    std::uint64_t seq() const noexcept { return raw_->seq; }
    time_point created() const noexcept { return detail::moment(raw_->created_us); }
    /// How well it fits, the more the better; 0 unless ranked.
    double score() const noexcept { return raw_->score; }
    /// Nobody's for a session.
    std::optional<turnkeep::role> role() const noexcept {
        return raw_->role == 0 ? std::nullopt : std::optional{static_cast<turnkeep::role>(raw_->role)};
    }

    const turnkeep_hit* get() const noexcept { return raw_; }

private:
    const turnkeep_hit* raw_;
};

/// What a search found, as of one moment. Outlives its store.
class search_results : public detail::result<turnkeep_search_results, hit> {
public:
    using result::result;

    /// Whether everything was looked at; if not, the time for ranking ran out.
    bool complete() const noexcept { return turnkeep_search_results_complete(get()) != 0; }
};

/* 9 Events --------------------------------------------------------------------------------------------------------- */

/// What kind of thing happened: explained in turnkeep.h. A newer library may tell of kinds that are not here.
enum class event_kind : std::int32_t {
    store_opened = TURNKEEP_EVENT_STORE_OPENED,
    session_created = TURNKEEP_EVENT_SESSION_CREATED,
    session_deleted = TURNKEEP_EVENT_SESSION_DELETED,
    session_accessed = TURNKEEP_EVENT_SESSION_ACCESSED,
    message_added = TURNKEEP_EVENT_MESSAGE_ADDED,
    session_cleared = TURNKEEP_EVENT_SESSION_CLEARED,
    session_context_updated = TURNKEEP_EVENT_SESSION_CONTEXT_UPDATED,
    sessions_cleaned_up = TURNKEEP_EVENT_SESSIONS_CLEANED_UP,
    metrics_reset = TURNKEEP_EVENT_METRICS_RESET,
    store_closed = TURNKEEP_EVENT_STORE_CLOSED,
    session_imported = TURNKEEP_EVENT_SESSION_IMPORTED,
    forked = TURNKEEP_EVENT_FORKED,
    rewound = TURNKEEP_EVENT_REWOUND,
    truncated = TURNKEEP_EVENT_TRUNCATED,
    session_updated = TURNKEEP_EVENT_SESSION_UPDATED,
    tagged = TURNKEEP_EVENT_TAGGED,
    archived = TURNKEEP_EVENT_ARCHIVED,
    trashed = TURNKEEP_EVENT_TRASHED,
    restored = TURNKEEP_EVENT_RESTORED,
    erased = TURNKEEP_EVENT_ERASED,
    expired = TURNKEEP_EVENT_EXPIRED,
    summary_changed = TURNKEEP_EVENT_SUMMARY_CHANGED,
    window_cut_moved = TURNKEEP_EVENT_WINDOW_CUT_MOVED,
    corruption_found = TURNKEEP_EVENT_CORRUPTION_FOUND,
};

/// The name of a kind of event: "message_added".
inline std::string_view event_name(event_kind kind) noexcept {
    return turnkeep_event_name(static_cast<std::int32_t>(kind));
}

/// Something that happened, borrowed: from the list it is in, or for the duration of a callback.
class event {
public:
    explicit event(const turnkeep_event* raw) noexcept : raw_(raw) {}

    /// Grows by one with each event of a change, in the order of commit; 0 for what is no change.
    std::uint64_t number() const noexcept { return raw_->number; }
    time_point at() const noexcept { return detail::moment(raw_->at_us); }
    event_kind kind() const noexcept { return static_cast<event_kind>(raw_->kind); }
    /// "message_added".
    std::string_view name() const noexcept { return detail::view(raw_->name); }
    /// Empty for what happened to the store, and in the log also for sessions that were erased.
    std::string_view session_id() const noexcept { return detail::view(raw_->session_id); }
    /// The session that a fork shares messages with.
    std::string_view other_session_id() const noexcept { return detail::view(raw_->other_session_id); }
    std::uint64_t revision() const noexcept { return raw_->revision; }
    std::uint64_t first_seq() const noexcept { return raw_->first_seq; }
    std::uint64_t last_seq() const noexcept { return raw_->last_seq; }
    /// How many messages, tags or sessions it is about.
    std::uint64_t count() const noexcept { return raw_->count; }

    const turnkeep_event* get() const noexcept { return raw_; }

private:
    const turnkeep_event* raw_;
};

/// Is told of an event, on the thread that caused it. What it throws harms nobody: it is counted as a failure.
using event_callback = std::function<void(const event&)>;

/// Events of a store's event log, in order, without a gap. Outlives its store.
class events : public detail::result<turnkeep_events, event> {
public:
    using result::result;

    /// Events between the cursor and the first one here are not kept any more, or the cursor is not of this log.
    bool lost() const noexcept { return turnkeep_events_lost(get()) != 0; }
};

namespace detail {

inline turnkeep_status tell(void* user_data, const turnkeep_event* raw) noexcept {
    // What the call that caused the event has to say of its own callback is not touched.
    try {
        (*static_cast<const event_callback*>(user_data))(event{raw});
        return TURNKEEP_OK;
    } catch (...) {
        return TURNKEEP_ERROR_ABORTED;
    }
}

inline void destroy_event_callback(void* user_data) noexcept { delete static_cast<event_callback*>(user_data); }

} // namespace detail

/* 10 Metrics ------------------------------------------------------------------------------------------------------- */

/// What a store did and what it holds: the fields are explained in turnkeep.h.
using store_metrics = turnkeep_metrics;

/* 11 Maintenance --------------------------------------------------------------------------------------------------- */

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
class check_report : public detail::result<turnkeep_check_report, std::string_view> {
public:
    using result::result;

    const check_counts& counts() const noexcept {
        static const check_counts nothing{};
        const auto* counts = turnkeep_check_report_counts(get());
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
        const auto* counts = turnkeep_salvage_report_counts(get());
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
    /// Its write-ahead log was emptied; false in memory.
    bool wal_truncated = false;
};

/* 12 Transfer ------------------------------------------------------------------------------------------------------ */

/// What conversations are kept in elsewhere: the TURNKEEP_FORMAT_ numbers, which turnkeep.h explains.
enum class format : std::int32_t {
    turnkeep = TURNKEEP_FORMAT_TURNKEEP,
    openai = TURNKEEP_FORMAT_OPENAI,
    sharegpt = TURNKEEP_FORMAT_SHAREGPT,
    csv = TURNKEEP_FORMAT_CSV,
    markdown = TURNKEEP_FORMAT_MARKDOWN,
    text = TURNKEEP_FORMAT_TEXT,
    html = TURNKEEP_FORMAT_HTML,
    gemma_sessions = TURNKEEP_FORMAT_GEMMA_SESSIONS,
    llama_cpp = TURNKEEP_FORMAT_LLAMA_CPP,
    chatgpt = TURNKEEP_FORMAT_CHATGPT,
    claude = TURNKEEP_FORMAT_CLAUDE,
    qv_db = TURNKEEP_FORMAT_QV_DB,
    coda_db = TURNKEEP_FORMAT_CODA_DB,
    gemma_sessions_db = TURNKEEP_FORMAT_GEMMA_SESSIONS_DB,
    eink_db = TURNKEEP_FORMAT_EINK_DB,
};

/// What becomes of a session whose id the store has already.
enum class existing : std::int32_t {
    skip = TURNKEEP_EXISTING_SKIP,
    overwrite = TURNKEEP_EXISTING_OVERWRITE,
    keep_both = TURNKEEP_EXISTING_KEEP_BOTH,
};

/// What to export, and how.
struct export_options {
    turnkeep::format format = turnkeep::format::turnkeep;
    /// Which sessions; all, whatever their status, without it.
    std::optional<turnkeep::filter> filter{};
    /// Only these, by id; all without them. Not together with a filter.
    std::vector<std::string_view> session_ids{};
    /// Told how many messages are written, on the thread of the call.
    turnkeep::progress progress{};
};

/// What to import, and how.
struct import_options {
    /// What the source is; without it, the source is looked into.
    std::optional<turnkeep::format> format{};
    turnkeep::existing existing = turnkeep::existing::skip;
    /// Reads and checks everything, reports what would come of it, and keeps nothing.
    bool dry_run = false;
    /// Told how much of the source is read, on the thread of the call.
    turnkeep::progress progress{};
};

/// What became of something in a source.
enum class problem_kind : std::int32_t {
    skipped = TURNKEEP_PROBLEM_SKIPPED,
    failed = TURNKEEP_PROBLEM_FAILED,
    left_out = TURNKEEP_PROBLEM_LEFT_OUT,
    changed = TURNKEEP_PROBLEM_CHANGED,
};

/// Something that was not taken in as it stood in the source. A view: it ends with its report.
class transfer_problem {
public:
    explicit transfer_problem(const turnkeep_transfer_problem* raw) noexcept : raw_(raw) {}

    problem_kind kind() const noexcept { return static_cast<problem_kind>(raw_->kind); }
    /// The session's id in the source; empty if it has none there.
    std::string_view session_id() const noexcept { return detail::view(raw_->session_id); }
    /// Where in the source.
    std::string_view place() const noexcept { return detail::view(raw_->place); }
    std::string_view reason() const noexcept { return detail::view(raw_->reason); }

private:
    const turnkeep_transfer_problem* raw_;
};

/// Something that could not be carried, and how often.
struct transfer_loss {
    /// In the plural: "images", "tags".
    std::string_view what;
    std::uint64_t count;
};

/// How much was carried: the fields are explained in turnkeep.h.
using transfer_counts = turnkeep_transfer_counts;

/// What an import or an export did, as a range of its problems. Outlives its store.
class transfer_report : public detail::result<turnkeep_transfer_report, transfer_problem> {
public:
    using result::result;

    const transfer_counts& counts() const noexcept {
        static const transfer_counts nothing{};
        const auto* counts = turnkeep_transfer_report_counts(get());
        return counts ? *counts : nothing;
    }

    /// What could not be carried. The texts end with the report.
    std::vector<transfer_loss> losses() const {
        std::vector<transfer_loss> losses;
        for (std::size_t index = 0; index < turnkeep_transfer_report_loss_len(get()); ++index) {
            const auto* raw = turnkeep_transfer_report_loss_at(get(), index);
            losses.push_back({detail::view(raw->what), raw->count});
        }
        return losses;
    }
};

/// What C takes; not for hosts.
namespace detail {

/// Options of an export as C takes them, for as long as a call lasts.
class c_export_options {
public:
    explicit c_export_options(const export_options& wanted) {
        raw_.format = static_cast<std::int32_t>(wanted.format);
        if (wanted.filter) raw_.filter = filter_.emplace(*wanted.filter).get();
        for (const auto id : wanted.session_ids) ids_.push_back(texts_.required("session_ids", id));
        raw_.session_ids = ids_.empty() ? nullptr : ids_.data();
        raw_.session_id_count = ids_.size();
        if (wanted.progress) {
            raw_.progress = report_progress;
            raw_.user_data = const_cast<progress*>(&wanted.progress);
        }
    }

    c_export_options(const c_export_options&) = delete;
    c_export_options& operator=(const c_export_options&) = delete;

    const turnkeep_export_options* get() const noexcept { return &raw_; }

private:
    c_texts texts_;
    std::vector<const char*> ids_;
    std::optional<c_filter> filter_;
    turnkeep_export_options raw_ = TURNKEEP_EXPORT_OPTIONS_INIT;
};

} // namespace detail

/* 13 A session ----------------------------------------------------------------------------------------------------- */

/// What C takes and gives; not for hosts.
namespace detail {

inline turnkeep_new_message write(const new_message& message, c_texts& texts) {
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

inline std::vector<turnkeep_new_message> write(const new_message* messages, std::size_t count, c_texts& texts) {
    std::vector<turnkeep_new_message> wanted;
    wanted.reserve(count);
    for (const auto* message = messages; message != messages + count; ++message) {
        wanted.push_back(write(*message, texts));
    }
    return wanted;
}

inline turnkeep_append_options write(const append_options& options, c_texts& texts) {
    turnkeep_append_options wanted = TURNKEEP_APPEND_OPTIONS_INIT;
    wanted.expected_revision = options.expected_revision;
    wanted.idempotency_key = texts.optional("idempotency_key", options.idempotency_key);
    wanted.durability = options.durability ? static_cast<std::int32_t>(*options.durability) : 0;
    return wanted;
}

inline turnkeep_window_options write(const window_options& options) noexcept {
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
    return wanted;
}

inline turnkeep_exchange write(const exchange& exchange, c_texts& texts) {
    turnkeep_exchange wanted = TURNKEEP_EXCHANGE_INIT;
    wanted.input = exchange.input.data();
    wanted.input_len = exchange.input.size();
    wanted.input_name = texts.unless_empty("input_name", exchange.input_name);
    wanted.input_type = texts.unless_empty("input_type", exchange.input_type);
    wanted.answer = exchange.answer.data();
    wanted.answer_len = exchange.answer.size();
    wanted.processing_us = exchange.processing.count();
    wanted.tokens_used = exchange.tokens_used;
    wanted.model = texts.unless_empty("model", exchange.model);
    wanted.metadata = texts.unless_empty("metadata", exchange.metadata);
    return wanted;
}

inline turnkeep_session_options write(const session_options& options, c_texts& texts) {
    turnkeep_session_options wanted = TURNKEEP_SESSION_OPTIONS_INIT;
    wanted.id = texts.optional("id", options.id);
    wanted.user_id = texts.unless_empty("user_id", options.user_id);
    wanted.name = texts.unless_empty("name", options.name);
    wanted.title = texts.unless_empty("title", options.title);
    wanted.model = texts.unless_empty("model", options.model);
    wanted.summary = texts.unless_empty("summary", options.summary);
    wanted.metadata = texts.unless_empty("metadata", options.metadata);
    wanted.window_tokens = options.window_tokens;
    wanted.tags = texts.array("tags", options.tags);
    wanted.tag_count = options.tags.size();
    wanted.expires_us = options.expires.time_since_epoch().count();
    wanted.expires_after_ms = long_milliseconds("expires_after", options.expires_after);
    wanted.max_bytes = options.max_bytes;
    wanted.like = texts.unless_empty("like", options.like);
    return wanted;
}

inline turnkeep_session_changes write(const session_changes& changes, c_texts& texts) {
    turnkeep_session_changes wanted = TURNKEEP_SESSION_CHANGES_INIT;
    wanted.expected_revision = changes.expected_revision;
    wanted.name = texts.optional("name", changes.name);
    wanted.title = texts.optional("title", changes.title);
    wanted.model = texts.optional("model", changes.model);
    wanted.summary = texts.optional("summary", changes.summary);
    wanted.metadata = texts.optional("metadata", changes.metadata);
    wanted.window_tokens = changes.window_tokens;
    wanted.metadata_patch = texts.optional("metadata_patch", changes.metadata_patch);
    wanted.add_tags = texts.array("add_tags", changes.add_tags);
    wanted.add_tag_count = changes.add_tags.size();
    wanted.remove_tags = texts.array("remove_tags", changes.remove_tags);
    wanted.remove_tag_count = changes.remove_tags.size();
    if (changes.expires) {
        const auto time = changes.expires->time_since_epoch().count();
        wanted.expires_us = time == 0 ? std::int64_t{TURNKEEP_EXPIRES_NEVER} : time;
    }
    if (changes.expires_after) {
        const auto time = long_milliseconds("expires_after", *changes.expires_after);
        wanted.expires_after_ms = time == 0 ? TURNKEEP_UNLIMITED : time;
    }
    if (changes.max_bytes) wanted.max_bytes = *changes.max_bytes == 0 ? TURNKEEP_UNLIMITED : *changes.max_bytes;
    if (changes.status) wanted.status = static_cast<std::int32_t>(*changes.status);
    return wanted;
}

inline receipt read(const turnkeep_receipt& done) noexcept {
    return {done.first_seq, done.last_seq, done.revision, static_cast<turnkeep::durability>(done.durability),
            done.repeated != 0};
}

} // namespace detail

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
        const auto wanted = detail::write(changes, texts);
        std::uint64_t revision = 0;
        detail::call(turnkeep_session_update, get(), &wanted, &revision);
        return revision;
    }

    /// Puts it away: still listed and found. Returns the new revision, as the next two do.
    std::uint64_t archive() { return set_status(session_status::archived); }

    /// Throws it away: neither listed nor found unless asked for, until it is restored or deleted.
    std::uint64_t trash() { return set_status(session_status::trashed); }

    /// Takes it back into use.
    std::uint64_t restore() { return set_status(session_status::active); }

    receipt append(turnkeep::role role, std::string_view content) {
        turnkeep_receipt done = TURNKEEP_RECEIPT_INIT;
        detail::call(turnkeep_session_append, get(), static_cast<std::int32_t>(role), content.data(), content.size(),
                     &done);
        return detail::read(done);
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
        const auto wanted = detail::write(messages, count, texts);
        const auto how = detail::write(options, texts);
        turnkeep_receipt done = TURNKEEP_RECEIPT_INIT;
        detail::call(turnkeep_session_append_batch, get(), wanted.data(), count, &how, &done);
        return detail::read(done);
    }

    /// Removes all messages; the next one appended is 1 again. Returns the new revision.
    std::uint64_t clear(std::uint64_t expected_revision = 0) {
        std::uint64_t revision = 0;
        detail::call(turnkeep_session_clear, get(), expected_revision, &revision);
        return revision;
    }

    /// Keeps the instructions at the head and the newest of the other messages: at most so many, and at most so many
    /// tokens; 0 is any number, but not for both. What stays is numbered anew from 1. Returns the new revision.
    std::uint64_t truncate(std::uint64_t max_messages, std::uint64_t max_tokens = 0,
                           std::uint64_t expected_revision = 0) {
        std::uint64_t revision = 0;
        detail::call(turnkeep_session_truncate, get(), max_messages, max_tokens, expected_revision, &revision);
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
        const auto wanted = detail::write(options);
        turnkeep_window* raw = nullptr;
        detail::call(turnkeep_session_window, get(), &wanted, &raw);
        return turnkeep::window{raw};
    }

    /// Appends a question and its answer, both or neither.
    exchange_receipt append_exchange(const exchange& exchange, const append_options& options = {}) {
        detail::c_texts texts;
        const auto wanted = detail::write(exchange, texts);
        const auto how = detail::write(options, texts);
        std::uint64_t number = 0;
        turnkeep_receipt done = TURNKEEP_RECEIPT_INIT;
        detail::call(turnkeep_session_append_exchange, get(), &wanted, &how, &number, &done);
        return {number, detail::read(done)};
    }

    /// The turns from `first` to `last`, both included, as far as they are there.
    turnkeep::turns turns(std::uint64_t first = 1, std::uint64_t last = last_turn) const {
        turnkeep_turns* raw = nullptr;
        detail::call(turnkeep_session_turns, get(), first, last, &raw);
        return turnkeep::turns{raw};
    }

    turnkeep::turns last_turns(std::uint64_t count) const {
        turnkeep_turns* raw = nullptr;
        detail::call(turnkeep_session_last_turns, get(), count, &raw);
        return turnkeep::turns{raw};
    }

    /// The summary and the last turns as text for a prompt. With a limit, the oldest turns go until the rest fits.
    std::string context_text(std::uint64_t max_turns, std::uint64_t max_characters = 0) const {
        turnkeep_document* raw = nullptr;
        detail::call(turnkeep_session_context_text, get(), max_turns, max_characters, &raw);
        return detail::take(raw);
    }

    /// A name, safe on every file system, for the file with the answer to an input.
    std::string file_name(std::uint64_t turn, std::string_view original, bool is_error = false) const {
        detail::c_texts texts;
        turnkeep_document* raw = nullptr;
        detail::call(turnkeep_session_file_name, get(), turn, texts.required("original", original), is_error ? 1 : 0,
                     &raw);
        return detail::take(raw);
    }

    /// A session that shares the messages up to `at_seq` (0: none) with this one; nothing is copied. What is left out is as
    /// here, but for the id, the name, expires and the status; tags are added.
    session fork(std::uint64_t at_seq = last_message, const session_options& options = {}) {
        detail::c_texts texts;
        const auto wanted = detail::write(options, texts);
        turnkeep_session* raw = nullptr;
        detail::call(turnkeep_session_fork, get(), at_seq, &wanted, &raw);
        return session{raw};
    }

    /// Takes back every message behind `to_seq`. Returns the new revision.
    std::uint64_t rewind(std::uint64_t to_seq, std::uint64_t expected_revision = 0) {
        std::uint64_t revision = 0;
        detail::call(turnkeep_session_rewind, get(), to_seq, expected_revision, &revision);
        return revision;
    }

    /// Replaces message `seq` and everything behind it by others, which lie one after the other, all of it or nothing.
    template <typename Messages>
    receipt replace(std::uint64_t seq, const Messages& messages, std::uint64_t expected_revision = 0) {
        return replace(seq, std::data(messages), std::size(messages), expected_revision);
    }

    receipt replace(std::uint64_t seq, std::initializer_list<new_message> messages,
                    std::uint64_t expected_revision = 0) {
        return replace(seq, messages.begin(), messages.size(), expected_revision);
    }

    receipt replace(std::uint64_t seq, const new_message* messages, std::size_t count,
                    std::uint64_t expected_revision = 0) {
        turnkeep_branch_options how = TURNKEEP_BRANCH_OPTIONS_INIT;
        how.expected_revision = expected_revision;
        return replace(seq, messages, count, how, nullptr);
    }

    /// The same in a fork; this one stays as it is.
    template <typename Messages>
    session replace_in_fork(std::uint64_t seq, const Messages& messages, const session_options& options = {}) {
        return replace_in_fork(seq, std::data(messages), std::size(messages), options);
    }

    session replace_in_fork(std::uint64_t seq, std::initializer_list<new_message> messages,
                            const session_options& options = {}) {
        return replace_in_fork(seq, messages.begin(), messages.size(), options);
    }

    session replace_in_fork(std::uint64_t seq, const new_message* messages, std::size_t count,
                            const session_options& options = {}) {
        detail::c_texts texts;
        const auto fork = detail::write(options, texts);
        turnkeep_session* raw = nullptr;
        replace(seq, messages, count, into(fork), &raw);
        return session{raw};
    }

    /// Takes back the answer to the turn of message `seq` and everything behind it, to be answered anew.
    void regenerate(std::uint64_t seq = last_message, std::uint64_t expected_revision = 0) {
        turnkeep_branch_options how = TURNKEEP_BRANCH_OPTIONS_INIT;
        how.expected_revision = expected_revision;
        detail::call(turnkeep_session_regenerate, get(), seq, &how, nullptr);
    }

    /// The same in a fork; this one stays as it is.
    session regenerate_in_fork(std::uint64_t seq = last_message, const session_options& options = {}) {
        detail::c_texts texts;
        const auto fork = detail::write(options, texts);
        const auto how = into(fork);
        turnkeep_session* raw = nullptr;
        detail::call(turnkeep_session_regenerate, get(), seq, &how, &raw);
        return session{raw};
    }

    /// How far this one and another share their messages.
    comparison compare(const session& other) const {
        turnkeep_comparison found = TURNKEEP_COMPARISON_INIT;
        detail::call(turnkeep_session_compare, get(), other.get(), &found);
        return {found.common_seq, found.one_head_seq, found.other_head_seq};
    }

    /// Appends messages of another session, each with a note of where it came from.
    receipt adopt(const session& from, std::uint64_t first_seq, std::uint64_t last_seq = last_message,
                  const append_options& options = {}) {
        detail::c_texts texts;
        const auto how = detail::write(options, texts);
        turnkeep_receipt done = TURNKEEP_RECEIPT_INIT;
        detail::call(turnkeep_session_adopt, get(), from.get(), first_seq, last_seq, &how, &done);
        return detail::read(done);
    }

    /// What was forked from this one, oldest first.
    session_list forks() const { return family(turnkeep_session_forks); }

    /// What this one was forked from, what that was forked from, and so on.
    session_list ancestors() const { return family(turnkeep_session_ancestors); }

    /// The whole tree that this one belongs to, each session before its own forks.
    session_list tree() const { return family(turnkeep_session_tree); }

    const turnkeep_session* get() const noexcept { return raw_.get(); }

private:
    std::uint64_t set_status(session_status status) {
        session_changes changes;
        changes.status = status;
        return update(changes);
    }

    static turnkeep_branch_options into(const turnkeep_session_options& fork) noexcept {
        turnkeep_branch_options how = TURNKEEP_BRANCH_OPTIONS_INIT;
        how.branching = TURNKEEP_BRANCH_FORK;
        how.fork = &fork;
        return how;
    }

    receipt replace(std::uint64_t seq, const new_message* messages, std::size_t count,
                    const turnkeep_branch_options& how, turnkeep_session** out) {
        detail::c_texts texts;
        const auto wanted = detail::write(messages, count, texts);
        turnkeep_receipt done = TURNKEEP_RECEIPT_INIT;
        detail::call(turnkeep_session_replace, get(), seq, wanted.data(), count, &how, out, &done);
        return detail::read(done);
    }

    template <typename Function>
    session_list family(Function function) const {
        turnkeep_session_list* raw = nullptr;
        detail::call(function, get(), &raw);
        return session_list{raw};
    }

    detail::handle<turnkeep_session> raw_;
};

/* 14 A store ------------------------------------------------------------------------------------------------------- */

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
    /// Keeps no search index up to date: search answers UNSUPPORTED.
    bool no_search = false;
    /// Counts tokens. Called on the threads that append, at the same time if they do.
    turnkeep::tokenizer count_tokens{};
    /// The vocabulary to count with, where there is no count_tokens: "cl100k_base" or "o200k_base".
    std::string_view tokenizer{};
    /// How long sessions stay that have neither expires nor expires_after of their own; 0 is for ever.
    std::chrono::milliseconds expire_after{};
    /// Counts that from a session's last change, as expires_after is counted, instead of its creation.
    bool expire_sliding = false;
    /// How often expired sessions are deleted; 0 is only when asked to.
    std::chrono::milliseconds cleanup_interval{};
    /// How many events an event log in the store keeps, for store::events_after; 0 writes none.
    std::uint64_t event_log_rows = 0;
    /// How many bytes the texts of a session's messages may have, for new sessions; 0 is any number.
    std::uint64_t max_session_bytes = 0;
    /// Contents of at least so many bytes are kept compressed; 0 is none. Below 1 024 it does not pay.
    std::uint64_t compress_min_bytes = 0;
    /// How hard zstd tries: 1 to 22; 0 is 3.
    std::int32_t compression_level = 0;
};

/// A session as it is taken up again.
struct resumed_session {
    turnkeep::session session;
    /// Its last message; none if it is empty.
    messages last;
    turnkeep::window window;
};

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
        wanted.no_search = options.no_search ? 1 : 0;
        wanted.tokenizer = texts.unless_empty("tokenizer", options.tokenizer);
        wanted.expire_after_ms = detail::long_milliseconds("expire_after", options.expire_after);
        wanted.expire_sliding = options.expire_sliding ? 1 : 0;
        wanted.cleanup_interval_ms = detail::milliseconds("cleanup_interval", options.cleanup_interval);
        wanted.event_log_rows = options.event_log_rows;
        wanted.max_session_bytes = options.max_session_bytes;
        wanted.compress_min_bytes = options.compress_min_bytes;
        wanted.compression_level = options.compression_level;
        if (options.count_tokens) {
            // From here on it is the store's, also when opening fails: that calls destroy.
            wanted.count_tokens = detail::count_tokens;
            wanted.user_data = new turnkeep::tokenizer(options.count_tokens);
            wanted.destroy = detail::destroy_tokenizer;
        }
        turnkeep_store* raw = nullptr;
        detail::call(turnkeep_store_open, where, &wanted, &raw);
        raw_.reset(raw);
    }

    /// Opens the store that the table [session] of a TOML file describes.
    static store open_config(std::string_view path) {
        detail::c_texts texts;
        turnkeep_store* raw = nullptr;
        detail::call(turnkeep_store_open_config, texts.required("path", path), &raw);
        return store{raw};
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

    /// Deletes every session whose time is over, and returns how many.
    std::uint64_t cleanup() {
        std::uint64_t deleted = 0;
        detail::call(turnkeep_store_cleanup, get(), &deleted);
        return deleted;
    }

    session create_session(const session_options& options = {}) { return create_session(options, nullptr, 0); }

    /// Creates a session with its first messages, which lie one after the other, in one transaction.
    template <typename Messages>
    session create_session(const session_options& options, const Messages& messages) {
        return create_session(options, std::data(messages), std::size(messages));
    }

    session create_session(const session_options& options, std::initializer_list<new_message> messages) {
        return create_session(options, messages.begin(), messages.size());
    }

    session create_session(const session_options& options, const new_message* messages, std::size_t count) {
        detail::c_texts texts;
        const auto wanted = detail::write(options, texts);
        const auto first = detail::write(messages, count, texts);
        turnkeep_session* raw = nullptr;
        detail::call(turnkeep_session_create_with, get(), &wanted, first.data(), count, &raw);
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

    /// Opens a session with its last message and its window.
    resumed_session resume_session(std::string_view id, const window_options& options = {}) const {
        detail::c_texts texts;
        const auto wanted = detail::write(options);
        turnkeep_session* raw = nullptr;
        turnkeep_messages* last = nullptr;
        turnkeep_window* window = nullptr;
        detail::call(turnkeep_session_resume, get(), texts.required("id", id), &wanted, &raw, &last, &window);
        return {session{raw}, messages{last}, turnkeep::window{window}};
    }

    /// Lists sessions, a page at a time: those created last first, unless told otherwise.
    session_list list_sessions(const list_options& options = {}) const {
        detail::c_texts texts;
        const detail::c_filter filter{options.filter};
        turnkeep_session_list_options wanted = TURNKEEP_SESSION_LIST_OPTIONS_INIT;
        wanted.filter = filter.get();
        wanted.sort = static_cast<std::int32_t>(options.sort);
        wanted.ascending = options.ascending ? 1 : 0;
        wanted.page = texts.unless_empty("page", options.page);
        wanted.limit = options.limit;
        turnkeep_session_list* raw = nullptr;
        detail::call(turnkeep_store_list_sessions, get(), &wanted, &raw);
        return session_list{raw};
    }

    /// How many sessions a filter finds.
    std::uint64_t count_sessions(const turnkeep::filter& filter = {}) const {
        std::uint64_t count = 0;
        detail::call(turnkeep_store_count_sessions, get(), detail::c_filter{filter}.get(), &count);
        return count;
    }

    /// Does the same to every session that a filter finds, to all of them or none. An empty filter finds every active and
    /// archived session. Returns for how many that made a difference.
    std::uint64_t change_sessions(const turnkeep::filter& filter, bulk_action action,
                                  const std::optional<std::string_view>& tag = {}) {
        detail::c_texts texts;
        std::uint64_t changed = 0;
        detail::call(turnkeep_store_change_sessions, get(), detail::c_filter{filter}.get(),
                     static_cast<std::int32_t>(action), texts.optional("tag", tag), &changed);
        return changed;
    }

    /// Searches messages, and titles, names and summaries of sessions: all that was acknowledged before.
    search_results search(const search_options& options) const {
        detail::c_texts texts;
        const detail::c_filter filter{options.filter};
        turnkeep_search_options wanted = TURNKEEP_SEARCH_OPTIONS_INIT;
        wanted.text = texts.required("text", options.text);
        wanted.filter = filter.get();
        wanted.message_from = texts.optional("message_from", options.message_from);
        wanted.message_to = texts.optional("message_to", options.message_to);
        wanted.utc_offset_minutes = filter.get()->utc_offset_minutes;
        wanted.order = static_cast<std::int32_t>(options.order);
        for (const auto role : options.roles) wanted.roles |= detail::bit(role);
        wanted.time_limit_ms = detail::milliseconds("time_limit", options.time_limit);
        wanted.limit = options.limit;
        wanted.neighbours = options.neighbours;
        wanted.snippet_chars = options.snippet_chars;
        wanted.raw = options.raw ? 1 : 0;
        turnkeep_search_results* raw = nullptr;
        detail::call(turnkeep_store_search, get(), &wanted, &raw);
        return search_results{raw};
    }

    /// Has a function called for each event from here to the store's close, that included: what it refers to must live
    /// longer than the store. Returns what unsubscribe takes.
    std::uint64_t subscribe(event_callback callback) {
        // From here on it is the store's, also when this fails: that calls destroy.
        auto* listener = new event_callback(std::move(callback));
        std::uint64_t subscription = 0;
        detail::call(turnkeep_store_subscribe, get(), detail::tell, static_cast<void*>(listener),
                     detail::destroy_event_callback, &subscription);
        return subscription;
    }

    /// Ends a subscription; may be called from its own callback.
    void unsubscribe(std::uint64_t subscription) { detail::call(turnkeep_store_unsubscribe, get(), subscription); }

    /// Reads the store's event log from behind a number: begin with 0, go on with that of the last event you got. 0 is 1 000.
    turnkeep::events events_after(std::uint64_t cursor, std::uint32_t limit = 0) const {
        turnkeep_events* raw = nullptr;
        detail::call(turnkeep_store_events_after, get(), cursor, limit, &raw);
        return turnkeep::events{raw};
    }

    store_metrics metrics() const {
        turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
        detail::call(turnkeep_store_metrics, get(), &metrics);
        return metrics;
    }

    void reset_metrics() { detail::call(turnkeep_store_reset_metrics, get()); }

    /// As one JSON object.
    std::string metrics_json() const {
        turnkeep_document* raw = nullptr;
        detail::call(turnkeep_store_metrics_json, get(), &raw);
        return detail::take(raw);
    }

    /// In the text format of Prometheus.
    std::string metrics_prometheus() const {
        turnkeep_document* raw = nullptr;
        detail::call(turnkeep_store_metrics_prometheus, get(), &raw);
        return detail::take(raw);
    }

    /// Copies everything acknowledged so far into a new file, while others go on.
    void backup(std::string_view path, const backup_options& options = {}) const {
        detail::c_texts texts;
        turnkeep_backup_options wanted = TURNKEEP_BACKUP_OPTIONS_INIT;
        wanted.overwrite = options.overwrite ? 1 : 0;
        if (options.progress) {
            wanted.progress = detail::report_progress;
            wanted.user_data = const_cast<turnkeep::progress*>(&options.progress);
        }
        detail::call(turnkeep_store_backup, get(), texts.required("path", path), &wanted);
    }

    /// Looks whether everything is as it should be.
    check_report check() const {
        turnkeep_check_report* raw = nullptr;
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

    /// Copies what can be read of a damaged store into a new one, and leaves the source as it is.
    static salvage_report salvage(std::string_view source, std::string_view target) {
        detail::c_texts texts;
        turnkeep_salvage_report* raw = nullptr;
        detail::call(turnkeep_store_salvage, texts.required("source", source), texts.required("target", target), &raw);
        return salvage_report{raw};
    }

    /// Deletes a session so that no copy of its text stays in any file of the store. After BUSY the same call finishes it.
    erase_report erase_session(std::string_view id) {
        detail::c_texts texts;
        turnkeep_erase_report done = TURNKEEP_ERASE_REPORT_INIT;
        detail::call(turnkeep_session_erase, get(), texts.required("id", id), &done);
        return {done.messages_erased, done.messages_kept_by_forks, done.wal_truncated != 0};
    }

    /// Writes sessions into a file, which takes the place of one that is there when all is written.
    transfer_report export_sessions(std::string_view path, const export_options& options = {}) const {
        const detail::c_export_options wanted{options};
        detail::c_texts texts;
        turnkeep_transfer_report* raw = nullptr;
        detail::call(turnkeep_store_export_file, get(), texts.required("path", path), wanted.get(), &raw);
        return transfer_report{raw};
    }

    /// Writes sessions in chunks, cut anywhere. What `write` throws ends it. Meanwhile this thread must not change the store.
    transfer_report export_sessions(const writer& write, const export_options& options = {}) const {
        const detail::c_export_options wanted{options};
        turnkeep_transfer_report* raw = nullptr;
        void* user_data = const_cast<writer*>(&write);
        detail::call(turnkeep_store_export, get(), wanted.get(), detail::write_chunk, user_data, &raw);
        return transfer_report{raw};
    }

    /// Takes in the sessions of a source, in one transaction. Other changes wait meanwhile.
    transfer_report import_sessions(std::string_view path, const import_options& options = {}) {
        detail::c_texts texts;
        turnkeep_import_options wanted = TURNKEEP_IMPORT_OPTIONS_INIT;
        wanted.format = options.format ? static_cast<std::int32_t>(*options.format) : 0;
        wanted.existing = static_cast<std::int32_t>(options.existing);
        wanted.dry_run = options.dry_run ? 1 : 0;
        if (options.progress) {
            wanted.progress = detail::report_progress;
            wanted.user_data = const_cast<turnkeep::progress*>(&options.progress);
        }
        turnkeep_transfer_report* raw = nullptr;
        detail::call(turnkeep_store_import, get(), texts.required("path", path), &wanted, &raw);
        return transfer_report{raw};
    }

    const turnkeep_store* get() const noexcept { return raw_.get(); }

private:
    detail::handle<turnkeep_store> raw_;
};

} // namespace turnkeep

#endif

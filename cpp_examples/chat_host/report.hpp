// What chat_host measures, and the table it closes with.

#ifndef CHAT_HOST_REPORT_HPP
#define CHAT_HOST_REPORT_HPP

#include <turnkeep/turnkeep.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

/// "1 234 567".
inline std::string grouped(std::uint64_t number) {
    auto digits = std::to_string(number);
    for (std::size_t left = digits.size(); left > 3; left -= 3) digits.insert(left - 3, 1, ' ');
    return digits;
}

/// How long a kind of call took.
class Times {
public:
    /// Makes the call, and notes its time if it succeeds.
    template <typename Call>
    auto measure(Call&& call) {
        const auto start = std::chrono::steady_clock::now();
        auto result = call();
        nanoseconds_.push_back((std::chrono::steady_clock::now() - start).count());
        return result;
    }

    void add(const Times& other) {
        nanoseconds_.insert(nanoseconds_.end(), other.nanoseconds_.begin(), other.nanoseconds_.end());
    }

    /// "p50 0.9 us   p99 12.3 us".
    std::string percentiles() const {
        if (nanoseconds_.empty()) return "none";
        return "p50 " + shown(percentile(50)) + "   p99 " + shown(percentile(99));
    }

private:
    std::int64_t percentile(std::size_t percent) const {
        auto sorted = nanoseconds_;
        const auto place = sorted.begin() + static_cast<std::ptrdiff_t>((sorted.size() - 1) * percent / 100);
        std::nth_element(sorted.begin(), place, sorted.end());
        return *place;
    }

    static std::string shown(std::int64_t nanoseconds) {
        const auto time = static_cast<double>(nanoseconds);
        std::ostringstream out;
        out << std::fixed << std::setprecision(2);
        if (time < 1e6) out << time / 1e3 << " us";
        else out << time / 1e6 << " ms";
        return out.str();
    }

    std::vector<std::int64_t> nanoseconds_;
};

/// What an engine that keeps its KV state has to read for the prompts of one conversation.
///
/// It keeps what it has read, and what it said then, up to the first message that is not the same any more. What it knew
/// and stands behind that must be read again.
class PrefixMeter {
public:
    struct Reading {
        std::uint64_t same_tokens = 0;
        std::uint64_t reread_tokens = 0;
        bool is_first = false;
        bool cut_moved = false;
    };

    Reading read(turnkeep::window&& next) {
        Reading reading;
        reading.is_first = prompt_.empty();
        const auto same = next.common_prefix(prompt_);
        const bool goes_on = same == prompt_.size();
        for (std::size_t i = 0; i < next.size(); ++i) {
            if (i < same) reading.same_tokens += next[i].tokens();
            else if (!goes_on && was_known(next[i])) reading.reread_tokens += next[i].tokens();
        }
        reading.cut_moved = !reading.is_first && next.report().cut_seq != prompt_.report().cut_seq;
        prompt_ = std::move(next);
        return reading;
    }

    /// The last one that was read.
    const turnkeep::window& prompt() const { return prompt_; }

private:
    bool was_known(const turnkeep::message& message) const {
        return message.seq() <= prompt_.report().head_seq || message.role() == turnkeep::role::assistant;
    }

    turnkeep::window prompt_;
};

/// "turn 17: 31 messages, 1 702 tokens, from 24 on; 22 left out (1 431 tokens); 1 650 tokens unchanged".
inline std::string prompt_line(const turnkeep::window& prompt, const PrefixMeter::Reading& reading) {
    const auto right = [](std::size_t width, std::uint64_t number) {
        const auto text = grouped(number);
        return std::string(width - std::min(width, text.size()), ' ') + text;
    };
    const auto& report = prompt.report();
    const auto unchanged = right(7, reading.same_tokens) + " tokens unchanged";
    return "turn" + right(4, prompt.back().turn()) + ":" + right(4, prompt.size()) + " messages," +
           right(7, report.tokens) + " tokens, from" + right(4, report.cut_seq) + " on;" +
           right(4, report.left_out_messages) + " left out (" + right(6, report.left_out_tokens) + " tokens);" +
           (reading.is_first ? " the first prompt of this run" : unchanged) +
           (reading.cut_moved ? "; the cut moved" : "");
}

/// The sums over all conversations.
struct Figures {
    std::uint64_t sessions_begun = 0;
    std::uint64_t sessions_resumed = 0;
    std::uint64_t sessions_complete = 0;
    std::uint64_t messages_skipped = 0;
    std::uint64_t messages_appended = 0;
    std::uint64_t tokens = 0;
    std::uint64_t turns = 0;
    std::uint64_t prompts = 0;
    std::uint64_t too_large = 0;
    std::uint64_t cuts = 0;
    std::uint64_t reread = 0;
    std::uint64_t reread_sliding = 0;
    Times append;
    Times window;

    void count(const PrefixMeter::Reading& read, const PrefixMeter::Reading& slid) {
        cuts += read.cut_moved ? 1 : 0;
        reread += read.reread_tokens;
        reread_sliding += slid.reread_tokens;
    }

    void add(const Figures& other) {
        sessions_begun += other.sessions_begun;
        sessions_resumed += other.sessions_resumed;
        sessions_complete += other.sessions_complete;
        messages_skipped += other.messages_skipped;
        messages_appended += other.messages_appended;
        tokens += other.tokens;
        turns += other.turns;
        prompts += other.prompts;
        too_large += other.too_large;
        cuts += other.cuts;
        reread += other.reread;
        reread_sliding += other.reread_sliding;
        append.add(other.append);
        window.add(other.window);
    }
};

inline void print_table(std::ostream& out, const Figures& figures) {
    const auto row = [&out](const char* name, const std::string& value) -> std::ostream& {
        return out << "  " << std::left << std::setw(26) << name << std::right << std::setw(11) << value << "   ";
    };
    const auto a_turn = [&](std::uint64_t tokens) {
        return grouped(figures.turns == 0 ? 0 : (tokens + figures.turns / 2) / figures.turns);
    };
    out << '\n';
    row("sessions", grouped(figures.sessions_begun + figures.sessions_resumed + figures.sessions_complete))
        << grouped(figures.sessions_begun) << " begun, " << grouped(figures.sessions_resumed) << " resumed, "
        << grouped(figures.sessions_complete) << " complete before\n";
    row("messages", grouped(figures.messages_skipped + figures.messages_appended))
        << grouped(figures.messages_appended) << " appended, " << grouped(figures.messages_skipped)
        << " kept before and skipped\n";
    row("tokens", grouped(figures.tokens)) << "of all these messages\n";
    row("prompts", grouped(figures.prompts))
        << "in " << grouped(figures.turns) << " turns; " << grouped(figures.too_large) << " too large for the window\n";
    row("cuts", grouped(figures.cuts)) << "times that the beginning of a window moved\n";
    row("tokens re-read per turn", a_turn(figures.reread))
        << "sliding every turn (low-water 100) would re-read " << a_turn(figures.reread_sliding) << '\n';
    out << "  append   " << figures.append.percentiles() << '\n';
    out << "  window   " << figures.window.percentiles() << '\n';
}

#endif

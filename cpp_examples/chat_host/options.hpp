// The command line of chat_host.

#ifndef CHAT_HOST_OPTIONS_HPP
#define CHAT_HOST_OPTIONS_HPP

#include "recording.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

struct Options {
    std::string store;
    std::string chats;
    bool interactive = false;
    std::uint64_t window = 0;
    std::uint64_t reserve = 0;
    std::uint32_t low_water = 0;
    std::uint32_t threads = 1;
    std::uint64_t crash_after = 0;
    bool quiet = false;
    bool help = false;

    turnkeep::window_options window_options() const {
        turnkeep::window_options options;
        options.max_tokens = window;
        options.reserve_tokens = reserve;
        options.low_water_percent = low_water;
        return options;
    }
};

inline constexpr const char* usage_text =
    R"(usage: chat_host --store FILE (--chats FILE.jsonl | --interactive) [options]

Holds conversations through a Turnkeep store. Before each prompt it asks which messages go into the window, and says
what that spared the engine. Killed and started again on the same store, it goes on where it was.

  --store FILE         the store; made, with its folders, where there is none
  --chats FILE.jsonl   plays recorded conversations, one a line:
                       {"id", "messages": [{"role", "content", "tool_calls"?, "tool_call_id"?, "name"?}]}
  --interactive        talks with you, line by line, until the input ends; the engine built in only echoes
  --window N           the window in tokens (8192)
  --reserve N          tokens of it kept free for the answer (0)
  --low-water P        percent of the window that is used after its cut has moved (75); 100 slides every turn
  --threads N          conversations held at the same time (1)
  --crash-after N      kills its own process (SIGKILL) after N acknowledged appends
  --quiet              only sums up, no line a prompt
  --help               this text

It ends with 0, or 1 when the store failed, or 2 when an argument or the input is wrong.
)";

namespace detail {

template <typename Number>
Number read_number(std::string_view option, std::string_view text, Number least, Number most) {
    Number number{};
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || end != text.data() + text.size() || number < least || number > most) {
        throw UsageError{std::string{option} + " is '" + std::string{text} + "'; it must be a number from " +
                         std::to_string(least) + " to " + std::to_string(most)};
    }
    return number;
}

} // namespace detail

inline Options read_options(int argc, char** argv) {
    constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto value = [&]() -> std::string_view {
            if (++i == argc) throw UsageError{std::string{option} + " needs a value"};
            return argv[i];
        };
        if (option == "--help" || option == "-h") options.help = true;
        else if (option == "--interactive") options.interactive = true;
        else if (option == "--quiet") options.quiet = true;
        else if (option == "--store") options.store = value();
        else if (option == "--chats") options.chats = value();
        else if (option == "--window") options.window = detail::read_number<std::uint64_t>(option, value(), 1, most);
        else if (option == "--reserve") options.reserve = detail::read_number<std::uint64_t>(option, value(), 0, most);
        else if (option == "--low-water")
            options.low_water = detail::read_number<std::uint32_t>(option, value(), 1, 100);
        else if (option == "--threads") options.threads = detail::read_number<std::uint32_t>(option, value(), 1, 256);
        else if (option == "--crash-after")
            options.crash_after = detail::read_number<std::uint64_t>(option, value(), 1, most);
        else throw UsageError{"unknown argument '" + std::string{option} + "'; see --help"};
    }
    if (options.help) return options;
    if (options.store.empty()) throw UsageError{"--store is missing; see --help"};
    if (options.chats.empty() == !options.interactive)
        throw UsageError{"give either --chats or --interactive; see --help"};
    if (options.interactive && options.threads > 1) throw UsageError{"--threads goes with --chats only"};
    if (options.window > 0 && options.reserve >= options.window) {
        throw UsageError{"--reserve leaves nothing of --window for the prompt"};
    }
    return options;
}

#endif

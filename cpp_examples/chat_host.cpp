// A host of conversations, and the place to start from with your own engine: replace Engine below and keep the rest.
//
// It plays recorded conversations (or talks with you), appends every message to a Turnkeep store, and asks before each
// prompt which messages go into the model's window. It may be killed at any moment: started again, it goes on where the
// store ends. What it takes and prints is in chat_host/options.hpp and chat_host/report.hpp.

#include "chat_host/options.hpp"
#include "chat_host/recording.hpp"
#include "chat_host/report.hpp"

#include <turnkeep/turnkeep.hpp>

#include <atomic>
#include <cctype>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <future>
#include <iostream>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Here goes your engine. This one is a stand-in: it guesses tokens, and answers as recorded, or with an echo.
struct Engine {
    /// Your tokenizer. The store calls it for every text it is given, on the thread that appends it.
    std::uint64_t count_tokens(std::string_view text) const {
        std::uint64_t tokens = 0;
        std::size_t word = 0;
        for (const char c : text) {
            const bool in_word = std::isalnum(static_cast<unsigned char>(c)) || static_cast<unsigned char>(c) >= 0x80;
            word = in_word ? word + 1 : 0;
            // A word costs a token for every six bytes begun; a sign costs one; a single space goes with its word.
            if (in_word ? word % 6 == 1 : c != ' ') ++tokens;
        }
        return tokens;
    }

    /// Your model: reads the prompt, and returns what the assistant says, one message or more.
    std::vector<Message> generate(const turnkeep::window& prompt, const Conversation* recording) const {
        constexpr auto assistant = turnkeep::role::assistant;
        if (recording == nullptr) return {{assistant, "You said: " + std::string{prompt.back().content()}}};
        std::vector<Message> answer;
        const auto& messages = recording->messages;
        for (auto next = prompt.report().head_seq; next < messages.size(); ++next) {
            if (messages[next].role != assistant) break;
            answer.push_back(messages[next]);
        }
        return answer;
    }
};

/// What all conversations share. Any number of threads may use it.
struct Host {
    explicit Host(const Options& given) : options(given), store(given.store, store_options()) {}

    turnkeep::store_options store_options() const {
        turnkeep::store_options wanted;
        wanted.count_tokens = [this](std::string_view text) { return engine.count_tokens(text); };
        return wanted;
    }

    /// Prints a line at once: the process may be killed after it.
    void print(const std::string& line) {
        const std::lock_guard lock{screen};
        std::cout << line << std::endl;
    }

    void print_unless_quiet(const std::string& line) {
        if (!options.quiet) print(line);
    }

    /// Counts an append for --crash-after, which ends the process as the out-of-memory killer does: no warning, no
    /// destructor, no flush.
    void count_acknowledged_append() {
        if (++appends < options.crash_after || options.crash_after == 0) return;
        // Never unlocked: whoever comes after waits here for the end.
        screen.lock();
        std::cout << "killed after " << grouped(options.crash_after) << " appends, as --crash-after asks" << std::endl;
#ifdef SIGKILL
        std::raise(SIGKILL);
#else
        std::_Exit(137);
#endif
    }

    const Options& options;
    Engine engine;
    turnkeep::store store;
    std::mutex screen;
    std::atomic<std::uint64_t> appends{0};
};

/// Whether it is for the user to mend what he gave us.
bool is_fault_of_input(const turnkeep::error& error) {
    return error.status() == turnkeep::status::invalid || error.status() == turnkeep::status::encoding;
}

/// One conversation, with a recording or with a person. How far it got is what the store holds: there is no other
/// state, so there is none to lose.
class Chat {
public:
    Chat(Host& host, Figures& figures, const std::string& id, const Conversation* recording = nullptr)
        : host_(host),
          figures_(figures),
          id_(id),
          recording_(recording),
          is_new_(!host.store.session_exists(id)),
          session_(open()),
          kept_(session_.describe().message_count()) {}

    /// Plays what the store does not have yet of the recording.
    void play() {
        const auto end = recording_->messages.size();
        check_kept();
        note_beginning(kept_ == end);
        while (kept_ < end) {
            // What the engine does not say is the host's part. So is the recorded answer to a prompt that did not fit.
            if (!is_engines_turn() || answer() == 0) append(recording_->messages[kept_]);
            if (kept_ == end && is_engines_turn()) answer();
        }
        figures_.tokens += session_.describe().total_tokens();
    }

    /// Talks with a person until the input ends.
    void talk(std::istream& in) {
        note_beginning(false);
        const auto last = session_.last(1);
        const bool was_killed_before_the_answer = !last.empty() && last.front().role() == turnkeep::role::user;
        if (was_killed_before_the_answer) answer();
        for (std::string line; std::getline(in, line);) {
            append(Message{turnkeep::role::user, line});
            answer();
        }
        figures_.tokens += session_.describe().total_tokens();
    }

private:
    turnkeep::session open() const {
        if (!is_new_) return host_.store.open_session(id_);
        turnkeep::session_options options;
        options.id = id_;
        return host_.store.create_session(options);
    }

    /// What is kept must be the beginning of what is recorded, or the two do not belong together.
    void check_kept() const {
        const auto& recorded = recording_->messages;
        const auto history = session_.history();
        for (std::size_t i = 0; i < history.size(); ++i) {
            if (i == recorded.size() || !recorded[i].is_kept_as(history[i])) {
                throw UsageError{where(i) + " is another one in the store: use another store, or the file it is from"};
            }
        }
    }

    void note_beginning(bool is_complete) {
        figures_.messages_skipped += kept_;
        const auto kept = grouped(kept_) + (kept_ == 1 ? " message" : " messages");
        if (is_new_) {
            ++figures_.sessions_begun;
            host_.print_unless_quiet(id_ + ": begins");
        } else if (is_complete) {
            ++figures_.sessions_complete;
            host_.print_unless_quiet(id_ + ": complete, the store has all its " + kept);
        } else {
            ++figures_.sessions_resumed;
            host_.print_unless_quiet(id_ + ": resumes; the store has " + kept + " already");
        }
    }

    /// The engine speaks when the user has spoken, and when the last of its tools has answered.
    bool is_engines_turn() const {
        const auto& messages = recording_->messages;
        const auto role_at = [&](std::size_t i) {
            return i < messages.size() ? messages[i].role : turnkeep::role::assistant;
        };
        if (kept_ == 0) return false;
        const auto last = role_at(kept_ - 1);
        return last == turnkeep::role::user || (last == turnkeep::role::tool && role_at(kept_) != turnkeep::role::tool);
    }

    /// Asks for a prompt, lets the engine answer it, and keeps the answer. Returns how many messages that are.
    std::size_t answer() {
        const auto* prompt = ask_prompt();
        if (prompt == nullptr) return 0;
        const auto messages = host_.engine.generate(*prompt, recording_);
        for (const auto& message : messages) {
            append(message);
            if (recording_ == nullptr) host_.print(message.content);
        }
        return messages.size();
    }

    /// Asks for the window, and measures it. NULL if the newest message does not fit: that is for the user to know, not
    /// a reason to stop.
    const turnkeep::window* ask_prompt() {
        ++figures_.prompts;
        auto options = host_.options.window_options();
        try {
            auto window = figures_.window.measure([&] { return session_.window(options); });
            options.low_water_percent = 100;
            const auto slid = sliding_.read(session_.window(options));
            const auto read = prefix_.read(std::move(window));
            figures_.count(read, slid);
            host_.print_unless_quiet(id_ + ": " + prompt_line(prefix_.prompt(), read));
            return &prefix_.prompt();
        } catch (const turnkeep::error& error) {
            if (error.status() != turnkeep::status::too_large) throw;
            ++figures_.too_large;
            host_.print_unless_quiet(id_ + ": no prompt: " + error.what());
            return nullptr;
        }
    }

    void append(const Message& message) {
        try {
            figures_.append.measure([&] { return session_.append(message.to_append()); });
        } catch (const turnkeep::error& error) {
            if (!is_fault_of_input(error)) throw;
            throw UsageError{where(kept_) + ": " + error.what()};
        }
        host_.count_acknowledged_append();
        ++kept_;
        ++figures_.messages_appended;
        if (message.role == turnkeep::role::user) ++figures_.turns;
    }

    std::string where(std::size_t index) const {
        const auto message = "message " + std::to_string(index + 1) + " of '" + id_ + "'";
        return recording_ == nullptr ? message : recording_->where + ": " + message;
    }

    Host& host_;
    Figures& figures_;
    std::string id_;
    const Conversation* recording_;
    bool is_new_;
    turnkeep::session session_;
    std::size_t kept_;
    PrefixMeter prefix_;
    PrefixMeter sliding_;
};

void play(Host& host, Figures& figures, const Conversation& recording) {
    try {
        Chat{host, figures, recording.id, &recording}.play();
    } catch (const turnkeep::error& error) {
        if (!is_fault_of_input(error)) throw;
        throw UsageError{recording.where + ": " + error.what()};
    }
}

Figures play_all(Host& host, const std::vector<Conversation>& recordings) {
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
        Figures figures;
        try {
            for (auto i = next++; i < recordings.size(); i = next++) play(host, figures, recordings[i]);
        } catch (...) {
            next = recordings.size();
            throw;
        }
        return figures;
    };
    std::vector<std::future<Figures>> workers;
    for (std::uint32_t i = 0; i < host.options.threads; ++i) workers.push_back(std::async(std::launch::async, work));
    Figures all;
    for (auto& worker : workers) all.add(worker.get());
    return all;
}

Figures talk(Host& host) {
    Figures figures;
    Chat{host, figures, "interactive"}.talk(std::cin);
    return figures;
}

void run(const Options& options) {
    // All of the input is read before the store is opened: a broken line leaves nothing half done.
    const auto recordings = options.interactive ? std::vector<Conversation>{} : read_recording(options.chats);
    Host host{options};
    const auto figures = options.interactive ? talk(host) : play_all(host, recordings);
    host.store.close();
    print_table(std::cout, figures);
}

int main(int argc, char** argv) {
    try {
        const auto options = read_options(argc, argv);
        if (options.help) std::cout << usage_text;
        else run(options);
        return 0;
    } catch (const UsageError& error) {
        std::cerr << "chat_host: " << error.what() << '\n';
        return 2;
    } catch (const turnkeep::error& error) {
        std::cerr << "chat_host: " << error.what() << '\n';
        return is_fault_of_input(error) ? 2 : 1;
    } catch (const std::exception& error) {
        std::cerr << "chat_host: " << error.what() << '\n';
        return 1;
    }
}

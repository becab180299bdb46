// A fault inside the library is the status PANIC: nothing is printed, nothing aborts, and the store goes on. The feature
// test-panic makes such faults: a session with the id "panic-during-call" or "panic-during-commit".

#include "../support/check.h"

#ifdef _WIN32
#include <io.h>
#define dup _dup
#define dup2 _dup2
#define close _close
#else
#include <unistd.h>
#endif

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

const char* const ids[] = {"panic-during-call", "panic-during-commit"};

/// What is written to stderr while it lives.
class captured_stderr {
public:
    captured_stderr() : path_{in_scratch("stderr.txt")}, before_{dup(2)} {
        std::fflush(stderr);
        std::FILE* file = std::fopen(path_.c_str(), "wb");
        CHECK(file != nullptr && before_ >= 0);
        CHECK(dup2(fileno(file), 2) >= 0);
        std::fclose(file);
    }

    std::string end() {
        std::fflush(stderr);
        CHECK(dup2(before_, 2) >= 0);
        close(before_);
        size_t length = 0;
        char* bytes = read_file(path_.c_str(), &length);
        std::string text{bytes, length};
        std::free(bytes);
        return text;
    }

private:
    std::string path_;
    int before_;
};

turnkeep_status create_with_id(turnkeep_store* store, const char* id) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session* session = nullptr;
    options.id = id;
    turnkeep_status status = turnkeep_session_create(store, &options, &session, &failure);
    if (status != TURNKEEP_OK) CHECK(session == nullptr);
    turnkeep_session_close(session);
    return status;
}

/// Opens the store anew and checks what it holds.
void check_kept(const char* path, uint64_t messages) {
    turnkeep_store* store = open_store(path);
    turnkeep_session* session = open_session(store, "s");
    CHECK_EQUAL(count_messages(session), messages);
    for (const char* id : ids) CHECK_EQUAL(session_exists(store, id), 0);
    turnkeep_session_close(session);
    close_store(store);
}

void a_panic_is_a_status_with_a_message_and_the_store_goes_on() {
    for (bool in_memory : {false, true}) {
        const char* path = fresh_path();
        turnkeep_store* store = open_store(in_memory ? ":memory:" : path);
        turnkeep_session* session = create(store, "s");
        captured_stderr stderr_text;
        uint64_t messages = 0;
        for (int round = 0; round < 10; round++) {
            for (const char* id : ids) {
                FAILS(PANIC, "a fault inside Turnkeep", create_with_id(store, id));
                CHECK_EQUAL(say(session, "and on").last_seq, ++messages);
                CHECK_EQUAL(count_messages(session), messages);
                CHECK_EQUAL(session_exists(store, id), 0);
            }
        }
        // Without somewhere to write the error to.
        turnkeep_session* none = nullptr;
        turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
        options.id = ids[0];
        CHECK_EQUAL(turnkeep_session_create(store, &options, &none, nullptr), TURNKEEP_ERROR_PANIC);
        std::string printed = stderr_text.end();
        if (!printed.empty()) check_fail(__FILE__, __LINE__, "it printed: %s", printed.c_str());
        turnkeep_session_close(session);
        close_store(store);
        if (!in_memory) check_kept(path, messages);
    }
}

void panics_on_many_threads_hurt_nobody_else() {
    const char* path = fresh_path();
    turnkeep_store* store = open_store(path);
    turnkeep_session* session = create(store, "s");
    captured_stderr stderr_text;
    std::atomic<uint64_t> kept{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; thread++) {
        threads.emplace_back([=, &kept] {
            for (int round = 0; round < 50; round++) {
                if (thread < 4) {
                    FAILS(PANIC, "a fault inside Turnkeep", create_with_id(store, ids[(thread + round) % 2]));
                } else if (thread < 7) {
                    // Who shared a commit with a panic is told that it is not known; nobody else is disturbed.
                    turnkeep_status status =
                        turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, nullptr, &failure);
                    if (status == TURNKEEP_OK) kept++;
                    else FAILS(PANIC, "read before a retry", status);
                } else {
                    turnkeep_messages_free(history(session));
                    turnkeep_window_free(window_of(session, nullptr));
                }
            }
        });
    }
    for (auto& thread : threads) thread.join();
    std::string printed = stderr_text.end();
    if (!printed.empty()) check_fail(__FILE__, __LINE__, "it printed: %s", printed.c_str());
    CHECK(kept > 0);
    CHECK_EQUAL(count_messages(session), kept);
    say(session, "and on");
    turnkeep_session_close(session);
    close_store(store);
    check_kept(path, kept + 1);
}

} // namespace

int main(int argc, char** argv) {
    begin(argc, argv);
    if (!turnkeep_has_feature("test-panic")) {
        std::puts("skipped: the library is built without the feature test-panic");
        return 0;
    }
    RUN(a_panic_is_a_status_with_a_message_and_the_store_goes_on);
    RUN(panics_on_many_threads_hurt_nobody_else);
    return 0;
}

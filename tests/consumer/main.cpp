// What every consumer project builds: the smallest program that only works with headers and library of one Turnkeep.

#include <turnkeep/turnkeep.h>

#include <cstdio>
#include <cstring>

static int fail(const char *what) {
    std::fprintf(stderr, "%s\n", what);
    return 1;
}

int main() {
    if (turnkeep_version_number() != TURNKEEP_VERSION_NUMBER) {
        return fail("the library is not of the version of the header");
    }
    turnkeep_store *store = nullptr;
    turnkeep_session *session = nullptr;
    turnkeep_window *window = nullptr;
    if (turnkeep_store_open(":memory:", nullptr, &store, nullptr) != TURNKEEP_OK ||
        turnkeep_session_create(store, nullptr, &session, nullptr) != TURNKEEP_OK ||
        turnkeep_session_append(session, TURNKEEP_ROLE_USER, "Hello!", 6, nullptr, nullptr) != TURNKEEP_OK ||
        turnkeep_session_window(session, nullptr, &window, nullptr) != TURNKEEP_OK) {
        return fail("a call failed");
    }
    const turnkeep_message *message = turnkeep_window_at(window, 0);
    if (turnkeep_window_len(window) != 1 || message == nullptr || std::strcmp(message->content.data, "Hello!") != 0) {
        return fail("the window does not hold the message");
    }
    turnkeep_window_free(window);
    turnkeep_session_close(session);
    turnkeep_store_close(store, nullptr);
    std::printf("Turnkeep %s\n", turnkeep_version());
    return 0;
}

/* Turnkeep in C: keep a conversation, ask what goes into the prompt. Run it twice: the second time it remembers. */

#include <turnkeep/turnkeep.h>

#include <stdio.h>

int main(int argc, char **argv) {
    turnkeep_store *store = NULL;
    turnkeep_session *session = NULL;
    turnkeep_window *window = NULL;
    turnkeep_error *error = NULL;
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    int32_t exists = 0;
    options.id = "demo";

    /* The first failure ends the chain and fills `error`; every _close and _free below takes NULL. */
    const int failed = turnkeep_store_open(argc > 1 ? argv[1] : "chat.db", NULL, &store, &error) ||
                       turnkeep_session_exists(store, "demo", &exists, &error) ||
                       (exists ? turnkeep_session_open(store, "demo", &session, &error)
                               : turnkeep_session_create(store, &options, &session, &error)) ||
                       turnkeep_session_append(session, TURNKEEP_ROLE_USER, "Hello!", 6, NULL, &error) ||
                       turnkeep_session_window(session, NULL, &window, &error);

    for (size_t i = 0; i < turnkeep_window_len(window); i++) puts(turnkeep_window_at(window, i)->content.data);
    turnkeep_window_free(window);
    turnkeep_session_close(session);
    const turnkeep_status closed = turnkeep_store_close(store, error ? NULL : &error);
    if (error) fprintf(stderr, "quickstart: %s\n", turnkeep_error_message(error).data);
    turnkeep_error_free(error);
    return failed || closed != TURNKEEP_OK;
}

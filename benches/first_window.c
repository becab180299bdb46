/*
 * What a program pays before its first answer: first_window STORE SESSION [leave APPENDS]
 *
 * Opens a store and a session, asks for a window, and prints what each took in microseconds, as a JSON object; then it ends
 * without closing anything, so that a store is left as it was found. With `leave` it appends to the session instead and is
 * killed, which leaves a log behind. `make bench-scale` (benches/scale/start.rs) runs it.
 */

#include <turnkeep/turnkeep.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void must(turnkeep_status status, const char *what, turnkeep_error *error) {
    if (status == TURNKEEP_OK) return;
    fprintf(stderr, "%s: %s\n", what, turnkeep_error_message(error).data);
    _exit(1);
}

static double microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static long blocks_read(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_inblock;
}

static void append_and_be_killed(turnkeep_session *session, long appends) {
    turnkeep_error *error = NULL;
    char content[200];
    memset(content, 'x', sizeof content);
    for (long i = 0; i < appends; i++) {
        int32_t role = i % 2 == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT;
        must(turnkeep_session_append(session, role, content, sizeof content, NULL, &error), "append", error);
    }
    raise(SIGKILL);
}

int main(int argc, char **argv) {
    int leaves = argc == 5 && strcmp(argv[3], "leave") == 0;
    if (argc != 3 && !leaves) {
        fprintf(stderr, "usage: first_window STORE SESSION [leave APPENDS]\n");
        return 2;
    }
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.durability = TURNKEEP_DURABILITY_OS;
    options.must_exist = 1;
    turnkeep_store *store = NULL;
    turnkeep_session *session = NULL;
    turnkeep_window *window = NULL;
    turnkeep_error *error = NULL;

    const long blocks = blocks_read();
    const double begin = microseconds();
    must(turnkeep_store_open(argv[1], &options, &store, &error), "open the store", error);
    const double opened = microseconds();
    must(turnkeep_session_open(store, argv[2], &session, &error), "open the session", error);
    const double found = microseconds();
    if (leaves) append_and_be_killed(session, atol(argv[4]));
    must(turnkeep_session_window(session, NULL, &window, &error), "window", error);
    const double read = microseconds();
    if (turnkeep_window_len(window) == 0) return 1;

    printf("{\"open\": %.1f, \"session\": %.1f, \"window\": %.1f, \"all\": %.1f, \"kib_read\": %.1f}\n", opened - begin,
           found - opened, read - found, read - begin, (double)(blocks_read() - blocks) / 2);
    fflush(stdout);
    _exit(0);
}

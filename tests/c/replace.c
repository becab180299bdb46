/* A backup takes the place of a store, again and again, while other processes open that store, write to it and close it. */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: there a file that is open cannot be replaced");
    return 0;
}
#else

#include "../support/process.h"

enum { REPLACERS = 2, OPENERS = 2, USUAL_ROUNDS = 400 };

struct part {
    const char *source;
    const char *target;
    int number;
    int rounds;
};

static int replace_again_and_again(void *argument) {
    const struct part *part = (const struct part *)argument;
    turnkeep_backup_options options = TURNKEEP_BACKUP_OPTIONS_INIT;
    turnkeep_store *store = open_store(part->source);
    int round;
    options.overwrite = 1;
    for (round = 0; round < part->rounds; round++) {
        /* Whoever has the target open is the stronger. */
        (void)turnkeep_store_backup(store, part->target, &options, NULL);
    }
    close_store(store);
    return 0;
}

/* What is acknowledged is there for a second handle, as long as the first one is open. */
static int write_again_and_again(void *argument) {
    const struct part *part = (const struct part *)argument;
    int round;
    for (round = 0; round < part->rounds; round++) {
        turnkeep_store *store = NULL;
        turnkeep_store *again = NULL;
        turnkeep_session *session = NULL;
        int32_t exists = 0;
        char id[40];
        const turnkeep_status status = turnkeep_store_open(part->target, NULL, &store, &failure);
        if (status == TURNKEEP_ERROR_BUSY) {
            turnkeep_error_free(failure);
            failure = NULL;
            continue;
        }
        check_ok(__FILE__, __LINE__, "open", status);
        snprintf(id, sizeof id, "%d of %d", round, part->number);
        session = create(store, id);
        OK(turnkeep_store_open(part->target, NULL, &again, &failure));
        OK(turnkeep_session_exists(again, id, &exists, &failure));
        CHECK_EQUAL(exists, 1);
        close_store(again);
        turnkeep_session_close(session);
        close_store(store);
    }
    return 0;
}

static void a_store_that_is_open_is_never_replaced_whoever_opens_and_replaces_it(void) {
    const char *asked = getenv("TURNKEEP_ROUNDS");
    struct part part;
    pid_t children[REPLACERS + OPENERS];
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_check_report *report = NULL;
    int index;
    part.rounds = asked ? atoi(asked) : USUAL_ROUNDS;
    part.source = fresh_path();
    part.target = fresh_path();
    store = open_store(part.source);
    session = create(store, "s");
    say(session, "in the backup");
    OK(turnkeep_store_backup(store, part.target, NULL, &failure));
    turnkeep_session_close(session);
    close_store(store);
    for (index = 0; index < REPLACERS + OPENERS; index++) {
        part.number = index;
        children[index] = start(index < REPLACERS ? replace_again_and_again : write_again_and_again, &part);
    }
    for (index = 0; index < REPLACERS + OPENERS; index++) expect_success(children[index]);
    store = open_store(part.target);
    OK(turnkeep_store_check(store, &report, &failure));
    CHECK_EQUAL(turnkeep_check_report_len(report), 0);
    turnkeep_check_report_free(report);
    close_store(store);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_store_that_is_open_is_never_replaced_whoever_opens_and_replaces_it);
    return 0;
}

#endif

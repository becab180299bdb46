/* Many processes on one file: numbers are given once, and what one was told is seen by the others at once. */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: this is about processes as POSIX has them");
    return 0;
}
#else

#include "../support/process.h"

/* A child's part of a test: which one it is, on which file, and the pipe that says when to begin. */
struct part {
    const char *path;
    int number;
    int begin_pipe[2];
};

/* Waits until the parent closes its end: then all children go on at once. */
static void wait_for_the_others(struct part *part) {
    char byte;
    close(part->begin_pipe[1]);
    CHECK_EQUAL(read(part->begin_pipe[0], &byte, 1), 0);
    close(part->begin_pipe[0]);
}

/* Runs a function in so many processes, all at the same moment. */
static void in_processes(int count, const char *path, int (*run)(void *)) {
    pid_t children[16];
    struct part part;
    int number;
    CHECK(count <= 16);
    part.path = path;
    CHECK_EQUAL(pipe(part.begin_pipe), 0);
    for (number = 0; number < count; number++) {
        part.number = number;
        children[number] = start(run, &part);
    }
    close(part.begin_pipe[0]);
    close(part.begin_pipe[1]);
    for (number = 0; number < count; number++) expect_success(children[number]);
}

enum { MESSAGES_OF_EACH = 150 };

/* Where a process notes what it was told: for each of its messages, in order, the place. */
static const char *notes_path(int number) {
    char name[32];
    snprintf(name, sizeof name, "notes-%d", number);
    return in_scratch(name);
}

static int append_and_note(void *argument) {
    struct part *part = (struct part *)argument;
    uint64_t notes[MESSAGES_OF_EACH];
    turnkeep_store *store;
    turnkeep_session *session;
    int number = 0;
    wait_for_the_others(part);
    store = open_store(part->path);
    session = open_session(store, part->number % 2 == 0 ? "even" : "odd");
    while (number < MESSAGES_OF_EACH) {
        char contents[2][32];
        turnkeep_new_message batch[2];
        turnkeep_receipt receipt;
        int count = number % 7 == 6 && number + 1 < MESSAGES_OF_EACH ? 2 : 1;
        int index;
        for (index = 0; index < count; index++) {
            snprintf(contents[index], sizeof contents[index], "%d:%d", part->number, number + index);
            batch[index] = message_of(TURNKEEP_ROLE_USER, contents[index]);
        }
        receipt = append_batch(session, batch, (size_t)count, NULL);
        CHECK_EQUAL(receipt.last_seq - receipt.first_seq + 1, count);
        for (index = 0; index < count; index++) notes[number++] = receipt.first_seq + (uint64_t)index;
    }
    turnkeep_session_close(session);
    close_store(store);
    write_file(notes_path(part->number), notes, sizeof notes);
    return 0;
}

/* Checks a session against what its processes noted. */
static void check_notes(const char *path, const char *id, int first_process) {
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = open_session(store, id);
    turnkeep_messages *messages = history(session);
    size_t count = turnkeep_messages_len(messages);
    char *taken = (char *)calloc(count + 1, 1);
    int process;
    CHECK(taken != NULL);
    CHECK_EQUAL(count, 2 * MESSAGES_OF_EACH);
    for (process = first_process; process < 4; process += 2) {
        size_t length;
        uint64_t *notes = (uint64_t *)(void *)read_file(notes_path(process), &length);
        uint64_t before = 0;
        int number;
        CHECK_EQUAL(length, sizeof(uint64_t) * MESSAGES_OF_EACH);
        for (number = 0; number < MESSAGES_OF_EACH; number++) {
            char content[32];
            const turnkeep_message *message = turnkeep_messages_at(messages, (size_t)notes[number] - 1);
            CHECK(notes[number] > before);
            before = notes[number];
            CHECK(message != NULL);
            CHECK(!taken[before]);
            taken[before] = 1;
            snprintf(content, sizeof content, "%d:%d", process, number);
            CHECK_TEXT(message->content, content);
            CHECK_EQUAL(message->seq, before);
        }
        free(notes);
    }
    free(taken);
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    close_store(store);
}

static void four_processes_on_one_file_get_every_number_once(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session_close(create(store, "even"));
    turnkeep_session_close(create(store, "odd"));
    close_store(store);
    in_processes(4, path, append_and_note);
    check_notes(path, "even", 0);
    check_notes(path, "odd", 1);
}

static int open_new_store(void *argument) {
    struct part *part = (struct part *)argument;
    turnkeep_store *store;
    turnkeep_session *session;
    char id[16];
    wait_for_the_others(part);
    store = open_store(part->path);
    snprintf(id, sizeof id, "s%d", part->number);
    session = create(store, id);
    CHECK_EQUAL(say(session, id).last_seq, 1);
    turnkeep_session_close(session);
    close_store(store);
    return 0;
}

static void eight_processes_that_open_a_new_file_at_the_same_moment_all_succeed(void) {
    int round;
    for (round = 0; round < 40; round++) {
        turnkeep_store *store;
        char name[64];
        int number;
        snprintf(name, sizeof name, round % 2 == 0 ? "new-%d.db" : "new-%d/in/folders.db", round);
        in_processes(8, in_scratch(name), open_new_store);
        store = open_store(in_scratch(name));
        for (number = 0; number < 8; number++) {
            char id[16];
            turnkeep_session *session;
            snprintf(id, sizeof id, "s%d", number);
            session = open_session(store, id);
            CHECK_HISTORY(session, id);
            turnkeep_session_close(session);
        }
        close_store(store);
    }
}

/* A child that does what it is told by a number, and answers with a place or a revision. */
enum order { STOP, APPEND, APPEND_BATCH, CLEAR, SUMMARISE, DELETE, CREATE };

struct follower {
    const char *path;
    struct line line;
};

static int follow_orders(void *argument) {
    struct follower *follower = (struct follower *)argument;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    uint64_t revision = 0;
    options.durability = TURNKEEP_DURABILITY_OS;
    store = open_with(follower->path, &options);
    session = open_session(store, "s");
    changes.summary = "a summary";
    for (;;) {
        turnkeep_new_message batch[3];
        size_t index;
        for (index = 0; index < 3; index++) batch[index] = message_of(TURNKEEP_ROLE_USER, "batch");
        switch (hear(follower->line.to_child[0])) {
        case APPEND: tell(follower->line.to_parent[1], say(session, "theirs").last_seq); break;
        case APPEND_BATCH: tell(follower->line.to_parent[1], append_batch(session, batch, 3, NULL).last_seq); break;
        case CLEAR:
            OK(turnkeep_session_clear(session, 0, &revision, &failure));
            tell(follower->line.to_parent[1], revision);
            break;
        case SUMMARISE:
            OK(turnkeep_session_update(session, &changes, &revision, &failure));
            tell(follower->line.to_parent[1], revision);
            break;
        case DELETE:
            OK(turnkeep_session_delete(store, "s", &failure));
            tell(follower->line.to_parent[1], 0);
            break;
        case CREATE:
            turnkeep_session_close(session);
            session = create(store, "s");
            tell(follower->line.to_parent[1], 0);
            break;
        default:
            turnkeep_session_close(session);
            close_store(store);
            return 0;
        }
    }
}

static uint64_t order(struct follower *follower, enum order what) {
    tell(follower->line.to_child[1], (uint64_t)what);
    return hear(follower->line.to_parent[0]);
}

static pid_t start_follower(struct follower *follower) {
    turnkeep_store *store;
    follower->path = fresh_path();
    store = open_store(follower->path);
    turnkeep_session_close(create(store, "s"));
    close_store(store);
    follower->line = open_line();
    return start(follow_orders, follower);
}

static void stop_follower(struct follower *follower, pid_t child) {
    tell(follower->line.to_child[1], STOP);
    expect_success(child);
    close_line(&follower->line);
}

static void check_seen(turnkeep_session *session, int way, uint64_t place) {
    turnkeep_messages *messages = NULL;
    turnkeep_window *window;
    turnkeep_session_list *list;
    switch (way % 5) {
    case 0:
        messages = history(session);
        CHECK_EQUAL(turnkeep_messages_len(messages), place);
        break;
    case 1:
        window = window_of(session, NULL);
        CHECK_EQUAL(turnkeep_window_report_of(window)->head_seq, place);
        CHECK_EQUAL(turnkeep_window_at(window, turnkeep_window_len(window) - 1)->seq, place);
        turnkeep_window_free(window);
        break;
    case 2:
        OK(turnkeep_session_last(session, 2, &messages, &failure));
        CHECK_EQUAL(turnkeep_messages_at(messages, turnkeep_messages_len(messages) - 1)->seq, place);
        break;
    case 3:
        OK(turnkeep_session_message(session, place, &messages, &failure));
        CHECK_EQUAL(turnkeep_messages_at(messages, 0)->seq, place);
        break;
    default:
        list = describe(session);
        CHECK_EQUAL(turnkeep_session_list_at(list, 0)->head_seq, place);
        turnkeep_session_list_free(list);
    }
    turnkeep_messages_free(messages);
}

static void a_reader_in_another_process_sees_an_acknowledged_append_at_once(void) {
    struct follower follower;
    pid_t child = start_follower(&follower);
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    uint64_t place = 0;
    int round;
    options.durability = TURNKEEP_DURABILITY_OS;
    store = open_with(follower.path, &options);
    session = open_session(store, "s");
    for (round = 0; round < 4000; round++) {
        uint64_t next = order(&follower, round % 11 == 10 ? APPEND_BATCH : APPEND);
        CHECK_EQUAL(next, place + (round % 11 == 10 ? 3 : 1));
        place = next;
        check_seen(session, round, place);
        /* Now and then the reader writes too, so that both know and both forget. */
        if (round % 13 == 12) {
            CHECK_EQUAL(say(session, "mine").last_seq, ++place);
            check_seen(session, round / 13, place);
        }
    }
    turnkeep_session_close(session);
    close_store(store);
    stop_follower(&follower, child);
}

static void changes_of_every_kind_by_another_process_are_seen_at_once(void) {
    struct follower follower;
    pid_t child = start_follower(&follower);
    turnkeep_store *store = open_store(follower.path);
    turnkeep_session *session = open_session(store, "s");
    turnkeep_window_options options = TURNKEEP_WINDOW_OPTIONS_INIT;
    turnkeep_messages *messages = NULL;
    turnkeep_session_list *list;
    turnkeep_window *window;
    uint64_t revision;
    int number;
    options.max_tokens = 40;
    for (number = 0; number < 20; number++) say(session, "a question");
    window = window_of(session, &options);
    CHECK(turnkeep_window_at(window, 0)->flags != TURNKEEP_MESSAGE_SUMMARY);
    turnkeep_window_free(window);
    revision = order(&follower, SUMMARISE);
    list = describe(session);
    CHECK_EQUAL(turnkeep_session_list_at(list, 0)->revision, revision);
    CHECK_TEXT(turnkeep_session_list_at(list, 0)->summary, "a summary");
    turnkeep_session_list_free(list);
    window = window_of(session, &options);
    CHECK_TEXT(turnkeep_window_at(window, 0)->content, "a summary");
    CHECK_EQUAL(turnkeep_window_report_of(window)->revision, revision);
    turnkeep_window_free(window);

    CHECK_EQUAL(order(&follower, CLEAR), revision + 1);
    CHECK_EQUAL(count_messages(session), 0);
    CHECK_EQUAL(order(&follower, APPEND), 1);
    CHECK_HISTORY(session, "theirs");

    order(&follower, DELETE);
    CHECK_EQUAL(session_exists(store, "s"), 0);
    FAILS(NOT_FOUND, "deleted", turnkeep_session_history(session, &messages, &failure));
    order(&follower, CREATE);
    CHECK_EQUAL(order(&follower, APPEND), 1);
    FAILS(NOT_FOUND, "deleted", turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    turnkeep_session_close(session);
    session = open_session(store, "s");
    CHECK_HISTORY(session, "theirs");
    turnkeep_session_close(session);
    close_store(store);
    stop_follower(&follower, child);
}

/* Tries to open a store as `number` says: 0 as usual, 1 exclusive, 2 read-only; expects BUSY. */
static int expect_busy(void *argument) {
    struct part *part = (struct part *)argument;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    double began = seconds();
    options.busy_timeout_ms = 100;
    options.exclusive = part->number == 1;
    options.read_only = part->number == 2;
    FAILS(BUSY, "busy_timeout", turnkeep_store_open(part->path, &options, &store, &failure));
    CHECK(store == NULL);
    CHECK(seconds() - began < 5);
    return 0;
}

static int expect_open(void *argument) {
    turnkeep_store *store = open_store(((struct part *)argument)->path);
    CHECK_EQUAL(session_exists(store, "s"), 1);
    close_store(store);
    return 0;
}

/* Holds a store open, exclusive or not, from when it says so until it is told to stop. */
struct holder {
    const char *path;
    int exclusive;
    struct line line;
};

static int hold_store(void *argument) {
    struct holder *holder = (struct holder *)argument;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store;
    turnkeep_store *second = NULL;
    turnkeep_session *session;
    options.exclusive = holder->exclusive;
    options.busy_timeout_ms = 50;
    store = open_with(holder->path, &options);
    session = create(store, "s");
    if (holder->exclusive) {
        /* What fails in here must not open the door to others: closing a file drops a process's locks on it. */
        FAILS(BUSY, "", turnkeep_store_open(holder->path, &options, &second, &failure));
        options.exclusive = 0;
        FAILS(BUSY, "", turnkeep_store_open(holder->path, &options, &second, &failure));
    }
    tell(holder->line.to_parent[1], 1);
    CHECK_EQUAL(hear(holder->line.to_child[0]), 1);
    say(session, "still mine");
    CHECK_EQUAL(count_messages(session), 1);
    turnkeep_session_close(session);
    close_store(store);
    tell(holder->line.to_parent[1], 2);
    CHECK_EQUAL(hear(holder->line.to_child[0]), 2);
    return 0;
}

static void an_exclusive_store_keeps_every_other_process_out(void) {
    struct holder holder;
    struct part part;
    pid_t child;
    holder.path = part.path = fresh_path();
    holder.exclusive = 1;
    holder.line = open_line();
    child = start(hold_store, &holder);
    CHECK_EQUAL(hear(holder.line.to_parent[0]), 1);
    for (part.number = 0; part.number < 3; part.number++) elsewhere(expect_busy, &part);
    tell(holder.line.to_child[1], 1);
    CHECK_EQUAL(hear(holder.line.to_parent[0]), 2);
    elsewhere(expect_open, &part);
    tell(holder.line.to_child[1], 2);
    expect_success(child);
    close_line(&holder.line);
}

static void a_store_that_another_process_has_open_cannot_become_exclusive(void) {
    struct holder holder;
    struct part part;
    pid_t child;
    holder.path = part.path = fresh_path();
    holder.exclusive = 0;
    holder.line = open_line();
    child = start(hold_store, &holder);
    CHECK_EQUAL(hear(holder.line.to_parent[0]), 1);
    part.number = 1;
    elsewhere(expect_busy, &part);
    elsewhere(expect_open, &part);
    tell(holder.line.to_child[1], 1);
    CHECK_EQUAL(hear(holder.line.to_parent[0]), 2);
    tell(holder.line.to_child[1], 2);
    expect_success(child);
    close_line(&holder.line);
}

/* Holds the lock that a writer holds, as SQLite has it: a byte of the WAL's index. */
static int hold_the_write_lock(void *argument) {
    struct holder *holder = (struct holder *)argument;
    char index[PATH_BYTES];
    struct flock lock;
    int file;
    CHECK(snprintf(index, sizeof index, "%s-shm", holder->path) < PATH_BYTES);
    CHECK_EQUAL(hear(holder->line.to_child[0]), 1);
    file = open(index, O_RDWR);
    CHECK(file >= 0);
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 120;
    lock.l_len = 1;
    CHECK_EQUAL(fcntl(file, F_SETLKW, &lock), 0);
    tell(holder->line.to_parent[1], 1);
    CHECK_EQUAL(hear(holder->line.to_child[0]), 2);
    close(file);
    return 0;
}

/* A locked file gives an empty list and no error in the C++ session manager, and "database is locked" in a Python one. */
static void a_locked_file_is_an_error_for_who_writes_and_none_for_who_reads(void) {
    struct holder holder;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_session *none = NULL;
    turnkeep_session_list *list = NULL;
    double began;
    pid_t child;
    holder.path = fresh_path();
    holder.line = open_line();
    child = start(hold_the_write_lock, &holder);
    options.busy_timeout_ms = 200;
    store = open_with(holder.path, &options);
    session = create(store, "s");
    say(session, "one");
    tell(holder.line.to_child[1], 1);
    CHECK_EQUAL(hear(holder.line.to_parent[0]), 1);

    began = seconds();
    FAILS(BUSY, "append to session 's': another process or connection has kept",
          turnkeep_session_append(session, TURNKEEP_ROLE_USER, "two", 3, NULL, &failure));
    CHECK(seconds() - began > 0.15 && seconds() - began < 5);
    changes.title = "t";
    FAILS(BUSY, "0.2 s (busy_timeout)", turnkeep_session_update(session, &changes, NULL, &failure));
    FAILS(BUSY, "busy_timeout", turnkeep_session_clear(session, 0, NULL, &failure));
    FAILS(BUSY, "busy_timeout", turnkeep_session_create(store, NULL, &none, &failure));
    FAILS(BUSY, "busy_timeout", turnkeep_session_delete(store, "s", &failure));
    CHECK_HISTORY(session, "one");
    CHECK_EQUAL(revision_of(session), 2);
    OK(turnkeep_store_list_sessions(store, NULL, &list, &failure));
    CHECK_EQUAL(turnkeep_session_list_len(list), 1);
    turnkeep_session_list_free(list);
    turnkeep_window_free(window_of(session, NULL));

    tell(holder.line.to_child[1], 2);
    expect_success(child);
    CHECK_EQUAL(say(session, "two").last_seq, 2);
    CHECK_HISTORY(session, "one", "two");
    turnkeep_session_close(session);
    close_store(store);
    close_line(&holder.line);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(four_processes_on_one_file_get_every_number_once);
    RUN(eight_processes_that_open_a_new_file_at_the_same_moment_all_succeed);
    RUN(a_reader_in_another_process_sees_an_acknowledged_append_at_once);
    RUN(changes_of_every_kind_by_another_process_are_seen_at_once);
    RUN(an_exclusive_store_keeps_every_other_process_out);
    RUN(a_store_that_another_process_has_open_cannot_become_exclusive);
    RUN(a_locked_file_is_an_error_for_who_writes_and_none_for_who_reads);
    return 0;
}

#endif

/* kill -9 while messages are appended: what was acknowledged is there afterwards, in order and once. */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: there is no SIGKILL");
    return 0;
}
#else

#include "../support/process.h"

enum { USUAL_ROUNDS = 50, LARGEST_BATCH = 5 };

/* How often to kill: `make soak` asks for more than the tests do. */
static int rounds_asked_for(void) {
    const char *asked = getenv("TURNKEEP_ROUNDS");
    const int rounds = asked ? atoi(asked) : USUAL_ROUNDS;
    CHECK(rounds > 0);
    return rounds;
}

/* What an append of a batch is recognised by: "round/batch/index/size", and then some more bytes. */
struct label {
    int round;
    int batch;
    int index;
    int size;
};

static size_t write_content(char *content, size_t room, struct label label) {
    int length = snprintf(content, room, "%d/%d/%d/%d ", label.round, label.batch, label.index, label.size);
    size_t filler = (size_t)((label.batch * 997 + label.index * 31) % 5000);
    memset(content + length, 'a' + label.batch % 26, filler);
    content[(size_t)length + filler] = 0;
    return (size_t)length + filler;
}

struct writer {
    const char *path;
    int round;
    int acknowledged[2]; /* a pipe */
};

/* Appends until it is killed, and tells the place of the last message of each batch as soon as it is acknowledged. */
static int append_until_killed(void *argument) {
    struct writer *writer = (struct writer *)argument;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    static char contents[LARGEST_BATCH][6000];
    turnkeep_store *store;
    turnkeep_session *session;
    int number;
    options.durability = writer->round % 2 == 0 ? TURNKEEP_DURABILITY_DISK : TURNKEEP_DURABILITY_OS;
    store = open_with(writer->path, &options);
    session = open_session(store, "s");
    for (number = 0; number < INT32_MAX; number++) {
        turnkeep_new_message batch[LARGEST_BATCH];
        turnkeep_append_options append_options = TURNKEEP_APPEND_OPTIONS_INIT;
        turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
        struct label label;
        label.round = writer->round;
        label.batch = number;
        label.size = number % 3 == 2 ? 2 + number % (LARGEST_BATCH - 1) : 1;
        for (label.index = 0; label.index < label.size; label.index++) {
            char *content = contents[label.index];
            size_t length = write_content(content, sizeof contents[0], label);
            batch[label.index] = message_of(TURNKEEP_ROLE_USER, content);
            batch[label.index].content_len = length;
            batch[label.index].tokens = 1;
        }
        if (number % 10 == 9) append_options.durability = TURNKEEP_DURABILITY_DISK + number / 10 % 2;
        OK(turnkeep_session_append_batch(session, batch, (size_t)label.size, &append_options, &receipt, &failure));
        tell(writer->acknowledged[1], receipt.last_seq);
    }
    return 1;
}

/* Checks that every batch is whole, in order and once. Returns the number of messages. */
static uint64_t check_whole(const char *path) {
    static char expected[6000];
    turnkeep_store *store = open_store(path);
    turnkeep_session *session = open_session(store, "s");
    turnkeep_messages *messages = history(session);
    turnkeep_session_list *list = describe(session);
    const turnkeep_session_info *info = turnkeep_session_list_at(list, 0);
    struct label label = {-1, -1, 0, 1};
    uint64_t count = turnkeep_messages_len(messages);
    size_t index;
    for (index = 0; index < count; index++) {
        const turnkeep_message *message = turnkeep_messages_at(messages, index);
        struct label found;
        CHECK_EQUAL(
            sscanf(message->content.data, "%d/%d/%d/%d ", &found.round, &found.batch, &found.index, &found.size), 4);
        if (label.index == label.size - 1 || index == 0) {
            /* A new batch: the next one of this writer, or the first one of a later writer. */
            CHECK_EQUAL(found.index, 0);
            CHECK(found.round == label.round ? found.batch == label.batch + 1
                                             : found.round > label.round && found.batch == 0);
        } else {
            CHECK_EQUAL(found.round, label.round);
            CHECK_EQUAL(found.batch, label.batch);
            CHECK_EQUAL(found.size, label.size);
            CHECK_EQUAL(found.index, label.index + 1);
        }
        label = found;
        write_content(expected, sizeof expected, label);
        CHECK_TEXT(message->content, expected);
        CHECK_EQUAL(message->seq, index + 1);
        CHECK_EQUAL(message->total_tokens, index + 1);
    }
    if (count > 0) CHECK_EQUAL(label.index, label.size - 1);
    CHECK_EQUAL(info->head_seq, count);
    CHECK_EQUAL(info->message_count, count);
    CHECK_EQUAL(info->total_tokens, count);
    turnkeep_session_list_free(list);
    turnkeep_messages_free(messages);
    turnkeep_session_close(session);
    close_store(store);
    return count;
}

static const char *new_store(void) {
    const char *path = fresh_path();
    turnkeep_store *store = open_store(path);
    turnkeep_session_close(create(store, "s"));
    close_store(store);
    return path;
}

static void appends_survive_kill_9_in_a_c_program(void) {
    char path[PATH_BYTES];
    uint32_t random = 20240229;
    uint64_t before = 0;
    uint64_t all = 0;
    const int rounds = rounds_asked_for();
    int round;
    for (round = 0; round < rounds; round++) {
        struct writer writer;
        pid_t child;
        uint64_t place = 0;
        uint64_t told = before;
        uint64_t kept;
        uint64_t appends;
        int status = 0;
        if (round % 10 == 0) {
            snprintf(path, sizeof path, "%s", new_store());
            before = told = 0;
        }
        writer.path = path;
        writer.round = round;
        CHECK_EQUAL(pipe(writer.acknowledged), 0);
        child = start(append_until_killed, &writer);
        close(writer.acknowledged[1]);
        /* It dies after some acknowledgements and a little while, in the middle of whatever it does then. */
        random = random * 1664525u + 1013904223u;
        for (appends = random >> 8 & 127; appends > 0; appends--) {
            CHECK_EQUAL(read(writer.acknowledged[0], &place, sizeof place), (ssize_t)sizeof place);
            CHECK(place > told);
            told = place;
        }
        usleep(random >> 16 & 4095);
        CHECK_EQUAL(kill(child, SIGKILL), 0);
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (read(writer.acknowledged[0], &place, sizeof place) == (ssize_t)sizeof place) {
            CHECK(place > told);
            told = place;
        }
        close(writer.acknowledged[0]);
        kept = check_whole(path);
        if (kept < told || kept > told + LARGEST_BATCH)
            check_fail(__FILE__, __LINE__, "round %d: %llu messages are kept, %llu were acknowledged", round,
                       (unsigned long long)kept, (unsigned long long)told);
        all += kept - before;
        before = kept;
    }
    printf("        %llu messages in %d rounds\n", (unsigned long long)all, rounds);
}

/* Opens a new store again and again, until it is killed. */
static int open_until_killed(void *argument) {
    const char *folder = (const char *)argument;
    int number;
    for (number = 0; number < INT32_MAX; number++) {
        char path[PATH_BYTES];
        turnkeep_store *store;
        CHECK(snprintf(path, sizeof path, "%s/%d.db", folder, number % 100) < PATH_BYTES);
        store = open_store(path);
        turnkeep_session_close(create(store, NULL));
        close_store(store);
    }
    return 1;
}

static void a_store_whose_making_was_killed_can_be_opened(void) {
    int round;
    for (round = 0; round < 20; round++) {
        char folder[64];
        pid_t child;
        int status = 0;
        int number;
        snprintf(folder, sizeof folder, "making-%d", round);
        CHECK_EQUAL(mkdir(in_scratch(folder), 0777), 0);
        child = start(open_until_killed, (void *)(uintptr_t)in_scratch(folder));
        usleep((useconds_t)(1000 + round * 1733 % 20000));
        CHECK_EQUAL(kill(child, SIGKILL), 0);
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        CHECK(WIFSIGNALED(status));
        for (number = 0; number < 100; number++) {
            char name[80];
            snprintf(name, sizeof name, "%s/%d.db", folder, number);
            if (!is_there(in_scratch(name))) break;
            turnkeep_store *store = open_store(in_scratch(name));
            turnkeep_session *session = create(store, "s");
            say(session, "x");
            turnkeep_session_close(session);
            close_store(store);
        }
    }
}

/* Begins a write and is killed in it: SQLite's locks go with the process. */
static void a_killed_writer_does_not_keep_others_waiting(void) {
    struct writer writer;
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    uint64_t place;
    int round;
    writer.path = new_store();
    options.busy_timeout_ms = 2000;
    for (round = 0; round < 10; round++) {
        int status = 0;
        turnkeep_store *store;
        turnkeep_session *session;
        pid_t child;
        writer.round = round;
        CHECK_EQUAL(pipe(writer.acknowledged), 0);
        child = start(append_until_killed, &writer);
        close(writer.acknowledged[1]);
        CHECK_EQUAL(read(writer.acknowledged[0], &place, sizeof place), (ssize_t)sizeof place);
        store = open_with(writer.path, &options);
        session = open_session(store, "s");
        CHECK_EQUAL(kill(child, SIGKILL), 0);
        say(session, "at once");
        CHECK_EQUAL(waitpid(child, &status, 0), child);
        say(session, "and after");
        turnkeep_session_close(session);
        close_store(store);
        close(writer.acknowledged[0]);
    }
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(appends_survive_kill_9_in_a_c_program);
    RUN(a_store_whose_making_was_killed_can_be_opened);
    RUN(a_killed_writer_does_not_keep_others_waiting);
    return 0;
}

#endif

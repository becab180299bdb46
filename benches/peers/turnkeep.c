/*
 * Turnkeep through C, for benches/peers: turnkeep DISK|OS FOLDER
 *
 * Reads commands, one a line, and answers each by a line of JSON, as benches/peers/worker.py does for the others:
 *
 *     fill SIZE 0 | append SIZE SECONDS | last SIZE SECONDS | window SIZE SECONDS | first SIZE SECONDS
 *     threads EACH 0 | disk COUNT 0 | memory 0 0
 *
 * The conversation of SIZE messages lies alone in FOLDER/SIZE.db.
 */

#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <turnkeep/turnkeep.h>

#define THREADS 8
#define CONTENT_BYTES 200
/* What is over in less than a microsecond is timed so many at once. */
#define TOGETHER 100
#define MOST_SAMPLES 400

static int32_t durability;
static const char *folder;
static turnkeep_error *failure;

#define MUST(call)                                                                    \
    do {                                                                              \
        if ((call) != TURNKEEP_OK) {                                                  \
            fprintf(stderr, "%s: %s\n", #call, turnkeep_error_message(failure).data); \
            exit(1);                                                                  \
        }                                                                             \
    } while (0)

struct conversation {
    unsigned long size;
    unsigned long appended;
    turnkeep_store *store;
    turnkeep_session *session;
};

static double now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* The same text as text_of in worker.py. */
static void text_of(unsigned long number, char *text) {
    static const char words[] = "the quick brown fox jumps over the lazy dog and ";
    int at = sprintf(text, "%lu ", number);
    for (; at < CONTENT_BYTES; at++) text[at] = words[at % (int)(sizeof words - 1)];
    text[CONTENT_BYTES] = 0;
}

static int32_t role_of(unsigned long number) { return number % 2 == 0 ? TURNKEEP_ROLE_USER : TURNKEEP_ROLE_ASSISTANT; }

static turnkeep_store *open_store(const char *name) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s.db", folder, name) >= (int)sizeof path) exit(1);
    options.durability = durability;
    MUST(turnkeep_store_open(path, &options, &store, &failure));
    return store;
}

static turnkeep_session *session_of(turnkeep_store *store, const char *id) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *session = NULL;
    int32_t exists = 0;
    MUST(turnkeep_session_exists(store, id, &exists, &failure));
    options.id = id;
    if (exists) MUST(turnkeep_session_open(store, id, &session, &failure));
    else MUST(turnkeep_session_create(store, &options, &session, &failure));
    return session;
}

static struct conversation *conversation_of(unsigned long size) {
    static struct conversation open[8];
    char name[32];
    int place = 0;
    while (open[place].store != NULL && open[place].size != size) place++;
    if (open[place].store == NULL) {
        snprintf(name, sizeof name, "%lu", size);
        open[place].size = size;
        open[place].store = open_store(name);
        open[place].session = session_of(open[place].store, "c0");
    }
    return &open[place];
}

static void append_one(turnkeep_session *session, unsigned long number) {
    char text[CONTENT_BYTES + 1];
    turnkeep_receipt receipt = TURNKEEP_RECEIPT_INIT;
    turnkeep_error *error = NULL;
    text_of(number, text);
    if (turnkeep_session_append(session, role_of(number), text, CONTENT_BYTES, &receipt, &error) != TURNKEEP_OK) {
        fprintf(stderr, "append: %s\n", turnkeep_error_message(error).data);
        exit(1);
    }
}

static void fill(unsigned long size) {
    turnkeep_session *session = conversation_of(size)->session;
    turnkeep_new_message *messages = calloc(1000, sizeof *messages);
    char *texts = malloc(1000 * (CONTENT_BYTES + 1));
    unsigned long done, count, index;
    if (messages == NULL || texts == NULL) exit(1);
    for (done = 0; done < size; done += count) {
        count = size - done < 1000 ? size - done : 1000;
        for (index = 0; index < count; index++) {
            turnkeep_new_message message = TURNKEEP_NEW_MESSAGE_INIT;
            message.role = role_of(done + index);
            message.content = texts + index * (CONTENT_BYTES + 1);
            message.content_len = CONTENT_BYTES;
            text_of(done + index, texts + index * (CONTENT_BYTES + 1));
            messages[index] = message;
        }
        MUST(turnkeep_session_append_batch(session, messages, count, NULL, NULL, &failure));
    }
    free(messages);
    free(texts);
    printf("{\"done\": %lu}\n", size);
}

/* What a program does with what it read: looks at every text. */
static volatile size_t looked_at;

static void append_once(struct conversation *to) { append_one(to->session, to->size + to->appended++); }

static void last_once(struct conversation *of) {
    turnkeep_messages *messages = NULL;
    size_t index, count;
    MUST(turnkeep_session_last(of->session, 20, &messages, &failure));
    count = turnkeep_messages_len(messages);
    if (count != 20) exit(1);
    for (index = 0; index < count; index++) looked_at += turnkeep_messages_at(messages, index)->content.len;
    turnkeep_messages_free(messages);
}

static void window_once(struct conversation *of) {
    turnkeep_window *window = NULL;
    size_t index, count;
    MUST(turnkeep_session_window(of->session, NULL, &window, &failure));
    count = turnkeep_window_len(window);
    if (count < 20) exit(1);
    for (index = 0; index < count; index++) looked_at += turnkeep_window_at(window, index)->content.len;
    turnkeep_window_free(window);
}

static void print_samples(const double *samples, size_t count) {
    size_t index;
    printf("{\"us\": [");
    for (index = 0; index < count; index++) printf("%s%.3f", index == 0 ? "" : ", ", samples[index]);
    printf("]}\n");
}

static void sample(void (*once)(struct conversation *), unsigned long size, double seconds, int together) {
    static double samples[MOST_SAMPLES];
    struct conversation *conversation = conversation_of(size);
    double end = now_us() + seconds * 1e6;
    size_t count = 0;
    int index;
    once(conversation);
    do {
        double begin = now_us();
        for (index = 0; index < together; index++) once(conversation);
        samples[count++] = (now_us() - begin) / together;
    } while (count < MOST_SAMPLES && now_us() < end);
    print_samples(samples, count);
}

static void first(unsigned long size, double seconds) {
    static double samples[MOST_SAMPLES];
    double end = now_us() + seconds * 1e6;
    size_t count = 0;
    char name[32];
    snprintf(name, sizeof name, "%lu", size);
    do {
        struct conversation anew = {size, 0, NULL, NULL};
        double begin = now_us();
        anew.store = open_store(name);
        MUST(turnkeep_session_open(anew.store, "c0", &anew.session, &failure));
        last_once(&anew);
        samples[count++] = now_us() - begin;
        turnkeep_session_close(anew.session);
        MUST(turnkeep_store_close(anew.store, &failure));
    } while (count < MOST_SAMPLES && now_us() < end);
    print_samples(samples, count);
}

struct writer {
    turnkeep_session *session;
    unsigned long count;
    pthread_t thread;
};

static void *write_all(void *argument) {
    const struct writer *writer = argument;
    unsigned long index;
    for (index = 0; index < writer->count; index++) append_one(writer->session, index);
    return NULL;
}

static unsigned long count_of(turnkeep_session *session) {
    turnkeep_messages *messages = NULL;
    unsigned long count;
    MUST(turnkeep_session_history(session, &messages, &failure));
    count = turnkeep_messages_len(messages);
    turnkeep_messages_free(messages);
    return count;
}

static void threads(unsigned long each) {
    turnkeep_store *store = open_store("threads");
    struct writer writers[THREADS];
    unsigned long before = 0, after = 0;
    double begin;
    int index;
    char id[32];
    for (index = 0; index < THREADS; index++) {
        snprintf(id, sizeof id, "c%d", index);
        writers[index].session = session_of(store, id);
        writers[index].count = each;
        before += count_of(writers[index].session);
    }
    begin = now_us();
    for (index = 0; index < THREADS; index++)
        if (pthread_create(&writers[index].thread, NULL, write_all, &writers[index]) != 0) exit(1);
    for (index = 0; index < THREADS; index++) pthread_join(writers[index].thread, NULL);
    begin = now_us() - begin;
    for (index = 0; index < THREADS; index++) {
        after += count_of(writers[index].session);
        turnkeep_session_close(writers[index].session);
    }
    MUST(turnkeep_store_close(store, &failure));
    printf("{\"seconds\": %.6f, \"acknowledged\": %lu, \"kept\": %lu, \"errors\": {}}\n", begin / 1e6, each * THREADS,
           after - before);
}

static void disk(unsigned long count) {
    turnkeep_store *store = open_store("disk");
    turnkeep_session *session = session_of(store, "c0");
    unsigned long index;
    for (index = 0; index < count; index++) append_one(session, index);
    turnkeep_session_close(session);
    MUST(turnkeep_store_close(store, &failure));
    printf("{\"done\": %lu}\n", count);
}

static void memory(void) {
    FILE *status = fopen("/proc/self/status", "r");
    unsigned long resident = 0;
    char line[256];
    while (status != NULL && fgets(line, sizeof line, status) != NULL) sscanf(line, "VmRSS: %lu", &resident);
    if (status != NULL) fclose(status);
    printf("{\"resident_kb\": %lu}\n", resident);
}

int main(int argc, char **argv) {
    char job[32];
    unsigned long size;
    double seconds;
    if (argc != 3) return 2;
    durability = strcmp(argv[1], "OS") == 0 ? TURNKEEP_DURABILITY_OS : TURNKEEP_DURABILITY_DISK;
    folder = argv[2];
    printf("{\"version\": \"%s\"}\n", turnkeep_version());
    fflush(stdout);
    while (scanf("%31s %lu %lf", job, &size, &seconds) == 3) {
        if (strcmp(job, "fill") == 0) fill(size);
        else if (strcmp(job, "append") == 0) sample(append_once, size, seconds, 1);
        else if (strcmp(job, "last") == 0) sample(last_once, size, seconds, TOGETHER);
        else if (strcmp(job, "window") == 0) sample(window_once, size, seconds, TOGETHER);
        else if (strcmp(job, "first") == 0) first(size, seconds);
        else if (strcmp(job, "threads") == 0) threads(size);
        else if (strcmp(job, "disk") == 0) disk(size);
        else if (strcmp(job, "memory") == 0) memory();
        else return 2;
        fflush(stdout);
    }
    return 0;
}

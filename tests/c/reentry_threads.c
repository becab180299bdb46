/*
 * Callbacks that call back while other threads do something: each is answered, also where the others wait for the call that
 * it runs in.
 */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: the watchdog is an alarm as POSIX has it");
    return 0;
}
#else

#include "../support/reentry.h"

#include <pthread.h>

static int is_answer(turnkeep_status status) { return status == TURNKEEP_OK || status == TURNKEEP_ERROR_BUSY; }

static void open_fresh(const struct kind *of) {
    kind = of;
    snprintf(path, sizeof path, "%s", fresh_path());
    make_sources();
    store = asked = open_kind(0, 0);
}

/* One of two threads, each of which is inside a call on its own store when it uses the other's. */
struct side {
    turnkeep_store *own;
    turnkeep_session *others;
    pthread_barrier_t *both_are_inside;
    int exports;
    int was_called;
};

static turnkeep_status use_the_others_store(struct side *side) {
    turnkeep_messages *messages = NULL;
    if (side->was_called++) return TURNKEEP_OK;
    pthread_barrier_wait(side->both_are_inside);
    CHECK(is_answer(turnkeep_session_last(side->others, 1, &messages, NULL)));
    CHECK(is_answer(turnkeep_session_append(side->others, TURNKEEP_ROLE_USER, "a", 1, NULL, NULL)));
    turnkeep_messages_free(messages);
    return TURNKEEP_OK;
}

static turnkeep_status use_it_in_progress(void *data, uint64_t done, uint64_t total) {
    (void)done, (void)total;
    return use_the_others_store((struct side *)data);
}

static turnkeep_status use_it_in_chunk(void *data, const char *bytes, size_t length) {
    (void)bytes, (void)length;
    return use_the_others_store((struct side *)data);
}

static void *be_one_side(void *argument) {
    struct side *side = (struct side *)argument;
    turnkeep_import_options options = TURNKEEP_IMPORT_OPTIONS_INIT;
    options.progress = use_it_in_progress;
    options.user_data = side;
    if (side->exports) OK(turnkeep_store_export(side->own, &own_format, use_it_in_chunk, side, NULL, &failure));
    else OK(turnkeep_store_import(side->own, source, &options, NULL, &failure));
    return NULL;
}

static void meet(const struct kind *of, int one_exports, int other_exports) {
    pthread_barrier_t barrier;
    pthread_t threads[2];
    struct side sides[2] = {{NULL, NULL, &barrier, one_exports, 0}, {NULL, NULL, &barrier, other_exports, 0}};
    int number;
    CHECK_EQUAL(pthread_barrier_init(&barrier, NULL, 2), 0);
    for (number = 0; number < 2; number++) {
        open_fresh(of);
        sides[number].own = store;
        sides[!number].others = create(store, "met");
        say(sides[!number].others, "quiet");
        OK(turnkeep_session_rewind(sides[!number].others, 0, 0, NULL, &failure));
    }
    try_it("two threads", of->name, one_exports ? "export" : "import", other_exports ? "export" : "import");
    for (number = 0; number < 2; number++)
        CHECK_EQUAL(pthread_create(&threads[number], NULL, be_one_side, &sides[number]), 0);
    for (number = 0; number < 2; number++) CHECK_EQUAL(pthread_join(threads[number], NULL), 0);
    for (number = 0; number < 2; number++) {
        say(sides[number].others, "usable");
        turnkeep_session_close(sides[number].others);
    }
    for (number = 0; number < 2; number++) {
        expect_sound(sides[number].own);
        close_store(sides[number].own);
    }
    pthread_barrier_destroy(&barrier);
}

static void two_threads_inside_callbacks_may_use_each_others_stores(void) {
    size_t number;
    for (number = 0; number < sizeof kinds / sizeof *kinds; number++) {
        if (kinds[number].read_only || kinds[number].through_other) continue;
        meet(&kinds[number], 0, 0);
        meet(&kinds[number], 0, 1);
        meet(&kinds[number], 1, 1);
    }
    alarm(0);
}

static void *append_and_read(void *stop) {
    turnkeep_session *mine = open_session(store, "busy");
    while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
        say(mine, "quiet");
        turnkeep_window_free(window_of(mine, NULL));
        OK(turnkeep_session_rewind(mine, 0, 0, NULL, &failure));
        turnkeep_window_free(window_of(mine, NULL));
    }
    turnkeep_session_close(mine);
    return NULL;
}

static turnkeep_status ask_for_what_is_busy(void) {
    begin_out();
    CHECK(is_answer(turnkeep_session_window(subject, NULL, &out.window, NULL)));
    CHECK(is_answer(turnkeep_session_last(subject, 1, &out.messages, NULL)));
    CHECK(is_answer(turnkeep_session_describe(subject, &out.list, NULL)));
    CHECK(is_answer(turnkeep_session_append(subject, TURNKEEP_ROLE_USER, "a", 1, NULL, NULL)));
    CHECK(is_answer(turnkeep_store_search(store, &search, &out.results, NULL)));
    free_out();
    return TURNKEEP_OK;
}

static const struct caller {
    const char *name;
    turnkeep_status (*call)(void);
} callers[] = {
    {"progress of an import", import_with_progress},
    {"progress of an export", export_with_progress},
    {"chunk of an export", export_to_a_function},
    {"progress of a backup", back_up_with_progress},
};

static void ask_again_and_again(const struct caller *caller) {
    enum { TIMES = 20 };
    pthread_t thread;
    int stop = 0;
    int number;
    subject = create(store, "busy");
    try_it(caller->name, kind->name, "what is busy", "while it is appended to");
    CHECK_EQUAL(pthread_create(&thread, NULL, append_and_read, &stop), 0);
    for (number = 0; number < TIMES; number++) {
        doing = ask_for_what_is_busy;
        CHECK_EQUAL(caller->call(), TURNKEEP_OK);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
    expect_memory_to_be_true(subject);
    turnkeep_session_close(subject);
    OK(turnkeep_session_delete(store, "busy", &failure));
}

static void a_callback_is_answered_while_another_thread_appends_and_reads(void) {
    size_t number, index;
    for (number = 0; number < sizeof kinds / sizeof *kinds; number++) {
        if (kinds[number].read_only || kinds[number].through_other || kinds[number].flushes) continue;
        open_fresh(&kinds[number]);
        for (index = 0; index < sizeof callers / sizeof *callers; index++) ask_again_and_again(&callers[index]);
        expect_sound(store);
        close_store(store);
    }
    alarm(0);
}

enum { EXPORTS = 3 };
static pthread_barrier_t all_are_inside;
static CHECK_THREAD_LOCAL int has_read;

static turnkeep_status read_while_all_export(void *data, const char *bytes, size_t length) {
    uint64_t found = 0;
    (void)data, (void)bytes, (void)length;
    if (has_read++) return TURNKEEP_OK;
    pthread_barrier_wait(&all_are_inside);
    OK(turnkeep_store_count_sessions(store, NULL, &found, &failure));
    CHECK_EQUAL(found, 1);
    return TURNKEEP_OK;
}

static void *export_and_read(void *nothing) {
    OK(turnkeep_store_export(store, &own_format, read_while_all_export, NULL, NULL, &failure));
    return nothing;
}

static void more_exports_than_readers_may_read_in_their_callbacks(void) {
    pthread_t threads[EXPORTS];
    int number;
    open_fresh(&kinds[3]);
    turnkeep_session_close(with_two_messages("chat"));
    try_it("chunk of an export", kind->name, "turnkeep_store_count_sessions", "several threads");
    CHECK_EQUAL(pthread_barrier_init(&all_are_inside, NULL, EXPORTS), 0);
    for (number = 0; number < EXPORTS; number++)
        CHECK_EQUAL(pthread_create(&threads[number], NULL, export_and_read, NULL), 0);
    for (number = 0; number < EXPORTS; number++) CHECK_EQUAL(pthread_join(threads[number], NULL), 0);
    pthread_barrier_destroy(&all_are_inside);
    close_store(store);
    alarm(0);
}

/* A store whose own thread is inside a callback that waits for the import inside which the store is closed. */
static turnkeep_store *with_a_thread;
static turnkeep_session *imported_into;
static int its_thread_waits;

static turnkeep_status append_elsewhere(void *data, const turnkeep_event *event) {
    (void)data;
    if (event->kind != TURNKEEP_EVENT_EXPIRED) return TURNKEEP_OK;
    __atomic_store_n(&its_thread_waits, 1, __ATOMIC_RELEASE);
    return turnkeep_session_append(imported_into, TURNKEEP_ROLE_USER, "a", 1, NULL, NULL);
}

static void let_go(void *its_thread_is_done) { __atomic_store_n((int *)its_thread_is_done, 1, __ATOMIC_RELEASE); }

static turnkeep_status close_what_has_a_thread(void) {
    turnkeep_session_options options = TURNKEEP_SESSION_OPTIONS_INIT;
    turnkeep_session *over = NULL;
    options.expires_us = 1;
    OK(turnkeep_session_create(with_a_thread, &options, &over, &failure));
    turnkeep_session_close(over);
    while (!__atomic_load_n(&its_thread_waits, __ATOMIC_ACQUIRE)) usleep(1000);
    usleep(10000);
    return turnkeep_store_close(with_a_thread, &failure);
}

static void a_store_whose_own_thread_waits_for_an_import_may_be_closed_inside_of_it(void) {
    int is_done = 0;
    kind = &kinds[0];
    with_a_thread = open_kind(0, 5);
    open_fresh(&kinds[3]);
    imported_into = create(store, "chat");
    OK(turnkeep_store_subscribe(with_a_thread, append_elsewhere, &is_done, let_go, NULL, &failure));
    try_it("progress of an import", kind->name, "turnkeep_store_close",
           "a store whose own thread waits for the import");
    doing = close_what_has_a_thread;
    OK(import_with_progress());
    CHECK_EQUAL(answered, TURNKEEP_OK);
    while (!__atomic_load_n(&is_done, __ATOMIC_ACQUIRE)) usleep(1000);
    CHECK_EQUAL(count_messages(imported_into), 1);
    turnkeep_session_close(imported_into);
    close_store(store);
    alarm(0);
}

/* The one callback that may close the store: while it runs the host is in no call on the store, but on a session. */
static void a_count_for_a_session_may_close_the_store(void) {
    size_t number;
    for (number = 0; number < sizeof kinds / sizeof *kinds; number++) {
        if (kinds[number].read_only || kinds[number].through_other) continue;
        kind = &kinds[number];
        snprintf(path, sizeof path, "%s", fresh_path());
        store = asked = open_kind(1, 0);
        outer = create(store, "outer");
        try_it("count of an append", kind->name, "turnkeep_store_close", "outer");
        doing = close_it;
        FAILS(CLOSED, "closed", append_to_outer());
        CHECK_EQUAL(answered, TURNKEEP_OK);
        turnkeep_session_close(outer);
    }
    alarm(0);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    signal(SIGALRM, say_that_it_hangs);
    RUN(two_threads_inside_callbacks_may_use_each_others_stores);
    RUN(a_callback_is_answered_while_another_thread_appends_and_reads);
    RUN(more_exports_than_readers_may_read_in_their_callbacks);
    RUN(a_store_whose_own_thread_waits_for_an_import_may_be_closed_inside_of_it);
    RUN(a_count_for_a_session_may_close_the_store);
    return 0;
}

#endif

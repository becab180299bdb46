/* fork() with an open store: the child is told that it has none, and can do nothing to its parent's; it may open its own. */

#include "../support/check.h"

#ifdef _WIN32
int main(void) {
    puts("skipped: there is no fork here");
    return 0;
}
#else

#include "../support/process.h"

#include <pthread.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

/* What a child has of its parent's stores is never freed, on purpose: nothing is to be told of that. */
static int is_child;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) { return is_child; }

/* What the parent has open, and the child inherits. */
struct inherited {
    const char *path;
    turnkeep_store *store;
    turnkeep_session *session;
    turnkeep_session *other;
    turnkeep_window *window;
    turnkeep_messages *messages;
    uint64_t subscription;
    int32_t events;
};

static turnkeep_status count(void *user_data, const turnkeep_event *event) {
    (void)event;
    ++*(int32_t *)user_data;
    return TURNKEEP_OK;
}

static struct inherited open_much(const char *path, const turnkeep_store_options *options) {
    struct inherited mine;
    memset(&mine, 0, sizeof mine);
    mine.path = path;
    mine.store = open_with(path, options);
    mine.session = create(mine.store, "s");
    mine.other = create(mine.store, "t");
    say(mine.session, "hello");
    answer(mine.session, "good day");
    mine.window = window_of(mine.session, NULL);
    mine.messages = history(mine.session);
    return mine;
}

static void close_much(struct inherited *mine) {
    turnkeep_messages_free(mine->messages);
    turnkeep_window_free(mine->window);
    turnkeep_session_close(mine->other);
    turnkeep_session_close(mine->session);
    close_store(mine->store);
}

static void expect_sound(turnkeep_store *store) {
    turnkeep_check_report *report = NULL;
    OK(turnkeep_store_check(store, &report, &failure));
    CHECK_EQUAL(turnkeep_check_report_len(report), 0);
    turnkeep_check_report_free(report);
}

/* As start of process.h, and a child that hangs dies of it. */
static void in_child(int (*run)(void *), void *argument) {
    pid_t child;
    fflush(NULL);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        is_child = 1;
        alarm(60);
        _exit(run(argument));
    }
    expect_success(child);
}

#define REFUSED(call) FAILS(CLOSED, "fork()", call)

static void every_call_on_a_session_is_refused(struct inherited *theirs) {
    turnkeep_session *session = theirs->session;
    turnkeep_session_changes changes = TURNKEEP_SESSION_CHANGES_INIT;
    turnkeep_exchange exchange = TURNKEEP_EXCHANGE_INIT;
    turnkeep_branch_options branch = TURNKEEP_BRANCH_OPTIONS_INIT;
    turnkeep_comparison comparison = TURNKEEP_COMPARISON_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_session *forked = NULL;
    turnkeep_session_list *list = NULL;
    turnkeep_messages *messages = NULL;
    turnkeep_window *window = NULL;
    turnkeep_turns *turns = NULL;
    turnkeep_document *document = NULL;
    changes.title = "x";
    exchange.input = "x";
    exchange.answer = "y";
    REFUSED(turnkeep_session_describe(session, &list, &failure));
    REFUSED(turnkeep_session_update(session, &changes, NULL, &failure));
    REFUSED(turnkeep_session_append(session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    REFUSED(turnkeep_session_append_batch(session, &message, 1, NULL, NULL, &failure));
    REFUSED(turnkeep_session_append_exchange(session, &exchange, NULL, NULL, NULL, &failure));
    REFUSED(turnkeep_session_clear(session, 0, NULL, &failure));
    REFUSED(turnkeep_session_truncate(session, 1, 0, 0, NULL, &failure));
    REFUSED(turnkeep_session_history(session, &messages, &failure));
    REFUSED(turnkeep_session_last(session, 1, &messages, &failure));
    REFUSED(turnkeep_session_range(session, 1, 2, &messages, &failure));
    REFUSED(turnkeep_session_message(session, 1, &messages, &failure));
    REFUSED(turnkeep_session_window(session, NULL, &window, &failure));
    REFUSED(turnkeep_session_turns(session, 1, 1, &turns, &failure));
    REFUSED(turnkeep_session_last_turns(session, 1, &turns, &failure));
    REFUSED(turnkeep_session_context_text(session, 1, 0, &document, &failure));
    REFUSED(turnkeep_session_file_name(session, 1, "a.txt", 0, &document, &failure));
    REFUSED(turnkeep_session_fork(session, 1, NULL, &forked, &failure));
    REFUSED(turnkeep_session_rewind(session, 1, 0, NULL, &failure));
    REFUSED(turnkeep_session_replace(session, 1, &message, 1, &branch, NULL, NULL, &failure));
    REFUSED(turnkeep_session_regenerate(session, 2, &branch, NULL, &failure));
    REFUSED(turnkeep_session_compare(session, theirs->other, &comparison, &failure));
    REFUSED(turnkeep_session_adopt(session, theirs->other, 1, 1, NULL, NULL, &failure));
    REFUSED(turnkeep_session_forks(session, &list, &failure));
    REFUSED(turnkeep_session_ancestors(session, &list, &failure));
    REFUSED(turnkeep_session_tree(session, &list, &failure));
    CHECK_TEXT(turnkeep_session_id(session), "s");
}

static void every_call_on_a_store_is_refused(struct inherited *theirs) {
    turnkeep_store *store = theirs->store;
    turnkeep_search_options search = TURNKEEP_SEARCH_OPTIONS_INIT;
    turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
    turnkeep_sizes sizes = TURNKEEP_SIZES_INIT;
    turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "x");
    turnkeep_session *session = NULL;
    turnkeep_session_list *list = NULL;
    turnkeep_search_results *results = NULL;
    turnkeep_events *events = NULL;
    turnkeep_document *document = NULL;
    turnkeep_check_report *report = NULL;
    turnkeep_transfer_report *transfer = NULL;
    turnkeep_export_options export = TURNKEEP_EXPORT_OPTIONS_INIT;
    uint64_t number = 0;
    int32_t exists = 0;
    search.text = "hello";
    export.format = TURNKEEP_FORMAT_TURNKEEP;
    REFUSED(turnkeep_store_flush(store, &failure));
    REFUSED(turnkeep_store_cleanup(store, NULL, &failure));
    REFUSED(turnkeep_session_create(store, NULL, &session, &failure));
    REFUSED(turnkeep_session_create_with(store, NULL, &message, 1, &session, &failure));
    REFUSED(turnkeep_session_open(store, "s", &session, &failure));
    REFUSED(turnkeep_session_resume(store, "s", NULL, &session, NULL, NULL, &failure));
    REFUSED(turnkeep_session_exists(store, "s", &exists, &failure));
    REFUSED(turnkeep_session_delete(store, "s", &failure));
    REFUSED(turnkeep_session_erase(store, "s", NULL, &failure));
    REFUSED(turnkeep_store_list_sessions(store, NULL, &list, &failure));
    REFUSED(turnkeep_store_count_sessions(store, NULL, &number, &failure));
    REFUSED(turnkeep_store_change_sessions(store, NULL, TURNKEEP_BULK_DELETE, NULL, &number, &failure));
    REFUSED(turnkeep_store_search(store, &search, &results, &failure));
    REFUSED(turnkeep_store_subscribe(store, count, &theirs->events, NULL, &number, &failure));
    REFUSED(turnkeep_store_unsubscribe(store, theirs->subscription, &failure));
    REFUSED(turnkeep_store_events_after(store, 0, 0, &events, &failure));
    REFUSED(turnkeep_store_metrics(store, &metrics, &failure));
    REFUSED(turnkeep_store_reset_metrics(store, &failure));
    REFUSED(turnkeep_store_metrics_json(store, &document, &failure));
    REFUSED(turnkeep_store_metrics_prometheus(store, &document, &failure));
    REFUSED(turnkeep_store_backup(store, in_scratch("never.db"), NULL, &failure));
    REFUSED(turnkeep_store_check(store, &report, &failure));
    REFUSED(turnkeep_store_vacuum(store, &failure));
    REFUSED(turnkeep_store_optimize(store, &failure));
    REFUSED(turnkeep_store_sizes(store, &sizes, &failure));
    REFUSED(turnkeep_store_export_file(store, in_scratch("never.jsonl"), &export, &transfer, &failure));
    REFUSED(turnkeep_store_import(store, in_scratch("never.jsonl"), NULL, &transfer, &failure));
    CHECK_TEXT(turnkeep_store_location(store), theirs->path);
    CHECK(!is_there(in_scratch("never.db")) && !is_there(in_scratch("never.jsonl")));
}

static void results_are_still_there(struct inherited *theirs) {
    CHECK_EQUAL(turnkeep_window_len(theirs->window), 2);
    CHECK_TEXT(turnkeep_window_at(theirs->window, 0)->content, "hello");
    CHECK_EQUAL(turnkeep_messages_len(theirs->messages), 2);
    CHECK_TEXT(turnkeep_messages_at(theirs->messages, 1)->content, "good day");
}

static int try_everything(void *argument) {
    struct inherited *theirs = (struct inherited *)argument;
    every_call_on_a_session_is_refused(theirs);
    every_call_on_a_store_is_refused(theirs);
    results_are_still_there(theirs);
    return 0;
}

static void a_child_is_refused_every_call_on_what_its_parent_opened(void) {
    const char *const locations[] = {fresh_path(), ":memory:"};
    int each;
    for (each = 0; each < 2; each++) {
        struct inherited mine = open_much(locations[each], NULL);
        OK(turnkeep_store_subscribe(mine.store, count, &mine.events, NULL, &mine.subscription, &failure));
        in_child(try_everything, &mine);
        CHECK_HISTORY(mine.session, "hello", "good day");
        say(mine.session, "still here?");
        CHECK_EQUAL(mine.events, 2);
        expect_sound(mine.store);
        close_much(&mine);
    }
}

static int close_everything(void *argument) {
    close_much((struct inherited *)argument);
    return 0;
}

static int leave_by_exit(void *argument) {
    close_much((struct inherited *)argument);
    exit(0);
}

static int leave_by_exit_with_all_open(void *argument) {
    results_are_still_there((struct inherited *)argument);
    exit(0);
}

struct seen {
    struct stat file;
    struct stat log;
    struct stat index;
};

/* Without opening them: to close them would drop the store's locks. */
static struct seen look_at(const char *path) {
    struct seen seen;
    char name[PATH_BYTES + 8];
    CHECK_EQUAL(stat(path, &seen.file), 0);
    snprintf(name, sizeof name, "%s-wal", path);
    CHECK_EQUAL(stat(name, &seen.log), 0);
    snprintf(name, sizeof name, "%s-shm", path);
    CHECK_EQUAL(stat(name, &seen.index), 0);
    return seen;
}

static int is_unchanged(const struct stat *before, const struct stat *after) {
    return before->st_size == after->st_size && before->st_mtim.tv_sec == after->st_mtim.tv_sec &&
           before->st_mtim.tv_nsec == after->st_mtim.tv_nsec && before->st_ino == after->st_ino;
}

static int find_it_busy_for_exclusive_use(void *argument) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    options.exclusive = 1;
    options.busy_timeout_ms = 50;
    FAILS(BUSY, "", turnkeep_store_open((const char *)argument, &options, &store, &failure));
    return 0;
}

static void closing_in_the_child_touches_neither_the_file_nor_the_parents_store(void) {
    int (*const ways[])(void *) = {close_everything, leave_by_exit, leave_by_exit_with_all_open};
    const char *path = fresh_path();
    struct inherited mine = open_much(path, NULL);
    unsigned each;
    /* A child that closed a store of its own would move the log into the file. */
    for (each = 0; each < 3; each++) {
        struct seen before, after;
        turnkeep_search_results *results = NULL;
        turnkeep_search_options search = TURNKEEP_SEARCH_OPTIONS_INIT;
        search.text = "hello";
        /* The store's own thread has nothing left to write from here on. */
        OK(turnkeep_store_search(mine.store, &search, &results, &failure));
        turnkeep_search_results_free(results);
        before = look_at(path);
        in_child(ways[each], &mine);
        after = look_at(path);
        CHECK(is_unchanged(&before.file, &after.file));
        CHECK(is_unchanged(&before.log, &after.log));
        CHECK(is_unchanged(&before.index, &after.index));
        in_child(find_it_busy_for_exclusive_use, (void *)(uintptr_t)path);
        say(mine.session, "hello again");
    }
    CHECK_EQUAL(count_messages(mine.session), 5);
    expect_sound(mine.store);
    close_much(&mine);
}

static int open_the_same_and_append(void *argument) {
    struct inherited *theirs = (struct inherited *)argument;
    turnkeep_store *store = open_store(theirs->path);
    turnkeep_session *session = open_session(store, "s");
    int number;
    CHECK_EQUAL(count_messages(session) >= 2, 1);
    for (number = 0; number < 100; number++) say(session, "child");
    expect_sound(store);
    REFUSED(turnkeep_session_append(theirs->session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    turnkeep_session_close(session);
    close_store(store);
    close_much(theirs);
    return 0;
}

static void a_child_may_open_what_its_parent_has_open_and_both_go_on(void) {
    struct inherited mine = open_much(fresh_path(), NULL);
    turnkeep_messages *messages;
    size_t index;
    int number, of_children = 0;
    pid_t children[2];
    for (number = 0; number < 2; number++) {
        fflush(NULL);
        children[number] = fork();
        CHECK(children[number] >= 0);
        if (children[number] == 0) {
            is_child = 1;
            alarm(60);
            _exit(open_the_same_and_append(&mine));
        }
    }
    for (number = 0; number < 100; number++) say(mine.session, "parent");
    for (number = 0; number < 2; number++) expect_success(children[number]);
    messages = history(mine.session);
    CHECK_EQUAL(turnkeep_messages_len(messages), 302);
    for (index = 0; index < 302; index++) {
        const turnkeep_message *message = turnkeep_messages_at(messages, index);
        CHECK_EQUAL(message->seq, index + 1);
        of_children += strcmp(message->content.data, "child") == 0;
    }
    CHECK_EQUAL(of_children, 200);
    turnkeep_messages_free(messages);
    expect_sound(mine.store);
    close_much(&mine);
}

static int find_it_busy(void *argument) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    turnkeep_store *store = NULL;
    options.busy_timeout_ms = 50;
    FAILS(BUSY, "", turnkeep_store_open((const char *)argument, &options, &store, &failure));
    return 0;
}

static void an_exclusive_store_keeps_its_own_children_out(void) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    const char *path = fresh_path();
    struct inherited mine;
    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    mine = open_much(path, &options);
    in_child(close_everything, &mine);
    in_child(find_it_busy, (void *)(uintptr_t)path);
    say(mine.session, "deferred");
    close_much(&mine);
    mine.store = open_store(path);
    mine.session = open_session(mine.store, "s");
    CHECK_HISTORY(mine.session, "hello", "good day", "deferred");
    turnkeep_session_close(mine.session);
    close_store(mine.store);
}

static int be_a_grandchild(void *argument) {
    struct inherited *both = (struct inherited *)argument;
    turnkeep_store *own;
    REFUSED(turnkeep_session_append(both[0].session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    REFUSED(turnkeep_session_append(both[1].session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
    own = open_store(both[0].path);
    say(both[2].session = open_session(own, "s"), "grandchild");
    turnkeep_session_close(both[2].session);
    close_store(own);
    close_much(&both[1]);
    close_much(&both[0]);
    return 0;
}

static int be_a_child_with_a_child(void *argument) {
    struct inherited both[3];
    memset(both, 0, sizeof both);
    both[0] = *(struct inherited *)argument;
    both[1] = open_much(in_scratch("of the child.db"), NULL);
    in_child(be_a_grandchild, both);
    say(both[1].session, "mine");
    CHECK_HISTORY(both[1].session, "hello", "good day", "mine");
    close_much(&both[1]);
    return 0;
}

static void a_child_of_a_child_is_refused_what_both_have_open(void) {
    struct inherited mine = open_much(fresh_path(), NULL);
    in_child(be_a_child_with_a_child, &mine);
    CHECK_HISTORY(mine.session, "hello", "good day", "grandchild");
    expect_sound(mine.store);
    close_much(&mine);
}

static turnkeep_status fork_and_try(void *user_data, const turnkeep_event *event) {
    struct inherited *mine = (struct inherited *)user_data;
    if (event->kind == TURNKEEP_EVENT_MESSAGE_ADDED && mine->events++ == 0) in_child(try_everything, mine);
    return TURNKEEP_OK;
}

static void a_callback_may_fork(void) {
    struct inherited mine = open_much(fresh_path(), NULL);
    uint64_t subscription;
    OK(turnkeep_store_subscribe(mine.store, fork_and_try, &mine, NULL, &subscription, &failure));
    say(mine.session, "fork");
    CHECK_EQUAL(mine.events, 1);
    CHECK_HISTORY(mine.session, "hello", "good day", "fork");
    close_much(&mine);
}

/* Threads that do all that takes a lock, until they are told to stop. */
struct storm {
    struct inherited *mine;
    int stop;
};

static void *storm(void *argument) {
    struct storm *all = (struct storm *)argument;
    unsigned round;
    for (round = 0; !__atomic_load_n(&all->stop, __ATOMIC_RELAXED); round++) {
        turnkeep_append_options options = TURNKEEP_APPEND_OPTIONS_INIT;
        turnkeep_new_message message = message_of(TURNKEEP_ROLE_USER, "storm");
        options.durability = TURNKEEP_DURABILITY_OS;
        append_batch(all->mine->session, &message, 1, &options);
        turnkeep_window_free(window_of(all->mine->session, NULL));
        if (round % 8 == 0) {
            turnkeep_store *store = memory_store();
            turnkeep_session_close(create(store, NULL));
            close_store(store);
        }
        if (round % 64 == 0) close_store(open_store(all->mine->path));
    }
    return NULL;
}

static int work_alone(void *argument) {
    struct inherited *theirs = (struct inherited *)argument;
    REFUSED(turnkeep_session_append(theirs->session, TURNKEEP_ROLE_USER, "x", 1, NULL, &failure));
#ifndef SANITIZED
    {
        turnkeep_store *store = open_store(theirs->path);
        turnkeep_session *session = create(store, NULL);
        say(session, "on my own");
        CHECK_HISTORY(session, "on my own");
        turnkeep_session_close(session);
        close_store(store);
    }
#endif
    close_much(theirs);
    return 0;
}

/*
 * The locks that the threads hold at the fork are held for ever in the child. Those of AddressSanitizer are, too, so there
 * the children only ask and close.
 */
static void a_child_waits_for_no_lock_that_a_thread_of_its_parent_held(void) {
    enum { THREADS = 4, FORKS = 60 };
    struct inherited mine = open_much(fresh_path(), NULL);
    struct storm all;
    pthread_t threads[THREADS];
    int number;
    all.mine = &mine;
    all.stop = 0;
    for (number = 0; number < THREADS; number++) CHECK_EQUAL(pthread_create(&threads[number], NULL, storm, &all), 0);
    for (number = 0; number < FORKS; number++) in_child(work_alone, &mine);
    __atomic_store_n(&all.stop, 1, __ATOMIC_RELAXED);
    for (number = 0; number < THREADS; number++) CHECK_EQUAL(pthread_join(threads[number], NULL), 0);
    expect_sound(mine.store);
    close_much(&mine);
}

int main(int argc, char **argv) {
    begin(argc, argv);
    RUN(a_child_is_refused_every_call_on_what_its_parent_opened);
    RUN(closing_in_the_child_touches_neither_the_file_nor_the_parents_store);
    RUN(a_child_may_open_what_its_parent_has_open_and_both_go_on);
    RUN(an_exclusive_store_keeps_its_own_children_out);
    RUN(a_child_of_a_child_is_refused_what_both_have_open);
    RUN(a_callback_may_fork);
    RUN(a_child_waits_for_no_lock_that_a_thread_of_its_parent_held);
    return 0;
}

#endif

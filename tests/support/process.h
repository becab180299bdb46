/*
 * Processes in tests: a child is a fork that runs a function and ends with its return value.
 *
 * Fork only while no store is open: SQLite's connections do not survive it.
 */

#ifndef TURNKEEP_TESTS_PROCESS_H
#define TURNKEEP_TESTS_PROCESS_H

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Runs a function in a process of its own. */
static inline pid_t start(int (*run)(void *), void *argument) {
    pid_t child;
    fflush(NULL);
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        int result = run(argument);
        fflush(NULL);
        _exit(result);
    }
    return child;
}

/* Waits for a child, and checks that it ended well. */
static inline void expect_success(pid_t child) {
    int status = 0;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) check_fail(__FILE__, __LINE__, "a child died of signal %d", WTERMSIG(status));
    CHECK_EQUAL(WEXITSTATUS(status), 0);
}

/* Runs a function in a process of its own, and checks that it ended well. */
static inline void elsewhere(int (*run)(void *), void *argument) { expect_success(start(run, argument)); }

/* Two pipes between a parent and a child, to take turns. */
struct line {
    int to_child[2];
    int to_parent[2];
};

static inline struct line open_line(void) {
    struct line line;
    CHECK_EQUAL(pipe(line.to_child), 0);
    CHECK_EQUAL(pipe(line.to_parent), 0);
    return line;
}

static inline void close_line(struct line *line) {
    close(line->to_child[0]);
    close(line->to_child[1]);
    close(line->to_parent[0]);
    close(line->to_parent[1]);
}

static inline void tell(int pipe_end, uint64_t number) {
    CHECK_EQUAL(write(pipe_end, &number, sizeof number), (ssize_t)sizeof number);
}

static inline uint64_t hear(int pipe_end) {
    uint64_t number = 0;
    CHECK_EQUAL(read(pipe_end, &number, sizeof number), (ssize_t)sizeof number);
    return number;
}

static inline double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif

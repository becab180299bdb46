// A long run: 3 processes of 6 threads each append at every level, take windows, fork, rewind, delete, search, list, change
// many and clean up on one file, while one of them backs up, checks, optimizes and vacuums it, and has a store in memory and
// an exclusive one that defers. As much is deleted as is made. Every 5 seconds a line of figures: they must not grow for ever.
//
// For 5 seconds, or TURNKEEP_SOAK_SECONDS; the figures also go to TURNKEEP_SOAK_CSV (scripts/plot.py draws them).

#include "../support/check.h"

#ifndef __linux__
int main() {
    puts("skipped: the figures are read from /proc");
    return 0;
}
#else

#include "../support/worker.hpp"

#include <dirent.h>
#include <functional>
#include <new>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <thread>

namespace {

constexpr int processes = 3;
constexpr unsigned threads = 6;
// As a host has it that also talks to people: a thread rests between two steps.
constexpr auto rest = std::chrono::milliseconds{5};
constexpr double between_lines = 5;

std::string location;
std::string deferring_location;
std::string backup_location;
double duration = 5;

struct shared {
    deeds work;
    // What the stores in memory and the exclusive one do, whose times are others.
    deeds aside;
    std::atomic<std::uint64_t> sessions;
    std::atomic<std::uint64_t> messages;
    std::atomic<std::uint64_t> kept_up[5];
};

shared *all;

turnkeep_store *open_shared_store(int process) {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.busy_timeout_ms = 60000;
    options.event_log_rows = process == 0 ? 10000 : 0;
    options.compress_min_bytes = process == 1 ? 1024 : 0;
    options.cleanup_interval_ms = process == 2 ? 1000 : 0;
    // Less than what is used, so that something is evicted.
    options.cache_sessions = 100;
    return open_with(location.c_str(), &options);
}

turnkeep_store *open_deferring_store() {
    turnkeep_store_options options = TURNKEEP_STORE_OPTIONS_INIT;
    options.exclusive = 1;
    options.durability = TURNKEEP_DURABILITY_DEFERRED;
    return open_with(deferring_location.c_str(), &options);
}

void work_on(turnkeep_store *store, const field &field, unsigned seed, double end) {
    worker worker{field, store, seed};
    while (seconds() < end) {
        worker.step();
        std::this_thread::sleep_for(rest);
    }
}

const char *const ways_to_keep_up[5] = {"backup", "check", "optimize", "sizes", "vacuum"};

void keep_up(turnkeep_store *store, int way) {
    turnkeep_backup_options again = TURNKEEP_BACKUP_OPTIONS_INIT;
    turnkeep_check_report *report = nullptr;
    turnkeep_sizes sizes = TURNKEEP_SIZES_INIT;
    again.overwrite = 1;
    switch (way) {
    case 0: OK(turnkeep_store_backup(store, backup_location.c_str(), &again, &failure)); break;
    case 1:
        OK(turnkeep_store_check(store, &report, &failure));
        CHECK_TEXT(turnkeep_check_report_at(report, 0), "");
        turnkeep_check_report_free(report);
        break;
    case 2: OK(turnkeep_store_optimize(store, &failure)); break;
    case 3: OK(turnkeep_store_sizes(store, &sizes, &failure)); break;
    default: OK(turnkeep_store_vacuum(store, &failure)); break;
    }
    all->kept_up[way]++;
}

// Tells what is in the store each second, and does one thing after the other that a host does now and then.
void look_after(turnkeep_store *store, double end) {
    for (unsigned second = 0; seconds() < end; second++) {
        turnkeep_metrics metrics = TURNKEEP_METRICS_INIT;
        OK(turnkeep_store_metrics(store, &metrics, &failure));
        all->sessions = metrics.active_sessions + metrics.archived_sessions + metrics.trashed_sessions;
        all->messages = metrics.total_messages;
        if (second % 10 == 2) keep_up(store, static_cast<int>(second / 10 % 4));
        if (second % 300 == 60) keep_up(store, 4);
        std::this_thread::sleep_for(std::chrono::seconds{1});
    }
}

int load(void *argument) {
    const int process = *static_cast<int *>(argument);
    const double end = seconds() + duration;
    // A run that failed elsewhere is over.
    CHECK_EQUAL(prctl(PR_SET_PDEATHSIG, SIGKILL), 0);
    turnkeep_store *store = open_shared_store(process);
    turnkeep_store *memory = nullptr;
    turnkeep_store *deferring = nullptr;
    const field on_file{&all->work, 250, 100, 40, 150, {TURNKEEP_DURABILITY_DISK, TURNKEEP_DURABILITY_OS}};
    const field in_memory{&all->aside, 25, 10, 40, 150, {0}};
    const field deferred{&all->aside, 25, 10, 40, 150, {TURNKEEP_DURABILITY_DEFERRED, TURNKEEP_DURABILITY_DISK}};
    std::vector<std::thread> running;
    for (unsigned thread = 0; thread < threads; thread++) {
        running.emplace_back(
            [&, thread] { work_on(store, on_file, static_cast<unsigned>(process) * 100 + thread, end); });
    }
    if (process == 0) {
        memory = memory_store();
        deferring = open_deferring_store();
        running.emplace_back([&] { work_on(memory, in_memory, 1001, end); });
        running.emplace_back([&] { work_on(deferring, deferred, 1002, end); });
        running.emplace_back([&] { look_after(store, end); });
    }
    for (auto &thread : running) thread.join();
    close_store(store);
    if (memory != nullptr) close_store(memory);
    if (deferring != nullptr) close_store(deferring);
    return 0;
}

// The figures of one moment, of all processes together.
struct sample {
    double second = 0;
    double wal_mb = 0;
    double file_mb = 0;
    double memory_mb = 0;
    double descriptors = 0;
    double threads = 0;
};

double megabytes(const std::string &path) {
    struct stat found {};
    return stat(path.c_str(), &found) == 0 ? static_cast<double>(found.st_size) / 1e6 : 0;
}

double entries(const std::string &folder) {
    DIR *opened = opendir(folder.c_str());
    if (opened == nullptr) return 0;
    double count = 0;
    while (const dirent *entry = readdir(opened)) count += entry->d_name[0] != '.';
    closedir(opened);
    return count;
}

double resident_mb(const std::string &process) {
    FILE *file = fopen((process + "/statm").c_str(), "r");
    unsigned long whole = 0;
    unsigned long resident = 0;
    if (file == nullptr) return 0;
    CHECK_EQUAL(fscanf(file, "%lu %lu", &whole, &resident), 2);
    fclose(file);
    return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

sample look(double second, const pid_t *children) {
    sample seen;
    seen.second = second;
    seen.wal_mb = megabytes(location + "-wal") + megabytes(deferring_location + "-wal");
    seen.file_mb = megabytes(location);
    for (int index = 0; index < processes; index++) {
        const std::string process = "/proc/" + std::to_string(children[index]);
        seen.memory_mb += resident_mb(process);
        seen.descriptors += entries(process + "/fd");
        seen.threads += entries(process + "/task");
    }
    return seen;
}

// One line for people and for a program that draws.
class lines {
public:
    lines() : file_(stdout) {
        if (const char *path = getenv("TURNKEEP_SOAK_CSV")) file_ = fopen(path, "w");
        CHECK(file_ != nullptr);
        fprintf(file_, "minutes,wal_mb,file_mb,memory_mb,descriptors,threads,sessions,messages,appends_per_s,"
                       "append_p50_ms,append_p99_ms,windows_per_s,window_p50_us,window_p99_us\n");
        take(append_, appending);
        take(window_, windowing);
    }
    lines(const lines &) = delete;
    lines &operator=(const lines &) = delete;
    ~lines() {
        if (file_ != stdout) fclose(file_);
    }

    void write(const sample &seen) {
        const rates append = since(append_, appending);
        const rates window = since(window_, windowing);
        fprintf(file_, "%.3f,%.2f,%.2f,%.1f,%.0f,%.0f,%" PRIu64 ",%" PRIu64 ",%.0f,%.4f,%.4f,%.0f,%.3f,%.3f\n",
                seen.second / 60, seen.wal_mb, seen.file_mb, seen.memory_mb, seen.descriptors, seen.threads,
                all->sessions.load(), all->messages.load(), append.per_second, append.p50 * 1e3, append.p99 * 1e3,
                window.per_second, window.p50 * 1e6, window.p99 * 1e6);
        fflush(file_);
    }

private:
    struct rates {
        double per_second, p50, p99;
    };
    struct mark {
        double at = 0;
        std::uint64_t done = 0;
        durations::snapshot took{};
    };

    static void take(mark &mark, kind kind) {
        mark.at = seconds();
        mark.done = all->work.done[kind];
        mark.took = all->work.took[kind].now();
    }

    static rates since(mark &last, kind kind) {
        const mark before = last;
        take(last, kind);
        return {static_cast<double>(last.done - before.done) / (last.at - before.at),
                durations::quantile(before.took, last.took, 0.5), durations::quantile(before.took, last.took, 0.99)};
    }

    FILE *file_;
    mark append_;
    mark window_;
};

std::vector<sample> watch(const pid_t *children) {
    std::vector<sample> samples;
    lines lines;
    const double began = seconds();
    for (double next = between_lines; next < duration + between_lines / 2; next += between_lines) {
        while (seconds() < began + std::min(next, duration - 1)) {
            std::this_thread::sleep_for(std::chrono::milliseconds{50});
            for (int index = 0; index < processes; index++) {
                siginfo_t ended{};
                CHECK_EQUAL(waitid(P_PID, static_cast<id_t>(children[index]), &ended, WEXITED | WNOHANG | WNOWAIT), 0);
                if (ended.si_pid != 0) check_fail(__FILE__, __LINE__, "process %d ended too early", index);
            }
        }
        samples.push_back(look(seconds() - began, children));
        lines.write(samples.back());
    }
    return samples;
}

double most(const std::vector<sample> &samples, std::size_t from, std::size_t to, double sample::*figure) {
    double highest = 0;
    for (std::size_t index = from; index < to; index++) highest = std::max(highest, samples[index].*figure);
    return highest;
}

struct bound {
    const char *name;
    double sample::*figure;
    // Never more than this.
    double limit;
    // What the last third of the run may have more than the second third.
    double slack;
};

const bound bounds[] = {
    {"WAL (MB)", &sample::wal_mb, 300, 16},
    {"file (MB)", &sample::file_mb, 1000, 16},
    {"resident memory (MB)", &sample::memory_mb, 4000, 16},
    {"descriptors", &sample::descriptors, 200, 3},
    {"threads", &sample::threads, 40, 1},
};

// The first third is there to fill caches and the file.
void expect_bounded(const std::vector<sample> &samples) {
    const std::size_t count = samples.size();
    const bool long_enough = duration >= 300;
    for (const bound &bound : bounds) {
        const double middle = most(samples, count / 3, count * 2 / 3, bound.figure);
        const double last = most(samples, count * 2 / 3, count, bound.figure);
        printf("%-21s at most %.1f in the second third, %.1f in the last\n", bound.name, middle, last);
        if (most(samples, 0, count, bound.figure) > bound.limit)
            check_fail(__FILE__, __LINE__, "%s passed %.0f", bound.name, bound.limit);
        if (long_enough && last > middle + bound.slack) check_fail(__FILE__, __LINE__, "%s keeps growing", bound.name);
    }
}

void tell(const char *title, const deeds &work) {
    printf("%s: times done, half of them within, 99 of 100 within\n", title);
    for (int kind = 0; kind < kinds; kind++) {
        const durations::snapshot took = work.took[kind].now();
        printf("%14s %10" PRIu64 " %9.3f ms %9.3f ms\n", names[kind], work.done[kind].load(),
               durations::quantile({}, took, 0.5) * 1e3, durations::quantile({}, took, 0.99) * 1e3);
    }
}

void expect_sound(const std::string &path) {
    turnkeep_store *store = open_store(path.c_str());
    turnkeep_check_report *report = nullptr;
    OK(turnkeep_store_check(store, &report, &failure));
    CHECK_TEXT(turnkeep_check_report_at(report, 0), "");
    CHECK(turnkeep_check_report_counts(report)->messages > 0);
    turnkeep_check_report_free(report);
    close_store(store);
}

void a_long_mixed_load_leaves_log_memory_and_descriptors_bounded() {
    location = fresh_path();
    deferring_location = fresh_path();
    backup_location = fresh_path();
    void *memory = mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    all = new (memory) shared{};
    pid_t children[processes];
    int numbers[processes];
    for (int process = 0; process < processes; process++) {
        numbers[process] = process;
        children[process] = start(load, &numbers[process]);
    }
    const std::vector<sample> samples = watch(children);
    for (auto child : children) expect_success(child);

    tell("the shared file", all->work);
    tell("in memory, and deferring", all->aside);
    for (int way = 0; way < 5; way++) printf("%14s %10" PRIu64 "\n", ways_to_keep_up[way], all->kept_up[way].load());
    expect_bounded(samples);
    expect_sound(location);
    expect_sound(deferring_location);
    if (all->kept_up[0] > 0) expect_sound(backup_location);
    CHECK(all->work.done[appending] > 0 && all->work.done[windowing] > 0 && all->kept_up[0] > 0);
}

} // namespace

int main(int argc, char **argv) {
    begin(argc, argv);
    if (const char *wanted = getenv("TURNKEEP_SOAK_SECONDS")) duration = strtod(wanted, nullptr);
    RUN(a_long_mixed_load_leaves_log_memory_and_descriptors_bounded);
    return 0;
}

#endif

"""The same jobs on Turnkeep and on what a user would pick instead: main.py C_PROGRAM PYTHON LIBRARY FOLDER [--smoke]

C_PROGRAM is turnkeep.c, PYTHON the interpreter that has the peers (requirements.txt), LIBRARY the shared library for
ctypes, FOLDER an empty one on the disk that is measured. Every subject is a process of its own; rounds go through all of
them in turn, so that what else the machine does meets all alike. Prints Markdown, and writes PEERS_JSON if that is set.
"""

import json
import math
import os
import pathlib
import platform
import signal
import sqlite3
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TURNKEEP = "Turnkeep"
FLUSHED, HANDED_OVER = "DISK", "OS"
BUSY = """**The machine was busy.** Whoever has waited for a flush then waits for a core, too, in steps of some milliseconds: the
medians of level DISK, and all with threads, say more about that than about the stores; the fastest append says less."""


class Subject:
    def __init__(self, key, name, level, how, reads=True):
        self.key, self.name, self.level, self.how, self.reads = key, name, level, how, reads


# Level: what is left of an acknowledged message. DISK survives a power cut, OS the end of the process. The first of
# each level is what the others of that level are compared with; what reads alike is read once.
SUBJECTS = [
    Subject("c-disk", f"{TURNKEEP}, C", FLUSHED, "default"),
    Subject("ctypes-disk", f"{TURNKEEP}, Python ctypes", FLUSHED, "default"),
    Subject("openai-agents", "openai-agents SQLiteSession", FLUSHED, "default: WAL, FULL"),
    Subject("langgraph", "langgraph SqliteSaver", FLUSHED, "default: WAL, FULL"),
    Subject("qv-whole", "QV, as documented", FLUSHED, "default: rollback journal, FULL"),
    Subject("qv-new", "QV, the new message alone", FLUSHED, "default: rollback journal, FULL", reads=False),
    Subject("qv-new-wal", "QV, the new message alone", FLUSHED, "file set to WAL; FULL", reads=False),
    Subject("coda-disk", "coda", FLUSHED, "connection set to FULL; WAL", reads=False),
    Subject("c-os", f"{TURNKEEP}, C", HANDED_OVER, "durability OS", reads=False),
    Subject("ctypes-os", f"{TURNKEEP}, Python ctypes", HANDED_OVER, "durability OS", reads=False),
    Subject("langgraph-os", "langgraph SqliteSaver", HANDED_OVER, "connection set to NORMAL; WAL", reads=False),
    Subject("coda", "coda", HANDED_OVER, "default: WAL, NORMAL"),
]
BASE = {FLUSHED: "c-disk", HANDED_OVER: "c-os"}


class Plan:
    """How much is done."""

    def __init__(self, smoke):
        self.sizes = (100, 200, 400) if smoke else (1_000, 10_000, 100_000)
        self.rounds, self.thread_rounds = (1, 1) if smoke else (5, 3)
        # How long each is timed in a round, and how long it appends before: logs have then grown to their size.
        self.seconds, self.warm_seconds = (0.001, 0.0) if smoke else (0.08, 1.5)
        self.each_thread, self.disk_messages = (5, 50) if smoke else (25, 1_000)
        # What takes so long once is not done in every round.
        self.slow_us, self.slow_rounds = 400_000, 2
        self.subjects = [subject for subject in SUBJECTS if not smoke or subject.name.startswith(TURNKEEP)]


class Process:
    """A subject at work."""

    def __init__(self, subject, program, python, library, folder):
        self.subject, self.folder = subject, folder / subject.key
        self.folder.mkdir(exist_ok=True)
        if subject.key.startswith("c-"):
            command = [program, subject.level, str(self.folder)]
        else:
            command = [python, str(HERE / "worker.py"), subject.key, str(self.folder)]
        environment = dict(os.environ, TURNKEEP_LIBRARY=library, HOME=str(self.folder))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.version = self.answer()["version"]

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.subject.key} ended with {self.process.wait()}: see what it wrote above")
        return json.loads(line)

    def do(self, job, size=0, seconds=0.0):
        self.process.stdin.write(f"{job} {size} {seconds}\n")
        self.process.stdin.flush()
        return self.answer()

    def try_to(self, job, size):
        """Does what may end the process: {"ended": how} if it did."""
        try:
            return self.do(job, size)
        except SystemExit:
            code = self.process.returncode
            return {"ended": signal.Signals(-code).name if code < 0 else f"exit code {code}"}

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def measure(plan, start):
    """What every subject answered: {key: {...}}."""
    processes = [start(subject) for subject in plan.subjects]
    found = {process.subject.key: nothing_of(process) for process in processes}
    for process in processes:
        for size in (0, *plan.sizes) if process.subject.reads else (0, plan.sizes[1]):
            process.do("fill", size)
    for process in processes:
        end = time.monotonic() + plan.warm_seconds
        while time.monotonic() < end:
            process.do("append", plan.sizes[1], end - time.monotonic())
    for turn in range(plan.rounds):
        print(f"round {turn + 1} of {plan.rounds} ...", file=sys.stderr)
        for job, size in jobs(plan):
            # Nobody is always the first.
            for process in processes[turn % len(processes) :] + processes[: turn % len(processes)]:
                if job == "append" or process.subject.reads:
                    time_one(plan, process, job, size, found[process.subject.key])
    for _ in range(plan.thread_rounds):
        for index, process in enumerate(processes):
            answer = process.try_to("threads", plan.each_thread)
            found[process.subject.key]["threads"].append(answer)
            if "ended" in answer:
                processes[index] = start(process.subject)
    for process in processes:
        if process.subject.reads:
            process.do("disk", plan.disk_messages)
        process.end()
        if process.subject.reads:
            found[process.subject.key].update(file_bytes(process.folder / "disk.db", plan.disk_messages))
    for subject in plan.subjects:
        if subject.reads:
            found[subject.key].update(memory_of(plan, start(subject)))
    return found


def nothing_of(process):
    return {"version": process.version, "us": {}, "fastest_us": {}, "cannot": {}, "threads": []}


def jobs(plan):
    appends = [("append", 0), ("append", plan.sizes[1])]
    reads = [(job, size) for job in ("last", "window") for size in plan.sizes]
    return [*appends, *reads, ("first", plan.sizes[1])]


def time_one(plan, process, job, size, found):
    rounds = found["us"].setdefault(f"{job} {size}", [])
    if len(rounds) >= plan.slow_rounds and min(rounds) > plan.slow_us:
        return
    answer = process.do(job, size, plan.seconds)
    if "cannot" in answer:
        found["cannot"][job] = answer["cannot"]
    else:
        rounds.append(statistics.median(answer["us"]))
        # On a busy machine it says what the median hides.
        found["fastest_us"].setdefault(f"{job} {size}", []).append(min(answer["us"]))


def file_bytes(path, messages):
    """What lies on the disk after closing: the database, once its log is moved into it, and the log beside it."""
    beside = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
    log = sum(file.stat().st_size for file in beside if file.exists())
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return {"bytes": path.stat().st_size / messages, "log_bytes": log}


def memory_of(plan, process):
    before = process.do("memory")["resident_kb"]
    for job in ("last", "window", "append"):
        process.do(job, plan.sizes[1], 0.0)
    after = process.do("memory")["resident_kb"]
    process.end()
    return {"resident_kb": [before, after]}


def of_level(subject, found):
    return found[BASE[subject.level]]


def ratio(values, base):
    """The median of what each round says, as far as both took part in it."""
    return statistics.median(value / other for value, other in zip(values, base))


def duration(microseconds):
    value = rounded(microseconds)
    for unit in ("µs", "ms"):
        if value < 1_000:
            return f"{two_digits(value)} {unit}"
        value /= 1_000
    return f"{two_digits(value)} s"


def rounded(value):
    return float(f"{value:.2g}")


def two_digits(value):
    if value <= 0:
        return "0"
    value = rounded(value)
    return f"{value:,.{max(0, 1 - math.floor(math.log10(value)))}f}".replace(",", " ")


def cell(found, base, job):
    values = found["us"].get(job)
    if not values:
        return "none"
    text = duration(statistics.median(values))
    return text if found is base else f"{text} (×{two_digits(ratio(values, base['us'][job]))})"


def table(head, rows):
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def number(value):
    return f"{value:,}".replace(",", " ")


def append_rows(plan, found):
    for subject in plan.subjects:
        mine, base = found[subject.key], of_level(subject, found)
        rates = rates_of(mine["threads"])
        rate = two_digits(statistics.median(rates)) if rates else "none"
        if rates and mine is not base:
            rate += f" (÷{two_digits(statistics.median(rates_of(base['threads'])) / statistics.median(rates))})"
        yield [subject.name, subject.level, subject.how, *(cell(mine, base, f"append {size}") for size in (0, plan.sizes[1])),
               duration(min(mine["fastest_us"][f"append {plan.sizes[1]}"])), rate, errors_of(mine["threads"])]


def rates_of(runs):
    return [run["kept"] / run["seconds"] for run in runs if "ended" not in run]


def errors_of(runs):
    """What went wrong with the threads: calls that failed, and messages that are not there as often as acknowledged."""
    said = []
    ends = [run["ended"] for run in runs if "ended" in run]
    if ends:
        said.append(f"the process ended in {len(ends)} of {len(runs)} runs ({ends[0]})")
    runs = [run for run in runs if "ended" not in run]
    failed = sum(sum(run["errors"].values()) for run in runs)
    all_calls = failed + sum(run["acknowledged"] for run in runs)
    if failed:
        kinds = sorted({kind for run in runs for kind in run["errors"]})
        said.append(f"{failed} of {all_calls} calls failed: {kinds[0].replace('|', '/')}" + (" ..." if len(kinds) > 1 else ""))
    difference = sum(run["kept"] - run["acknowledged"] for run in runs)
    if difference:
        said.append(f"{abs(difference)} messages {'more' if difference > 0 else 'fewer'} than were acknowledged")
    return "; ".join(said) or "none"


def read_rows(plan, found):
    base = found[BASE[FLUSHED]]
    for subject in plan.subjects:
        if subject.reads:
            yield [subject.name, *(cell(found[subject.key], base, f"{job} {size}") for job in ("last", "window") for size in plan.sizes)]


def other_rows(plan, found):
    base = found[BASE[FLUSHED]]
    for subject in plan.subjects:
        if subject.reads:
            mine = found[subject.key]
            before, after = (f"{kb / 1024:.0f} MB" for kb in mine["resident_kb"])
            log = f"{mine['log_bytes'] / 1e6:.1f} MB" if mine["log_bytes"] else "none"
            yield [subject.name, cell(mine, base, f"first {plan.sizes[1]}"), number(round(mine["bytes"])), log, before, after]


def report(plan, found, machine, load):
    sizes = [number(size) for size in plan.sizes]
    versions = {subject.name.split(",")[0]: found[subject.key]["version"] for subject in plan.subjects}
    ratios = f"in brackets the ratio to {TURNKEEP} through C"
    parts = [
        f"{machine}. " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        f"**Append**: one message of 200 bytes, acknowledged; {ratios} at the same level. The new conversation is in a new file, the "
        f"one of {sizes[1]} in one that was appended to for {plan.warm_seconds} s before. With 8 threads each has a conversation of "
        f"its own, and all share one store.",
        table(["", "level", "settings", "to a new conversation", f"to one of {sizes[1]}", "the fastest of these", "8 threads, messages a second",
               "failures with 8 threads"], append_rows(plan, found)),
        f"**Read**: from a conversation that lies alone in its file; {ratios}.",
        table(["", *(f"last 20 of {size}" for size in sizes), *(f"8 192 tokens of {size}" for size in sizes)], read_rows(plan, found)),
        f"**And the rest**: the last 20 of {sizes[1]} as the first thing after opening the file; what a message takes in the file, of "
        f"{number(plan.disk_messages)} that were appended one by one, and the log that stays beside it; the process before the first "
        f"call, and after it read and appended to the conversation of {sizes[1]}.",
        table(["", "first read after opening", "bytes a message", "log kept", "memory before", "memory after"], other_rows(plan, found)),
    ]
    if load > os.cpu_count():
        parts.insert(1, BUSY)
    return "\n\n".join(parts)


def describe_machine(folder):
    cpu = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    return (f"Medians of interleaved rounds on {cpu}, {os.cpu_count()} cores, {platform.system().lower()} {platform.release()}, a flush takes "
            f"{flush_us(folder):.0f} µs, load {os.getloadavg()[0]:.1f} before; Python {platform.python_version()} with SQLite "
            f"{sqlite3.sqlite_version}")


def flush_us(folder):
    taken = []
    with open(folder / "flush", "wb", buffering=0) as file:
        for _ in range(101):
            file.seek(0)
            file.write(b"\1" * 4096)
            begin = time.perf_counter_ns()
            os.fsync(file.fileno())
            taken.append((time.perf_counter_ns() - begin) / 1000)
    os.unlink(folder / "flush")
    return statistics.median(taken)


def write_between(text, section):
    """A document with a section put between its markers."""
    begin, end = "<!-- peers: begin -->\n", "<!-- peers: end -->\n"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise SystemExit(f"the document has no lines {begin.strip()} and {end.strip()}")
    before, rest = text.split(begin)
    return before + begin + "\n" + section + "\n\n" + end + rest.split(end)[1]


def main(program, python, library, folder, *flags):
    plan, folder = Plan("--smoke" in flags), pathlib.Path(folder)
    load, machine = os.getloadavg()[0], describe_machine(folder)
    began = time.monotonic()
    found = measure(plan, lambda subject: Process(subject, program, python, library, folder))
    section = report(plan, found, machine, load)
    print(section)
    if "PEERS_JSON" in os.environ:
        kept = {"machine": machine, "load_after": os.getloadavg()[0], "seconds": time.monotonic() - began, "subjects": found}
        pathlib.Path(os.environ["PEERS_JSON"]).write_text(json.dumps(kept, indent=1), encoding="utf-8")
    if os.environ.get("PEERS_WRITE"):
        document = pathlib.Path(os.environ["PEERS_WRITE"])
        document.write_text(write_between(document.read_text(encoding="utf-8"), section), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

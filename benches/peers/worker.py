"""One store of conversations, at work on commands from a pipe: worker.py SUBJECT FOLDER

Each command is a line, `JOB SIZE SECONDS`, and is answered by a line of JSON, as turnkeep.c does:

    fill SIZE 0           makes the conversation of SIZE messages, alone in its file
    append SIZE SECONDS   appends one message to it, again and again for so long: {"us": [each one's microseconds]}
    last SIZE SECONDS     reads its last 20 messages
    window SIZE SECONDS   reads what of it fits into 8 192 tokens: {"cannot": why} where a store has no such thing
    first SIZE SECONDS    opens the file anew and reads the last 20
    threads EACH 0        8 threads append EACH messages each, to a conversation of their own, through one store
    disk COUNT 0          appends COUNT messages one by one to a file of their own, FOLDER/disk.db, and closes it
    memory 0 0            says how much memory the process has

The subjects are in subjects.py.
"""

import asyncio
import collections
import inspect
import json
import pathlib
import re
import sys
import threading
import time

from subjects import SUBJECTS, Cannot

THREADS = 8
CONTENT_BYTES = 200
WORDS = "the quick brown fox jumps over the lazy dog and "
MOST_SAMPLES = 400


def text_of(number):
    """The same text as text_of in turnkeep.c."""
    head = f"{number} "
    return head + "".join(WORDS[at % len(WORDS)] for at in range(len(head), CONTENT_BYTES))


def role_of(number):
    return "user" if number % 2 == 0 else "assistant"


def messages_of(size):
    return [(role_of(number), text_of(number)) for number in range(size)]


class Worker:
    def __init__(self, subject, folder):
        self.subject, self.folder = subject, pathlib.Path(folder)
        self.stores = {}
        self.appended = collections.Counter()
        # Where a store is asynchronous, it is timed inside a loop that runs, as its users have one.
        self.loop = asyncio.new_event_loop()

    def store(self, size):
        if size not in self.stores:
            self.stores[size] = self.subject(self.folder / f"{size}.db", 1)
        return self.stores[size]

    def run(self, value):
        return self.loop.run_until_complete(value) if inspect.isawaitable(value) else value

    def fill(self, size, _seconds):
        self.run(self.store(size).fill(messages_of(size)))
        return {"done": size}

    def append(self, size, seconds):
        def one():
            number = size + self.appended[size]
            self.appended[size] += 1
            return store.append(0, role_of(number), text_of(number))

        store = self.store(size)
        return self.sample(one, seconds)

    def last(self, size, seconds):
        return self.sample(self.store(size).last, seconds, expected=20)

    def window(self, size, seconds):
        return self.sample(self.store(size).window, seconds)

    def first(self, size, seconds):
        async def one():
            begin = time.perf_counter_ns()
            store = self.subject(self.folder / f"{size}.db", 1)
            found = store.last()
            found = await found if inspect.isawaitable(found) else found
            taken = time.perf_counter_ns() - begin
            store.close()
            if found != 20:
                raise SystemExit(f"{found} messages instead of 20")
            return taken

        samples, end = [], time.monotonic() + seconds
        while not samples or (time.monotonic() < end and len(samples) < MOST_SAMPLES):
            samples.append(self.run(one()) / 1000)
        return {"us": samples}

    def sample(self, once, seconds, expected=None):
        """Does something once unmeasured, then again and again for so long, at least once."""

        async def asynchronous():
            check(await once())
            end = time.monotonic() + seconds
            while not samples or (time.monotonic() < end and len(samples) < MOST_SAMPLES):
                begin = time.perf_counter_ns()
                await once()
                samples.append((time.perf_counter_ns() - begin) / 1000)

        def check(found):
            if expected is not None and found != expected:
                raise SystemExit(f"{found} messages instead of {expected}")

        samples = []
        if inspect.iscoroutinefunction(once) or inspect.iscoroutinefunction(self.subject.append):
            self.run(asynchronous())
            return {"us": samples}
        check(once())
        end = time.monotonic() + seconds
        while not samples or (time.monotonic() < end and len(samples) < MOST_SAMPLES):
            begin = time.perf_counter_ns()
            once()
            samples.append((time.perf_counter_ns() - begin) / 1000)
        return {"us": samples}

    def threads(self, each, _seconds):
        errors, acknowledged, lock = collections.Counter(), [0], threading.Lock()

        async def write(conversation):
            for number in range(each):
                try:
                    done = store.append(conversation, role_of(number), text_of(number))
                    if inspect.isawaitable(done):
                        await done
                except Exception as error:  # noqa: BLE001: whatever it is, a user sees it
                    with lock:
                        errors[f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"] += 1
                else:
                    with lock:
                        acknowledged[0] += 1

        def kept():
            return sum(self.run(store.count(conversation)) for conversation in range(THREADS))

        store = self.subject(self.folder / "threads.db", THREADS)
        before = kept()
        writers = [threading.Thread(target=lambda c=c: asyncio.run(write(c))) for c in range(THREADS)]
        begin = time.monotonic()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        seconds = time.monotonic() - begin
        after = kept()
        store.close()
        return {"seconds": seconds, "acknowledged": acknowledged[0], "kept": after - before, "errors": dict(errors)}

    def disk(self, count, _seconds):
        store = self.subject(self.folder / "disk.db", 1)
        for number in range(count):
            self.run(store.append(0, role_of(number), text_of(number)))
        store.close()
        return {"done": count}

    def memory(self, _size, _seconds):
        status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
        return {"resident_kb": int(re.search(r"VmRSS:\s+(\d+)", status)[1])}


def main(name, folder):
    answers, sys.stdout = sys.stdout, sys.stderr
    worker = Worker(SUBJECTS[name](), folder)
    print(json.dumps({"version": worker.subject.version()}), file=answers, flush=True)
    for line in sys.stdin:
        job, size, seconds = line.split()
        try:
            answer = getattr(worker, job)(int(size), float(seconds))
        except Cannot as why:
            answer = {"cannot": str(why)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The program on a real terminal: cli_terminal.py SCENARIO PROGRAM STORE

Fails with what was on the screen if that is not what a person should see.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

TIMEOUT = 30
COLUMNS, ROWS = 80, 24


class Terminal:
    """A program that runs on a terminal of 80 columns and 24 rows."""

    def __init__(self, program, *arguments, **environment):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.screen = ""
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "TMPDIR")}
        kept.update(TURNKEEP_STORE=STORE, TERM="xterm-256color", TZ="UTC", LC_ALL="C.UTF-8", **environment)

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen([program, *arguments], stdin=slave, stdout=slave, stderr=slave, env=kept,
                                        preexec_fn=take_terminal, close_fds=True)
        os.close(slave)

    def read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            read = os.read(self.master, 65536)
        except OSError:  # Linux says so when the other end is closed.
            return False
        self.screen += read.decode("utf-8", "replace")
        return bool(read)

    def wait_for(self, wanted):
        begin = time.monotonic()
        while wanted not in self.screen:
            if time.monotonic() - begin > TIMEOUT or (self.process.poll() is not None and not self.read(0.2)):
                fail(f"'{wanted}' did not come", self)
            self.read(0.1)

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, code=0):
        begin = time.monotonic()
        while self.process.poll() is None:
            if time.monotonic() - begin > TIMEOUT:
                os.killpg(self.process.pid, signal.SIGKILL)
                fail("it did not end", self)
            self.read(0.05)
        while self.read(0.05):
            pass
        if self.process.returncode != code:
            fail(f"it ended with {self.process.returncode}", self)
        return self.screen


def fail(why, terminal):
    sys.exit(f"{why}; on the screen:\n{terminal.screen!r}")


def check(is_so, why, terminal):
    if not is_so:
        fail(why, terminal)


def colours():
    shown = Terminal(PROGRAM, "show", "support")
    shown.end()
    check("\x1b[1m\x1b[36muser\x1b[0m" in shown.screen, "the user is not in colour", shown)
    check("\x1b[1m\x1b[32massistant\x1b[0m" in shown.screen, "the assistant is not in colour", shown)
    for arguments, environment in [((), {"NO_COLOR": "1"}), (("--color", "never"), {})]:
        plain = Terminal(PROGRAM, "show", "support", *arguments, **environment)
        plain.end()
        check("\x1b" not in plain.screen, "there are colours", plain)
    pretty = Terminal(PROGRAM, "ls", "--json")
    pretty.end()
    check('\r\n  "sessions": [' in pretty.screen, "JSON is not laid out", pretty)


def pager():
    # A pager that says that it was there: what comes through it is counted.
    paged = Terminal(PROGRAM, "show", "long", PAGER="sh -c 'cat; echo paged'")
    paged.end()
    check("line 200\r\n" in paged.screen and paged.screen.rstrip().endswith("paged"), "it was not paged", paged)
    for arguments in (("support",), ("long", "--no-pager"), ("long", "--json")):
        whole = Terminal(PROGRAM, "show", *arguments, PAGER="sh -c 'cat; echo paged'")
        whole.end()
        check("paged" not in whole.screen, f"{arguments} was paged", whole)
    missing = Terminal(PROGRAM, "show", "long", PAGER="no-such-pager-anywhere")
    missing.end()
    check("line 200\r\n" in missing.screen, "without a pager it is not shown", missing)
    # Ctrl-C is for the pager: the program waits for it.
    script = "trap 'echo caught' INT; echo ready; sleep 1; cat > /dev/null; echo left"
    with open("pager.sh", "w", encoding="utf-8") as pager_file:
        pager_file.write(script)
    held = Terminal(PROGRAM, "show", "long", PAGER="sh pager.sh")
    held.wait_for("ready")
    held.type("\x03")
    held.end()
    check("caught" in held.screen and "left" in held.screen, "the pager was left alone", held)
    # Whoever leaves a pager at once is done.
    left = Terminal(PROGRAM, "show", "long", PAGER="true")
    left.end()


def chat():
    typed = Terminal(PROGRAM, "chat", "support", "--answerer",
                     "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"messages\"][-1][\"content\"].upper())'")
    typed.wait_for("you>")
    typed.type("How hot?\n")
    typed.wait_for("HOW HOT?")
    typed.type("And?\n")
    typed.wait_for("AND?")
    typed.type("\x04")
    typed.end()
    ended = Terminal(PROGRAM, "chat", "support")
    ended.wait_for("you>")
    ended.type("Bye\n")
    while ended.screen.count("you>") < 2:
        ended.read(0.1)
    ended.type("\x03")
    ended.end()


def progress():
    shown = Terminal(PROGRAM, "backup", "copy.db")
    shown.end()
    check(re.search(r"backing up .*%", shown.screen), "there is no bar", shown)
    check("backed up to 'copy.db'" in shown.screen, "it does not say that it is done", shown)
    # Only on a terminal: the same into a pipe says nothing of the way.
    piped = subprocess.run([PROGRAM, "backup", "other.db"], env=dict(os.environ, TURNKEEP_STORE=STORE),
                           stderr=subprocess.PIPE, check=True, text=True)
    if "%" in piped.stderr or "\x1b" in piped.stderr:
        sys.exit(f"a bar in a pipe: {piped.stderr!r}")


def transfer():
    moved = Terminal(PROGRAM, "export", "-o", "all.jsonl")
    moved.end()
    check(re.search(r"exporting .*%", moved.screen), "there is no bar for the export", moved)
    moved = Terminal(PROGRAM, "import", "all.jsonl", "--existing", "overwrite")
    moved.end()
    check(re.search(r"importing .*%", moved.screen), "there is no bar for the import", moved)
    # What steers a terminal is shown on one; a pipe gets every byte.
    shown = Terminal(PROGRAM, "export", "support")
    shown.end()
    check("\u202e" not in shown.screen and "<U+202E>" in shown.screen, "a terminal can be steered", shown)
    piped = subprocess.run([PROGRAM, "export", "support"], env=dict(os.environ, TURNKEEP_STORE=STORE),
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    if "\u202e" not in piped.stdout.decode():
        sys.exit("a pipe does not get every byte")


def asks():
    for answer, code in [("n", 1), ("", 1), ("\x04", 1)]:
        asked = Terminal(PROGRAM, "rm", "support")
        asked.wait_for("delete session 'support' with 3 messages? [y/N]")
        asked.type(answer if answer == "\x04" else answer + "\n")
        asked.end(code)
        check("nothing was changed" in asked.screen, "it does not say that nothing was changed", asked)
    asked = Terminal(PROGRAM, "rm", "fork")
    asked.wait_for("[y/N]")
    asked.type("y\n")
    asked.end()


_, SCENARIO, PROGRAM, STORE = sys.argv
{"colours": colours, "pager": pager, "chat": chat, "progress": progress, "transfer": transfer, "asks": asks}[SCENARIO]()

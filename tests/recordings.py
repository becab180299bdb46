"""Every recorded conversation goes through chat_host, which is killed on the way, and comes back byte for byte:
recordings.py CHAT_HOST LIBRARY SCRATCH_FOLDER

The recordings are not part of the repository; without them the test says so and is skipped (exit code 77).
"""

import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
from ctypes import POINTER, byref, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

RECORDINGS = pathlib.Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "chats.jsonl"
ROLES = {"system": 1, "user": 2, "assistant": 3, "tool": 4, "developer": 5}
SKIPPED = 77


class Text(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("len", c_size_t)]

    def read(self):
        return ctypes.string_at(self.data, self.len).decode()


class Details(ctypes.Structure):
    _fields_ = [("tool_calls", Text), ("tool_call_id", Text), ("model", Text), ("metadata", Text)]


class Message(ctypes.Structure):
    _fields_ = [("content", Text), ("created_us", c_int64), ("total_tokens", c_uint64), ("details", POINTER(Details)),
                ("seq", c_uint64), ("turn", c_uint32), ("tokens", c_uint32), ("role", c_int32), ("flags", c_uint32)]


class Store:
    def __init__(self, library, path):
        self.library = ctypes.CDLL(library)
        self.library.turnkeep_error_message.restype = Text
        self.library.turnkeep_error_message.argtypes = [c_void_p]
        self.library.turnkeep_messages_len.restype = c_size_t
        self.library.turnkeep_messages_len.argtypes = [c_void_p]
        self.library.turnkeep_messages_at.restype = POINTER(Message)
        self.library.turnkeep_messages_at.argtypes = [c_void_p, c_size_t]
        self.handle = c_void_p()
        self.call("turnkeep_store_open", str(path).encode(), None, byref(self.handle))

    def call(self, function, *arguments):
        error = c_void_p()
        if getattr(self.library, function)(*arguments, byref(error)):
            raise RuntimeError(self.library.turnkeep_error_message(error).read())

    def history(self, session_id):
        session, messages = c_void_p(), c_void_p()
        self.call("turnkeep_session_open", self.handle, session_id.encode(), byref(session))
        self.call("turnkeep_session_history", session, byref(messages))
        for index in range(self.library.turnkeep_messages_len(messages)):
            yield self.library.turnkeep_messages_at(messages, index).contents
        self.library.turnkeep_messages_free(messages)
        self.library.turnkeep_session_close(session)


def check_message(message, recorded):
    assert message.role == ROLES[recorded["role"]]
    assert message.content.read() == recorded["content"]
    details = message.details.contents if message.details else None
    calls = details.tool_calls.read() if details else ""
    assert (json.loads(calls) if calls else None) == recorded.get("tool_calls")
    assert (details.tool_call_id.read() if details else "") == recorded.get("tool_call_id", "")
    metadata = details.metadata.read() if details else ""
    assert (json.loads(metadata).get("name") if metadata else None) == recorded.get("name")


def main(chat_host, library, scratch):
    if not RECORDINGS.exists():
        print("skipped: the recorded conversations are not here")
        sys.exit(SKIPPED)
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    path = pathlib.Path(scratch, "recordings.db")
    command = [chat_host, "--store", str(path), "--chats", str(RECORDINGS), "--quiet", "--threads", "2"]
    killed = subprocess.run(command + ["--crash-after", "3000"], stdout=subprocess.DEVNULL, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.returncode
    print(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    store = Store(library, path)
    compared = 0
    for line in RECORDINGS.open(encoding="utf-8"):
        conversation = json.loads(line)
        kept = check_conversation(store, conversation)
        assert kept == len(conversation["messages"]), conversation["id"]
        compared += kept
    print(f"{compared} messages compared")


def check_conversation(store, conversation):
    recorded = conversation["messages"]
    count = 0
    for message in store.history(conversation["id"]):
        assert message.seq == count + 1 and count < len(recorded), conversation["id"]
        check_message(message, recorded[count])
        count += 1
    return count


main(*sys.argv[1:])

"""The stores that are compared, each used by its public API as its documentation says.

A subject is a class made with a file's path and a number of conversations. Its methods may be coroutines:

    fill(messages)                  puts (role, text) pairs into conversation 0, in bulk
    append(conversation, role, text)
    last()                          reads the last 20 of conversation 0: how many
    window()                        reads what of it fits into 8 192 tokens: how many; Cannot where it has no such thing
    count(conversation)             how many messages it has
    close()
"""

import ctypes
import datetime
import os
import sqlite3
from importlib.metadata import version as version_of

WINDOW_TOKENS = 8192


class Cannot(Exception):
    """Why a store has no such thing."""


def turnkeep(durability):
    """Turnkeep through ctypes."""
    library = ctypes.CDLL(os.environ["TURNKEEP_LIBRARY"])
    pointer, size, u64 = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64

    class Text(ctypes.Structure):
        _fields_ = [("data", pointer), ("len", size)]

    class StoreOptions(ctypes.Structure):
        _fields_ = [("struct_size", size), ("durability", ctypes.c_int32), ("others", ctypes.c_uint8 * 132)]

    class SessionOptions(ctypes.Structure):
        _fields_ = [("struct_size", size), ("id", ctypes.c_char_p), ("others", ctypes.c_uint8 * 104)]

    class NewMessage(ctypes.Structure):
        _fields_ = [("struct_size", size), ("role", ctypes.c_int32), ("flags", ctypes.c_uint32), ("content", ctypes.c_char_p),
                    ("content_len", size), ("others", ctypes.c_uint8 * 48)]

    class Message(ctypes.Structure):
        _fields_ = [("content", Text), ("created_us", ctypes.c_int64), ("total_tokens", u64), ("details", pointer), ("seq", u64),
                    ("turn", ctypes.c_uint32), ("tokens", ctypes.c_uint32), ("role", ctypes.c_int32), ("flags", ctypes.c_uint32)]

    def declare(name, result, *parameters):
        function = getattr(library, name)
        function.restype, function.argtypes = result, parameters
        return function

    status, out = ctypes.c_int32, ctypes.POINTER(pointer)
    error_message = declare("turnkeep_error_message", Text, pointer)
    store_open = declare("turnkeep_store_open", status, ctypes.c_char_p, ctypes.POINTER(StoreOptions), out, out)
    store_close = declare("turnkeep_store_close", status, pointer, out)
    session_exists = declare("turnkeep_session_exists", status, pointer, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int32), out)
    session_create = declare("turnkeep_session_create", status, pointer, ctypes.POINTER(SessionOptions), out, out)
    session_open = declare("turnkeep_session_open", status, pointer, ctypes.c_char_p, out, out)
    session_close = declare("turnkeep_session_close", None, pointer)
    append = declare("turnkeep_session_append", status, pointer, ctypes.c_int32, ctypes.c_char_p, size, pointer, out)
    append_batch = declare("turnkeep_session_append_batch", status, pointer, ctypes.POINTER(NewMessage), size, pointer, pointer, out)
    session_last = declare("turnkeep_session_last", status, pointer, u64, out, out)
    session_history = declare("turnkeep_session_history", status, pointer, out, out)
    messages_len = declare("turnkeep_messages_len", size, pointer)
    messages_at = declare("turnkeep_messages_at", ctypes.POINTER(Message), pointer, size)
    messages_free = declare("turnkeep_messages_free", None, pointer)
    session_window = declare("turnkeep_session_window", status, pointer, pointer, out, out)
    window_len = declare("turnkeep_window_len", size, pointer)
    window_at = declare("turnkeep_window_at", ctypes.POINTER(Message), pointer, size)
    window_free = declare("turnkeep_window_free", None, pointer)
    roles = {"user": 2, "assistant": 3}

    def call(function, *arguments):
        error = pointer()
        if function(*arguments, ctypes.byref(error)) != 0:
            raise RuntimeError(ctypes.string_at(error_message(error).data).decode())

    def made(function, *arguments):
        """What a function gives through its last parameter but the error."""
        handle = pointer()
        call(function, *arguments, ctypes.byref(handle))
        return handle

    def as_python(handle, length, at, free):
        """As a Python program has messages: pairs of role and text."""
        found = []
        for index in range(length(handle)):
            message = at(handle, index).contents
            found.append((message.role, ctypes.string_at(message.content.data, message.content.len).decode()))
        free(handle)
        return found

    class Turnkeep:
        @staticmethod
        def version():
            return declare("turnkeep_version", ctypes.c_char_p)().decode()

        def __init__(self, path, conversations):
            options = StoreOptions(ctypes.sizeof(StoreOptions), {"DISK": 1, "OS": 2}[durability])
            self.store = made(store_open, os.fsencode(path), options)
            self.sessions = [self.session(b"c%d" % number) for number in range(conversations)]

        def session(self, name):
            exists = ctypes.c_int32()
            call(session_exists, self.store, name, ctypes.byref(exists))
            if exists:
                return made(session_open, self.store, name)
            return made(session_create, self.store, SessionOptions(ctypes.sizeof(SessionOptions), name))

        def fill(self, messages):
            for begin in range(0, len(messages), 10_000):
                part = [(role, text.encode()) for role, text in messages[begin : begin + 10_000]]
                batch = (NewMessage * len(part))(
                    *[NewMessage(ctypes.sizeof(NewMessage), roles[role], 0, text, len(text)) for role, text in part])
                call(append_batch, self.sessions[0], batch, len(part), None, None)

        def append(self, conversation, role, text):
            content = text.encode()
            call(append, self.sessions[conversation], roles[role], content, len(content), None)

        def last(self):
            return len(as_python(made(session_last, self.sessions[0], 20), messages_len, messages_at, messages_free))

        def window(self):
            return len(as_python(made(session_window, self.sessions[0], None), window_len, window_at, window_free))

        def count(self, conversation):
            messages = made(session_history, self.sessions[conversation])
            count = messages_len(messages)
            messages_free(messages)
            return count

        def close(self):
            for session in self.sessions:
                session_close(session)
            call(store_close, self.store)

    return Turnkeep


def openai_agents():
    """SQLiteSession of openai-agents."""
    from agents import SQLiteSession

    class OpenaiAgents:
        version = staticmethod(lambda: version_of("openai-agents"))

        def __init__(self, path, conversations):
            self.sessions = [SQLiteSession(f"c{number}", path) for number in range(conversations)]

        async def fill(self, messages):
            await self.sessions[0].add_items([{"role": role, "content": text} for role, text in messages])

        async def append(self, conversation, role, text):
            await self.sessions[conversation].add_items([{"role": role, "content": text}])

        async def last(self):
            return len(await self.sessions[0].get_items(limit=20))

        async def window(self):
            raise Cannot("it knows a number of items, not of tokens")

        async def count(self, conversation):
            return len(await self.sessions[conversation].get_items())

        def close(self):
            for session in self.sessions:
                session.close()

    return OpenaiAgents


def langgraph(synchronous):
    """SqliteSaver of langgraph-checkpoint-sqlite: the messages of a MessagesState, one checkpoint for each that is added."""
    from langchain_core.messages import AIMessage, HumanMessage, trim_messages
    from langchain_core.messages.utils import count_tokens_approximately
    from langgraph.checkpoint.base import empty_checkpoint
    from langgraph.checkpoint.sqlite import SqliteSaver

    kinds = {"user": HumanMessage, "assistant": AIMessage}

    class Langgraph:
        version = staticmethod(lambda: version_of("langgraph-checkpoint-sqlite"))

        def __init__(self, path, _conversations):
            self.connection = sqlite3.connect(path, check_same_thread=False)
            if synchronous:
                self.connection.execute(f"PRAGMA synchronous={synchronous}")
            self.saver = SqliteSaver(self.connection)
            # What a graph has in memory while it runs.
            self.messages = {}

        def config(self, conversation):
            return {"configurable": {"thread_id": f"c{conversation}", "checkpoint_ns": ""}}

        def put(self, conversation):
            messages = self.messages[conversation]
            checkpoint = empty_checkpoint()
            checkpoint["channel_values"] = {"messages": messages}
            checkpoint["channel_versions"] = {"messages": len(messages)}
            self.saver.put(self.config(conversation), checkpoint, {"source": "loop", "step": len(messages)}, {})

        def get(self, conversation):
            checkpoint = self.saver.get(self.config(conversation))
            return checkpoint["channel_values"]["messages"] if checkpoint else []

        def fill(self, messages):
            self.messages[0] = [kinds[role](text) for role, text in messages]
            self.put(0)

        def append(self, conversation, role, text):
            if conversation not in self.messages:
                self.messages[conversation] = self.get(conversation)
            self.messages[conversation].append(kinds[role](text))
            self.put(conversation)

        def last(self):
            return len(self.get(0)[-20:])

        def window(self):
            return len(trim_messages(self.get(0), max_tokens=WINDOW_TOKENS, token_counter=count_tokens_approximately,
                                     strategy="last", start_on="human", include_system=True))

        def count(self, conversation):
            return len(self.get(conversation))

        def close(self):
            self.connection.close()

    return Langgraph


def qv(whole, journal=None):
    """qv-session-manager: saves the whole conversation, as its documentation says, or the new message alone."""
    from qv_ollama_sdk.domain.models import Conversation
    from qv_session_manager import SessionManager

    class Qv:
        version = staticmethod(lambda: version_of("qv-session-manager"))

        def __init__(self, path, conversations):
            self.manager = SessionManager(db_path=str(path))
            if journal:
                with sqlite3.connect(path) as connection:
                    connection.execute(f"PRAGMA journal_mode={journal}")
            self.conversations = {}
            self.ids = {}
            for found in self.manager.list_conversations():
                self.ids[found["title"]] = found["id"]
            for number in range(conversations):
                if f"c{number}" not in self.ids:
                    conversation = Conversation(title=f"c{number}", model_name="llama3")
                    self.manager.save_conversation(conversation, [])
                    self.conversations[number] = conversation
                    self.ids[f"c{number}"] = str(conversation.id)

        def load(self, number):
            return self.manager.load_conversation(self.ids[f"c{number}"])

        def conversation(self, number):
            if number not in self.conversations:
                self.conversations[number] = self.load(number)
            return self.conversations[number]

        def add(self, number, role, text):
            conversation = self.conversation(number)
            (conversation.add_user_message if role == "user" else conversation.add_assistant_message)(text)
            return conversation

        def fill(self, messages):
            for role, text in messages:
                self.add(0, role, text)
            self.manager.save_conversation(self.conversation(0), self.conversation(0).messages)

        def append(self, number, role, text):
            conversation = self.add(number, role, text)
            self.manager.save_conversation(conversation, conversation.messages if whole else conversation.messages[-1:])

        def last(self):
            return len(self.load(0).messages[-20:])

        def window(self):
            raise Cannot("it loads whole conversations, and counts no tokens")

        def count(self, number):
            return len(self.load(number).messages)

        def close(self):
            pass

    return Qv


def coda(synchronous):
    """coda's session module, of coda-code-assistant."""
    from coda.base.session import Message, SessionDatabase, SessionManager
    from sqlalchemy import text as sql

    class Coda:
        version = staticmethod(lambda: version_of("coda-code-assistant"))

        def __init__(self, path, conversations):
            self.database = SessionDatabase(path)
            if synchronous:
                with self.database.engine.connect() as connection:
                    connection.exec_driver_sql(f"PRAGMA synchronous={synchronous}")
            self.manager = SessionManager(self.database)
            ids = {session.name: session.id for session in self.manager.get_active_sessions()}
            for number in range(conversations):
                if f"c{number}" not in ids:
                    ids[f"c{number}"] = self.manager.create_session(f"c{number}", "ollama", "llama3").id
            self.ids = [ids[f"c{number}"] for number in range(conversations)]

        def fill(self, messages):
            """The rows that add_message writes, in bulk: one by one 100 000 would take two minutes."""
            begin = datetime.datetime.now()
            rows = [{"session_id": self.ids[0], "sequence": number, "role": role, "content": text, "message_metadata": {},
                     "created_at": begin + datetime.timedelta(microseconds=number)}
                    for number, (role, text) in enumerate(messages, 1)]
            if "search_content" in Message.__table__.columns:
                rows = [{**row, "search_content": row["content"].lower()} for row in rows]
            with self.database.get_session() as database:
                if rows:
                    database.execute(Message.__table__.insert(), rows)
                    words = [{"session": row["session_id"], "content": row["content"], "role": row["role"]} for row in rows]
                    database.execute(sql("INSERT INTO messages_fts VALUES (NULL, :session, :content, :role)"), words)
                database.execute(sql("UPDATE sessions SET message_count = :count WHERE id = :id"),
                                 {"count": len(rows), "id": self.ids[0]})

        def append(self, conversation, role, text):
            self.manager.add_message(self.ids[conversation], role, text)

        def last(self):
            count = self.manager.get_session(self.ids[0]).message_count
            return len(self.manager.get_messages(self.ids[0], limit=20, offset=count - 20))

        def window(self):
            return len(self.manager.get_session_context(self.ids[0], max_tokens=WINDOW_TOKENS)[0])

        def count(self, conversation):
            return len(self.manager.get_messages(self.ids[conversation]))

        def close(self):
            self.database.close()

    return Coda


SUBJECTS = {
    "ctypes-disk": lambda: turnkeep("DISK"),
    "ctypes-os": lambda: turnkeep("OS"),
    "openai-agents": openai_agents,
    "langgraph": lambda: langgraph(None),
    "langgraph-os": lambda: langgraph("NORMAL"),
    "qv-whole": lambda: qv(whole=True),
    "qv-new": lambda: qv(whole=False),
    "qv-new-wal": lambda: qv(whole=False, journal="WAL"),
    "coda": lambda: coda(None),
    "coda-disk": lambda: coda("FULL"),
}

#!/usr/bin/env bash
# A conversation that outlives the program that holds it: demo.sh [CHAT_HOST]
#
# Builds cpp_examples/chat_host.cpp unless it is given, kills it half-way through a long chat, and lets it go on.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# = 0 ]; then
    scripts/setup.sh demo
    echo "Building (one to two minutes the first time: SQLite is compiled in) ..."
    cmake --preset release >/dev/null
    cmake --build --preset release --target chat_host
    host=build/release/cpp_examples/chat_host
else
    host=$1
fi

chats=cpp_examples/demo_chat.jsonl
messages=$(grep -o '"role"' "$chats" | wc -l)
half=$((messages / 2))
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

say() { printf '\n%s\n\n' "$*"; }
play() { "$host" --store "$folder/chat.db" --chats "$chats" --window 2048 --reserve 256 "$@"; }
# A line for each prompt is too much to read twice: its beginning and end are enough.
shorten() { awk '{line[NR] = $0} END {for (i = 1; i <= NR; i++) if (i <= 3 || i > NR - '"$1"') print "    " line[i]; else if (i == 4) print "    ..."}'; }

say "1. A chat of $messages messages in a window of 2 048 tokens, 256 of them kept free for the answer. Each line is a prompt:
   the system message, then everything from the message named on; \"unchanged\" is what an engine need not read again.
   After $half appends the program kills itself with SIGKILL."
set +e
{ play --crash-after "$half" >"$folder/first.txt"; } 2>"$folder/errors.txt"
result=$?
set -e
shorten 6 <"$folder/first.txt"
if [ "$result" != 137 ]; then
    cat "$folder/errors.txt" >&2
    echo "It should have died of SIGKILL, and ended with $result." >&2
    exit 1
fi

say "2. The same command again. Nothing was saved at the end, because there was no end."
play >"$folder/second.txt"
shorten 14 <"$folder/second.txt"
kept=$(sed -n 's/.*resumes; the store has \([0-9]*\) messages.*/\1/p' "$folder/second.txt")
if [ "$kept" != "$half" ]; then
    echo "It was told that $half messages are kept, and found ${kept:-none}." >&2
    exit 1
fi

cat <<END

What happened: the program died without warning after Turnkeep had acknowledged $half messages, and all $half were there
when it came back: it went on with message $((half + 1)). Each prompt fitted the window, and began with the same messages as the
one before until the cut moved; the line "tokens re-read per turn" is what an engine that keeps its KV state pays for it.

Where to go next:
    cpp_examples/chat_host.cpp      the program: put your engine into its struct Engine
    cpp_examples/quickstart.cpp     the same in twenty lines
    include/turnkeep/turnkeep.h     the C API, whose first five sections are what every host needs
    make test                       everything that is promised, tested
END

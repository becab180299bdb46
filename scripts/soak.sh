#!/usr/bin/env bash
# The crash tests for longer than `make test` runs them: soak.sh [ROUNDS]
#
# They are the tests with crash in their name, and read from TURNKEEP_ROUNDS how often to kill.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
export TURNKEEP_ROUNDS=${1:-1000}
cmake --preset release >/dev/null
cmake --build --preset release
if ! ctest --preset release --show-only --tests-regex crash | grep -q 'Test *#'; then
    echo "There is no crash test yet."
    exit 0
fi
ctest --preset release --tests-regex crash --timeout 86400 --verbose
TURNKEEP_IMPORT_MB=2000 cargo test --locked --release --test transfer_memory -- --nocapture

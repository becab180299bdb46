#!/usr/bin/env bash
# What takes too long for `make test`: soak.sh [ROUNDS]
#
# The crash tests, more often: they have crash in their name, and read from TURNKEEP_ROUNDS how often to kill. The tests of the
# library with soak in their name. The fuzzer, on each importer for FUZZ_SECONDS (60).
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
export TURNKEEP_ROUNDS=${1:-1000}
cargo test --locked --release --test transfer -- --ignored --nocapture soak
scripts/fuzz.sh "${FUZZ_SECONDS:-60}"
cmake --preset release >/dev/null
cmake --build --preset release
if ! ctest --preset release --show-only --tests-regex crash | grep -q 'Test *#'; then
    echo "There is no crash test yet."
    exit 0
fi
ctest --preset release --tests-regex crash --timeout 86400 --verbose
TURNKEEP_IMPORT_MB=2000 cargo test --locked --release --test transfer_memory -- --nocapture

#!/usr/bin/env bash
# The tests that end by chance, for longer: soak.sh [ROUNDS]. TURNKEEP_ROUNDS tells them how often to try.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
export TURNKEEP_ROUNDS=${1:-1000}
cmake --preset release >/dev/null
cmake --build --preset release
cargo test --locked --release --tests -- crash
if [ "$(ctest --preset release --show-only=human --tests-regex crash | grep -c 'Test *#')" -gt 0 ]; then
    ctest --preset release --tests-regex crash --timeout 86400
fi

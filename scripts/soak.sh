#!/usr/bin/env bash
# What takes too long for `make test`: soak.sh [STEP...]
#
#   load       30 minutes of a mixed load; its figures are drawn into target/soak-logs/load.svg
#   faults     a failure at each of the first 200 calls to a file, and allocations of SQLite, of every operation
#   crash      kills and power cuts, 20 000 of each kind
#   kills      the same in C: 1 000 kills
#   fuzz       every fuzz target for a minute
#   import     2 GB of conversations
#   storm      three minutes of everything at once
#   orders     is what threads and processes see of a session linearizable, over 50 times as many calls
#   reference  2 000 random sequences of operations beside a model
#   opens      10 000 opens and closes
#   threads    ThreadSanitizer for longer
#
# Two steps run side by side where there are two cores or more. A number in the environment
# replaces the one above: TURNKEEP_SOAK_SECONDS (load), TURNKEEP_ROUNDS (all that are counted), FUZZ_SECONDS,
# TURNKEEP_IMPORT_MB, TURNKEEP_STORM_SECONDS. Full logs are in target/soak-logs.
set -euo pipefail
cd "$(dirname "$0")/.."

logs=target/soak-logs
programs=build/release/tests
rust_tests=(crash faults opens out_of_memory reference transfer transfer_memory)
steps=(load faults crash kills fuzz import storm orders reference opens threads)
. scripts/steps.sh

rust_test() { # rust_test NAME ARGUMENT...
    cargo test --locked --release --test "$1" -- --nocapture "${@:2}"
}

in_scratch() { # in_scratch PROGRAM
    local scratch
    scratch=$(mktemp -d -p "$logs")
    "$programs/$1" "$scratch"
    rm -rf "$scratch"
}

step_load() {
    TURNKEEP_SOAK_SECONDS=${TURNKEEP_SOAK_SECONDS:-1800} TURNKEEP_SOAK_CSV=$PWD/$logs/load.csv in_scratch cpp_soak_static
    scripts/plot.py "$logs/load.csv" "$logs/load.svg" --zero --x 'minutes=time (minutes)' \
        --title 'A mixed load of 18 threads in 3 processes' \
        --panel 'MB: wal_mb=write-ahead logs; file_mb=file; memory_mb=resident memory' \
        --panel 'number: descriptors; threads' \
        --panel 'messages in the store: messages' \
        --panel 'log: append (ms): append_p50_ms=median; append_p99_ms=99 of 100' \
        --panel 'log: window (µs): window_p50_us=median; window_p99_us=99 of 100'
}

step_faults() {
    export TURNKEEP_ROUNDS=${TURNKEEP_ROUNDS:-200}
    rust_test faults
    rust_test out_of_memory
}

step_crash() { TURNKEEP_ROUNDS=${TURNKEEP_ROUNDS:-20000} rust_test crash; }

step_kills() { TURNKEEP_ROUNDS=${TURNKEEP_ROUNDS:-1000} in_scratch c_crash_static; }

step_fuzz() { scripts/fuzz.sh "${FUZZ_SECONDS:-60}"; }

step_import() {
    rust_test transfer --ignored soak
    TURNKEEP_IMPORT_MB=${TURNKEEP_IMPORT_MB:-2000} rust_test transfer_memory
}

step_storm() { TURNKEEP_STORM_SECONDS=${TURNKEEP_STORM_SECONDS:-180} in_scratch cpp_storm_static; }

step_orders() { TURNKEEP_ROUNDS=${TURNKEEP_ROUNDS:-20000} in_scratch cpp_linearizability_static; }

step_reference() { PROPTEST_CASES=${TURNKEEP_ROUNDS:-2000} rust_test reference; }

step_opens() { TURNKEEP_ROUNDS=${TURNKEEP_ROUNDS:-10000} rust_test opens; }

step_threads() {
    TURNKEEP_STORM_SECONDS=60 TURNKEEP_SOAK_SECONDS=60 TURNKEEP_ROUNDS=1000 scripts/threads.sh
}

# First and alone, so that the steps do not wait for each other in cargo.
build() {
    cargo test --locked --release --no-run "${rust_tests[@]/#/--test=}"
    cmake --preset release >/dev/null
    cmake --build --preset release
}

if [ $# -gt 0 ]; then steps=("$@"); fi
scripts/setup.sh test
mkdir -p "$logs"
build >"$logs/build.log" 2>&1 || { cat "$logs/build.log"; exit 1; }
at_once=1
if [ "$(nproc)" -gt 1 ]; then at_once=2; fi
run_steps "$logs" "$at_once" "${steps[@]}"

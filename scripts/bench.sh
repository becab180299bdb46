#!/usr/bin/env bash
# How fast it is: bench.sh [T1,T5,...] prints a table, and writes target/bench.json.
#
# What a host feels is measured by C++ programs through the shared library: every benches/*.cpp becomes one, and the
# benchmark finds them in TURNKEEP_BENCH_PROGRAMS.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh bench
cmake --preset release >/dev/null
cmake --build --preset release --target benches
export TURNKEEP_BENCH_PROGRAMS=$PWD/build/release/benches
cargo bench --locked --benches -- "$@"

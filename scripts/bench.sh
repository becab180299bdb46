#!/usr/bin/env bash
# How fast it is: bench.sh [T1,T5,...] prints a table, and writes target/bench.json. ONLY=T1,T5 does the same.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh bench

target=${CARGO_TARGET_DIR:-target}
echo "Building the library as it is shipped, and the benchmarks (one to three minutes the first time) ..."
cargo rustc --lib --release --locked --crate-type cdylib --crate-type staticlib
mkdir -p "$target/bench"
cp "$target/release/libturnkeep.so" "$target/bench/libturnkeep.shipped.so"
cargo bench --locked --bench bench --no-run

# What a host feels is measured by a C++ program through the shared library. It looks for the library by its SONAME.
library=$target/bench/libturnkeep.shipped.so
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
ln -sf "$(realpath "$library")" "$target/bench/${soname:-libturnkeep.so}"
"${CXX:-c++}" -std=c++17 -O2 -Wall -Wextra -Werror -I include benches/host.cpp -o "$target/bench/host" \
    "$library" -Wl,-rpath,"$(realpath "$target/bench")"
TURNKEEP_BENCH_HOST=$(realpath "$target/bench/host")
export TURNKEEP_BENCH_HOST

exec cargo bench --locked --quiet --bench bench -- "$@"

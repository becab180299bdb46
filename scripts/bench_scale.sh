#!/usr/bin/env bash
# What it costs as a store grows: bench_scale.sh [SMALLEST LARGEST], 1 000 and 1 000 000 unless given.
#
# Prints tables and writes target/scale.json; with WRITE=1 it also writes docs/performance.md ("Start-up", "Cost over size")
# and docs/scale.svg. Takes up to 8 GB in the target folder meanwhile. As root it also drops the system's page cache.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh bench

target=${CARGO_TARGET_DIR:-target}
echo "Building the library as it is shipped, and the benchmark (one to three minutes the first time) ..."
cargo rustc --lib --release --locked --crate-type cdylib --crate-type staticlib
mkdir -p "$target/bench"
library=$target/bench/libturnkeep.shipped.so
cp "$target/release/libturnkeep.so" "$library"
cargo bench --locked --bench scale --no-run

# What a program pays at its start is measured by a C program through the shared library. It looks for the library by its SONAME.
soname=$(readelf -d "$library" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
ln -sf "$(realpath "$library")" "$target/bench/${soname:-libturnkeep.so}"
"${CC:-cc}" -std=gnu11 -O2 -Wall -Wextra -Werror -I include benches/first_window.c -o "$target/bench/first_window" \
    "$library" -Wl,-rpath,"$(realpath "$target/bench")"
TURNKEEP_FIRST_WINDOW=$(realpath "$target/bench/first_window")
export TURNKEEP_FIRST_WINDOW

exec cargo bench --locked --quiet --bench scale -- "$@"

#!/usr/bin/env bash
# Runs the concurrent tests in C++ under ThreadSanitizer, which sees the programs, the library, its crates and SQLite. It does not
# see from one process into another, so tests/c/processes.c, of one thread each, would show nothing that these do not.
#
# Needs nightly Rust, clang and Linux on x86-64; where one is missing it says so and does nothing. The standard library is not
# built anew for it (that takes Rust's sources), so tests in Rust, whose threads begin and end inside the standard library,
# would report what is none: these programs use the threads of C++ and fork().
#
# TURNKEEP_STORM_SECONDS, TURNKEEP_SOAK_SECONDS (5) and TURNKEEP_ROUNDS (100) say for how long.
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
folder=target/tsan
programs=(cpp/threads.cpp cpp/storm.cpp cpp/linearizability.cpp cpp/soak.cpp cpp/events.cpp)

skip() {
    echo "Skipped: ThreadSanitizer needs $1"
    exit 0
}
[ "$(uname -sm)" = "Linux x86_64" ] || skip "Linux on x86-64"
cargo +nightly --version >/dev/null 2>&1 || skip "nightly Rust (rustup toolchain install nightly)"
command -v clang++ >/dev/null || skip "clang"
runtime=$(rustc +nightly --print sysroot)/lib/rustlib/$target/lib/librustc-nightly_rt.tsan.a
[ -f "$runtime" ] || skip "the runtime of nightly Rust, $runtime"

# Each crate goes with as little optimisation as keeps the tests short.
RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer" \
    CC_x86_64_unknown_linux_gnu=clang CFLAGS_x86_64_unknown_linux_gnu="-fsanitize=thread" \
    cargo +nightly rustc --lib --crate-type staticlib --locked --target "$target" --target-dir "$folder" \
    --config 'profile.dev.opt-level=1' --config 'profile.dev.debug="line-tables-only"' \
    --config 'profile.dev.package."*".opt-level=0' --config 'profile.dev.package."*".debug=false' \
    --config 'profile.dev.package.libsqlite3-sys.opt-level=1'
library=$folder/$target/debug/libturnkeep.a

# With Rust's own runtime, whole: clang's is of another version.
build() { # build SOURCE PROGRAM
    clang++ -std=c++17 -fsanitize=thread -g -O1 -I include -c "tests/$1" -o "$2.o"
    clang++ "$2.o" -o "$2" -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive "$library" -lpthread -ldl -lm -lrt
}

export TSAN_OPTIONS="exitcode=66 suppressions=$PWD/scripts/threads_suppressions.txt"
export TURNKEEP_STORM_SECONDS=${TURNKEEP_STORM_SECONDS:-5} TURNKEEP_SOAK_SECONDS=${TURNKEEP_SOAK_SECONDS:-5}
export TURNKEEP_ROUNDS=${TURNKEEP_ROUNDS:-100}
mkdir -p "$folder/programs"
failed=()
for source in "${programs[@]}"; do
    program=$folder/programs/$(basename "${source%.*}")
    scratch=$(mktemp -d)
    began=$SECONDS
    build "$source" "$program"
    if "$program" "$scratch" >"$program.log" 2>&1; then
        printf '%-24s quiet, %d s\n' "$source" $((SECONDS - began))
    else
        cat "$program.log"
        failed+=("$source")
    fi
    rm -rf "$scratch"
done
echo "=> ThreadSanitizer: $((${#programs[@]} - ${#failed[@]})) of ${#programs[@]} programs passed and reported nothing"
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}"; exit 1; }

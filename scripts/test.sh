#!/usr/bin/env bash
# Everything that is tested, in the order in which it fails soonest: test.sh [STEP...]
#
#   format     rustfmt and clang-format
#   clippy     without features, and with all
#   rust       unit, property and integration tests, with all features; the header is what the sources say
#   doc        the examples in the documentation
#   loom       the lock-free parts, in every order of their steps
#   threads    the concurrent programs in C++ and the library they use, under ThreadSanitizer
#   release    CTest: C, C++, headers, symbols, examples, README and consumers with the library as it is shipped: without
#              features, so that what they bring answers UNSUPPORTED
#   sanitize   CTest: C, C++ and examples again, under AddressSanitizer and UBSan
#
# Full logs are in target/test-logs.
set -euo pipefail
cd "$(dirname "$0")/.."

features=cli,tokenizer-openai,test-panic
jobs=$(nproc 2>/dev/null || sysctl -n hw.ncpu)
logs=target/test-logs
steps=(format clippy rust doc loom threads release sanitize)
. scripts/steps.sh

if [ -t 1 ]; then
    export CARGO_TERM_COLOR=always CLICOLOR_FORCE=1
fi

step_format() {
    cargo fmt --all --check
    # Other versions of clang-format lay out the same style in other ways.
    if clang-format --version | grep -q 'version 14\.'; then
        scripts/c_sources.sh | xargs clang-format --dry-run -Werror
    else
        echo "clang-format is not version 14, by which the sources are formatted: C and C++ are not checked"
    fi
}

step_clippy() {
    cargo clippy --all-targets --locked -- -D warnings
    cargo clippy --all-targets --locked --features "$features" -- -D warnings
}

step_rust() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-fail-fast --features "$features"
    else
        cargo test --locked --no-fail-fast --lib --bins --tests --features "$features"
    fi
}

step_doc() { cargo test --doc --locked --features "$features"; }

# Loom replaces the synchronisation of the whole crate, so it has a target folder of its own; what it does not exercise
# is built fast instead of well.
step_loom() {
    RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test --locked --release \
        --config 'profile.release.lto="off"' \
        --config 'profile.release.codegen-units=16' \
        --config 'profile.release.package."*".opt-level=0' \
        --config 'profile.release.package.loom.opt-level=3' \
        --config 'profile.release.package.generator.opt-level=3' \
        --lib loom | tee "$logs/loom-count.log"
    # A filter that matches nothing passes, too.
    if grep -q '^test result: ok. 0 passed' "$logs/loom-count.log"; then
        echo "no test has loom in its name"
        return 1
    fi
}

step_threads() { scripts/threads.sh; }

step_release() { run_ctest release; }

step_sanitize() { run_ctest sanitize; }

run_ctest() {
    # The log is kept back unless it fails: it says little but takes pages.
    cmake --preset "$1" >"$logs/configure-$1.log" 2>&1 || {
        cat "$logs/configure-$1.log"
        return 1
    }
    cmake --build --preset "$1"
    ctest --preset "$1" --parallel "$jobs"
}

scripts/setup.sh test
mkdir -p "$logs"
if [ $# -gt 0 ]; then steps=("$@"); fi
run_steps "$logs" 1 "${steps[@]}"

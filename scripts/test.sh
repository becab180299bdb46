#!/usr/bin/env bash
# Everything that is tested, in the order in which it fails soonest: test.sh [STEP...]
#
#   format     rustfmt and clang-format
#   clippy     without features, and with all
#   rust       unit, property and integration tests; the header is what the sources say
#   features   the same with all features
#   doc        the examples in the documentation
#   loom       the lock-free parts, in every order of their steps
#   release    CTest: C, C++, headers, symbols, examples, README and consumers with the library as it is shipped
#   sanitize   CTest: C, C++ and examples again, under AddressSanitizer and UBSan
#
# A step that fails does not keep the others from running. The last lines are the runners' own summaries; full logs are
# in target/test-logs.
set -euo pipefail
cd "$(dirname "$0")/.."

features=cli,tokenizer-openai,test-panic
jobs=$(nproc 2>/dev/null || sysctl -n hw.ncpu)
logs=target/test-logs
steps=(format clippy rust features doc loom release sanitize)

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

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --locked --no-fail-fast "$@"
    else
        cargo test --locked --no-fail-fast --lib --bins --tests "$@"
    fi
}

step_rust() { rust_tests; }

step_features() { rust_tests --features "$features"; }

step_doc() { cargo test --doc --locked; }

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

summary() {
    sed 's/\x1b\[[0-9;]*m//g' "$1" | grep -E '^ *Summary \[|^test result:|% tests passed' || true
}

report=""
failed=()
scripts/setup.sh test
mkdir -p "$logs"
for step in "${@:-${steps[@]}}"; do
    printf '\n== %s\n' "$step"
    began=$SECONDS
    # In a subshell of its own with -e: a function tested by `if` would run on after a failure.
    set +e
    (set -eo pipefail; "step_$step") 2>&1 | tee "$logs/$step.log"
    result=${PIPESTATUS[0]}
    set -e
    report+=$(printf '%-9s %4d s  ' "$step" $((SECONDS - began)))
    if [ "$result" = 0 ]; then
        report+="ok"$'\n'
    else
        report+="FAILED"$'\n'
        failed+=("$step")
    fi
    lines=$(summary "$logs/$step.log")
    [ -z "$lines" ] || report+="$lines"$'\n'
done
verdict="all passed"
[ ${#failed[@]} = 0 ] || verdict="FAILED: ${failed[*]}"
printf '\n== %s in %d s\n%s' "$verdict" "$SECONDS" "$report"
[ ${#failed[@]} = 0 ]

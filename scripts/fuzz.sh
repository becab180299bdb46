#!/usr/bin/env bash
# Runs the targets of the fuzzer, each for some seconds: fuzz.sh [SECONDS] [TARGET...]
#
# A target is a name in fuzz/fuzz_targets; for an importer the name of its format does. Two run at a time where there are two
# cores. Needs nightly Rust and cargo-fuzz; where one is missing it says so and does nothing. With clang SQLite's own code is
# watched by AddressSanitizer, too. What is found lies in fuzz/artifacts: copy it to tests/fixtures/fuzz/TARGET (the name of
# the format for an importer), where `make test` reads it ever after.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
wanted=("${@:2}")
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "Skipped: nothing is fuzzed: there is no nightly Rust (rustup toolchain install nightly)."
    exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "Skipped: nothing is fuzzed: there is no cargo-fuzz (cargo install cargo-fuzz)."
    exit 0
fi
if [ ${#wanted[@]} = 0 ]; then
    mapfile -t wanted < <(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')
fi
targets=()
for name in "${wanted[@]}"; do
    name=${name//-/_}
    [ -f "fuzz/fuzz_targets/$name.rs" ] || name=import_$name
    if [ ! -f "fuzz/fuzz_targets/$name.rs" ]; then
        echo "There is no target ${name#import_}: fuzz/fuzz_targets has them." >&2
        exit 1
    fi
    targets+=("$name")
done

mkdir -p fuzz/corpus
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
if command -v clang >/dev/null 2>&1; then
    export "CC_${host//-/_}=clang" "CFLAGS_${host//-/_}=-fsanitize=address -g1 -fno-omit-frame-pointer"
fi
cargo +nightly fuzz build >fuzz/corpus/build.log 2>&1 || {
    cat fuzz/corpus/build.log
    exit 1
}

fuzz() { # fuzz TARGET
    local target=$1 longest=2048 name=$1
    local corpora=("fuzz/corpus/$target") log=fuzz/corpus/$target.log
    mkdir -p "${corpora[0]}"
    if [[ $target == import_* ]]; then
        name=${target#import_}
        name=${name//_/-}
        longest=65536
    fi
    for folder in "fuzz/seeds/$name" "tests/fixtures/fuzz/$name"; do
        if [ -d "$folder" ]; then corpora+=("$folder"); fi
    done
    if [[ $name == *-db ]]; then
        # A database of each kind is written by a script; --short leaves out what is long.
        rm -f "${corpora[0]}/seed.db"
        python3 "tests/fixtures/ancestors/make_${name%%-*}.py" "${corpora[0]}/seed.db" --short
    elif [[ $target != import_* ]]; then
        # What draws its calls from bytes begins with some: with a few it does nearly nothing.
        for seed in 1 2 3 4; do head -c $((seed * 500)) /dev/urandom >"${corpora[0]}/seed$seed"; done
    fi
    if cargo +nightly fuzz run "$target" "${corpora[@]}" -- -max_total_time="$seconds" -dict=fuzz/words.dict \
        -timeout=10 -rss_limit_mb=2048 -max_len="$longest" >"$log" 2>&1; then
        printf '%-18s %s\n' "$name" "$(grep -a '^Done ' "$log" || tail -n 1 "$log")"
    else
        tail -n 40 "$log"
        echo "$name: it failed; what it was fed is in fuzz/artifacts/$target"
        return 1
    fi
}

at_a_time=$(($(nproc) < 2 ? 1 : 2))
failed=0
running=0
for target in "${targets[@]}"; do
    if [ "$running" = "$at_a_time" ]; then
        wait -n || failed=1
        running=$((running - 1))
    fi
    fuzz "$target" &
    running=$((running + 1))
done
while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
done
exit $failed

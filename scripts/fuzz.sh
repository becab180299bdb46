#!/usr/bin/env bash
# Fuzzes the importers, each for some seconds: fuzz.sh [SECONDS] [FORMAT...]
#
# Needs nightly Rust and cargo-fuzz; where one is missing it says so and does nothing. What is found lies in fuzz/artifacts:
# copy it to tests/fixtures/fuzz/FORMAT, where `make test` reads it ever after.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
formats=("${@:2}")
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "The importers are not fuzzed: there is no nightly Rust (rustup toolchain install nightly)."
    exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "The importers are not fuzzed: there is no cargo-fuzz (cargo install cargo-fuzz)."
    exit 0
fi
if [ ${#formats[@]} = 0 ]; then
    mapfile -t formats < <(cd fuzz/fuzz_targets && printf '%s\n' import_*.rs | sed 's/^import_//; s/\.rs$//; s/_/-/g')
fi

mkdir -p fuzz/corpus
cargo +nightly fuzz build >fuzz/corpus/build.log 2>&1 || {
    cat fuzz/corpus/build.log
    exit 1
}
for format in "${formats[@]}"; do
    target=import_${format//-/_}
    corpora=("fuzz/corpus/$target")
    mkdir -p "${corpora[0]}"
    for folder in "fuzz/seeds/$format" "tests/fixtures/fuzz/$format"; do
        [ -d "$folder" ] && corpora+=("$folder")
    done
    if [[ $format == *-db ]]; then
        # A database of each kind is written by a script; --short leaves out what is long.
        rm -f "${corpora[0]}/seed.db"
        python3 "tests/fixtures/ancestors/make_${format%%-*}.py" "${corpora[0]}/seed.db" --short
    fi
    log=fuzz/corpus/$target.log
    if cargo +nightly fuzz run "$target" "${corpora[@]}" -- -max_total_time="$seconds" -dict=fuzz/words.dict \
        -timeout=10 -rss_limit_mb=2048 -max_len=65536 >"$log" 2>&1; then
        printf '%-18s %s\n' "$format" "$(grep '^Done ' "$log" || tail -n 1 "$log")"
    else
        tail -n 40 "$log"
        echo "$format: the importer failed; what it was fed is in fuzz/artifacts/$target"
        exit 1
    fi
done

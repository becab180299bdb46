#!/usr/bin/env bash
# Turnkeep beside what a user would pick instead (benches/peers): prints tables, and writes target/peers.json.
# WRITE=1 puts the tables into docs/performance.md. Needs the network once, for the Python packages it compares with.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh bench

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
peers=$target/peers
mkdir -p "$peers"

if ! cmp -s benches/peers/requirements.txt "$peers/installed.txt"; then
    echo "Installing what it is compared with into $peers/venv ..." >&2
    python3 -m venv --clear "$peers/venv" || {
        echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2
        exit 1
    }
    "$peers/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r benches/peers/requirements.txt
    cp benches/peers/requirements.txt "$peers/installed.txt"
fi

echo "Building the library as it is shipped ..." >&2
cargo rustc --quiet --lib --release --locked --crate-type cdylib --crate-type staticlib
cp "$target/release/libturnkeep.so" "$peers/libturnkeep.shipped.so"
# Looked for by its SONAME.
soname=$(readelf -d "$peers/libturnkeep.shipped.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
ln -sf libturnkeep.shipped.so "$peers/$soname"
"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -Werror -I include benches/peers/turnkeep.c -o "$peers/turnkeep" \
    "$peers/libturnkeep.shipped.so" -Wl,-rpath,"$peers" -lpthread

# Beside the target folder, so that the disk is measured and not a file system in memory.
scratch=$(mktemp -d "$peers/scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
export PEERS_JSON=$peers.json
[ "${WRITE:-0}" = 0 ] || export PEERS_WRITE=docs/performance.md
python3 benches/peers/main.py "$peers/turnkeep" "$peers/venv/bin/python" "$peers/libturnkeep.shipped.so" "$scratch"

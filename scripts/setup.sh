#!/usr/bin/env bash
# Sees to it that what a goal of the Makefile needs is on this machine: setup.sh demo|test|bench
#
# As root on Debian or Ubuntu it installs what is missing; elsewhere it says what to install. Says nothing if all is there.
set -euo pipefail
cd "$(dirname "$0")/.."
goal=${1:-demo}

have() { command -v "$1" >/dev/null 2>&1; }
have_header() { printf '#include <%s>\n' "$1" | cc -E -x c - >/dev/null 2>&1; }
have_cpp_header() { printf '#include <%s>\n' "$1" | c++ -E -x c++ - >/dev/null 2>&1; }
have_cmake() {
    have cmake && [ "$(printf '3.21\n%s\n' "$(cmake --version | sed -n '1s/.* //p')" | sort -V | head -1)" = 3.21 ]
}

# Compares the ABI with that of older versions; the layouts in abi/ are those of Linux.
have_abidiff() { [ "$(uname)" != Linux ] || have abidiff; }

# What is missing, as Debian's packages.
missing=()
need() { # need PACKAGE CHECK...
    "${@:2}" || [[ " ${missing[*]-} " == *" $1 "* ]] || missing+=("$1")
}
need gcc have cc
need g++ have c++
need cmake have_cmake
need ninja-build have ninja
if [ "$goal" = test ]; then
    need gcc have gcc
    need g++ have g++
    need clang have clang++
    need clang-format have clang-format
    need binutils have readelf
    need pkg-config have pkg-config
    need libsqlite3-dev have_header sqlite3.h
    need nlohmann-json3-dev have_cpp_header nlohmann/json.hpp
    need python3 have python3
    need abigail-tools have_abidiff
fi

if [ ${#missing[@]} -gt 0 ]; then
    if have apt-get && [ "$(id -u)" = 0 ]; then
        echo "Installing ${missing[*]} with apt-get ..."
        log=$(mktemp)
        export DEBIAN_FRONTEND=noninteractive
        if ! { apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
            tail -n 20 "$log" >&2
            echo "apt-get failed; the whole of its output is in $log" >&2
            exit 1
        fi
        rm -f "$log"
    elif have apt-get; then
        echo "Missing: ${missing[*]}. Install with: sudo apt-get install ${missing[*]}" >&2
        exit 1
    else
        {
            echo "Missing, by the names of Debian's packages: ${missing[*]}"
            have dnf && echo "On Fedora: sudo dnf install cmake ninja-build gcc-c++ clang clang-tools-extra sqlite-devel json-devel pkgconf"
            have pacman && echo "On Arch: sudo pacman -S cmake ninja gcc clang sqlite nlohmann-json pkgconf"
            have brew && echo "With Homebrew: brew install cmake ninja clang-format sqlite nlohmann-json pkg-config"
            echo "CMake must be 3.21 or newer."
        } >&2
        exit 1
    fi
    if ! have_cmake; then
        echo "CMake 3.21 or newer is needed; this is $(cmake --version | head -1)." >&2
        exit 1
    fi
fi

# A browser for exported pages: the test of them skips where there is none, and says so.
if [ "$goal" = test ] && ! have chromium && ! have chromium-browser && ! have google-chrome && have apt-get && [ "$(id -u)" = 0 ]; then
    echo "Installing chromium with apt-get ..."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update && apt-get install -y --no-install-recommends chromium; } >/dev/null 2>&1 ||
        echo "chromium cannot be installed here: exported pages are not tried in a browser"
fi

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! have cargo; then
    echo "Rust $wanted or newer is needed, and there is no cargo on the PATH: see https://rustup.rs" >&2
    exit 1
fi
found=$(cargo --version | cut -d ' ' -f 2)
if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -1)" != "$wanted" ]; then
    echo "Rust $wanted or newer is needed; this is $found. With rustup: rustup update stable" >&2
    exit 1
fi
if [ "$goal" = test ] && ! { cargo fmt --version && cargo clippy --version; } >/dev/null 2>&1; then
    echo "rustfmt and clippy are needed. With rustup: rustup component add rustfmt clippy" >&2
    exit 1
fi

# The builds themselves never use the network.
cargo fetch --locked --quiet

#!/usr/bin/env bash
# Lists the C and C++ sources that are written by hand: those that clang-format looks at.
set -euo pipefail
cd "$(dirname "$0")/.."
# Not by git: a source archive is formatted, too.
find . \( -path ./target -o -path ./fuzz/target -o -path ./build -o -path './build-*' -o -path ./.git \) -prune -o \
    -type f \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.hpp' \) ! -path ./include/turnkeep/turnkeep.h ! -path './abi/*' -print

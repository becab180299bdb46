#!/usr/bin/env bash
# Lists the C and C++ sources that are written by hand: those that clang-format looks at.
set -euo pipefail
cd "$(dirname "$0")/.."
find include cpp_examples tests benches \( -name '*.c' -o -name '*.cpp' -o -name '*.hpp' \) -type f | sort

# Builds main.cpp with what pkg-config says: pkg_config.sh shared|static|archive SOURCE PROGRAM
set -eu

case $1 in
    shared) flags=$("$PKG_CONFIG" --cflags --libs turnkeep) ;;
    static) flags="-static $("$PKG_CONFIG" --cflags --libs --static turnkeep)" ;;
    archive) flags="$("$PKG_CONFIG" --cflags turnkeep) $("$PKG_CONFIG" --variable=static_libs turnkeep)" ;;
esac
# pkg-config escapes blanks for a shell to read.
eval "\"$CXX\" -std=c++17 \"$2\" -o \"$3\" $flags"

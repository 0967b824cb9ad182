#!/bin/sh
# Builds every src/**/NAME.c and NAME.S into target/bin/NAME, static, and only what is newer than what was built.
#
# The first lines of a source may say how it wants to be built:
#     cflags: -pthread -O0     further flags
#     libc: musl               with musl-gcc (skipped with one line where that is not installed)
#     libc: none               without a C library and its start files
cd "$(dirname "$0")" || exit 1
bin=target/bin

# Prints the value of setting $2 in the head of source $1.
setting() {
    sed -n "1,12s/.*$2: *\(.*[^ *]\)[ *\/]*\$/\1/p" "$1" | head -n 1
}

build_one() {
    source=$1
    name=${source##*/}
    output=$bin/${name%.*}
    compiler=gcc
    flags=$(setting "$source" cflags)
    case $(setting "$source" libc) in
    musl)
        compiler=musl-gcc
        command -v musl-gcc > /dev/null || { echo "testbins: $source skipped: no musl-gcc (Debian: musl-tools)" >&2; return 0; }
        ;;
    none) flags="$flags -nostdlib -nostartfiles" ;;
    esac
    # shellcheck disable=SC2086 # flags are words
    $compiler -std=gnu17 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -Isrc/include -static -o "$output.part" "$source" $flags \
        && mv "$output.part" "$output"
}

if [ "$1" = --one ]; then
    build_one "$2"
    exit
fi
if ! command -v gcc > /dev/null || ! echo 'int main(void) { return 0; }' | gcc -static -x c -o /dev/null - 2> /dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        echo "testbins: installing gcc and libc6-dev" >&2
        { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends gcc libc6-dev; } \
            > /dev/null 2>&1
    fi
    if ! command -v gcc > /dev/null; then
        echo "testbins: no C compiler: install gcc and a static libc (Debian: gcc libc6-dev; Fedora: gcc glibc-static)" >&2
        exit 1
    fi
fi
mkdir -p $bin
for source in $(find src -name '*.c' -o -name '*.S' | sort); do
    name=${source##*/}
    output=$bin/${name%.*}
    if [ ! -e "$output" ] || [ "$source" -nt "$output" ] || [ build.sh -nt "$output" ] \
            || [ -n "$(find src/include -newer "$output" -print | head -n 1)" ]; then
        echo "$source"
    fi
done | xargs -r -n 1 -P "$(getconf _NPROCESSORS_ONLN)" sh build.sh --one

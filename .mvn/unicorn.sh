#!/bin/sh
# Prints the path of a libunicorn of at least 2.1.4, or one line on stderr that says what to install, and fails.
#
#   1. $FAULTLINE_UNICORN, when set, as it is (the emulator checks the version when it loads the library);
#   2. the system's, when new enough;
#   3. Debian's libunicorn2t64 from testing or unstable, unpacked into the cache: no root, no change to the system.
#
# What was found in steps 2 and 3 is remembered in the cache's unicorn.path; the launcher reads that file itself.
# With --link FILE also makes FILE a symbolic link to the library, where the tests find it, and with --quiet prints nothing.
home=$(cd "$(dirname "$0")/.." && pwd -P) || exit 1
. "$home/.mvn/jdk.sh"
. "$home/.mvn/fetch.sh"

version=2.1.4
cache=$(cache_dir)
memo=$cache/unicorn.path

# True when library $1 says, asked through the foreign function interface, that it is new enough.
new_enough() {
    [ -r "$1" ] && find_jdk && "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED -Xshare:auto \
        "$home/.mvn/wrapper/UnicornVersion.java" "$1" "$version" 2> /dev/null
}

# Prints the paths at which the system may have the library.
system_libraries() {
    { /sbin/ldconfig -p 2> /dev/null || ldconfig -p 2> /dev/null; } | sed -n 's/.*libunicorn\.so\.2 .*x86-64.*=> //p'
    ls /usr/lib/x86_64-linux-gnu/libunicorn.so.2 /usr/lib64/libunicorn.so.2 /usr/local/lib/libunicorn.so.2 \
        /opt/homebrew/lib/libunicorn.2.dylib /usr/local/lib/libunicorn.2.dylib 2> /dev/null
}

remember() {
    { mkdir -p "$cache" && echo "$1" > "$memo.$$" && mv "$memo.$$" "$memo"; } 2> /dev/null
    echo "$1"
}

locate() {
    if [ -n "${FAULTLINE_UNICORN:-}" ]; then
        echo "$FAULTLINE_UNICORN"
        return
    fi
    if [ -r "$memo" ] && read -r library < "$memo" && [ -r "$library" ]; then
        echo "$library"
        return
    fi
    for library in $(system_libraries | sort -u); do
        if new_enough "$library"; then
            remember "$library"
            return
        fi
    done
    library=$cache/unicorn-$version/usr/lib/x86_64-linux-gnu/libunicorn.so.2
    if ! mkdir -p "$cache" 2> /dev/null || [ ! -w "$cache" ]; then
        echo "faultline: libunicorn $version or later not found, and $cache cannot be written to fetch it into:" \
            "set FAULTLINE_UNICORN to the library's path, or HOME or XDG_CACHE_HOME to a directory of yours" >&2
        return 1
    fi
    if command -v flock > /dev/null && exec 9> "$cache/lock"; then
        flock 9 # so that runs started together fetch it once; without flock each fetches, and one rename wins
    fi
    if [ ! -r "$library" ]; then
        echo "faultline: fetching libunicorn2t64 from Debian" >&2
        fetch_deb libunicorn2t64 "$cache/unicorn-$version" testing unstable
    fi
    if new_enough "$library"; then
        remember "$library"
        return
    fi
    [ -d "$cache/unicorn-$version" ] && mv "$cache/unicorn-$version" "$cache/unusable.$$" && rm -rf "$cache/unusable.$$"
    echo "faultline: libunicorn $version or later not found and not fetched: install libunicorn2t64 (Debian testing," \
        "Ubuntu), unicorn (Fedora, Homebrew) or set FAULTLINE_UNICORN to the library's path" >&2
    return 1
}

found=$(locate) || exit 1
if [ "${1:-}" = --link ]; then
    [ "$found" -ef "$2" ] || { mkdir -p "$(dirname "$2")" && ln -sfn "$found" "$2"; } || exit 1
fi
[ "${3:-}" = --quiet ] || echo "$found"

# Sourced: fetches files and Debian packages into a cache. Everything arrives by rename, so that a reader sees all of it
# or nothing, and two runs that fetch the same thing at once do no harm (the second rename finds the place taken).

# Where Faultline keeps what it fetched: libunicorn, packages that tests need.
cache_dir() {
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/faultline"
}

# Downloads URL $1 to file $2 with curl, wget or, where neither is installed, the JDK ($JAVA_HOME).
download() {
    if command -v curl > /dev/null; then
        curl -fsSL --retry 2 --connect-timeout 20 -o "$2" "$1" 2> /dev/null
    elif command -v wget > /dev/null; then
        wget -q --timeout=20 --tries=2 -O "$2" "$1"
    else
        "$JAVA_HOME/bin/java" "$home/.mvn/wrapper/Download.java" "$1" "$2" 2> /dev/null
    fi
}

# Prints the SHA-256 of file $1.
sha256() {
    if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

# Renames the complete directory $1 to $2, unless someone else has put it there meanwhile.
publish() {
    mkdir -p "$(dirname "$2")"
    mv -T "$1" "$2" 2> /dev/null || [ -d "$2" ] || mv "$1" "$2"
}

# fetch_deb PACKAGE DIRECTORY SUITE...: unpacks Debian's PACKAGE, the newest version in the named suites, as DIRECTORY.
# Uses the machine's apt client with a configuration of its own: its package lists, its cache and its sources live in
# a temporary directory, signatures are checked against Debian's keyring, the machine's own apt state is not touched
# (of its settings only Acquire, which holds proxies, is taken over). Needs no root. Silent; fails when it cannot.
fetch_deb() (
    package=$1
    directory=$2
    shift 2
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    [ -r $keyring ] && command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || return 1
    work=$(mktemp -d) || return 1
    trap 'rm -rf "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    chmod 755 "$work"
    mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/etc" "$work/package" "$work/root"
    for suite in "$@"; do
        echo "deb [arch=amd64 signed-by=$keyring] http://deb.debian.org/debian $suite main"
    done > "$work/etc/sources.list"
    {
        apt-config dump | grep '^Acquire::' | grep -v '^Acquire::\(IndexTargets\|Languages\)'
        echo "Dir::State \"$work/state\"; Dir::State::status \"$work/state/status\"; Dir::Cache \"$work/cache\";"
        echo "Dir::Etc::main \"/dev/null\"; Dir::Etc::parts \"/dev/null\";"
        echo "Dir::Etc::sourcelist \"$work/etc/sources.list\"; Dir::Etc::sourceparts \"/dev/null\";"
        echo "Dir::Etc::preferencesparts \"/dev/null\"; Dir::Etc::preferences \"/dev/null\";"
        echo "APT::Architecture \"amd64\"; APT::Architectures { \"amd64\"; };"
        echo "Acquire::Languages \"none\"; APT::Sandbox::User \"\";"
    } > "$work/apt.conf"
    : > "$work/state/status"
    export APT_CONFIG="$work/apt.conf"
    # apt insists on the parent directories of its default paths; with Dir::State and Dir::Cache set all are ours.
    apt-get -qq update > "$work/log" 2>&1 || return 1
    (cd "$work/package" && apt-get -qq download "$package" >> "$work/log" 2>&1) || return 1
    dpkg-deb -x "$work/package/"*.deb "$work/root" || return 1
    mkdir -p "$(dirname "$directory")"
    part=$(mktemp -d "$directory.XXXXXX") || return 1
    cp -R "$work/root/." "$part" && chmod 755 "$part" && publish "$part" "$directory"
    rm -rf "$part"
    [ -d "$directory" ]
)

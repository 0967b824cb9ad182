#!/bin/sh
# acceptance.sh [all|applets|programs|suites]: runs real programs natively and in Faultline on generated files and compares standard
# output and exit status. A program that is not installed is named and skipped. Ends with the number of differences.
#
# busybox: the system's when it is static, else Debian's busybox-static, unpacked into the cache (.mvn/fetch.sh).
home=$(cd "$(dirname "$0")/../../../.." && pwd -P) || exit 1
. "$home/.mvn/fetch.sh"
what=${1:-all}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
differences=0
compared=0

# compare NAME COMMAND...: with $work/data as working directory, a fresh copy for each of the two runs.
compare() {
    name=$1
    shift
    for kind in native faultline; do
        rm -rf "$work/data"
        cp -R "$work/files" "$work/data"
        launcher=
        [ $kind = native ] || launcher="$home/faultline run"
        # shellcheck disable=SC2086 # the launcher is two words
        (cd "$work/data" && LC_ALL=C TZ=UTC timeout 300 $launcher "$@") \
            < "$work/files/text" > "$work/$kind.out" 2> "$work/$kind.err"
        echo $? > "$work/$kind.status"
        # Files that the program wrote count, too.
        (cd "$work/data" && find . -type f ! -name '*.db' -exec sha256sum {} + | sort -k 2) > "$work/$kind.files"
    done
    compared=$((compared + 1))
    for part in status out files; do
        if ! cmp -s "$work/native.$part" "$work/faultline.$part"; then
            echo "DIFFERENT $name: $part"
            diff "$work/native.$part" "$work/faultline.$part" | head -5
            head -3 "$work/faultline.err"
            differences=$((differences + 1))
            return
        fi
    done
    echo "same      $name"
}

have() {
    command -v "$1" > /dev/null || { echo "skipped   $1 is not installed (Debian: ${2:-$1})"; return 1; }
}

find_busybox() {
    busybox=$(command -v busybox) && [ -z "$(ldd "$busybox" 2> /dev/null | grep '=>')" ] && return 0
    busybox=$(cache_dir)/busybox-static/bin/busybox
    [ -x "$busybox" ] || busybox=$(cache_dir)/busybox-static/usr/bin/busybox
    [ -x "$busybox" ] && return 0
    fetch_deb busybox-static "$(cache_dir)/busybox-static" stable
    for busybox in "$(cache_dir)"/busybox-static/bin/busybox "$(cache_dir)"/busybox-static/usr/bin/busybox; do
        [ -x "$busybox" ] && return 0
    done
    echo "skipped   busybox: not installed and not fetched (Debian: busybox-static)"
    return 1
}

files() {
    mkdir -p "$work/files/tree/a/b" "$work/files/tree/c"
    awk 'BEGIN { x = 42; for (i = 0; i < 20000; i++) { x = (x * 1103515245 + 12345) % 2147483648;
        printf "%d line %d of words %x and %o\n", x, i, x, i } }' > "$work/files/text"
    head -c 3000000 /dev/zero | tr '\0' 'z' > "$work/files/plain"
    awk 'BEGIN { x = 7; for (i = 0; i < 60000; i++) { x = (x * 69069 + 1) % 4294967296; printf "%c%c%c", x % 251, x / 7 % 253, i % 256 } }' \
        > "$work/files/binary"
    for name in one two three; do
        head -n 100 "$work/files/text" > "$work/files/tree/a/$name"
        tail -n 50 "$work/files/text" > "$work/files/tree/a/b/$name.txt"
    done
    ln -s ../a/one "$work/files/tree/c/link"
    gzip -n -k "$work/files/binary"
    find "$work/files" -exec touch -h -d @1700000000 {} +
}

applets() {
    find_busybox || return
    compare "busybox sha256sum" "$busybox" sha256sum text plain binary
    compare "busybox md5sum" "$busybox" md5sum text plain binary
    compare "busybox sort" "$busybox" sort -k 5 text
    compare "busybox sort -n -u" "$busybox" sort -n -u text
    compare "busybox gzip" "$busybox" gzip -k text
    compare "busybox gunzip" "$busybox" gunzip -k -c binary.gz
    compare "busybox bzip2" "$busybox" bzip2 -k text
    compare "busybox awk" "$busybox" awk '{ s += $1; n[length($0)]++ } END { print s; for (i = 0; i < 100; i++) if (n[i]) print i, n[i] }' text
    compare "busybox sed" "$busybox" sed -e 's/line \([0-9]*\)/LINE[\1]/' -e '/7$/d' text
    compare "busybox grep" "$busybox" grep -n 'abc' text
    compare "busybox find" "$busybox" find tree -type f -name '*.txt'
    compare "busybox ls -la" "$busybox" ls -la tree/a
    compare "busybox wc" "$busybox" wc text plain binary
    compare "busybox head" "$busybox" head -n 777 text
    compare "busybox tail" "$busybox" tail -n 777 text
    compare "busybox cut" "$busybox" cut -d ' ' -f 2-4 text
    compare "busybox tr" "$busybox" tr a-z A-Z
    compare "busybox od" "$busybox" od -A x -t x1z binary
    compare "busybox cp" "$busybox" cp -R tree copy
    compare "busybox tar" "$busybox" tar -cf tree.tar tree
    compare "busybox cmp" "$busybox" cmp text plain
    compare "busybox diff" "$busybox" diff tree/a/one tree/a/b/one.txt
    compare "busybox dd" "$busybox" dd if=plain of=part bs=4096 count=100 skip=3
    compare "busybox uniq" "$busybox" uniq -c tree/a/one
    compare "busybox expr" "$busybox" expr 12345 '*' 6789
    compare "busybox seq" "$busybox" seq 1 7 9999
    compare "busybox cksum" "$busybox" cksum text binary
    compare "busybox stat" "$busybox" stat -c '%n %s %F %a' text tree tree/c/link
    compare "busybox du" "$busybox" du -a tree
}

programs() {
    [ -x /bin/ls ] && compare "/bin/ls -la /usr" /bin/ls -la /usr
    if have sqlite3; then
        cat > "$work/files/script.sql" <<'SQL'
create table t(id integer primary key, k integer, v text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000)
  insert into t select i, (i * 7919) % 100003, 'value ' || i from n;
create index tk on t(k);
select count(*), sum(k), min(v), max(v) from t;
select id, v from t where k between 5000 and 5040 order by k;
update t set v = v || '!' where k < 1000;
select count(*) from t where v like '%!';
pragma integrity_check;
SQL
        compare "sqlite3, 100,000 rows" "$(command -v sqlite3)" test.db ".read script.sql"
    fi
    if have lua5.4; then
        cat > "$work/files/script.lua" <<'LUA'
local t = {}
for i = 1, 200000 do t[i] = (i * 7919) % 100003 end
table.sort(t)
local s, words = 0, {}
for i, v in ipairs(t) do s = s + i * v % 1009 end
for w in string.gmatch(string.rep("the quick brown fox ", 5000), "%a+") do words[w] = (words[w] or 0) + 1 end
print(s, words.the, words.fox, #t, string.format("%.10f", math.sqrt(2)))
LUA
        compare "lua5.4" "$(command -v lua5.4)" script.lua
    fi
    if [ -x /usr/bin/python3 ]; then
        cat > "$work/files/script.py" <<'PYTHON'
import hashlib, json, re, zlib
data = {str(i): [i, i * i, "x" * (i % 50)] for i in range(20000)}
text = json.dumps(data, sort_keys=True)
print(len(text), hashlib.sha256(text.encode()).hexdigest(), zlib.crc32(zlib.compress(text.encode())))
print(len(re.findall(r'\d+, \d+5', text)), sum(v[1] for v in json.loads(text).values()))
sieve = bytearray([1]) * 300000
for i in range(2, 548):
    if sieve[i]:
        sieve[i * i::i] = bytes(len(range(i * i, 300000, i)))
print(sum(sieve) - 2)
PYTHON
        compare "python3" /usr/bin/python3 -S -E script.py
    else
        have python3
    fi
    awk 'BEGIN { x = 1; while (n < 20000000) { x = (x * 16807) % 2147483647; s = sprintf("%d %x some words to find again\n", x, n);
        printf "%s", s; n += length(s) } }' > "$work/files/big"
    have xz xz-utils && compare "xz, 20 MB" "$(command -v xz)" -T1 -1 -k big
    have zstd && compare "zstd, 20 MB" "$(command -v zstd)" -q --single-thread -k big
    if command -v xz > /dev/null && command -v zstd > /dev/null; then
        (cd "$work/files" && xz -T1 -1 -k big && zstd -q --single-thread -k big && mv big original)
        compare "xz -d, 20 MB" "$(command -v xz)" -d -k big.xz
        compare "zstd -d, 20 MB" "$(command -v zstd)" -q -d -k big.zst
    fi
}

. "$home/emulator/src/test/sh/suites.sh"

files
case $what in
applets) applets ;;
programs) programs ;;
suites) suites ;;
*)
    applets
    programs
    suites
    ;;
esac
echo "$compared compared, $differences different"
[ "$differences" = 0 ]

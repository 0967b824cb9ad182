#!/bin/sh
# bench.sh [PROGRAM...]: runs the programs of src/bench natively, under qemu-x86_64-static (where installed) and under
# Faultline, one right after the other, and prints what each measured and how Faultline compares. Round by round, the best
# of $ROUNDS (default 2) counts, so that a busy machine disturbs all three alike.
cd "$(dirname "$0")" || exit 1
faultline=../faultline
rounds=${ROUNDS:-2}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
sh build.sh || exit 1
command -v qemu-x86_64-static > /dev/null && qemu=yes || qemu=
$faultline run ${FAULTLINE_OPTIONS:-} target/bin/startup || { echo "bench: faultline does not run" >&2; exit 1; }

# Keeps the smaller number for each name: file "name<tab>number".
best() {
    sed 's/ \{1,\}\([0-9.]*\)$/\t\1/' >> "$work/$1"
}

# Milliseconds that a command takes.
wall() {
    start=$(date +%s%N)
    "$@" > /dev/null
    end=$(date +%s%N)
    echo "start to end of a program, ms $(((end - start) / 10000))" | sed 's/\(..\)$/.\1/'
}

for round in $(seq "$rounds"); do
    wall target/bin/startup | best native
    [ -z "$qemu" ] || wall qemu-x86_64-static target/bin/startup | best qemu
    # shellcheck disable=SC2086 # options are words
    wall $faultline run ${FAULTLINE_OPTIONS:-} target/bin/startup | best faultline
    for program in "${@:-memory compute processes}"; do
        for name in $program; do
            target/bin/"$name" | best native
            [ -z "$qemu" ] || qemu-x86_64-static target/bin/"$name" | best qemu
            # shellcheck disable=SC2086
            $faultline run ${FAULTLINE_OPTIONS:-} target/bin/"$name" | best faultline
        done
    done
done
touch "$work/qemu"
awk -F '\t' '
    function keep(table, name, value) { if (!(name in table) || value + 0 < table[name]) table[name] = value + 0 }
    FILENAME ~ /native$/ { if (!($1 in native)) order[++n] = $1; keep(native, $1, $2) }
    FILENAME ~ /qemu$/ { keep(qemu, $1, $2) }
    FILENAME ~ /faultline$/ { keep(ours, $1, $2) }
    function ratio(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "-" }
    END {
        printf "%-32s %10s %10s %10s %9s %9s\n", "", "native", "qemu", "faultline", "/native", "/qemu"
        for (i = 1; i <= n; i++) {
            name = order[i]
            printf "%-32s %10.2f %10s %10s %9s %9s\n", name, native[name],
                (name in qemu) ? sprintf("%.2f", qemu[name]) : "-", (name in ours) ? sprintf("%.2f", ours[name]) : "-",
                (name in ours) ? ratio(ours[name], native[name]) : "-",
                (name in ours && name in qemu) ? ratio(ours[name], qemu[name]) : "-"
        }
    }' "$work/native" "$work/qemu" "$work/faultline"

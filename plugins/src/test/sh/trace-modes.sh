#!/bin/bash
# trace-modes.sh [NAME...]: runs guests plainly and under every mode of the trace command, and compares what they print and
# their status; and counts the faults of a trace against what its tasks counted (ru_minflt + ru_majflt at their ends).
# NAME: a program of testbins, or live (trace --live on a terminal that script(1) makes), sqlite3, pipeline; default: all.
cd "$(dirname "$0")/../../../.." || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
faultline=$PWD/faultline
failed=0
compared=0

# Standard output and status of a command. All runs have one seed: without it, addresses and what races decide differ.
outcome() {
    timeout 120 "$@" > "$work/out" 2> "$work/err" < /dev/null
    echo "status $?" >> "$work/out"
}

check() { # label, what was expected, what came
    compared=$((compared + 1))
    if ! cmp -s "$2" "$3"; then
        echo "DIFFERENT: $1"
        diff "$2" "$3" | head -5
        failed=$((failed + 1))
    fi
}

faults() { # trace file: events of resolved faults, and the tasks' own sums
    awk '/"exceptions:page_fault/ && /"result":"done"/ { n++ }
        /"sched:sched_process_exit"/ {
            match($0, /"min_flt":[0-9]+/); own += substr($0, RSTART + 10, RLENGTH - 10)
            match($0, /"maj_flt":[0-9]+/); own += substr($0, RSTART + 10, RLENGTH - 10)
        }
        END { print n + 0, own + 0 }' "$1"
}

modes() { # label, command...
    label=$1
    shift
    outcome "$faultline" run --seed 1 "$@"
    cp "$work/out" "$work/plain"
    for mode in "--format text" "--format jsonl -e all" "--format perfetto -e all,step" "--format folded" "--format pprof" \
        "--format jfr" "--summary" "--agg count()by(comm,line)stack()" "--filter write&&ns>100 --stacks"; do
        # shellcheck disable=SC2086 # options are words
        outcome "$faultline" trace --seed 1 $mode -o "$work/trace" "$@"
        check "$label under $mode" "$work/plain" "$work/out"
    done
    outcome "$faultline" trace --seed 1 --on-full wait -e fault,sched --format jsonl -o "$work/trace" "$@"
    set -- $(faults "$work/trace")
    compared=$((compared + 1))
    if [ "$1" != "$2" ] || [ "$1" = 0 ]; then
        echo "DIFFERENT: $label traced $1 faults, its tasks counted $2"
        failed=$((failed + 1))
    fi
    echo "$label: $1 faults"
}

live() { # program: on a terminal that script(1) makes, the guest's output in a file
    command -v script > /dev/null || return
    outcome "$faultline" run --seed 1 sh -c "exec $1"
    cp "$work/out" "$work/plain"
    printf 'stty rows 30 cols 100\nexec %s trace --live --seed 1 sh -c "exec %s > %s"\n' \
        "$faultline" "$PWD/$1" "$work/live" > "$work/command"
    timeout 120 script -qec "sh $work/command" /dev/null > "$work/screen" < /dev/null
    echo "status $?" >> "$work/live"
    check "$1 under --live" "$work/plain" "$work/live"
    compared=$((compared + 1))
    if ! grep -q "faults/s" "$work/screen"; then
        echo "DIFFERENT: $1 shows no live view"
        failed=$((failed + 1))
    fi
}

[ $# -gt 0 ] || set -- $(find testbins/target/bin -type f ! -name '*.*' -printf '%f\n' | sort) live sqlite3 pipeline
for name in "$@"; do
    case $name in
    compute | memory | operations | startup | mm_fuzz | many_faults) ;; # take long
    epoll_rules | turns | aio) ;; # with a seed, exclusive waiters, nice values and asynchronous polls are not as on Linux (README)
    owner_signals) ;; # with a seed, what the host tells of a directory comes at another place each time (README)
    racy_counter) ;; # prints the virtual time, which differs by the few blocks that stops at faults divide
    live) live testbins/target/bin/hello ;;
    sqlite3)
        modes sqlite3 sqlite3 :memory: "create table t(a, b); with recursive n(i) as (select 1 union all select i + 1
            from n where i < 5000) insert into t select i, i * i from n; select count(*), sum(b) from t;"
        ;;
    pipeline) modes "a pipeline" sh -c 'seq 1 2000 | sort -n | sed "s/1/one/" | tail -n 3; (exit 7)' ;;
    *)
        [ -x "testbins/target/bin/$name" ] || { echo "trace-modes: there is no program $name" >&2; exit 2; }
        modes "$name" "testbins/target/bin/$name"
        ;;
    esac
done
echo "$compared compared, $failed different"
[ "$failed" = 0 ]

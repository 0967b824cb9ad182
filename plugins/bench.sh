#!/bin/sh
# bench.sh [guest|jmh]: what probes and traces cost; both parts in less than six minutes.
#
#   guest  whole runs, from start to end, of a guest with 100,000 page faults: plain and traced in turn, so that a busy
#          machine disturbs all alike. Best and median of $ROUNDS (default 7), milliseconds
#   jmh    the fault path alone: plain, woven and detached, counted, traced. Nanoseconds a fault
cd "$(dirname "$0")/.." || exit 1
faultline=./faultline
guest=testbins/target/bin/many_faults
rounds=${ROUNDS:-7}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# Adds the milliseconds that a command takes to the list of the name $1.
wall() {
    name=$1
    shift
    start=$(date +%s%N)
    "$@" > /dev/null || echo "bench: $* failed" >&2
    end=$(date +%s%N)
    printf '%s\t%d\n' "$name" $(((end - start) / 1000000)) >> "$work/times"
}

guests() {
    sh testbins/build.sh || exit 1
    # the first run of each kind prepares its fast start
    $faultline run $guest > /dev/null || exit 1
    $faultline trace --format jsonl -o "$work/trace" $guest > /dev/null || exit 1
    for _ in $(seq "$rounds"); do
        wall "run" $faultline run $guest
        wall "trace --format jsonl" $faultline trace --format jsonl -o "$work/trace" $guest
        wall "trace --format text" $faultline trace --format text -o "$work/trace" $guest
        wall "trace --format perfetto" $faultline trace --format perfetto -o "$work/trace" $guest
        wall "trace --format pprof" $faultline trace --format pprof -o "$work/trace" $guest
        wall "trace --summary" $faultline trace --summary -o "$work/trace" $guest
        wall "trace --agg 'count() by(path)'" $faultline trace --agg 'count() by(path)' -o "$work/trace" $guest
    done
    sort -t "$(printf '\t')" -k 1,1 -k 2,2n "$work/times" | awk -F '\t' '
        { if (!($1 in count)) name[++names] = $1; time[$1, ++count[$1]] = $2 }
        END {
            printf "%-34s %8s %8s %8s %8s\n", "milliseconds, start to end", "best", "/run", "median", "/run"
            for (i = 1; i <= names; i++) {
                n = name[i]; middle = int((count[n] + 1) / 2); plain = int((count["run"] + 1) / 2)
                printf "%-34s %8d %8.2f %8d %8.2f\n", n, time[n, 1], time[n, 1] / time["run", 1],
                    time[n, middle], time[n, middle] / time["run", plain]
            }
        }'
}

# The worlds in turn, $FORKS (default 4) times: the code that a fresh JVM compiles differs by some per cent from that of
# the JVM before. All iterations of all forks count as one list a world; the error that JMH prints is of a busy machine,
# the best is not.
jmh() {
    for _ in $(seq "${FORKS:-4}"); do
        ./mvnw -B ${FAULTLINE_MAVEN_OPTIONS:-} -Pbench -pl testbins,mmu,emulator,plugins -DskipTests \
            -Dbench=FaultProbeBenchmark "-Dbench.args=-f 1 -wi 4 -i 5 -w 1 -r 1" test > "$work/jmh" 2>&1 \
            || { tail -n 20 "$work/jmh" >&2; exit 1; }
        awk '/^# Parameters:/ { world = $5; sub(/\)/, "", world) }
            /^Iteration/ { sub(/ns\/op.*/, ""); print world "\t" $NF }' "$work/jmh" >> "$work/worlds"
    done
    for world in PLAIN DETACHED ALL_DETACHED COUNT JSONL; do grep "^$world	" "$work/worlds" | sort -k 2n; done | awk -F '\t' '
        { if (!($1 in count)) name[++names] = $1; time[$1, ++count[$1]] = $2 }
        END {
            printf "%-34s %8s %8s %8s %8s\n", "nanoseconds a fault", "best", "/PLAIN", "median", "/PLAIN"
            for (i = 1; i <= names; i++) {
                n = name[i]; middle = int((count[n] + 1) / 2)
                printf "%-34s %8.1f %8.3f %8.1f %8.3f\n", n, time[n, 1], time[n, 1] / time["PLAIN", 1],
                    time[n, middle], time[n, middle] / time["PLAIN", int((count["PLAIN"] + 1) / 2)]
            }
        }'
}

case ${1:-all} in
guest) guests ;;
jmh) jmh ;;
all) guests && jmh ;;
*) echo "usage: bench.sh [guest|jmh]" >&2; exit 2 ;;
esac

#!/bin/sh
# stress.sh [STRESSOR...]: runs stressors of stress-ng (Debian: stress-ng) natively and in Faultline, with --verify and a bounded
# number of operations, and prints a line each: name, exit status and seconds natively, the same in Faultline. What does not
# pass natively is not run. Ends with the number that passed natively and not in Faultline.
home=$(cd "$(dirname "$0")/../../../.." && pwd -P) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1
command -v stress-ng > /dev/null || { echo "stress.sh: stress-ng is not installed" >&2; exit 1; }

# Those that stress memory, and making and ending processes, which copies it.
[ $# -gt 0 ] || set -- bad-altstack bigheap brk clone context dev-shm env fault fork full futex list lockbus madvise malloc \
    mcontend membarrier memcpy memfd memrate memthrash mincore misaligned mlock mmap mmapaddr mmapfixed mmapfork mmaphuge \
    mmapmany mprotect mremap msync msyncmany munmap null numa pagemove pageswap pipe pipeherd pthread randlist remap \
    resources rmap sem shm shm-sysv sigsegv stack stackmmap stream swap tlb-shootdown userfaultfd vfork vforkmany vm vm-addr \
    vm-rw vm-segv vm-splice zero

# How much of it: a few operations on a few megabytes.
operations() {
    case $1 in
    brk | clone | fork | futex | madvise | mlock | mprotect | null | pipe | pthread | sigsegv | vfork | zero) echo 50 ;;
    dev-shm | mcontend | memrate | misaligned | mmapfork | mmapmany | pipeherd | sem | stack | stream | vforkmany) echo 1 ;;
    *) echo 20 ;;
    esac
}

size() {
    case $1 in
    malloc | memfd | mmap | mremap | msync | pagemove | vm | vm-rw | vm-splice) echo "--$1-bytes 4m" ;;
    bigheap) echo "--bigheap-growth 64k" ;;
    shm) echo "--shm-bytes 4m --shm-objs 4" ;;
    shm-sysv) echo "--shm-sysv-bytes 1m --shm-sysv-segs 4" ;;
    userfaultfd) echo "--userfaultfd-bytes 1m" ;;
    esac
}

# run SECONDS LAUNCHER... STRESSOR, and says status and time.
run() {
    limit=$1
    shift
    start=$(date +%s.%N)
    # shellcheck disable=SC2046 # options are words
    timeout $((limit + 70)) "$@" --verify --timeout "$limit" > log 2>&1
    status=$?
    seconds=$(echo "$(date +%s.%N) $start" | awk '{ printf "%.1f", $1 - $2 }')
}

failed=0
for stressor in "$@"; do
    options="--$stressor 1 --$stressor-ops $(operations "$stressor") $(size "$stressor")"
    # shellcheck disable=SC2086 # options are words
    run 30 stress-ng $options
    if [ $status != 0 ]; then
        echo "$stressor $status $seconds not run: $(grep -E 'fail|error|info' log | tail -n 1 | cut -c 1-100)"
        continue
    fi
    natively=$seconds
    # shellcheck disable=SC2086
    run 30 "$home/faultline" run --mem 4G "$(command -v stress-ng)" $options
    echo "$stressor 0 $natively $status $seconds"
    if [ $status != 0 ]; then
        failed=$((failed + 1))
        grep -E 'fail|error' log | head -n 3
    fi
done
echo "$failed failed in Faultline"
[ $failed = 0 ]

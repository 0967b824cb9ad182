# Sourced by acceptance.sh: programs of many processes and threads. Uses $work, $home, compare and have.

shell_scripts() {
    cat > "$work/files/posix.sh" <<'SCRIPT'
echo one two three | tr ' ' '\n' | sort -r | while read -r w; do echo "<$w>"; done
cat <<EOF
here $(echo document) $((6 * 7)) $(printf '%s' "$(echo nested)")
EOF
cat <<'EOF' | sed 's/\$/D/'
no $expansion
EOF
(sleep 0.05; exit 3) & p=$!
trap 'echo got USR1' USR1
kill -USR1 $$
wait $p; echo "status $?"
trap 'echo exit trap' EXIT
x=$(for i in 1 2 3; do echo $i; done | paste -s -d + -)
echo "$x $((x))"
f() { return 5; }
f; echo $?
if ! false | true; then echo no; else echo yes; fi
sleep 10 & kill $!; wait $! 2> /dev/null; echo "killed $?"
(trap '' TERM; sh -c 'kill -TERM $PPID'; echo survived)
sh -c 'kill -SEGV $$'; echo "died $?"
echo a b c > f.txt; while read -r a b; do echo "$b"; done < f.txt; rm f.txt
exec 3> out.txt; echo via3 >&3; exec 3>&-; cat out.txt
seq 1 2000 | sed -n '$p' | (read -r n; echo "last $n")
yes | head -n 3; mkfifo pipe; (echo through a fifo > pipe &) ; cat pipe; rm pipe
exit 9
SCRIPT
    cat > "$work/files/bash.sh" <<'SCRIPT'
set -o pipefail
false | true; echo "pipefail $?" "${PIPESTATUS[@]}"
(sleep 0.6; exit 1) & (sleep 0.1; exit 2) &
wait -n; echo "first $?"; wait -n; echo "second $?"; wait -n; echo "none $?"
coproc CP { while read -r l; do echo "co:$l"; done; }
echo hello >&"${CP[1]}"; read -r -u "${CP[0]}" r; echo "$r"
cpid=$CP_PID; exec {CP[1]}>&-; wait "$cpid"; echo "coproc $?"
diff <(echo a) <(echo b); echo "diff $?"
declare -A m=([x]=1 [y]=2); for k in x y; do echo "$k=${m[$k]}"; done
mapfile -t arr < <(seq 5); echo "${#arr[@]} ${arr[4]}"
trap 'echo ERR' ERR; false; trap - ERR
read -r -t 0.05 v < <(sleep 0.5); echo "timed out $(($? > 128))"
pids=(); for i in {1..20}; do (exit "$i") & pids+=($!); done
s=0; for j in "${pids[@]}"; do wait "$j"; s=$((s + $?)); done; echo "sum $s"
printf '%s\n' {a..e} | tee >(wc -l > lines) | tail -n 1
set -m; sleep 0.05 & fg %1 > /dev/null; echo "fg $?"
[[ abc123 =~ ([a-z]+)([0-9]+) ]] && echo "${BASH_REMATCH[2]}"
exec 5<> <(:); echo "{$(ulimit -c 0; ulimit -c)}"
trap 'echo bye; exit 4' TERM; kill $$; echo not reached
SCRIPT
    for shell in bash-static /bin/bash; do
        have "$shell" bash-static && compare "$shell, POSIX script" "$(command -v $shell)" posix.sh \
            && compare "$shell, bash script" "$(command -v $shell)" bash.sh
    done
    compare "sh, POSIX script" /bin/sh posix.sh
    find_busybox && compare "busybox sh, POSIX script" "$busybox" sh posix.sh
}

building() {
    have make && have gcc || return
    mkdir -p "$work/files/build"
    cat > "$work/files/build/Makefile" <<'MAKE'
OBJECTS = main.o a.o b.o c.o
program: $(OBJECTS)
	$(CC) -o $@ $(OBJECTS)
%.o: %.c all.h
	$(CC) -O1 -g0 -c -o $@ $<
MAKE
    echo 'int a(int), b(int), c(int);' > "$work/files/build/all.h"
    for f in a b c; do
        printf '#include "all.h"\n#include <stdlib.h>\nint %s(int x) { return x * %d + abs(-x); }\n' $f "$(printf %d "'$f")"
    done | awk -v dir="$work/files/build" '/all.h/ { n++ } { print > dir "/" substr("abc", n, 1) ".c" }'
    printf '#include "all.h"\n#include <stdio.h>\nint main(void) { printf("%%d\\n", a(1) + b(2) + c(3)); return 3; }\n' \
        > "$work/files/build/main.c"
    # Two jobs end in any order: the commands are shown sorted.
    compare "make -j2 of a C program with gcc" /bin/sh -c 'make -s -C build -j2 CC=gcc && build/program'
}

versioning() {
    have git || return
    cat > "$work/files/git.sh" <<'SCRIPT'
set -e
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git init -q -b main repository; cd repository
seq 1 1000 > one; mkdir d; seq 5 > d/two
git add .; git commit -q -m first
seq 1 3 1000 > one; git rm -q d/two; git add -A; git commit -q -m second
git log --stat; git diff HEAD~1 --stat; git gc -q; git fsck
git checkout -q -b other HEAD~1; git log --oneline --all; git status --short; git cat-file -p 'HEAD^{tree}'
git merge -q main -m merged; git show --format=%H -s
cd ..; rm -rf repository
SCRIPT
    compare "git init, commit, log, gc, merge" /bin/sh git.sh
}

# The interpreter whose library has its own tests, if any.
python_with_tests() {
    for python in /usr/bin/python3 "$(command -v python3)"; do
        "$python" -c 'import test.test_queue, sys; print(sys.executable)' 2> /dev/null && return
    done
    return 1
}

unit_tests() {
    python=$(python_with_tests) || { echo "skipped   python3 has no test modules (Debian: libpython3-testsuite)"; return; }
    cat > "$work/files/unit.sh" <<'SCRIPT'
"$1" -m unittest "test.$2" > log 2>&1
status=$?
sed -n -e 's/^\(Ran [0-9]* tests*\).*/\1/p' -e '/^OK/p' -e '/^FAILED/p' -e '/^ERROR: /p' -e '/^FAIL: /p' log
rm log
exit $status
SCRIPT
    for module in ${FAULTLINE_PYTHON_TESTS:-test_queue test_thread test_fork1 test_wait4 test_popen test_mmap test_select \
        test_threading test_signal}; do
        compare "python3 -m unittest test.$module" /bin/sh unit.sh "$python" "$module"
    done
}

# A server in Faultline, its clients on the host.
serving() {
    have redis-server redis && have redis-benchmark redis-tools || return
    port=$((20000 + $$ % 20000))
    (cd "$work" && exec "$home/faultline" run redis-server --port $port --save '' --appendonly no) > "$work/redis.log" 2>&1 &
    server=$!
    for _ in $(seq 100); do
        redis-cli -p $port ping 2> /dev/null | grep -q PONG && break
        sleep 0.2
    done
    timeout 300 redis-benchmark -p $port -n 20000 -q -t set,get,incr,lpush > "$work/redis.out" 2>&1
    status=$?
    keys=$(redis-cli -p $port dbsize)
    redis-cli -p $port shutdown nosave > /dev/null 2>&1
    wait $server
    ended=$?
    compared=$((compared + 1))
    if [ $status = 0 ] && [ $ended = 0 ] && [ "${keys:-0}" -gt 0 ]; then
        echo "same      redis-server, redis-benchmark -n 20000 from the host:" \
            "$(tr '\r' '\n' < "$work/redis.out" | sed -n 's/^\([A-Z]*\): \([0-9.]*\) requests.*/\1 \2\/s/p' | tr '\n' ' ')"
    else
        echo "DIFFERENT redis-server: benchmark ended with $status, $keys keys"
        tail -n 3 "$work/redis.log"
        differences=$((differences + 1))
    fi
}

compiled() {
    if have go golang-go; then
        mkdir -p "$work/go" && cat > "$work/go/threads.go" <<'GO'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

func main() {
	runtime.GOMAXPROCS(4)
	var mutex sync.Mutex
	var group sync.WaitGroup
	total := 0
	results := make(chan int, 16)
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			for k := 0; k < 2000; k++ {
				mutex.Lock()
				total += n * k
				mutex.Unlock()
			}
			results <- n
		}(i)
	}
	go func() { group.Wait(); close(results) }()
	sum := 0
	for n := range results {
		sum += n
	}
	fmt.Println(total, sum)
	for i := 0; i < 100; i++ {
		garbage := make([]byte, 1<<20)
		garbage[i] = 1
	}
	runtime.GC()
	select {
	case <-time.After(10 * time.Millisecond):
		fmt.Println("timer")
	}
	out, err := exec.Command("/bin/echo", "from a child").Output()
	fmt.Print(string(out), err, "\n")
	func() {
		defer func() { fmt.Println("recovered", recover()) }()
		var p *int
		*p = 1
	}()
	os.Exit(7)
}
GO
        (cd "$work/go" && GOCACHE="$work/go/cache" GO111MODULE=off go build -o threads threads.go) \
            && compare "a Go program with goroutines" "$work/go/threads"
    fi
    if have rustc; then
        cat > "$work/threads.rs" <<'RUST'
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

fn main() {
    let total = Arc::new(Mutex::new(0u64));
    let (sender, receiver) = mpsc::channel();
    let threads: Vec<_> = (0..4u64)
        .map(|i| {
            let (total, sender) = (Arc::clone(&total), sender.clone());
            thread::spawn(move || {
                for k in 0..2000 {
                    *total.lock().unwrap() += k * i;
                }
                sender.send(i).unwrap();
            })
        })
        .collect();
    drop(sender);
    let mut got: Vec<u64> = receiver.iter().collect();
    got.sort();
    for thread in threads {
        thread.join().unwrap();
    }
    println!("{} {:?}", *total.lock().unwrap(), got);
    println!("panicked: {}", thread::spawn(|| panic!("on purpose")).join().is_err());
    std::process::exit(6);
}
RUST
        rustc -O -o "$work/threads" "$work/threads.rs" && compare "a Rust program with threads" "$work/threads"
    fi
}

suites() {
    shell_scripts
    building
    versioning
    compiled
    serving
    unit_tests
}

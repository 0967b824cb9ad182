#!/bin/sh
# performance.sh [JMH OPTION...]: measures what docs/performance.md shows, beside what the host's kernel takes in the same run, and
# prints the table. Takes six minutes.
cd "$(dirname "$0")/.." || exit 1
sh testbins/build.sh || exit 1
exec ./mvnw -q -Pbench -pl mmu test-compile exec:exec -Dbench.main=faultline.mmu.bench.PerformanceTable \
    -Dbench.args="-f 1 -wi 3 -i 5 -w 1 -r 1 $*"

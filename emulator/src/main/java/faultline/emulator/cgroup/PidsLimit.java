package faultline.emulator.cgroup;

import faultline.mmu.annotation.KernelFunction;

/** How many tasks a group and those below it may have. Guarded by the hierarchy's monitor. */
@KernelFunction(value = "struct pids_cgroup", file = "kernel/cgroup/pids.c")
final class PidsLimit {
    private long max = Cgroup.NO_LIMIT;
    private long peak;
    private long refused;

    long max() {
        return max;
    }

    void setMax(long tasks) {
        max = tasks;
    }

    /** Remembers how many there were. */
    void note(long tasks) {
        peak = Math.max(peak, tasks);
    }

    long peak() {
        return peak;
    }

    /** Forks refused for this limit. */
    long refused() {
        return refused;
    }

    void refuse() {
        refused++;
    }
}

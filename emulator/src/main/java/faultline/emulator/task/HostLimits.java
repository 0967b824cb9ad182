package faultline.emulator.task;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Resource limits of the host's process: what the guest's first process starts with, and room for the emulator.
 *
 * <p>All processes of the guest keep their descriptors in one table of the host's, so the emulator needs more of them
 * than any single process may have.
 */
final class HostLimits {
    /** What Linux allows an unconfigured host (fs.nr_open). */
    private static final long NR_OPEN = 1 << 20;

    /** How many processes can have as many descriptors as they may. */
    private static final int PROCESSES = 4;

    private static final long STACK_LIMIT = 8L << 20;
    private static final long MEMLOCK_LIMIT = 8L << 20;
    private static final long NOFILE_LIMIT = 1024;

    private HostLimits() {}

    /** The host process' limits; with a seed the soft ones of a fresh system. */
    static Rlimits read(boolean seeded) {
        Rlimits limits = new Rlimits();
        if (seeded) {
            limits.set(Rlimits.STACK, STACK_LIMIT, Rlimits.INFINITY);
            limits.set(Rlimits.CORE, 0, Rlimits.INFINITY);
            limits.set(Rlimits.NOFILE, NOFILE_LIMIT, NR_OPEN);
            limits.set(Rlimits.MEMLOCK, MEMLOCK_LIMIT, MEMLOCK_LIMIT);
            return limits;
        }
        MemorySegment pair = HostScratch.get().struct();
        for (int i = 0; i < Rlimits.COUNT; i++) {
            if (Libc.call(Nr.PRLIMIT64, 0, i, 0, pair.address()) == 0) {
                limits.set(i, pair.get(ValueLayout.JAVA_LONG, 0), pair.get(ValueLayout.JAVA_LONG, 8));
            }
        }
        shareDescriptors(limits);
        return limits;
    }

    /**
     * Lets the emulator have as many descriptors as the host gives it (beyond the hard limit with CAP_SYS_RESOURCE,
     * else up to it) and a process of the guest a quarter of them at most.
     */
    private static void shareDescriptors(Rlimits limits) {
        long hard = limits.hard(Rlimits.NOFILE);
        boolean raised = Long.compareUnsigned(hard, NR_OPEN) < 0 && setDescriptors(NR_OPEN);
        if (!raised) {
            setDescriptors(hard);
        }
        long share = (raised || Long.compareUnsigned(hard, NR_OPEN) >= 0 ? NR_OPEN : hard) / PROCESSES;
        if (Long.compareUnsigned(share, hard) < 0) {
            limits.set(Rlimits.NOFILE, unsignedMin(limits.soft(Rlimits.NOFILE), share), share);
        }
    }

    private static long unsignedMin(long a, long b) {
        return Long.compareUnsigned(a, b) < 0 ? a : b;
    }

    private static boolean setDescriptors(long limit) {
        MemorySegment pair = HostScratch.get().struct();
        pair.set(ValueLayout.JAVA_LONG, 0, limit);
        pair.set(ValueLayout.JAVA_LONG, 8, limit);
        return Libc.call(Nr.PRLIMIT64, 0, Rlimits.NOFILE, pair.address(), 0) == 0;
    }
}

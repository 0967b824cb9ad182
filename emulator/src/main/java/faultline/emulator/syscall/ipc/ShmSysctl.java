package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Sysctl;
import faultline.mmu.Errno;

/**
 * The settings of segments: /proc/sys/kernel/shmmax, shmall, shmmni, shm_rmid_forced, shm_next_id. Fields: any thread.
 */
public final class ShmSysctl implements Sysctl {
    /** What a fresh kernel has for shmmax and shmall: as good as no limit. */
    private static final long UNLIMITED = -1L - (1L << 24);

    private final ShmTable table;

    /** Most bytes of one segment, unsigned. */
    volatile long shmmax = UNLIMITED;

    /** Most pages of all segments, unsigned. */
    volatile long shmall = UNLIMITED;

    /** Most segments. */
    volatile int shmmni = 4096;

    /** Whether segments go with their last attachment, or with the process that made them. */
    volatile boolean rmidForced;

    private int nextId = -1;

    ShmSysctl(ShmTable table) {
        this.table = table;
    }

    /** The id that the next segment is to have, once; -1 for any. */
    synchronized int takeNextId() {
        int id = nextId;
        nextId = -1;
        return id;
    }

    @Override
    public synchronized String get(String name) {
        return switch (name) {
            case "kernel/shmmax" -> Long.toUnsignedString(shmmax);
            case "kernel/shmall" -> Long.toUnsignedString(shmall);
            case "kernel/shmmni" -> Integer.toString(shmmni);
            case "kernel/shm_rmid_forced" -> rmidForced ? "1" : "0";
            case "kernel/shm_next_id" -> Integer.toString(nextId);
            default -> null;
        };
    }

    @Override
    public long set(String name, String value) {
        switch (name) {
            case "kernel/shmmax" -> shmmax = Long.parseUnsignedLong(value);
            case "kernel/shmall" -> shmall = Long.parseUnsignedLong(value);
            default -> {
                return setInt(name, Integer.parseInt(value));
            }
        }
        return 0;
    }

    private long setInt(String name, int value) {
        int most =
                switch (name) {
                    case "kernel/shmmni" -> IpcIds.MOST_INDEX;
                    case "kernel/shm_rmid_forced" -> 1;
                    default -> Integer.MAX_VALUE;
                };
        if (value < 0 || value > most) {
            return -Errno.EINVAL;
        }
        switch (name) {
            case "kernel/shmmni" -> shmmni = value;
            case "kernel/shm_rmid_forced" -> {
                rmidForced = value != 0;
                if (rmidForced) {
                    table.destroyOrphaned();
                }
            }
            default -> {
                synchronized (this) {
                    nextId = value;
                }
            }
        }
        return 0;
    }
}

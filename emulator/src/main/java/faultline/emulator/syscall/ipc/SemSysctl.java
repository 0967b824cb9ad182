package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Sysctl;
import faultline.mmu.Errno;

/** The settings of semaphores: /proc/sys/kernel/sem and sem_next_id. Guarded by the table's monitor. */
public final class SemSysctl implements Sysctl {
    private static final String LIMITS = "kernel/sem";
    private static final String NEXT_ID = "kernel/sem_next_id";

    private final SemTable table;

    /** Most semaphores of one set. */
    int semmsl = 32000;

    /** Most semaphores of all sets. */
    int semmns = 1_024_000_000;

    /** Most operations of one call. */
    int semopm = 500;

    /** Most sets. */
    int semmni = 32000;

    private int nextId = -1;

    SemSysctl(SemTable table) {
        this.table = table;
    }

    /** The id that the next set is to have, once; -1 for any. */
    int takeNextId() {
        int id = nextId;
        nextId = -1;
        return id;
    }

    @Override
    public String get(String name) {
        synchronized (table) {
            return switch (name) {
                case LIMITS -> semmsl + "\t" + semmns + "\t" + semopm + "\t" + semmni;
                case NEXT_ID -> Integer.toString(nextId);
                default -> null;
            };
        }
    }

    /** Of the limits, sets as many as there are numbers. */
    @Override
    public long set(String name, String value) {
        String[] words = value.strip().split("\\s+");
        synchronized (table) {
            if (name.equals(NEXT_ID)) {
                int id = Integer.parseInt(words[0]);
                if (id < 0) {
                    return -Errno.EINVAL;
                }
                nextId = id;
                return 0;
            }
            int[] limits = {semmsl, semmns, semopm, semmni};
            for (int i = 0; i < words.length && i < limits.length; i++) {
                limits[i] = Integer.parseInt(words[i]);
            }
            semmsl = limits[0];
            semmns = limits[1];
            semopm = limits[2];
            if (limits[3] < 0 || limits[3] > IpcIds.MOST_INDEX) {
                return -Errno.ERANGE;
            }
            semmni = limits[3];
            return 0;
        }
    }
}

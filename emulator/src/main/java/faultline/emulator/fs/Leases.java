package faultline.emulator.fs;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.annotation.KernelFunction;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Leases of the guest on files (fcntl(F_SETLEASE)): the host's, who signals the emulator when somebody wants the file.
 *
 * <p>That signal does not say which lease is meant: the host is asked about each, and tells another type than was set
 * for one that is to be given up.
 */
public final class Leases {
    private static final int F_SETLEASE = 1024;
    private static final int F_GETLEASE = 1025;
    private static final int F_UNLCK = 2;

    private record Held(OpenFile file, long type, Runnable onBreak) {}

    /** Guards itself. */
    private final List<Held> held = new ArrayList<>();

    /**
     * Takes, changes or gives up a lease.
     *
     * @param file one of the host's
     * @param type F_RDLCK, F_WRLCK or F_UNLCK
     * @param onBreak called, on any thread, when somebody wants the file
     * @return 0 or -errno
     */
    @KernelFunction(value = "fcntl_setlease", file = "fs/locks.c")
    public long set(OpenFile file, int type, Runnable onBreak) {
        synchronized (held) {
            long result = Libc.call(Nr.FCNTL, file.hostFd(), F_SETLEASE, type);
            if (result == 0) {
                held.removeIf(lease -> lease.file == file);
                if (type != F_UNLCK) {
                    held.add(new Held(file, type, onBreak));
                }
            }
            return result;
        }
    }

    /** The host has signalled that somebody wants one of the files. Any thread. */
    public void broken() {
        List<Runnable> told = new ArrayList<>();
        synchronized (held) {
            for (Iterator<Held> it = held.iterator(); it.hasNext(); ) {
                Held lease = it.next();
                if (!lease.file.tryGet()) {
                    // closed since: the lease went with it
                    it.remove();
                    continue;
                }
                if (Libc.call(Nr.FCNTL, lease.file.hostFd(), F_GETLEASE, 0) != lease.type) {
                    told.add(lease.onBreak);
                }
                lease.file.put();
            }
        }
        told.forEach(Runnable::run);
    }
}

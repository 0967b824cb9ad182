package faultline.emulator.task;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.annotation.KernelFunction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The ids that the calling thread acts with. Who changes them has seen what the new user may not: the process is no
 * longer open to that user's debuggers, and its parent may not have it killed.
 *
 * @param user the effective user
 * @param group the effective group
 * @param fsUser whose files it may open
 * @param fsGroup the group whose files it may open
 */
public record ActingIds(int user, int group, int fsUser, int fsGroup) {
    private static final Path SUID_DUMPABLE = Path.of("/proc/sys/fs/suid_dumpable");
    private static final int UNCHANGED = -1;

    /** Those of the calling thread. */
    public static ActingIds ofThread() {
        return new ActingIds(
                (int) Libc.call(Nr.GETEUID), (int) Libc.call(Nr.GETEGID), (int) Libc.call(Nr.SETFSUID, UNCHANGED), (int)
                        Libc.call(Nr.SETFSGID, UNCHANGED));
    }

    /** To be called when the thread of {@code process} that had these ids may have others. */
    @KernelFunction(value = "commit_creds", file = "kernel/cred.c")
    public void changed(Process process) {
        if (!equals(ofThread())) {
            process.setDumpable(suidDumpable());
            process.setParentDeathSignal(0);
        }
    }

    /**
     * A program begins in the calling thread: saved ids and those for files become the effective ones. A process is
     * open to its user again, unless it acts as another than whose it is.
     */
    @KernelFunction(value = "begin_new_exec", file = "fs/exec.c")
    static void exec(Process process) {
        ActingIds before = ofThread();
        Libc.call(Nr.SETRESGID, UNCHANGED, before.group, before.group);
        Libc.call(Nr.SETRESUID, UNCHANGED, before.user, before.user);
        boolean own = Libc.call(Nr.GETUID) == before.user && Libc.call(Nr.GETGID) == before.group;
        process.setDumpable(own ? 1 : suidDumpable());
        if (!own) {
            process.setParentDeathSignal(0);
        }
        before.changed(process);
    }

    /** What the host's administrator wants of such processes: 0, 1 or 2. */
    private static int suidDumpable() {
        try {
            return Integer.parseInt(Files.readString(SUID_DUMPABLE).strip());
        } catch (IOException | NumberFormatException e) {
            return 0; // what Linux has before anybody says otherwise
        }
    }
}

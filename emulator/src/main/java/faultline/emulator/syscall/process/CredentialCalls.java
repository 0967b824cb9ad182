package faultline.emulator.syscall.process;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.ActingIds;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Users, groups and capabilities: the host's.
 *
 * <p>Credentials belong to a thread in Linux, and a task is a host thread: the raw calls change exactly what the guest
 * means, and the task's file accesses then happen with these credentials. A new task's thread inherits them from the
 * thread that starts it, as clone does.
 */
final class CredentialCalls implements SyscallFamily {
    private static final int GROUPS_MOST = 1024;
    /** Stands for a task that runs nothing: what the host tells of its own process 1. */
    private static final int HOST_INIT = 1;

    private static final int CAPABILITY_HEADER = 8;
    private static final int CAPABILITY_DATA = 24;

    @Override
    public void register(SyscallTable table) {
        for (int nr : new int[] {Nr.GETUID, Nr.GETEUID, Nr.GETGID, Nr.GETEGID}) {
            table.register(nr, table.name(nr), (task, a0, a1, a2, a3, a4, a5) -> Libc.call(nr, a0, a1, a2));
        }
        int[] changes = {
            Nr.SETUID, Nr.SETREUID, Nr.SETRESUID, Nr.SETFSUID, Nr.SETGID, Nr.SETREGID, Nr.SETRESGID, Nr.SETFSGID
        };
        for (int nr : changes) {
            table.register(nr, table.name(nr), (task, a0, a1, a2, a3, a4, a5) -> {
                ActingIds before = ActingIds.ofThread();
                long result = Libc.call(nr, a0, a1, a2);
                task.noteCredentials();
                before.changed(task.process());
                return result;
            });
        }
        for (int nr : new int[] {Nr.GETRESUID, Nr.GETRESGID}) {
            table.register(nr, table.name(nr), (task, real, effective, saved, a3, a4, a5) -> {
                MemorySegment ids = HostScratch.get().struct();
                long at = ids.address();
                long result = Libc.call(nr, at, at + 4, at + 8);
                if (result == 0) {
                    task.user().write(real, ids, 0, 4);
                    task.user().write(effective, ids, 4, 4);
                    task.user().write(saved, ids, 8, 4);
                }
                return result;
            });
        }
        table.register(Nr.GETGROUPS, "getgroups", CredentialCalls::getGroups);
        table.register(Nr.SETGROUPS, "setgroups", CredentialCalls::setGroups);
        table.register(Nr.CAPGET, "capget", (task, a0, a1, a2, a3, a4, a5) -> capability(task, Nr.CAPGET, a0, a1));
        table.register(Nr.CAPSET, "capset", (task, a0, a1, a2, a3, a4, a5) -> capability(task, Nr.CAPSET, a0, a1));
    }

    private static long getGroups(Task task, long size, long list, long a2, long a3, long a4, long a5) {
        if ((int) size < 0) {
            return -Errno.EINVAL;
        }
        MemorySegment groups = HostScratch.get().struct();
        long count = Libc.call(Nr.GETGROUPS, Math.min(size, GROUPS_MOST), groups.address());
        if (count > 0 && size > 0) {
            task.user().write(list, groups, 0, 4 * count);
        }
        return count;
    }

    private static long setGroups(Task task, long size, long list, long a2, long a3, long a4, long a5) {
        if ((int) size < 0 || size > GROUPS_MOST) {
            return -Errno.EINVAL;
        }
        MemorySegment groups = HostScratch.get().struct();
        task.user().read(list, groups, 0, 4 * size);
        return Libc.call(Nr.SETGROUPS, size, groups.address());
    }

    /** An id in the header means the guest's; anybody's capabilities may be looked at, only one's own changed. */
    private static long capability(Task task, int nr, long header, long data) {
        MemorySegment block = HostScratch.get().struct();
        task.user().read(header, block, 0, CAPABILITY_HEADER);
        int pid = block.get(ValueLayout.JAVA_INT, 4);
        boolean own = pid == task.tid();
        block.set(ValueLayout.JAVA_INT, 4, own ? 0 : pid <= 0 ? pid : hostId(task, pid));
        long at = block.address() + 64;
        if (nr == Nr.CAPSET) {
            task.user().read(data, block, 64, CAPABILITY_DATA);
        }
        long result = Libc.call(nr, block.address(), data == 0 ? 0 : at);
        // the kernel tells its preferred version through the header, also when it fails
        task.user().write(header, block, 0, 4);
        if (result == 0 && nr == Nr.CAPGET && data != 0) {
            task.user().write(data, block, 64, CAPABILITY_DATA);
        }
        return result;
    }

    /** The host's thread of another task; an id that nobody has where there is none. */
    private static int hostId(Task task, int pid) {
        Task target = task.kernel().tasks().get(pid);
        return target == null ? Integer.MAX_VALUE : target.hostTid() == 0 ? HOST_INIT : target.hostTid();
    }
}

package faultline.emulator.syscall.ipc;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemorySystem;

/** shmget, shmat, shmdt, shmctl. */
public final class ShmCalls implements SyscallFamily {
    private static final int SHM_RDONLY = 010000;
    private static final int SHM_RND = 020000;
    private static final int SHM_REMAP = 040000;
    private static final int SHM_EXEC = 0100000;

    private static final int S_IXUGO = 0111;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.SHMGET,
                "shmget",
                (task, key, size, flags, a3, a4, a5) -> shm(task).get(IpcOwner.of(task), (int) key, size, (int) flags));
        table.register(
                Nr.SHMAT,
                "shmat",
                (task, id, address, flags, a3, a4, a5) -> attach(task, shm(task), (int) id, address, (int) flags));
        table.register(
                Nr.SHMDT,
                "shmdt",
                (task, address, a1, a2, a3, a4, a5) -> task.kernel()
                        .memory()
                        .detachFile()
                        .run(task.mm(), address, file -> file instanceof ShmAttachment));
        table.register(
                Nr.SHMCTL,
                "shmctl",
                (task, id, command, buffer, a3, a4, a5) ->
                        ShmControl.run(task, shm(task), (int) id, (int) command, buffer));
    }

    private static ShmTable shm(Task task) {
        return task.kernel().shm();
    }

    @KernelFunction(value = "do_shmat", file = "ipc/shm.c")
    private static long attach(Task task, ShmTable table, int id, long address, int flags) {
        if (id < 0) {
            return -Errno.EINVAL;
        }
        long at = address;
        if (at != 0) {
            if (MmLayout.offsetInPage(at)) {
                if ((flags & SHM_RND) == 0) {
                    return -Errno.EINVAL;
                }
                at &= MmLayout.PAGE_MASK;
                if (at == 0 && (flags & SHM_REMAP) != 0) {
                    return -Errno.EINVAL;
                }
            }
        } else if ((flags & SHM_REMAP) != 0) {
            return -Errno.EINVAL;
        }
        boolean readOnly = (flags & SHM_RDONLY) != 0;
        int wanted = (readOnly ? IpcObject.S_IRUGO : IpcObject.S_IRUGO | IpcObject.S_IWUGO)
                | ((flags & SHM_EXEC) != 0 ? S_IXUGO : 0);
        ShmSegment segment;
        synchronized (table) {
            segment = table.idsLocked().find(id);
            if (segment == null) {
                return -Errno.EINVAL;
            }
            if (!segment.allows(IpcOwner.of(task), wanted)) {
                return -Errno.EACCES;
            }
            segment.attached++; // nobody destroys it while it is being mapped
        }
        ShmAttachment attachment = new ShmAttachment(table, segment, readOnly);
        try {
            return map(task, attachment, at, flags);
        } finally {
            release(table, segment);
        }
    }

    /** The caller's own count goes, which is no detachment. */
    private static void release(ShmTable table, ShmSegment segment) {
        synchronized (table) {
            segment.attached--;
            table.destroyIfUnusedLocked(segment);
        }
    }

    private static long map(Task task, ShmAttachment file, long at, int flags) {
        int prot = Prot.READ | (file.writable() ? Prot.WRITE : 0) | ((flags & SHM_EXEC) != 0 ? Prot.EXEC : 0);
        int how = MmapFlags.SHARED;
        if (at != 0) {
            how |= (flags & SHM_REMAP) != 0 ? MmapFlags.FIXED : MmapFlags.FIXED_NOREPLACE;
        }
        MemorySystem memory = task.kernel().memory();
        long size = file.mapping().size();
        if (at != 0 && (flags & SHM_REMAP) == 0 && Long.compareUnsigned(at + size, at) < 0) {
            return -Errno.EINVAL;
        }
        long result = memory.mmap().doMmap(task.mm(), task.fault(), at, size, prot, how, file, 0);
        return result == -Errno.EEXIST ? -Errno.EINVAL : result;
    }
}

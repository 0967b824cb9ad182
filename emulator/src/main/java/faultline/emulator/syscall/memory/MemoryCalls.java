package faultline.emulator.syscall.memory;

import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.DeviceMapping;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.op.Mincore;
import faultline.mmu.system.MemorySystem;

/** mmap and what hangs on it. */
public final class MemoryCalls implements SyscallFamily {
    /** mincore(2) reports in pieces of one page of the vector. */
    private static final int MINCORE_CHUNK = 4096;

    private static final int PKEY_NONE = -1;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.MMAP, "mmap", MemoryCalls::mmap);
        table.register(
                Nr.MUNMAP,
                "munmap",
                (task, start, length, a2, a3, a4, a5) ->
                        memory(task).munmap().run(task.mm(), task.fault(), start, length));
        table.register(
                Nr.MPROTECT,
                "mprotect",
                (task, start, length, prot, a3, a4, a5) ->
                        memory(task).mprotect().run(task.mm(), task.fault(), start, length, (int) prot));
        table.register(
                Nr.BRK,
                "brk",
                (task, brk, a1, a2, a3, a4, a5) -> memory(task).brk().run(task.mm(), task.fault(), brk));
        table.register(
                Nr.MREMAP,
                "mremap",
                (task, old, oldLength, newLength, flags, to, a5) ->
                        memory(task).mremap().run(task.mm(), task.fault(), old, oldLength, newLength, (int) flags, to));
        table.register(
                Nr.MADVISE,
                "madvise",
                (task, start, length, advice, a3, a4, a5) ->
                        memory(task).madvise().run(task.mm(), task.fault(), start, length, (int) advice));
        table.register(
                Nr.MSYNC,
                "msync",
                (task, start, length, flags, a3, a4, a5) ->
                        memory(task).msync().run(task.mm(), start, length, (int) flags));
        table.register(Nr.MINCORE, "mincore", MemoryCalls::mincore);
        table.register(
                Nr.MSEAL,
                "mseal",
                (task, start, length, flags, a3, a4, a5) -> memory(task).mseal().run(task.mm(), start, length, flags));
        table.register(
                Nr.REMAP_FILE_PAGES,
                "remap_file_pages",
                (task, start, size, prot, page, flags, a5) -> memory(task)
                        .remapFilePages()
                        .run(task.mm(), task.fault(), start, size, (int) prot, page, (int) flags));
        registerLocking(table);
        registerKeys(table);
        new OtherProcessCalls().register(table);
        new ProcessMadvise().register(table);
        new PolicyCalls().register(table);
        new PageMoveCalls().register(table);
    }

    private static void registerLocking(SyscallTable table) {
        table.register(
                Nr.MLOCK,
                "mlock",
                (task, start, length, a2, a3, a4, a5) ->
                        memory(task).mlock().mlock(task.mm(), task.fault(), start, length));
        table.register(
                Nr.MLOCK2,
                "mlock2",
                (task, start, length, flags, a3, a4, a5) ->
                        memory(task).mlock().mlock2(task.mm(), task.fault(), start, length, (int) flags));
        table.register(
                Nr.MUNLOCK,
                "munlock",
                (task, start, length, a2, a3, a4, a5) -> memory(task).mlock().munlock(task.mm(), start, length));
        table.register(
                Nr.MLOCKALL,
                "mlockall",
                (task, flags, a1, a2, a3, a4, a5) ->
                        memory(task).mlock().mlockall(task.mm(), task.fault(), (int) flags));
        table.register(
                Nr.MUNLOCKALL,
                "munlockall",
                (task, a0, a1, a2, a3, a4, a5) -> memory(task).mlock().munlockall(task.mm()));
    }

    /** The processor has no protection keys: what a kernel answers there. */
    private static void registerKeys(SyscallTable table) {
        table.register(
                Nr.PKEY_ALLOC,
                "pkey_alloc",
                (task, flags, rights, a2, a3, a4, a5) ->
                        flags != 0 || (rights & ~3L) != 0 ? -Errno.EINVAL : -Errno.ENOSPC);
        table.register(Nr.PKEY_FREE, "pkey_free", (task, key, a1, a2, a3, a4, a5) -> -Errno.EINVAL);
        table.register(
                Nr.PKEY_MPROTECT,
                "pkey_mprotect",
                (task, start, length, prot, key, a4, a5) -> (int) key == PKEY_NONE || (int) key == 0
                        ? memory(task).mprotect().run(task.mm(), task.fault(), start, length, (int) prot)
                        : -Errno.EINVAL);
    }

    private static MemorySystem memory(Task task) {
        return task.kernel().memory();
    }

    private static long mapDevice(Task task, OpenFile file, long addr, long length, int prot, int flags, long page) {
        if (!file.readable() || (prot & Prot.WRITE) != 0 && !file.writable()) {
            return -Errno.EACCES;
        }
        DeviceMapping device = file.device();
        return memory(task).mmap().mapDevice(task.mm(), addr, length, prot, flags, device, file.writable(), page);
    }

    private static long mmap(Task task, long addr, long length, long prot, long flags, long fd, long offset) {
        if (MmLayout.offsetInPage(offset)) {
            return -Errno.EINVAL;
        }
        long page = offset >>> MmLayout.PAGE_SHIFT;
        int bits = (int) flags;
        if ((bits & MmapFlags.ANONYMOUS) != 0) {
            return memory(task).mmap().doMmap(task.mm(), task.fault(), addr, length, (int) prot, bits, null, page);
        }
        OpenFile file = task.files().get((int) fd);
        if (file == null) {
            return -Errno.EBADF;
        }
        try {
            long result = mmap(task, addr, length, (int) prot, bits, file, page);
            // Asked for late, since it asks the host: an O_PATH descriptor is good for nothing here.
            boolean refused = result == -Errno.EACCES || result == -Errno.ENODEV;
            return refused && (file.statusFlags() & OpenFlags.O_PATH) != 0 ? -Errno.EBADF : result;
        } finally {
            file.put();
        }
    }

    private static long mmap(Task task, long addr, long length, int prot, int flags, OpenFile file, long page) {
        if (file.mapsAnonymous()) {
            if (!file.readable()) {
                return -Errno.EACCES;
            }
            return memory(task).mmap().zeroDevice(task.mm(), task.fault(), addr, length, prot, flags, file.writable());
        }
        if (file.device() != null) {
            return mapDevice(task, file, addr, length, prot, flags, page);
        }
        MappedFile mapped = file.mapped();
        if (mapped == null) {
            return -Errno.ENODEV;
        }
        return memory(task).mmap().doMmap(task.mm(), task.fault(), addr, length, prot, flags, mapped, page);
    }

    private static long mincore(Task task, long start, long length, long vector, long a3, long a4, long a5) {
        long pages = Mincore.pages(start, length);
        byte[] chunk = new byte[(int) Math.min(Math.max(pages, 0), MINCORE_CHUNK)];
        long at = start;
        long done = 0;
        while (done < pages) {
            int wanted = (int) Math.min(pages - done, MINCORE_CHUNK);
            long got = memory(task).mincore().run(task.mm(), at, wanted, chunk);
            if (got < 0) {
                return got;
            }
            task.user().write(vector + done, chunk, 0, (int) got);
            done += got;
            at += got << MmLayout.PAGE_SHIFT;
        }
        return Math.min(pages, 0);
    }
}

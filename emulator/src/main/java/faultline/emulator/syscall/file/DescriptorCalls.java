package faultline.emulator.syscall.file;

import faultline.emulator.fs.FdTable;
import faultline.emulator.fs.GuestRoot;
import faultline.emulator.fs.HostFile;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.hugetlb.HugetlbPool;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Calls that make descriptors out of nothing: pipe, eventfd, memfd, inotify. */
final class DescriptorCalls implements SyscallFamily {
    private static final int MFD_CLOEXEC = 1;
    private static final int MFD_HUGETLB = 4;
    /** log2 of the size of huge pages stands in bits 26 to 31. */
    private static final int HUGE_SHIFT = 26;
    /** NAME_MAX less the kernel's "memfd:" prefix, with the terminator. */
    private static final int MEMFD_NAME = 250;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.PIPE, "pipe", (t, fds, b, c, d, e, f) -> pipe(t, fds, 0));
        table.register(Nr.PIPE2, "pipe2", (t, fds, flags, c, d, e, f) -> pipe(t, fds, (int) flags));
        table.register(Nr.EVENTFD, "eventfd", (t, count, b, c, d, e, f) -> eventfd(t, count, 0));
        table.register(Nr.EVENTFD2, "eventfd2", (t, count, flags, c, d, e, f) -> eventfd(t, count, (int) flags));
        table.register(Nr.MEMFD_CREATE, "memfd_create", DescriptorCalls::memfd);
        table.register(Nr.INOTIFY_INIT, "inotify_init", (t, a, b, c, d, e, f) -> inotify(t, 0));
        table.register(Nr.INOTIFY_INIT1, "inotify_init1", (t, flags, b, c, d, e, f) -> inotify(t, (int) flags));
        table.register(Nr.INOTIFY_ADD_WATCH, "inotify_add_watch", DescriptorCalls::addWatch);
        table.register(
                Nr.INOTIFY_RM_WATCH,
                "inotify_rm_watch",
                (t, fd, wd, c, d, e, f) -> FileCall.onHostFd(
                        t, fd, -Errno.EINVAL, file -> Libc.call(Nr.INOTIFY_RM_WATCH, file.hostFd(), (int) wd)));
    }

    /** Gives the guest a number for a host descriptor that was just made, or passes the host's error on. */
    static long adopt(Task t, long hostFd, boolean cloexec) {
        if (hostFd < 0) {
            return hostFd;
        }
        return FileCall.install(t, HostFile.own(FileCall.fs(t).root(), (int) hostFd), cloexec);
    }

    /**
     * Gives the guest numbers for two host descriptors, and writes them to its memory; takes both back when that fails.
     */
    static long adoptPair(Task t, int first, int second, long address, boolean cloexec) {
        FdTable files = FileCall.files(t);
        OpenFile a = HostFile.own(FileCall.fs(t).root(), first);
        OpenFile b = HostFile.own(FileCall.fs(t).root(), second);
        long fd0 = FileCall.install(t, a, cloexec);
        if (fd0 < 0) {
            b.put();
            return fd0;
        }
        long fd1 = FileCall.install(t, b, cloexec);
        if (fd1 < 0) {
            files.close((int) fd0);
            return fd1;
        }
        MemorySegment pair = HostScratch.get().struct();
        pair.set(ValueLayout.JAVA_INT, 0, (int) fd0);
        pair.set(ValueLayout.JAVA_INT, 4, (int) fd1);
        if (t.user().copyOut(address, pair, 0, 8) != 8) {
            files.close((int) fd0);
            files.close((int) fd1);
            return -Errno.EFAULT;
        }
        return 0;
    }

    private static long pipe(Task t, long address, int flags) {
        MemorySegment pair = HostScratch.get().struct();
        long r = Libc.call(Nr.PIPE2, pair.address(), flags & 0xffff_ffffL | OpenFlags.O_CLOEXEC);
        if (r < 0) {
            return r;
        }
        return adoptPair(
                t,
                pair.get(ValueLayout.JAVA_INT, 0),
                pair.get(ValueLayout.JAVA_INT, 4),
                address,
                (flags & OpenFlags.O_CLOEXEC) != 0);
    }

    private static long eventfd(Task t, long count, int flags) {
        long fd = Libc.call(Nr.EVENTFD2, count & 0xffff_ffffL, flags & 0xffff_ffffL | OpenFlags.O_CLOEXEC);
        return adopt(t, fd, (flags & OpenFlags.O_CLOEXEC) != 0);
    }

    private static long memfd(Task t, long nameAddress, long flags, long c, long d, long e, long f) {
        String name = t.user().readString(nameAddress, MEMFD_NAME);
        if (name == null) {
            return -Errno.EINVAL;
        }
        if ((flags & MFD_HUGETLB) != 0) {
            return hugeMemfd(t, name, flags);
        }
        long fd = Libc.call(Nr.MEMFD_CREATE, HostScratch.get().path(name), flags & 0xffff_ffffL | MFD_CLOEXEC);
        return adopt(t, fd, (flags & MFD_CLOEXEC) != 0);
    }

    /** The host's file is one of small pages, and stays empty: see {@code HugetlbFiles}. */
    private static long hugeMemfd(Task t, String name, long flags) {
        long others = flags & (1 << HUGE_SHIFT) - 1 & ~MFD_HUGETLB;
        long fd = Libc.call(Nr.MEMFD_CREATE, HostScratch.get().path(name), others | MFD_CLOEXEC);
        if (fd < 0) {
            return fd;
        }
        HugetlbPool pool = t.kernel().memory().hugetlb().ofLog2((int) flags >>> HUGE_SHIFT);
        if (pool == null) {
            Libc.call(Nr.CLOSE, fd);
            return -Errno.ENODEV;
        }
        GuestRoot root = FileCall.fs(t).root();
        OpenFile file = root.hugetlb().memfd(HostFile.own(root, (int) fd), pool);
        return FileCall.install(t, file, (flags & MFD_CLOEXEC) != 0);
    }

    private static long inotify(Task t, int flags) {
        long fd = Libc.call(Nr.INOTIFY_INIT1, flags & 0xffff_ffffL | OpenFlags.O_CLOEXEC);
        return adopt(t, fd, (flags & OpenFlags.O_CLOEXEC) != 0);
    }

    private static long addWatch(Task t, long fd, long path, long mask, long d, long e, long f) {
        boolean noFollow = (mask & 0x0200_0000L) != 0;
        return FileCall.onHostFd(
                t,
                fd,
                -Errno.EINVAL,
                file -> FileCall.onPath(
                        t,
                        Libc.AT_FDCWD,
                        path,
                        StatCalls.last(noFollow ? OpenFlags.AT_SYMLINK_NOFOLLOW : 0),
                        p -> Libc.call(
                                Nr.INOTIFY_ADD_WATCH,
                                file.hostFd(),
                                HostScratch.get().path(p.absolute()),
                                mask & 0xffff_ffffL)));
    }
}

package faultline.emulator.syscall.file;

import faultline.emulator.fs.GuestMounts;
import faultline.emulator.fs.HugetlbOptions;
import faultline.emulator.fs.Isolation;
import faultline.emulator.fs.LastComponent;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Set;

/**
 * mount and umount2: refused (EPERM), as to a caller without CAP_SYS_ADMIN; with --host-admin the host's own, with the
 * rights of the host's process. A hugetlbfs or cgroup2 is mounted in
 * the guest's own view of its tree, and nothing of the host's: see {@link GuestMounts}.
 *
 * <p>A guest that is confined to a directory may in no case change what is mounted where: a bind mount would be a way
 * out.
 */
final class MountCalls implements SyscallFamily {
    private static final int PAGE = 4096;
    private static final int TYPE_MAX = 4096;
    private static final long MS_BIND = 4096;
    private static final long MS_MOVE = 8192;
    private static final String HUGETLBFS = "hugetlbfs";
    private static final String CGROUP2 = "cgroup2";
    /** Control groups as they were before: the machine has none. */
    private static final Set<String> VERSION_1 = Set.of("cgroup", "cpuset");

    private static final Set<String> CGROUP2_OPTIONS = Set.of(
            "nsdelegate",
            "favordynmods",
            "memory_localevents",
            "memory_recursiveprot",
            "memory_hugetlb_accounting",
            "pids_localevents");
    /** MS_REMOUNT, MS_BIND, MS_MOVE and changes of propagation: no new file system. */
    private static final long OTHERS = 0x20 | MS_BIND | MS_MOVE | 0x1e_0000;

    private static final int UMOUNT_NOFOLLOW = 8;
    private static final int UMOUNT_FLAGS = 15;

    @Override
    public void register(SyscallTable table) {
        table.register(Nr.MOUNT, "mount", MountCalls::mount);
        table.register(Nr.UMOUNT2, "umount2", (t, target, flags, c, d, e, f) -> unmount(t, target, (int) flags));
    }

    private static long mount(Task t, long source, long target, long type, long flags, long data, long f) {
        String fsType = type == 0 ? null : t.user().readString(type, TYPE_MAX);
        String from = source == 0 ? null : FileCall.path(t, source);
        if (type != 0 && fsType == null || source != 0 && from == null) {
            return -Errno.EINVAL;
        }
        byte[] options = data == 0 ? null : options(t, data);
        return FileCall.onPath(t, Libc.AT_FDCWD, target, LastComponent.FOLLOW, to -> {
            String place = to.absolute();
            if (HUGETLBFS.equals(fsType) && (flags & OTHERS) == 0) {
                return mountHuge(t, place, options);
            }
            if (CGROUP2.equals(fsType) && (flags & OTHERS) == 0) {
                return mountCgroup2(t, place, options);
            }
            if (VERSION_1.contains(fsType == null ? "" : fsType) && (flags & OTHERS) == 0) {
                return -Errno.ENODEV;
            }
            if (!mayMount(t)) {
                return -Errno.EPERM;
            }
            boolean ofTree = (flags & (MS_BIND | MS_MOVE)) != 0;
            boolean isPath = ofTree || from != null && from.indexOf('/') > 0;
            if (!isPath) {
                return hostMount(from, place, fsType, flags, options);
            }
            // A device's path is shown by /proc/mounts, so it goes there as text.
            return FileCall.onPath(
                    t,
                    Libc.AT_FDCWD,
                    source,
                    LastComponent.FOLLOW,
                    p -> hostMount(ofTree ? p.absolute() : p.text(), place, fsType, flags, options));
        });
    }

    /** Mounts of the guest's own are no reason against it: paths that lead into one are no mount points of the host. */
    private static boolean mayMount(Task t) {
        Isolation isolation = FileCall.fs(t).root().isolation();
        return isolation.hostAdmin() && !isolation.differs();
    }

    private static long mountHuge(Task t, String place, byte[] options) {
        HugetlbOptions parsed = HugetlbOptions.parse(options == null ? "" : text(options));
        return parsed == null
                ? -Errno.EINVAL
                : FileCall.fs(t).root().guestMounts().mountHugetlbfs(place, parsed);
    }

    /** Options are known, and change nothing of what is modelled. */
    @KernelFunction(value = "cgroup2_parse_param", file = "kernel/cgroup/cgroup.c")
    private static long mountCgroup2(Task t, String place, byte[] options) {
        for (String option : (options == null ? "" : text(options)).split(",")) {
            if (!option.isEmpty() && !CGROUP2_OPTIONS.contains(option)) {
                return -Errno.EINVAL;
            }
        }
        return FileCall.fs(t).root().guestMounts().mountCgroup2(place);
    }

    private static String text(byte[] page) {
        int length = 0;
        while (length < page.length && page[length] != 0) {
            length++;
        }
        return new String(page, 0, length, StandardCharsets.ISO_8859_1);
    }

    /** One page of options, or as much of it as can be read (copy_mount_options). */
    private static byte[] options(Task t, long data) {
        byte[] page = new byte[PAGE];
        long n = t.user().copyIn(data, MemorySegment.ofArray(page), 0, PAGE);
        if (n <= 0) {
            t.user().getByte(data);
        }
        return page;
    }

    private static long hostMount(String from, String place, String type, long flags, byte[] options) {
        HostScratch scratch = HostScratch.get();
        MemorySegment block = scratch.bounce(2L * PAGE);
        if (options != null) {
            MemorySegment.copy(options, 0, block, ValueLayout.JAVA_BYTE, 0, PAGE);
        }
        if (type != null) {
            for (int i = 0; i < type.length(); i++) {
                block.set(ValueLayout.JAVA_BYTE, PAGE + i, (byte) type.charAt(i));
            }
            block.set(ValueLayout.JAVA_BYTE, PAGE + type.length(), (byte) 0);
        }
        return Libc.call(
                Nr.MOUNT,
                from == null ? 0 : scratch.path(from),
                scratch.secondPath(place),
                type == null ? 0 : block.address() + PAGE,
                flags,
                options == null ? 0 : block.address());
    }

    private static long unmount(Task t, long target, int flags) {
        if ((flags & ~UMOUNT_FLAGS) != 0) {
            return -Errno.EINVAL;
        }
        LastComponent last = (flags & UMOUNT_NOFOLLOW) != 0 ? LastComponent.NO_FOLLOW : LastComponent.FOLLOW;
        String[] ofHost = new String[1];
        long own = FileCall.onPath(t, Libc.AT_FDCWD, target, last, p -> {
            GuestMounts mounts = FileCall.fs(t).root().guestMounts();
            if (mounts.isMounted(p.absolute())) {
                return mounts.unmount(p.absolute(), flags);
            }
            ofHost[0] = p.text();
            return mayMount(t) ? 0 : -Errno.EPERM;
        });
        // Only now: a descriptor that the path was resolved to would keep the mount busy.
        boolean askHost = own == 0 && ofHost[0] != null;
        return askHost ? Libc.call(Nr.UMOUNT2, HostScratch.get().path(ofHost[0]), flags) : own;
    }
}

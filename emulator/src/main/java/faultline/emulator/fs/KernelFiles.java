package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStatfs;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import java.lang.foreign.MemorySegment;
import java.util.Set;

/** Tells files that are the knobs of the host's kernel from those that only hold data. */
public final class KernelFiles {
    /** f_type of their file systems (linux/magic.h). */
    private static final Set<Long> TYPES = Set.of(
            0x9fa0L, // proc
            0x6265_6572L, // sysfs
            0x6462_6720L, // debugfs
            0x7472_6163L, // tracefs
            0x7363_6673L, // securityfs
            0x6265_6570L, // configfs
            0x27_e0ebL, // cgroup
            0x6367_7270L, // cgroup2
            0xcafe_4a11L, // bpf
            0xde5e_81e4L, // efivarfs
            0x6165_676cL, // pstore
            0xf97c_ff8cL, // selinux
            0x4341_5d53L); // smack

    private KernelFiles() {}

    /** Whether an open host descriptor is one. */
    static boolean has(int hostFd) {
        MemorySegment statfs = HostScratch.get().struct();
        return isType(Libc.call(Nr.FSTATFS, hostFd, statfs.address()), statfs);
    }

    private static boolean has(String hostPath) {
        MemorySegment statfs = HostScratch.get().struct();
        return isType(Libc.call(Nr.STATFS, HostScratch.get().path(hostPath), statfs.address()), statfs);
    }

    private static boolean isType(long result, MemorySegment statfs) {
        return result == 0 && TYPES.contains(HostStatfs.type(statfs));
    }

    /** Whether an open file is one. */
    public static boolean has(OpenFile file) {
        return file.hostFd() >= 0 && has(file.hostFd());
    }

    /**
     * Whether a path leads to one.
     *
     * @param last what of the path is meant: for all but FOLLOW the directory decides, in which the name is
     */
    public static boolean has(PathRef path, LastComponent last) {
        if (path.name().isEmpty()) {
            return has(path.dirFd());
        }
        String host = path.absolute();
        if (last == LastComponent.FOLLOW || path.isObject()) {
            return has(host);
        }
        int split = GuestPath.lastComponent(host);
        return has(split == 0 ? "." : host.substring(0, split));
    }
}

package faultline.emulator.fs;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which files are swap areas of the machine (Linux: flag S_SWAPFILE of the inode), by inode. Any thread; no lock
 * needed.
 *
 * <table>
 * <caption>What is refused of such a file</caption>
 * <tr><th>what</th><th>errno</th></tr>
 * <tr><td>to make it an area</td><td>EBUSY</td></tr>
 * <tr><td>write(2) and its kin, copying from or to it, fallocate(2), truncation to its size or less,
 * O_TRUNC</td><td>ETXTBSY</td></tr>
 * <tr><td>a new shared mapping that can be written</td><td>ETXTBSY</td></tr>
 * <tr><td>the first write by an older mapping to a page</td><td>SIGBUS</td></tr>
 * <tr><td>to remove or rename any of its names</td><td>EPERM</td></tr>
 * </table>
 */
public final class SwapFiles {
    private final Set<InodeCache.Key> inodes = ConcurrentHashMap.newKeySet();

    /** The file is an area now. Returns false when it has been one: EBUSY. */
    @KernelFunction(value = "claim_swapfile", file = "mm/swapfile.c")
    boolean claim(InodeCache.Key inode) {
        return inodes.add(inode);
    }

    void release(InodeCache.Key inode) {
        inodes.remove(inode);
    }

    /** Whether a file is an area. */
    @KernelFunction(value = "IS_SWAPFILE", file = "include/linux/fs.h")
    boolean has(InodeCache.Key inode) {
        return !inodes.isEmpty() && inodes.contains(inode);
    }

    /** Whether a name may not go because its file is an area: 0 or -EPERM. */
    @KernelFunction(value = "may_delete", file = "fs/namei.c")
    public long refusedToRemove(PathRef name) {
        if (inodes.isEmpty()) {
            return 0;
        }
        MemorySegment stat = HostScratch.get().struct();
        long r = Libc.call(Nr.NEWFSTATAT, name.dirFd(), name.pointer(), stat.address(), OpenFlags.AT_SYMLINK_NOFOLLOW);
        boolean area = r == 0 && has(new InodeCache.Key(HostStat.dev(stat), HostStat.ino(stat)));
        return area ? -Errno.EPERM : 0;
    }
}

package faultline.emulator.fs;

import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;

/**
 * An open file of a control group: its text is the group's, its name and rights those of the empty file that stands for
 * it.
 */
final class CgroupFile extends VirtualFile {
    private final CgroupNode group;
    private final String name;
    private final HostFile host;

    /** Takes over the reference to {@code host}. */
    CgroupFile(CgroupFiles files, CgroupNode group, String name, HostFile host) {
        super("", "", host.statusFlags(), () -> group.read(name), text -> files.write(group, name, text));
        this.group = group;
        this.name = name;
        this.host = host;
    }

    @Override
    public String path() {
        return host.path();
    }

    @Override
    public int hostFd() {
        return host.hostFd();
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long at, int rwFlags) {
        if (!group.isReadable(name)) {
            return -Errno.EINVAL;
        }
        long n = super.pread(waiter, to, length, at, rwFlags);
        return n == -Errno.ESRCH ? -Errno.ENODEV : n;
    }

    /** As O_TRUNC: nothing is there to go. */
    @Override
    public long truncate(long size) {
        return writable() ? 0 : -Errno.EINVAL;
    }

    @Override
    public long fstat(MemorySegment stat) {
        return host.fstat(stat);
    }

    @Override
    protected void release() {
        host.put();
    }
}

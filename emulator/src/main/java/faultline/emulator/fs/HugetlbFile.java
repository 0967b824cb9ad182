package faultline.emulator.fs;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import faultline.mmu.hugetlb.HugetlbFileCalls;
import faultline.mmu.mm.MmLayout;
import java.lang.foreign.MemorySegment;

/**
 * An open file of huge pages: a memfd with MFD_HUGETLB, or a file of hugetlbfs. Position, rights, seals and name are
 * those of the host's file that stands for it, which it owns; content and storage are the machine's. It is read and
 * mapped, and cannot be written to (EINVAL).
 */
@KernelFunction(value = "hugetlbfs_file_operations", file = "fs/hugetlbfs/inode.c")
final class HugetlbFile extends OpenFile implements MappedFile {
    private static final int KEEP_SIZE = 0x01;
    private static final int PUNCH_HOLE = 0x02;
    private static final int SEEK_SET = 0;
    private static final int SEEK_END = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;

    private final HugetlbFiles table;
    private final HugetlbNode node;
    private final HostFile host;
    private final HugetlbFileCalls calls;

    /** The caller has counted a use of {@code node}; takes over the reference to {@code host}. */
    HugetlbFile(HugetlbFiles table, HugetlbNode node, HostFile host) {
        super("");
        this.table = table;
        this.node = node;
        this.host = host;
        this.calls = new HugetlbFileCalls(node.inode());
    }

    @Override
    public int hostFd() {
        return host.hostFd();
    }

    @Override
    public String path() {
        return host.path();
    }

    @Override
    public int statusFlags() {
        return host.statusFlags();
    }

    @Override
    public long setStatusFlags(int flags) {
        return host.setStatusFlags(flags);
    }

    @Override
    public synchronized long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        if (!readable()) {
            return -Errno.EBADF;
        }
        long n = calls.read(host.lseek(0, 1), to, length);
        host.lseek(n, 1);
        return n;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        return readable() ? calls.read(position, to, length) : -Errno.EBADF;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return writable() ? -Errno.EINVAL : -Errno.EBADF;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        return write(waiter, from, length, rwFlags);
    }

    @Override
    @KernelFunction(value = "default_llseek", file = "fs/read_write.c")
    public long lseek(long offset, int whence) {
        long size = mapping().size();
        return switch (whence) {
            case SEEK_END -> host.lseek(size + offset, SEEK_SET);
            case SEEK_DATA, SEEK_HOLE ->
                Long.compareUnsigned(offset, size) >= 0
                        ? -Errno.ENXIO
                        : host.lseek(whence == SEEK_DATA ? offset : size, SEEK_SET);
            default -> host.lseek(offset, whence);
        };
    }

    @Override
    public long fstat(MemorySegment stat) {
        long r = host.fstat(stat);
        if (r == 0) {
            table.adjustStat(stat);
        }
        return r;
    }

    @Override
    public long truncate(long size) {
        if (!writable() || (size & MmLayout.PMD_SIZE - 1) != 0) {
            return -Errno.EINVAL;
        }
        long now = mapping().size();
        int forbidding = (size < now ? HostSeals.SHRINK : 0) | (size > now ? HostSeals.GROW : 0);
        return (seals() & forbidding) != 0 ? -Errno.EPERM : calls.truncate(size);
    }

    /** O_TRUNC: no pages are left. */
    void truncatedByOpen() {
        calls.truncate(0);
    }

    @Override
    public long allocate(int mode, long offset, long length) {
        if (!writable()) {
            return -Errno.EBADF;
        }
        if (offset < 0 || length <= 0) {
            return -Errno.EINVAL;
        }
        if ((mode & PUNCH_HOLE) != 0 && (mode & KEEP_SIZE) == 0) {
            return -Errno.EOPNOTSUPP;
        }
        if (offset + length < 0) {
            return -Errno.EFBIG;
        }
        int forbidding = (mode & PUNCH_HOLE) != 0
                ? HostSeals.WRITE | HostSeals.FUTURE_WRITE
                : offset + length > mapping().size() ? HostSeals.GROW : 0;
        if ((seals() & forbidding) != 0) {
            return -Errno.EPERM;
        }
        return calls.allocate(mode, offset, length);
    }

    private long seals() {
        return HostSeals.of(host.hostFd());
    }

    @Override
    public long addSeals(int seals) {
        if ((seals & HostSeals.WRITE) != 0 && !mapping().areas().denyWritable()) {
            return -Errno.EBUSY;
        }
        return HostSeals.add(host.hostFd(), seals);
    }

    @Override
    public boolean neverBlocks() {
        return true;
    }

    @Override
    protected void release() {
        host.put();
        table.unuse(node);
    }

    // ---- as the memory manager sees it

    @Override
    public MappedFile mapped() {
        return this;
    }

    @Override
    public AddressSpace mapping() {
        return node.inode().mapping();
    }

    @Override
    public boolean isHugetlb() {
        return true;
    }

    @Override
    public boolean noexec() {
        return host.noexec();
    }

    @Override
    public boolean sealedAgainstWrites() {
        return host.sealedAgainstWrites();
    }

    @Override
    public long dev() {
        return host.dev();
    }

    @Override
    public long ino() {
        return host.ino();
    }
}

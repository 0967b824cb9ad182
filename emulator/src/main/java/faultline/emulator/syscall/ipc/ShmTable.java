package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Kernel;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmapFlags;
import java.util.ArrayList;
import java.util.List;

/** The segments of one machine. */
public final class ShmTable extends IpcTable<ShmSegment> {
    static final int SHM_HUGETLB = 04000;
    static final int SHM_NORESERVE = 010000;
    /** Mode bit: to be destroyed with the last detach. */
    static final int DEST = 01000;
    /** Mode bit: locked in memory. */
    static final int LOCKED = 02000;

    static final int SHMMIN = 1;

    private final ShmSysctl sysctl = new ShmSysctl(this);
    private long totalPages;

    /** An empty table of {@code kernel}'s machine. */
    public ShmTable(Kernel kernel) {
        super(kernel);
    }

    /** Limits and what else /proc/sys/kernel has of segments. */
    public ShmSysctl sysctl() {
        return sysctl;
    }

    /** Text of /proc/sysvipc/shm. */
    public synchronized String list() {
        return ShmList.text(ids.all());
    }

    /** shmget(2). @return id or -errno */
    @KernelFunction(value = "ipcget", file = "ipc/util.c")
    synchronized long get(IpcOwner owner, int key, long size, int flags) {
        ShmSegment found = key == 0 ? null : ids.byKey(key);
        if (found == null) {
            return key == 0 || (flags & IpcIds.IPC_CREAT) != 0 ? createLocked(owner, key, size, flags) : -Errno.ENOENT;
        }
        if ((flags & IpcIds.IPC_CREAT) != 0 && (flags & IpcIds.IPC_EXCL) != 0) {
            return -Errno.EEXIST;
        }
        if (Long.compareUnsigned(found.size, size) < 0) {
            return -Errno.EINVAL;
        }
        return found.allows(owner, flags & IpcObject.MODE) ? found.id : -Errno.EACCES;
    }

    @KernelFunction(value = "newseg", file = "ipc/shm.c")
    private long createLocked(IpcOwner owner, int key, long size, int flags) {
        if (Long.compareUnsigned(size, SHMMIN) < 0 || Long.compareUnsigned(size, sysctl.shmmax) > 0) {
            return -Errno.EINVAL;
        }
        long pages = size + MmLayout.PAGE_SIZE - 1 >>> MmLayout.PAGE_SHIFT;
        if (Long.compareUnsigned(pages << MmLayout.PAGE_SHIFT, size) < 0
                || Long.compareUnsigned(totalPages + pages, sysctl.shmall) > 0) {
            return -Errno.ENOSPC;
        }
        if ((flags & SHM_HUGETLB) != 0) {
            return createHugeLocked(owner, key, size, flags);
        }
        CommitAccount commit = kernel.memory().commit();
        boolean account = (flags & SHM_NORESERVE) == 0 || commit.mode() == CommitAccount.Mode.NEVER;
        if (size < 0 || account && commit.charge(pages) != 0) {
            return size < 0 ? -Errno.EINVAL : -Errno.ENOMEM;
        }
        if (ids.count() >= sysctl.shmmni) {
            commit.uncharge(account ? pages : 0);
            return -Errno.ENOSPC;
        }
        AddressSpace memory = AddressSpace.shmem(kernel.memory().cache(), size);
        return enterLocked(owner, key, size, flags, memory, account ? pages : 0);
    }

    /** As {@link #createLocked} of huge pages, which are reserved now for whoever is going to attach. */
    @KernelFunction(value = "hugetlb_file_setup", file = "fs/hugetlbfs/inode.c")
    private long createHugeLocked(IpcOwner owner, int key, long size, int flags) {
        HugetlbPool pool = kernel.memory().hugetlb().ofLog2(flags >>> MmapFlags.HUGE_SHIFT & MmapFlags.HUGE_MASK);
        if (pool == null) {
            return -Errno.EINVAL;
        }
        if (!owner.mayUseHugePages()) {
            return -Errno.EPERM;
        }
        long bytes = pool.align(size);
        if (bytes <= 0) {
            return -Errno.ENOMEM;
        }
        HugetlbInode inode = new HugetlbInode(pool, bytes);
        boolean promised = (flags & SHM_NORESERVE) != 0 || inode.reserve(0, bytes / pool.pageSize());
        if (!promised || ids.count() >= sysctl.shmmni) {
            inode.evict();
            return promised ? -Errno.ENOSPC : -Errno.ENOMEM;
        }
        return enterLocked(owner, key, size, flags, inode.mapping(), 0);
    }

    private long enterLocked(IpcOwner owner, int key, long size, int flags, AddressSpace memory, long charged) {
        int id = ids.newId(sysctl.takeNextId());
        ShmSegment segment =
                new ShmSegment(id, key, size, memory, charged, flags & IpcObject.MODE, owner, nowSeconds());
        ids.add(segment);
        totalPages += segment.pages();
        return id;
    }

    long totalPagesLocked() {
        return totalPages;
    }

    /** Pages of segments that are in memory. */
    long residentLocked() {
        long pages = 0;
        for (ShmSegment segment : ids.all()) {
            pages += segment.memory.cachedPages();
        }
        return pages;
    }

    /** Pages of segments that are in swap. */
    long swappedLocked() {
        long pages = 0;
        for (ShmSegment segment : ids.all()) {
            pages += segment.memory.swappedPages(0, segment.memory.sizePages());
        }
        return pages;
    }

    /** IPC_RMID: nobody finds it by key any more; it goes now, or with the last detach. */
    @Override
    @KernelFunction(value = "do_shm_rmid", file = "ipc/shm.c")
    void removeLocked(ShmSegment segment) {
        if (segment.attached > 0) {
            segment.mode |= DEST;
            segment.key = 0;
        } else {
            destroyLocked(segment);
        }
    }

    @KernelFunction(value = "shm_destroy", file = "ipc/shm.c")
    private void destroyLocked(ShmSegment segment) {
        ids.remove(segment);
        totalPages -= segment.pages();
        segment.free();
        kernel.memory().commit().uncharge(segment.charged);
    }

    /** A mapping of the segment came to be, by shmat, fork, or a split. */
    synchronized void attached(ShmSegment segment) {
        segment.attachTime = nowSeconds();
        segment.lastPid = currentPid(segment);
        segment.attached++;
    }

    /** A mapping went. */
    synchronized void detached(ShmSegment segment) {
        segment.detachTime = nowSeconds();
        segment.lastPid = currentPid(segment);
        segment.attached--;
        destroyIfUnusedLocked(segment);
    }

    /** Destroys a segment that nobody has attached and nobody is to find again. */
    @KernelFunction(value = "shm_may_destroy", file = "ipc/shm.c")
    void destroyIfUnusedLocked(ShmSegment segment) {
        if (segment.attached == 0 && (sysctl.rmidForced || (segment.mode & DEST) != 0)) {
            destroyLocked(segment);
        }
    }

    /** A process ends: where segments do not outlive their creators, those go that nobody has attached. */
    @KernelFunction(value = "exit_shm", file = "ipc/shm.c")
    public synchronized void exit(int pid) {
        for (ShmSegment segment : List.copyOf(ids.all())) {
            if (segment.creatorPid == pid && !segment.orphan) {
                segment.orphan = true;
                if (sysctl.rmidForced) {
                    destroyIfUnusedLocked(segment);
                }
            }
        }
    }

    /** From now on segments do not outlive their creators. */
    @KernelFunction(value = "shm_destroy_orphaned", file = "ipc/shm.c")
    synchronized void destroyOrphaned() {
        List.copyOf(ids.all()).stream().filter(segment -> segment.orphan).forEach(this::destroyIfUnusedLocked);
    }

    private static int currentPid(ShmSegment segment) {
        Task task = Task.currentOrNull();
        return task == null ? segment.lastPid : task.pid();
    }

    /** Frees all segments: the machine ends, and nobody has any attached. */
    public synchronized void close() {
        List<ShmSegment> all = new ArrayList<>(ids.all());
        all.forEach(this::destroyLocked);
    }
}

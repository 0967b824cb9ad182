package faultline.emulator.syscall.ipc;

import faultline.emulator.task.Kernel;
import faultline.emulator.task.KernelClock;
import faultline.emulator.task.Task;
import faultline.emulator.task.TimeValues;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmapFlags;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** The segments of one machine. Methods whose names end in Locked want the table's monitor held. */
public final class ShmTable {
    static final int IPC_CREAT = 01000;
    static final int IPC_EXCL = 02000;
    static final int SHM_HUGETLB = 04000;
    static final int SHM_NORESERVE = 010000;
    /** Mode bit: to be destroyed with the last detach. */
    static final int DEST = 01000;
    /** Mode bit: locked in memory. */
    static final int LOCKED = 02000;

    static final int SHMMIN = 1;
    /** Most segments that the limit can be set to (IPCMNI). */
    static final int MOST_INDEX = 1 << 15;

    private static final int MODE = 0777;
    /** Sizes of huge pages, as log2. There are none of 1 GiB: their pool is always empty. */
    private static final int LOG2_2M = 21;

    private static final int LOG2_1G = 30;
    private static final int SEQUENCE_SHIFT = 15;
    /** Ids stay positive. */
    private static final int MOST_SEQUENCE = (1 << 31 - SEQUENCE_SHIFT) - 1;

    private final Kernel kernel;
    private final ShmSysctl sysctl = new ShmSysctl(this);
    private final TreeMap<Integer, ShmSegment> byIndex = new TreeMap<>();
    private int lastIndex = -1;
    private int sequence;
    private long totalPages;

    /** An empty table of {@code kernel}'s machine. */
    public ShmTable(Kernel kernel) {
        this.kernel = kernel;
    }

    /** Limits and what else /proc/sys/kernel has of segments. */
    public ShmSysctl sysctl() {
        return sysctl;
    }

    /** Text of /proc/sysvipc/shm. */
    public synchronized String list() {
        return ShmList.text(byIndex.values());
    }

    /** shmget(2). @return id or -errno */
    @KernelFunction(value = "ipcget", file = "ipc/util.c")
    synchronized long get(ShmOwner owner, int key, long size, int flags) {
        ShmSegment found = key == 0 ? null : byKeyLocked(key);
        if (found == null) {
            return key == 0 || (flags & IPC_CREAT) != 0 ? createLocked(owner, key, size, flags) : -Errno.ENOENT;
        }
        if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0) {
            return -Errno.EEXIST;
        }
        if (Long.compareUnsigned(found.size, size) < 0) {
            return -Errno.EINVAL;
        }
        return found.allows(owner, flags & MODE) ? found.id : -Errno.EACCES;
    }

    private ShmSegment byKeyLocked(int key) {
        for (ShmSegment segment : byIndex.values()) {
            if (segment.key == key) {
                return segment;
            }
        }
        return null;
    }

    @KernelFunction(value = "newseg", file = "ipc/shm.c")
    private long createLocked(ShmOwner owner, int key, long size, int flags) {
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
        if (byIndex.size() >= sysctl.shmmni) {
            commit.uncharge(account ? pages : 0);
            return -Errno.ENOSPC;
        }
        AddressSpace memory = AddressSpace.shmem(kernel.memory().cache(), size);
        return enterLocked(owner, key, size, flags, memory, account ? pages : 0);
    }

    /** As {@link #createLocked} of huge pages, which are reserved now for whoever is going to attach. */
    @KernelFunction(value = "hugetlb_file_setup", file = "fs/hugetlbfs/inode.c")
    private long createHugeLocked(ShmOwner owner, int key, long size, int flags) {
        int log2 = flags >>> MmapFlags.HUGE_SHIFT & MmapFlags.HUGE_MASK;
        if (log2 != 0 && log2 != LOG2_2M && log2 != LOG2_1G) {
            return -Errno.EINVAL;
        }
        if (!owner.mayUseHugePages()) {
            return -Errno.EPERM;
        }
        long bytes = size + MmLayout.PMD_SIZE - 1 & -MmLayout.PMD_SIZE;
        if (bytes <= 0 || log2 == LOG2_1G) {
            return -Errno.ENOMEM;
        }
        HugetlbInode inode = new HugetlbInode(kernel.memory().hugetlb(), bytes);
        boolean promised = (flags & SHM_NORESERVE) != 0 || inode.reserve(0, bytes / MmLayout.PMD_SIZE);
        if (!promised || byIndex.size() >= sysctl.shmmni) {
            inode.evict();
            return promised ? -Errno.ENOSPC : -Errno.ENOMEM;
        }
        return enterLocked(owner, key, size, flags, inode.mapping(), 0);
    }

    private long enterLocked(ShmOwner owner, int key, long size, int flags, AddressSpace memory, long charged) {
        int id = newIdLocked();
        ShmSegment segment = new ShmSegment(id, key, size, memory, charged, flags & MODE, owner, nowSeconds());
        byIndex.put(id & MOST_INDEX - 1, segment);
        totalPages += segment.pages();
        return id;
    }

    /**
     * An id of the next index that is free; a new round gives ids another sequence number, so that old ids stay invalid. An id
     * that the sysctl asks for is taken, or one with the next free index.
     */
    @KernelFunction(value = "ipc_idr_alloc", file = "ipc/util.c")
    private int newIdLocked() {
        int wanted = sysctl.takeNextId();
        int index = wanted >= 0 ? (wanted & MOST_INDEX - 1) - 1 : lastIndex;
        do {
            index = (index + 1) % MOST_INDEX;
        } while (byIndex.containsKey(index));
        if (wanted >= 0) {
            return wanted & -MOST_INDEX | index;
        }
        if (index <= lastIndex) {
            sequence = sequence == MOST_SEQUENCE ? 0 : sequence + 1;
        }
        lastIndex = index;
        return sequence << SEQUENCE_SHIFT | index;
    }

    /** The segment with this id, or null: it never was, or is gone. */
    ShmSegment findLocked(int id) {
        ShmSegment segment = id < 0 ? null : byIndex.get(id & MOST_INDEX - 1);
        return segment != null && segment.id == id ? segment : null;
    }

    /** The segment at an index of the table, or null. */
    ShmSegment atLocked(int index) {
        return byIndex.get(index);
    }

    /** The highest index in use; 0 when there is none. */
    int highestLocked() {
        return byIndex.isEmpty() ? 0 : byIndex.lastKey();
    }

    int countLocked() {
        return byIndex.size();
    }

    long totalPagesLocked() {
        return totalPages;
    }

    /** Pages of segments that are in memory. */
    long residentLocked() {
        long pages = 0;
        for (ShmSegment segment : byIndex.values()) {
            pages += segment.memory.cachedPages();
        }
        return pages;
    }

    /** Pages of segments that are in swap. */
    long swappedLocked() {
        long pages = 0;
        for (ShmSegment segment : byIndex.values()) {
            pages += segment.memory.swappedPages();
        }
        return pages;
    }

    /** IPC_RMID: nobody finds it by key any more; it goes now, or with the last detach. */
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
        byIndex.remove(segment.id & MOST_INDEX - 1);
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
        for (ShmSegment segment : List.copyOf(byIndex.values())) {
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
        List.copyOf(byIndex.values()).stream().filter(segment -> segment.orphan).forEach(this::destroyIfUnusedLocked);
    }

    private static int currentPid(ShmSegment segment) {
        Task task = Task.currentOrNull();
        return task == null ? segment.lastPid : task.pid();
    }

    long nowSeconds() {
        return kernel.clock().now(KernelClock.REALTIME) / TimeValues.NANOS;
    }

    /** Frees all segments: the machine ends, and nobody has any attached. */
    public synchronized void close() {
        List<ShmSegment> all = new ArrayList<>(byIndex.values());
        all.forEach(this::destroyLocked);
    }
}

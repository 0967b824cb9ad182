package faultline.mmu.mm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.lock.LockClass;
import faultline.mmu.lock.LockRank;
import faultline.mmu.lock.RwSemaphore;
import faultline.mmu.lock.SpinLock;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.table.HugePmd;
import faultline.mmu.table.PageTableOwner;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.TableCounts;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * One user address space: its mappings, its page tables' root, what it uses, and what it may use.
 *
 * <p>Each field says what guards it; see the package for the order of locks.
 */
@KernelFunction("mm_struct")
public final class MmStruct implements PageTableOwner {
    /** Index of {@link #rss}: pages of files. */
    public static final int FILEPAGES = 0;
    /** Index of {@link #rss}: anonymous pages. */
    public static final int ANONPAGES = 1;
    /** Index of {@link #rss}: entries that stand for swapped-out pages. */
    public static final int SWAPENTS = 2;
    /** Index of {@link #rss}: pages of shared memory. */
    public static final int SHMEMPAGES = 3;
    /** Index of {@link #rss}: small pages that huge pages of the pool are worth; they do not count as resident. */
    public static final int HUGETLBPAGES = 4;

    private static final LockClass MMAP_LOCK = new LockClass("mmap", LockRank.MMAP_LOCK);

    private final int id;
    private final long pgd;
    private final MmSysctl sysctl;
    private final CommitAccount commit;
    private final RwSemaphore mmapLock = new RwSemaphore(MMAP_LOCK);
    private final SpinLock pageTableLock = new SpinLock(PageTables.PAGE_TABLE_LOCK);
    private final VmaTree vmas = new VmaTree();
    /** Per counter; threads that count at once do so in places of their own, as Linux counts per processor. */
    private final LongAdder[] rss = {new LongAdder(), new LongAdder(), new LongAdder(), new LongAdder(), new LongAdder()
    };

    private final TableCounts tableCounts = new TableCounts();
    private final AtomicInteger users = new AtomicInteger(1);

    private volatile AddressSpaceTlb tlb = AddressSpaceTlb.NONE;
    private volatile MmLimits limits;
    private volatile int thpDisabled;
    private volatile boolean retired;
    private volatile MemCgroup memCgroup;
    private HugePmd hugePmd;

    // Guarded by the mmap lock, alone to change; read without it for display only.
    private volatile long totalVm;
    private volatile long dataVm;
    private volatile long execVm;
    private volatile long stackVm;
    private volatile long lockedVm;
    private volatile long hiwaterRss;
    private volatile long hiwaterVm;
    private long defFlags;
    private Object userfaultEvents;
    private long mmapBase;
    private long mmapLegacyBase = MmLayout.UNMAPPED_BASE;
    private long window32Start = MmLayout.WINDOW_32BIT_START;
    private boolean topDown = true;

    // Set by the loader and by brk; arg and env bounds by prctl too. Guarded by the mmap lock.
    private volatile long startCode;
    private volatile long endCode;
    private volatile long startData;
    private volatile long endData;
    private volatile long startBrk;
    private volatile long brk;
    private volatile long startStack;
    private volatile long argStart;
    private volatile long argEnd;
    private volatile long envStart;
    private volatile long envEnd;

    /**
     * An address space without mappings; {@code MemorySystem.newMm} builds it and gives it its page-table root.
     *
     * @param id a number unique in the machine
     * @param pgd physical address of the page-table root
     */
    public MmStruct(int id, long pgd, MmSysctl sysctl, CommitAccount commit, MmLimits limits) {
        this.id = id;
        this.pgd = pgd;
        this.sysctl = sysctl;
        this.commit = commit;
        this.limits = limits;
        this.mmapBase = MmLayout.mmapBase(limits.stack(), sysctl.stackGuardGap, 0);
    }

    /** A number that no other address space of the machine ever had. */
    public int id() {
        return id;
    }

    @Override
    public long pgd() {
        return pgd;
    }

    @Override
    public SpinLock pageTableLock() {
        return pageTableLock;
    }

    /** The outermost lock: for reading to look mappings up, for writing to change them. */
    public RwSemaphore mmapLock() {
        return mmapLock;
    }

    /** The mappings; guarded by the mmap lock. */
    public VmaTree vmas() {
        return vmas;
    }

    /** The machine's settings, shared by its address spaces. */
    public MmSysctl sysctl() {
        return sysctl;
    }

    /** The machine's account of memory promised, shared by its address spaces. */
    public CommitAccount commit() {
        return commit;
    }

    /** Who is charged for its memory; null for the root group. Any thread may change it. */
    public MemCgroup memCgroup() {
        return memCgroup;
    }

    /** Charges this group from now on; what was charged to another stays there. Null for the root group. */
    public void setMemCgroup(MemCgroup group) {
        memCgroup = group;
    }

    /** The translation cache that runs on this address space. */
    @Override
    public AddressSpaceTlb tlb() {
        return tlb;
    }

    /** Set by whoever builds the address space, before anything runs on it. */
    public void setTlb(AddressSpaceTlb newTlb) {
        tlb = newTlb;
    }

    /** The resource limits that its operations keep to. */
    public MmLimits limits() {
        return limits;
    }

    /** Gives the address space the limits of another process: at execve and vfork. */
    public void setLimits(MmLimits newLimits) {
        limits = newLimits;
    }

    /** Who splits huge pages of this address space; null where there can be none. */
    public HugePmd hugePmd() {
        return hugePmd;
    }

    /** Set by whoever builds the address space. */
    public void setHugePmd(HugePmd splitter) {
        hugePmd = splitter;
    }

    /** What prctl(PR_SET_THP_DISABLE) set: a constant of {@link Thp}. Inherited by fork and kept by execve. */
    public int thpDisabled() {
        return thpDisabled;
    }

    /** Sets what {@link #thpDisabled} tells. @param disabled a constant of {@link Thp} */
    public void setThpDisabled(int disabled) {
        thpDisabled = disabled;
    }

    // ---- users ----

    /** Another task shares the address space (Linux: {@code mmget}). */
    public void get() {
        users.incrementAndGet();
    }

    /** How many processes and threads share it, as counted by {@link #get}. */
    public int users() {
        return users.get();
    }

    /** The address space is being torn down: whoever still refers to it finds nothing there any more. */
    @RequiresLock("MMAP_LOCK")
    public void retire() {
        retired = true;
    }

    /** Whether the last task has left (Linux: {@code mmget_not_zero} fails). Stays so while the mmap lock is held. */
    public boolean isRetired() {
        return retired;
    }

    /** Adds {@code delta} pages to counter {@code kind}; any lock or none. */
    @KernelFunction("add_mm_counter")
    public void addRss(int kind, long delta) {
        rss[kind].add(delta);
    }

    /** Counter {@code kind}, in pages: not below zero, where the sum lies for moments while pages come and go. */
    @KernelFunction("get_mm_counter")
    public long rss(int kind) {
        return Math.max(0, rss[kind].sum());
    }

    /** As {@link #rss}, as it is. */
    public long rssSum(int kind) {
        return rss[kind].sum();
    }

    /** Resident pages of all kinds. */
    @KernelFunction("get_mm_rss")
    public long rssPages() {
        return rss(FILEPAGES) + rss(ANONPAGES) + rss(SHMEMPAGES);
    }

    /** Remembers the most pages ever resident; called before pages go (Linux: {@code update_hiwater_rss}). */
    @KernelFunction("update_hiwater_rss")
    public void updateHiwaterRss() {
        long now = rssPages();
        if (now > hiwaterRss) {
            hiwaterRss = now;
        }
    }

    /** Remembers the largest size; called before a mapping goes (Linux: {@code update_hiwater_vm}). */
    @KernelFunction("update_hiwater_vm")
    public void updateHiwaterVm() {
        hiwaterVm = hiwaterVm();
    }

    /** VmHWM, in pages. */
    public long hiwaterRss() {
        return Math.max(hiwaterRss, rssPages());
    }

    /** VmPeak, in pages. */
    public long hiwaterVm() {
        return Math.max(hiwaterVm, totalVm);
    }

    /** Most pages that were mapped at once. Caller holds the mmap lock for writing. */
    public void setHiwaterVm(long pages) {
        hiwaterVm = pages;
    }

    /** Starts VmHWM anew (clear_refs 5). */
    public void resetHiwaterRss() {
        hiwaterRss = rssPages();
    }

    @Override
    public TableCounts tableCounts() {
        return tableCounts;
    }

    /** Memory in page tables below the root, in bytes (VmPTE). */
    @KernelFunction("mm_pgtables_bytes")
    public long pageTableBytes() {
        return (long) (nrPtes() + nrPmds() + nrPuds()) * MmLayout.PAGE_SIZE;
    }

    // ---- what is mapped ----

    /** Counts {@code pages} (negative: fewer) of a mapping with {@code flags}. */
    @KernelFunction("vm_stat_account")
    @RequiresLock("MMAP_LOCK")
    public void account(long flags, long pages) {
        totalVm += pages;
        if (VmFlags.isExec(flags)) {
            execVm += pages;
        } else if (VmFlags.isStack(flags)) {
            stackVm += pages;
        } else if (VmFlags.isData(flags)) {
            dataVm += pages;
        }
    }

    /** Whether {@code pages} more of a mapping with {@code flags} stay within RLIMIT_AS and RLIMIT_DATA. */
    @KernelFunction(value = "may_expand_vm", file = "mm/vma.c")
    @RequiresLock("MMAP_LOCK")
    public boolean mayExpand(long flags, long pages) {
        if (exceeds(totalVm + pages, limits.as())) {
            return false;
        }
        if (VmFlags.isData(flags) && exceeds(dataVm + pages, limits.data())) {
            return limits.data() == 0 && !exceeds(dataVm + pages, limits.dataMax());
        }
        return true;
    }

    /** Whether {@code bytes} more of a mapping with {@code flags} stay within RLIMIT_MEMLOCK. */
    @KernelFunction(value = "mlock_future_ok", file = "mm/mmap.c")
    @RequiresLock("MMAP_LOCK")
    public boolean mlockFutureOk(long flags, long bytes) {
        if ((flags & VmFlags.LOCKED) == 0 || limits.mayLockUnlimited()) {
            return true;
        }
        return !exceeds((bytes >>> MmLayout.PAGE_SHIFT) + lockedVm, limits.memlock());
    }

    private static boolean exceeds(long pages, long limitBytes) {
        return Long.compareUnsigned(pages, limitBytes >>> MmLayout.PAGE_SHIFT) > 0;
    }

    /** Pages of all mappings. Any thread; exact under the mmap lock. */
    public long totalVm() {
        return totalVm;
    }

    /** Pages of private writable mappings that are no stack. Any thread; exact under the mmap lock. */
    public long dataVm() {
        return dataVm;
    }

    /** Pages of mappings of executable files. Any thread; exact under the mmap lock. */
    public long execVm() {
        return execVm;
    }

    /** Pages of stacks. Any thread; exact under the mmap lock. */
    public long stackVm() {
        return stackVm;
    }

    /** Pages of mappings that are locked in memory. Any thread; exact under the mmap lock. */
    public long lockedVm() {
        return lockedVm;
    }

    /** Counts pages locked, or unlocked when negative. */
    @RequiresLock("MMAP_LOCK")
    public void addLockedVm(long pages) {
        lockedVm += pages;
    }

    /** Flags every new mapping gets: VM_LOCKED after mlockall(MCL_FUTURE). */
    public long defFlags() {
        return defFlags;
    }

    /** Where the operation under way collects what userfaultfds are to be told afterwards; null where it does not. */
    @RequiresLock("MMAP_LOCK")
    public Object userfaultEvents() {
        return userfaultEvents;
    }

    /** Begins to collect, or ends it with null. */
    @RequiresLock("MMAP_LOCK")
    public void setUserfaultEvents(Object collector) {
        userfaultEvents = collector;
    }

    /** Sets the flags of mappings to come. Caller holds the mmap lock for writing. */
    public void setDefFlags(long flags) {
        defFlags = flags;
    }

    // ---- layout ----

    /** Where the search for room begins, going down. */
    public long mmapBase() {
        return mmapBase;
    }

    /** Where the search for room begins going up, after the search down failed. */
    public long mmapLegacyBase() {
        return mmapLegacyBase;
    }

    /** Whether the search for room goes down from {@link #mmapBase}. */
    public boolean topDown() {
        return topDown;
    }

    /** Start of MAP_32BIT's window, moved up at random as Linux does where addresses are random at all. */
    public long window32Start() {
        return window32Start;
    }

    /**
     * Chooses the layout for a new program.
     *
     * @param rnd random offset of the mapping area in bytes, page-aligned; 0 for a fixed layout
     * @param window32Rnd random offset of MAP_32BIT's window in bytes, page-aligned, below 32 MiB
     * @param legacy place mappings bottom-up, as ADDR_COMPAT_LAYOUT asks
     */
    @KernelFunction(value = "arch_pick_mmap_layout", file = "arch/x86/mm/mmap.c")
    public void pickLayout(long rnd, long window32Rnd, boolean legacy) {
        mmapLegacyBase = MmLayout.UNMAPPED_BASE + rnd;
        mmapBase = legacy ? mmapLegacyBase : MmLayout.mmapBase(limits.stack(), sysctl.stackGuardGap, rnd);
        window32Start = MmLayout.WINDOW_32BIT_START + window32Rnd;
        topDown = !legacy;
    }

    /** Takes over the layout and the bounds of another address space: fork. */
    public void copyLayout(MmStruct from) {
        mmapBase = from.mmapBase;
        mmapLegacyBase = from.mmapLegacyBase;
        window32Start = from.window32Start;
        topDown = from.topDown;
        thpDisabled = from.thpDisabled;
        startCode = from.startCode;
        endCode = from.endCode;
        startData = from.startData;
        endData = from.endData;
        startBrk = from.startBrk;
        brk = from.brk;
        startStack = from.startStack;
        argStart = from.argStart;
        argEnd = from.argEnd;
        envStart = from.envStart;
        envEnd = from.envEnd;
    }

    /** First address of the program's code. */
    public long startCode() {
        return startCode;
    }

    /** End of the program's code, exclusive. */
    public long endCode() {
        return endCode;
    }

    /** Tells where the program's code is. Caller holds the mmap lock for writing. */
    public void setCode(long start, long end) {
        startCode = start;
        endCode = end;
    }

    /** First address of the program's data. */
    public long startData() {
        return startData;
    }

    /** End of the program's data, exclusive. */
    public long endData() {
        return endData;
    }

    /** Tells where the program's data are. Caller holds the mmap lock for writing. */
    public void setData(long start, long end) {
        startData = start;
        endData = end;
    }

    /** Where the heap begins. */
    public long startBrk() {
        return startBrk;
    }

    /** Where the heap ends, in bytes. */
    public long brk() {
        return brk;
    }

    /** Moves the end of the heap. Caller holds the mmap lock for writing. */
    public void setBrk(long newBrk) {
        brk = newBrk;
    }

    /** Sets the start of the heap and its end, which begins there. */
    public void setStartBrk(long start, long newBrk) {
        startBrk = start;
        brk = newBrk;
    }

    /** The stack pointer that the program began with. */
    public long startStack() {
        return startStack;
    }

    /** Sets the stack pointer that the program begins with. Caller holds the mmap lock for writing. */
    public void setStartStack(long address) {
        startStack = address;
    }

    /** First address of the arguments. */
    public long argStart() {
        return argStart;
    }

    /** End of the arguments, exclusive. */
    public long argEnd() {
        return argEnd;
    }

    /** Tells where the arguments are. Caller holds the mmap lock for writing. */
    public void setArgs(long start, long end) {
        argStart = start;
        argEnd = end;
    }

    /** First address of the environment. */
    public long envStart() {
        return envStart;
    }

    /** End of the environment, exclusive. */
    public long envEnd() {
        return envEnd;
    }

    /** Tells where the environment is. Caller holds the mmap lock for writing. */
    public void setEnv(long start, long end) {
        envStart = start;
        envEnd = end;
    }

    @Override
    public String toString() {
        return "mm " + id;
    }
}

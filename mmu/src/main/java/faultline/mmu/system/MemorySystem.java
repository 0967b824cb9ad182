package faultline.mmu.system;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultEnv;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.fault.FileMappings;
import faultline.mmu.fault.ForkCopy;
import faultline.mmu.fault.Zap;
import faultline.mmu.file.PageCache;
import faultline.mmu.gup.GetUserPages;
import faultline.mmu.gup.UserMemory;
import faultline.mmu.hugetlb.HugetlbPools;
import faultline.mmu.kernel.InitMm;
import faultline.mmu.kernel.Vmalloc;
import faultline.mmu.ksm.Ksm;
import faultline.mmu.ksm.Ksmd;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmSysctl;
import faultline.mmu.op.Brk;
import faultline.mmu.op.DetachFile;
import faultline.mmu.op.ExitMmap;
import faultline.mmu.op.Fork;
import faultline.mmu.op.Madvise;
import faultline.mmu.op.Mbind;
import faultline.mmu.op.Mincore;
import faultline.mmu.op.Mlock;
import faultline.mmu.op.Mmap;
import faultline.mmu.op.Mprotect;
import faultline.mmu.op.Mremap;
import faultline.mmu.op.Mseal;
import faultline.mmu.op.Msync;
import faultline.mmu.op.Munmap;
import faultline.mmu.op.OpEnv;
import faultline.mmu.op.RemapFilePages;
import faultline.mmu.op.StackArea;
import faultline.mmu.op.Swapoff;
import faultline.mmu.op.UserfaultFill;
import faultline.mmu.op.UserfaultMove;
import faultline.mmu.op.UserfaultRegistration;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.swap.FileSwapStore;
import faultline.mmu.swap.Kswapd;
import faultline.mmu.swap.MemCgroupReclaimer;
import faultline.mmu.swap.Reclaimer;
import faultline.mmu.swap.SwapAreas;
import faultline.mmu.swap.SwapSpace;
import faultline.mmu.swap.Swapon;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.PageWalker;
import faultline.mmu.tlb.AddressSpaceTlb;
import faultline.mmu.tlb.InstructionCache;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One machine's memory: guest memory, page tables, faults, and the operations on address spaces.
 *
 * <p>Address spaces are made by {@link #newMm} and end with {@link #exitMmap}. Everything here may be used by many
 * threads.
 */
public final class MemorySystem implements AutoCloseable {
    private final MemoryConfig config;
    private final PhysicalMemory phys;
    private final PageTables tables;
    private final PageWalker walker;
    private final InitMm initMm;
    private final Vmalloc vmalloc;
    private final PageCache cache;
    private final FaultEnv env;
    private final FaultHandler faults;
    private final SwapSpace swap;
    private final Reclaimer reclaimer;
    /** Null when there is none. */
    private final Kswapd kswapd;

    /** Null when there is none. */
    private final Ksmd ksmd;

    private final HugetlbPools hugetlb;
    private final GetUserPages gup;
    private final UserMemory userMemory;
    private final CommitAccount commit;
    private final MmSysctl sysctl = new MmSysctl();
    private final OpEnv ops;
    private final Mmap mmap;
    private final Munmap munmap;
    private final Mprotect mprotect;
    private final Brk brk;
    private final Mremap mremap;
    private final Madvise madvise;
    private final Mlock mlock;
    private final Mbind mbind;
    private final Mincore mincore;
    private final Msync msync = new Msync();
    private final Mseal mseal = new Mseal();
    private final RemapFilePages remapFilePages;
    private final Fork fork;
    private final DetachFile detachFile;
    private final UserfaultRegistration userfaultRegistration;
    private final UserfaultFill userfaultFill;
    private final UserfaultMove userfaultMove;
    private final StackArea stackArea;
    private final Swapon swapon;
    private final Swapoff swapoff;
    private final ExitMmap exit;
    private final AtomicInteger nextId = new AtomicInteger(1);
    private final Set<MmStruct> live = ConcurrentHashMap.newKeySet();

    /** Reserves the memory and builds everything on it. */
    public MemorySystem(MemoryConfig config) {
        this(config, Runtime.getRuntime().availableProcessors());
    }

    /**
     * @param frameCaches how many caches of free frames threads are spread over; with 1, frame numbers depend on
     *     nothing but the sequence of calls
     */
    public MemorySystem(MemoryConfig config, int frameCaches) {
        this.config = config;
        phys = PhysicalMemory.reserve(config.memBytes(), frameCaches);
        tables = new PageTables(phys, config.ptl());
        walker = new PageWalker(phys);
        initMm = new InitMm(tables);
        vmalloc = new Vmalloc(initMm);
        cache = new PageCache(phys);
        env = new FaultEnv(tables, cache, new Rmap(phys.frames()), makeZeroPage(phys));
        cache.setWalker(new FileMappings(env));
        faults = new FaultHandler(env);
        swap = new SwapSpace(cache);
        env.setSwap(swap);
        reclaimer = new Reclaimer(cache, tables, env.rmap(), swap);
        phys.allocator().setReclaim(reclaimer);
        cache.memCgroups().setReclaim(new MemCgroupReclaimer(reclaimer, swap, cache.memCgroups(), phys.frames()));
        kswapd = config.kswapd() ? new Kswapd(reclaimer, phys.allocator()) : null;
        hugetlb = new HugetlbPools(cache);
        gup = new GetUserPages(faults);
        userMemory = new UserMemory(faults);
        commit = new CommitAccount(config.overcommit(), phys.frameCount(), 0, config.overcommitRatio());
        swap.areas().setTotalListener(commit::setSwapPages);
        if (config.swapBytes() != 0) {
            addSwap();
        }
        commit.setPooledPages(hugetlb::totalFrames);
        sysctl.maxMapCount = config.maxMapCount();
        sysctl.mmapMinAddr = config.mmapMinAddr();
        sysctl.thp = config.thp();
        ops = new OpEnv(faults, new Zap(env), new ForkCopy(env), gup, reclaimer, hugetlb, config.move());
        ksmd = config.kswapd() ? new Ksmd(ops.ksm()) : null;
        mmap = new Mmap(ops);
        munmap = new Munmap(ops);
        mprotect = new Mprotect(ops);
        brk = new Brk(ops);
        mremap = new Mremap(ops);
        madvise = new Madvise(ops);
        mlock = new Mlock(ops);
        mbind = new Mbind(ops);
        mincore = new Mincore(ops);
        remapFilePages = new RemapFilePages(ops, config.remap());
        fork = new Fork(ops);
        detachFile = new DetachFile(ops);
        userfaultRegistration = new UserfaultRegistration(ops);
        userfaultFill = new UserfaultFill(ops, userMemory);
        userfaultMove = new UserfaultMove(ops);
        stackArea = new StackArea(ops);
        swapon = new Swapon(swap);
        swapoff = new Swapoff(ops, swap, commit, this::mms);
        exit = new ExitMmap(ops);
    }

    private void addSwap() {
        int pages = Math.toIntExact(config.swapBytes() >>> Page.SHIFT);
        FileSwapStore store = new FileSwapStore(Path.of(System.getProperty("java.io.tmpdir")));
        swap.areas().add(store, pages, SwapAreas.ANY_PRIORITY);
    }

    /** The frame of zeros: never freed, never counted. */
    private static long makeZeroPage(PhysicalMemory phys) {
        long pfn = phys.allocator().allocPage();
        if (pfn < 0) {
            throw new IllegalStateException("guest memory is too small");
        }
        phys.zero(Page.address(pfn), Page.SIZE);
        phys.frames().set(pfn, PageFlags.RESERVED | PageFlags.ZERO | PageFlags.UPTODATE);
        return pfn;
    }

    // ---- address spaces ----

    /**
     * Makes an empty address space.
     *
     * @param limits a live view of its process's limits
     * @return it, or null when there is no memory for its page-table root
     */
    @KernelFunction("mm_alloc")
    public MmStruct newMm(MmLimits limits) {
        return newMm(AddressSpaceTlb.NONE, limits);
    }

    /** As {@link #newMm(MmLimits)}, with the translation cache that will run on it. */
    public MmStruct newMm(AddressSpaceTlb tlb, MmLimits limits) {
        long pgd = tables.allocPgd();
        if (pgd < 0) {
            return null;
        }
        MmStruct mm = new MmStruct(nextId.getAndIncrement(), pgd, sysctl, commit, limits);
        mm.setTlb(tlb);
        mm.setHugePmd(tables.huge());
        live.add(mm);
        return mm;
    }

    /** Tears an address space down; nobody uses it any more. */
    public void exitMmap(MmStruct mm) {
        exit.run(mm);
        live.remove(mm);
    }

    /** The address spaces that there are. */
    public List<MmStruct> mms() {
        return new ArrayList<>(live);
    }

    // ---- parts ----

    public PhysicalMemory phys() {
        return phys;
    }

    public PageTables tables() {
        return tables;
    }

    public PageWalker walker() {
        return walker;
    }

    /** Kernel memory and device memory. */
    public Vmalloc vmalloc() {
        return vmalloc;
    }

    public PageCache cache() {
        return cache;
    }

    public FaultHandler faults() {
        return faults;
    }

    public FaultEnv faultEnv() {
        return env;
    }

    public GetUserPages gup() {
        return gup;
    }

    public UserMemory userMemory() {
        return userMemory;
    }

    /** Swap areas and swap cache. */
    public SwapSpace swap() {
        return swap;
    }

    /** Who finds frames when they run out. */
    public Reclaimer reclaimer() {
        return reclaimer;
    }

    /** The huge pages of MAP_HUGETLB and the like. */
    public HugetlbPools hugetlb() {
        return hugetlb;
    }

    /** Merging of pages of equal content. Without threads of its own somebody else gives the scanner its turns. */
    public Ksm ksm() {
        return ops.ksm();
    }

    public CommitAccount commit() {
        return commit;
    }

    public MmSysctl sysctl() {
        return sysctl;
    }

    /** Says who is told of frames whose content was changed; once, before the first guest instruction. */
    public void setInstructionCache(InstructionCache listener) {
        cache.setInstructionCache(listener);
    }

    /** Says who hears of a thread of this system's own that fails. */
    public void setUncaughtExceptionHandler(Thread.UncaughtExceptionHandler watch) {
        if (kswapd != null) {
            ksmd.setUncaughtExceptionHandler(watch);
            kswapd.setUncaughtExceptionHandler(watch);
        }
    }

    // ---- operations ----

    public Mmap mmap() {
        return mmap;
    }

    public Munmap munmap() {
        return munmap;
    }

    public Mprotect mprotect() {
        return mprotect;
    }

    public Brk brk() {
        return brk;
    }

    public Mremap mremap() {
        return mremap;
    }

    public Madvise madvise() {
        return madvise;
    }

    public Mlock mlock() {
        return mlock;
    }

    public Mbind mbind() {
        return mbind;
    }

    public Mincore mincore() {
        return mincore;
    }

    public Msync msync() {
        return msync;
    }

    public Mseal mseal() {
        return mseal;
    }

    public RemapFilePages remapFilePages() {
        return remapFilePages;
    }

    public UserfaultRegistration userfaultRegistration() {
        return userfaultRegistration;
    }

    public UserfaultFill userfaultFill() {
        return userfaultFill;
    }

    public UserfaultMove userfaultMove() {
        return userfaultMove;
    }

    public DetachFile detachFile() {
        return detachFile;
    }

    public Fork fork() {
        return fork;
    }

    public StackArea stackArea() {
        return stackArea;
    }

    public Swapon swapon() {
        return swapon;
    }

    public Swapoff swapoff() {
        return swapoff;
    }

    // ---- the whole ----

    /**
     * Checks everything that must hold between operations: no task may be inside one.
     *
     * @return what is wrong; empty when all is well
     */
    public List<String> audit() {
        if (kswapd == null) {
            return new Audit(this).run();
        }
        List<String> found = new ArrayList<>();
        ksmd.whileResting(() -> kswapd.whileResting(() -> found.addAll(new Audit(this).run())));
        return found;
    }

    /** Gives the memory back to the host. Address spaces that still exist become unusable. */
    @Override
    public void close() {
        live.clear();
        if (kswapd != null) {
            ksmd.close();
            kswapd.close();
        }
        swap.close();
        phys.close();
    }
}

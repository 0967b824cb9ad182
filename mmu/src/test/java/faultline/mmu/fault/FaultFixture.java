package faultline.mmu.fault;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;
import faultline.mmu.file.PageCache;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmSysctl;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTableReaper;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;
import faultline.mmu.table.PtlMode;
import faultline.mmu.tlb.InstructionCache;
import faultline.mmu.tlb.MmuGather;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A machine of the layers up to faults, with mappings made by hand and an audit of what must hold of them. */
public final class FaultFixture implements AutoCloseable {
    public static final long RW = VmFlags.READ | VmFlags.WRITE | VmFlags.MAYREAD | VmFlags.MAYWRITE | VmFlags.MAYEXEC;
    public static final long RO = RW & ~VmFlags.WRITE;
    public static final long SHARED_RW = RW | VmFlags.SHARED | VmFlags.MAYSHARE;
    public static final long BASE = 0x7000_0000_0000L;

    public final PhysicalMemory phys;
    public final PageTables tables;
    public final PageCache cache;
    public final Rmap rmap;
    public final FaultEnv env;
    public final FaultHandler faults;
    public final Zap zap;
    public final MmSysctl sysctl = new MmSysctl();
    public final CommitAccount commit;
    public final List<MmStruct> mms = new ArrayList<>();
    public final List<AddressSpace> files = new ArrayList<>();
    private final Map<MmStruct, ModelCpu.Tlbs> tlbs = new HashMap<>();
    private final long zeroPfn;

    public FaultFixture() {
        this(64L << 20, PtlMode.SPLIT);
    }

    public FaultFixture(long bytes, PtlMode mode) {
        phys = PhysicalMemory.reserve(bytes);
        tables = new PageTables(phys, mode);
        cache = new PageCache(phys);
        rmap = new Rmap(phys.frames());
        zeroPfn = phys.allocator().allocZeroedPage();
        phys.frames().set(zeroPfn, PageFlags.RESERVED | PageFlags.ZERO | PageFlags.UPTODATE);
        env = new FaultEnv(tables, cache, rmap, zeroPfn);
        cache.setWalker(new FileMappings(env));
        faults = new FaultHandler(env);
        zap = new Zap(env);
        commit = new CommitAccount(CommitAccount.Mode.HEURISTIC, bytes >>> Page.SHIFT, 0, 50);
    }

    public MmStruct newMm() {
        MmStruct mm = new MmStruct(mms.size() + 1, tables.allocPgd(), sysctl, commit, MmLimits.ROOT);
        ModelCpu.Tlbs all = new ModelCpu.Tlbs();
        mm.setTlb(all);
        tlbs.put(mm, all);
        mms.add(mm);
        return mm;
    }

    public ModelCpu newCpu(MmStruct mm) {
        return new ModelCpu(mm, faults, tlbs.get(mm));
    }

    public Vma mapAnon(MmStruct mm, long start, int pages, long flags) {
        Vma vma = new Vma(mm, start, start + ((long) pages << Page.SHIFT), flags, start >>> Page.SHIFT);
        mm.vmas().insert(vma);
        return vma;
    }

    public Vma mapFile(MmStruct mm, long start, int pages, long flags, MappedFile file, long pgoff) {
        Vma vma = new Vma(mm, start, start + ((long) pages << Page.SHIFT), flags, pgoff);
        vma.setFile(file, !file.mapping().isShmem());
        mm.vmas().insert(vma);
        file.mapping().areas().link(vma);
        if (!files.contains(file.mapping())) {
            files.add(file.mapping());
        }
        return vma;
    }

    /** munmap(2) of one whole mapping. */
    public void unmap(Vma vma) {
        MmStruct mm = vma.mm();
        mm.mmapLock().writeLock();
        MmuGather gather = new MmuGather(phys, InstructionCache.NONE);
        gather.begin(mm.tlb(), false);
        zap.zapPageRange(mm, vma, vma.start(), vma.end(), gather);
        Vma below = vma.prev();
        Vma above = vma.next();
        Rmap.leave(vma);
        if (vma.file() != null) {
            vma.file().mapping().areas().unlink(vma);
        }
        mm.vmas().remove(vma);
        new PageTableReaper(tables)
                .freePgtables(
                        mm,
                        gather,
                        vma.start(),
                        vma.end(),
                        below == null ? 0 : below.end(),
                        above == null ? 0 : above.start());
        gather.finish();
        mm.mmapLock().writeUnlock();
    }

    /** MADV_DONTNEED of a part of a mapping. */
    public void dontNeed(Vma vma, long start, long end) {
        MmStruct mm = vma.mm();
        mm.mmapLock().readLock();
        MmuGather gather = new MmuGather(phys, InstructionCache.NONE);
        gather.begin(mm.tlb(), false);
        zap.zapPageRange(mm, vma, start, end, gather);
        gather.finish();
        mm.mmapLock().readUnlock();
    }

    /** fork(2) of one mapping into another address space. */
    public Vma fork(Vma from, MmStruct child, FaultContext ctx) {
        from.mm().mmapLock().writeLock();
        Vma to = from.duplicate(child, from.start(), from.end(), from.pgoff());
        Rmap.join(to, from);
        child.vmas().insert(to);
        if (to.file() != null) {
            to.file().mapping().areas().link(to);
        }
        int error = new ForkCopy(env).copyPageRange(to, from, ctx);
        from.mm().tlb().flushAll();
        from.mm().mmapLock().writeUnlock();
        if (error != 0) {
            throw new OutOfMemoryError("fork");
        }
        return to;
    }

    public long pte(MmStruct mm, long address) {
        long pmd = tables.walkToPmd(mm.pgd(), address);
        PtlGuard guard = new PtlGuard();
        long pte = pmd < 0 ? -1 : tables.pteOffsetMapLock(mm, pmd, address, guard);
        if (pte < 0) {
            return 0;
        }
        long entry = phys.getLong(pte);
        tables.pteUnmapUnlock(pte, guard);
        return entry;
    }

    /** What must hold while nobody runs: map counts, reference counts, resident counters, locks free. */
    public void audit() {
        FrameTable frames = phys.frames();
        Map<Long, Integer> mapped = new HashMap<>();
        for (MmStruct mm : mms) {
            auditMm(mm, mapped);
        }
        Map<Long, Integer> cached = new HashMap<>();
        for (AddressSpace file : files) {
            for (long i = 0; i < 4096; i++) {
                long pfn = file.findPage(i);
                if (pfn >= 0) {
                    phys.allocator().putPage(pfn);
                    cached.put(pfn, 1);
                }
            }
        }
        for (long pfn = 1; pfn < frames.count(); pfn++) {
            if (frames.refcount(pfn) == 0 || frames.test(pfn, PageFlags.TABLE | PageFlags.RESERVED)) {
                continue;
            }
            int maps = mapped.getOrDefault(pfn, 0);
            check(frames.mapcount(pfn) == maps, "mapped " + maps + " times", pfn);
            check(frames.refcount(pfn) == maps + cached.getOrDefault(pfn, 0), "references", pfn);
            check(!frames.test(pfn, PageFlags.LOCKED), "locked", pfn);
        }
        check(frames.refcount(zeroPfn) == 1, "page of zeros", zeroPfn);
    }

    /**
     * The quick part of {@link #audit()}, for the given mappings only: each page's counts as far as they account for
     * them.
     */
    public void audit(Vma... vmas) {
        FrameTable frames = phys.frames();
        Map<Long, Integer> mapped = new HashMap<>();
        for (Vma vma : vmas) {
            for (long at = vma.start(); at < vma.end(); at += Page.SIZE) {
                long entry = pte(vma.mm(), at);
                if (Pte.isPresent(entry) && !Pte.isSpecial(entry)) {
                    mapped.merge(Pte.pfn(entry), 1, Integer::sum);
                }
            }
        }
        mapped.forEach((pfn, maps) -> {
            check(frames.mapcount(pfn) == maps, "mapped " + maps + " times", pfn);
            int cached = frames.mapping(pfn) instanceof AddressSpace ? 1 : 0;
            check(frames.refcount(pfn) == maps + cached, "references", pfn);
        });
    }

    private void auditMm(MmStruct mm, Map<Long, Integer> mapped) {
        long anon = 0;
        long file = 0;
        long shmem = 0;
        for (Vma vma = mm.vmas().first(); vma != null; vma = vma.next()) {
            for (long at = vma.start(); at < vma.end(); at += Page.SIZE) {
                long entry = pte(mm, at);
                if (!Pte.isPresent(entry) || Pte.isSpecial(entry)) {
                    continue;
                }
                mapped.merge(Pte.pfn(entry), 1, Integer::sum);
                if (phys.frames().test(Pte.pfn(entry), PageFlags.ANON)) {
                    anon++;
                } else if (vma.file().mapping().isShmem()) {
                    shmem++;
                } else {
                    file++;
                }
            }
        }
        if (anon != mm.rss(MmStruct.ANONPAGES)
                || file != mm.rss(MmStruct.FILEPAGES)
                || shmem != mm.rss(MmStruct.SHMEMPAGES)) {
            throw new AssertionError(mm + ": resident anon " + anon + "/" + mm.rss(MmStruct.ANONPAGES) + " file " + file
                    + "/" + mm.rss(MmStruct.FILEPAGES) + " shmem " + shmem + "/" + mm.rss(MmStruct.SHMEMPAGES));
        }
    }

    private void check(boolean holds, String what, long pfn) {
        if (!holds) {
            throw new AssertionError(what + ": " + phys.frames().describe(pfn));
        }
    }

    /** Audits, tears everything down, and looks that no frame is left. */
    @Override
    public void close() {
        audit();
        for (MmStruct mm : mms) {
            for (Vma vma = mm.vmas().first(); vma != null; vma = mm.vmas().first()) {
                unmap(vma);
            }
            tables.freePgd(mm.pgd());
        }
        for (AddressSpace file : files) {
            file.truncate(0);
        }
        phys.frames().clear(zeroPfn, PageFlags.RESERVED);
        phys.allocator().putPage(zeroPfn);
        long left = phys.allocator().managedFrames() - phys.allocator().freeFrames();
        if (left != 0) {
            throw new AssertionError(left + " frames are left");
        }
        phys.close();
    }
}

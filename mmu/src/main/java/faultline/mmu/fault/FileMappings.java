package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.FileAreas;
import faultline.mmu.file.IntervalNode;
import faultline.mmu.file.MappingWalker;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.rmap.RmapWalk;
import faultline.mmu.table.Pte;
import faultline.mmu.tlb.MmuGather;

/**
 * The way from a file's pages down into all page tables that map them: for truncation and for write-back.
 *
 * <p>Both walk the file's tree of mappings under its i_mmap lock, which keeps each mapping in place and its page tables
 * from being freed.
 */
public final class FileMappings implements MappingWalker {
    /** Pages of mapping after which a walk lets the i_mmap lock go for a moment. */
    static final long LATENCY_PAGES = 1024;

    private final FaultEnv env;
    private final Zap zap;

    /** Mappings in the machine of {@code env}. */
    public FileMappings(FaultEnv env) {
        this.env = env;
        this.zap = new Zap(env);
    }

    /**
     * {@inheritDoc}
     *
     * <p>The i_mmap lock is let go now and then when others wait for it. Mappings already cleared carry this walk's
     * number and are skipped when it goes on from the start; a mapping that mremap made meanwhile out of one not yet
     * cleared carries none (seed 003). Nonlinear mappings come last, and are searched from end to end.
     */
    @Override
    @KernelFunction(value = "unmap_mapping_pages", file = "mm/memory.c")
    public void unmapMappingPages(AddressSpace mapping, long first, long last, boolean evenCows) {
        MmuGather gather = new MmuGather(env.phys, env.cache.instructionCache());
        FileAreas areas = mapping.areas();
        areas.lock().lock();
        try {
            if (areas.isEmpty()) {
                return;
            }
            int walk = areas.nextTruncateCount();
            long budget = LATENCY_PAGES;
            IntervalNode node = areas.first(first, last);
            while (node != null) {
                if (node.truncateCount() != walk) {
                    budget -= unmapArea((Vma) node.area(), first, last, evenCows, gather);
                    node.setTruncateCount(walk);
                }
                boolean resched = budget < 0 && areas.lock().condResched();
                budget = budget < 0 ? LATENCY_PAGES : budget;
                node = resched ? areas.first(first, last) : areas.next(node, first, last);
            }
        } finally {
            areas.lock().unlock();
        }
    }

    /** Clears what one mapping shows of the range; returns how many pages that is. */
    private long unmapArea(Vma vma, long first, long last, boolean evenCows, MmuGather gather) {
        if (vma.isNonlinear()) {
            ZapDetails details = ZapDetails.truncation(evenCows, first, last);
            return unmapPart(vma, vma.start(), vma.end(), gather, details);
        }
        long from = Math.max(first, vma.pgoff());
        long to = Math.min(last, vma.pgoff() + vma.pages() - 1);
        if (to < from) {
            return 0;
        }
        long start = vma.start() + (from - vma.pgoff() << Page.SHIFT);
        long end = vma.start() + (to - vma.pgoff() + 1 << Page.SHIFT);
        return unmapPart(vma, start, end, gather, ZapDetails.truncation(evenCows));
    }

    @KernelFunction(value = "unmap_mapping_range_vma", file = "mm/memory.c")
    private long unmapPart(Vma vma, long start, long end, MmuGather gather, ZapDetails details) {
        gather.begin(vma.mm().tlb(), false);
        zap.zapRange(vma.mm(), vma, start, end, gather, details);
        gather.finish();
        return end - start >>> Page.SHIFT;
    }

    @Override
    @KernelFunction(value = "page_vma_mkclean_one", file = "mm/rmap.c")
    public int mkclean(AddressSpace mapping, long pfn, boolean nonlinear) {
        Cleaner cleaner = new Cleaner();
        RmapWalk walk = new RmapWalk(env.tables);
        if (nonlinear) {
            walk.walkEverywhere(pfn, cleaner);
        } else {
            walk.walk(pfn, cleaner);
        }
        return cleaner.cleaned;
    }

    @Override
    public void mkcleanNonlinear(AddressSpace mapping, long first, long last) {
        Cleaner cleaner = new Cleaner();
        new RmapWalk(env.tables).walkNonlinear(mapping, (area, address, pte) -> {
            long entry = env.phys.getLong(pte);
            long pfn = Pte.pfn(entry);
            boolean wanted = env.isCounted(pfn)
                    && env.frames.mapping(pfn) == mapping
                    && env.frames.index(pfn) >= first
                    && env.frames.index(pfn) <= last;
            if (wanted && Pte.isDirty(entry) && area.has(VmFlags.SHARED)) {
                mapping.setPageDirty(pfn);
            }
            return !wanted || cleaner.visit(area, address, pte);
        });
    }

    private final class Cleaner implements RmapWalk.Visitor {
        private int cleaned;

        @Override
        public boolean visit(Vma area, long address, long pte) {
            long entry = env.phys.getLong(pte);
            if (area.has(VmFlags.SHARED) && (Pte.isDirty(entry) || Pte.isWrite(entry))) {
                entry = env.tables.ptepGetAndClear(pte);
                area.mm().tlb().flushPage(address);
                env.tables.setPte(pte, Pte.mkClean(Pte.wrprotect(entry)));
                cleaned++;
            }
            return true;
        }
    }
}

package faultline.mmu.fault;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.table.Pte;
import faultline.mmu.tlb.MmuGather;

/**
 * Writes into the page tables of a nonlinear mapping which page of the file stands where: the entries of
 * remap_file_pages(2), which faults turn into pages.
 *
 * <p>An entry goes from what it was to naming another page in one step under the page-table lock: a fault under way for
 * the old page then finds the entry changed, and begins anew (see {@code NonlinearRaceTest}).
 */
public final class FileEntries {
    private final FaultEnv env;
    private final Zap zap;

    /** Entries of files in the machine of {@code env}. */
    public FileEntries(FaultEnv env) {
        this.env = env;
        this.zap = new Zap(env);
    }

    /**
     * Lets [{@code start}, {@code end}) show pages {@code pgoff} and following, in whatever order others stand around
     * it.
     *
     * @param vma a shared nonlinear mapping that holds the range
     * @param gather begun by the caller, who finishes it: pages that stood there go
     * @param ctx the calling task's cursor
     * @return 0, or -ENOMEM with only a first part of the range done
     */
    @KernelFunction(value = "populate_range", file = "mm/fremap.c")
    @RequiresLock("MMAP_LOCK:read")
    public int install(Vma vma, long start, long end, long pgoff, MmuGather gather, FaultContext ctx) {
        MmStruct mm = vma.mm();
        for (long at = start; at < end; ) {
            long next = Math.min(end, (at & Page.PMD_MASK) + Page.PMD_SIZE);
            long pmdEntry = env.tables.allocToPmd(mm, at);
            long pte = pmdEntry < 0 ? -1 : env.tables.pteAllocMapLock(mm, pmdEntry, at, ctx.guard);
            if (pte < 0) {
                return -Errno.ENOMEM;
            }
            installTable(vma, pte, at, next, pgoff + (at - start >>> Page.SHIFT), gather);
            ctx.guard.close();
            at = next;
        }
        return 0;
    }

    @KernelFunction(value = "install_file_pte", file = "mm/fremap.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private void installTable(Vma vma, long pte, long start, long end, long pgoff, MmuGather gather) {
        long pages = 0;
        boolean flushNow = false;
        long index = pgoff;
        for (long at = start, entryPa = pte; at < end; at += Page.SIZE, entryPa += 8, index++) {
            // The processor may set accessed and dirty until the very moment the entry goes.
            long entry = env.tables.ptepGetAndClear(entryPa);
            env.tables.setPte(entryPa, Pte.file(index));
            if (Pte.isPresent(entry)) {
                long pfn = Pte.pfn(entry);
                flushNow |= zap.passOn(entry, pfn, vma);
                env.rmap.remove(pfn, vma);
                gather.removePage(pfn, at);
                pages++;
            }
        }
        if (pages != 0) {
            vma.mm().addRss(FileFault.fileCounter(vma), -pages);
        }
        if (flushNow) {
            gather.flush();
        }
    }
}

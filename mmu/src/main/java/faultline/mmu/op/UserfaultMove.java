package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.Userfault;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;

/**
 * UFFDIO_MOVE: takes anonymous pages from one place of the address space and puts them where nothing is, without
 * copying.
 *
 * <p>The page is locked first, then the two page tables, the one whose entry lies lower in memory first: two tasks that
 * move pages in opposite directions do not wait for each other. While it is locked no walk of the reverse map looks for
 * the page, so that it may change its place and its family ({@code UserfaultMoveRaceTest}).
 */
@KernelFunction(value = "move_pages", file = "mm/userfaultfd.c")
public final class UserfaultMove {
    private static final long SAME = VmFlags.READ | VmFlags.WRITE | VmFlags.EXEC | VmFlags.LOCKED;
    private static final long IMMOVABLE = VmFlags.PFNMAP | VmFlags.IO | VmFlags.HUGETLB | VmFlags.MIXEDMAP;
    /** The entry is not any more what it was: to be done again. */
    private static final int AGAIN = 1;

    private final OpEnv env;
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final FrameTable frames;

    /** The operation, on the address spaces of one machine. */
    public UserfaultMove(OpEnv env) {
        this.env = env;
        this.tables = env.tables;
        this.phys = tables.memory();
        this.frames = phys.frames();
    }

    /**
     * Moves pages.
     *
     * @param holes whether source pages that do not exist are passed over
     * @return bytes done; or of the first page: -ENOENT (nothing mapped, no page), -EINVAL (mappings that do not fit),
     *     -EEXIST, -EBUSY (a page that others share), -EFAULT (a marker), -ENOMEM, -EAGAIN while an event has not been
     *     read of
     */
    public long run(Userfault context, long dst, long src, long len, boolean holes) {
        MmStruct mm = context.mm();
        mm.mmapLock().readLock();
        try {
            Vma from = mm.vmas().lookup(src);
            Vma to = mm.vmas().lookup(dst);
            if (from == null || to == null) {
                return -Errno.ENOENT;
            }
            if (context.isChanging()) {
                return -Errno.EAGAIN;
            }
            if (src + len > from.end() || dst + len > to.end() || !canMove(context, from, to)) {
                return -Errno.EINVAL;
            }
            if (Rmap.prepare(to) == null) {
                return -Errno.ENOMEM;
            }
            Move move = new Move(mm, from, to, holes);
            long done = 0;
            while (done < len) {
                long error = move.page(dst + done, src + done);
                if (error == 0) {
                    done += MmLayout.PAGE_SIZE;
                } else if (error != AGAIN) {
                    return done > 0 ? done : error;
                }
            }
            return done;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    @KernelFunction(value = "validate_move_areas", file = "mm/userfaultfd.c")
    private static boolean canMove(Userfault context, Vma from, Vma to) {
        return !from.has(VmFlags.SHARED)
                && !to.has(VmFlags.SHARED)
                && ((from.flags() ^ to.flags()) & SAME) == 0
                && from.pageProt() == to.pageProt()
                && from.has(VmFlags.WRITE)
                && !from.hasAny(IMMOVABLE)
                && !to.hasAny(IMMOVABLE)
                && to.userfault() == context
                && from.isAnonymous()
                && to.isAnonymous();
    }

    /** One call's way from page to page. */
    private final class Move {
        private final MmStruct mm;
        private final Vma from;
        private final Vma to;
        private final boolean holes;
        private final PtlGuard guard = new PtlGuard();
        private final PtlGuard nested = new PtlGuard();

        Move(MmStruct mm, Vma from, Vma to, boolean holes) {
            this.mm = mm;
            this.from = from;
            this.to = to;
            this.holes = holes;
        }

        @KernelFunction(value = "move_pages_pte", file = "mm/userfaultfd.c")
        @RequiresLock("MMAP_LOCK:read")
        long page(long dst, long src) {
            long srcPmd = tables.walkToPmd(mm.pgd(), src);
            if (srcPmd < 0 || Pte.isNone(phys.getLongAcquire(srcPmd))) {
                return holes ? 0 : -Errno.ENOENT;
            }
            if (Pte.isHuge(phys.getLongAcquire(srcPmd))) {
                tables.huge().split(mm, srcPmd);
                return AGAIN;
            }
            long dstPud = tables.pudAlloc(mm, tables.pgdOffset(mm.pgd(), dst), dst);
            long dstPmd = dstPud < 0 ? -1 : tables.pmdAlloc(mm, dstPud, dst);
            if (dstPmd < 0 || tables.pteAlloc(mm, dstPmd, dst) < 0) {
                return -Errno.ENOMEM;
            }
            if (Pte.isHuge(phys.getLongAcquire(dstPmd))) {
                return -Errno.EEXIST;
            }
            long entry = phys.getLongAcquire(tables.pteOffset(srcPmd, src));
            if (Pte.isNone(phys.getLongAcquire(tables.pteOffset(dstPmd, dst)))) {
                return from(entry, dst, dstPmd, src, srcPmd);
            }
            return -Errno.EEXIST;
        }

        private long from(long entry, long dst, long dstPmd, long src, long srcPmd) {
            if (Pte.isNone(entry)) {
                return holes ? 0 : -Errno.ENOENT;
            }
            if (Pte.isMarker(entry)) {
                return -Errno.EFAULT;
            }
            if (!Pte.isPresent(entry)) {
                return Pte.isSwapExclusive(entry)
                        ? exchange(entry, Pte.mkSoftDirty(Pte.clearUffdWp(entry)), -1, dst, dstPmd, src, srcPmd)
                        : -Errno.EBUSY;
            }
            long fresh = Pte.mkSoftDirty(Pte.of(Pte.pfn(entry), to.pageProt()));
            if (Pte.isSpecial(entry)) {
                return exchange(entry, Pte.mkSpecial(fresh), -1, dst, dstPmd, src, srcPmd);
            }
            fresh = Pte.mkWrite(Pte.isDirty(entry) ? Pte.mkDirty(fresh) : fresh);
            long pfn = Pte.pfn(entry);
            if (!frames.test(pfn, PageFlags.ANON_EXCLUSIVE)) {
                return stillThere(srcPmd, src, entry) ? -Errno.EBUSY : AGAIN;
            }
            if (!frames.getUnlessZero(pfn)) {
                return AGAIN;
            }
            env.cache().lockPage(pfn);
            try {
                return exchange(entry, fresh, pfn, dst, dstPmd, src, srcPmd);
            } finally {
                env.cache().unlockPage(pfn);
                phys.allocator().putPage(pfn);
            }
        }

        private boolean stillThere(long pmd, long address, long entry) {
            return phys.getLongAcquire(tables.pteOffset(pmd, address)) == entry;
        }

        /**
         * Puts {@code fresh} at the destination and nothing at the source, if both are as they were seen.
         *
         * @param pfn the page, which the caller has locked; -1 for an entry without one of its own
         */
        @KernelFunction(value = "move_present_ptes", file = "mm/userfaultfd.c")
        private long exchange(long entry, long fresh, long pfn, long dst, long dstPmd, long src, long srcPmd) {
            boolean srcFirst = tables.pteOffset(srcPmd, src) < tables.pteOffset(dstPmd, dst);
            long outer = srcFirst
                    ? tables.pteOffsetMapLock(mm, srcPmd, src, guard)
                    : tables.pteOffsetMapLock(mm, dstPmd, dst, guard);
            if (outer < 0) {
                return AGAIN;
            }
            long inner = srcFirst
                    ? tables.pteOffsetMapNested(mm, dstPmd, dst, guard, nested)
                    : tables.pteOffsetMapNested(mm, srcPmd, src, guard, nested);
            if (inner < 0) {
                tables.pteUnmapUnlock(outer, guard);
                return AGAIN;
            }
            long result =
                    exchangeLocked(entry, fresh, pfn, srcFirst ? outer : inner, srcFirst ? inner : outer, dst, src);
            tables.pteUnmapUnlock(inner, nested);
            tables.pteUnmapUnlock(outer, guard);
            return result;
        }

        private long exchangeLocked(long entry, long fresh, long pfn, long srcPte, long dstPte, long dst, long src) {
            if (!Pte.isNone(phys.getLong(dstPte))) {
                return -Errno.EEXIST;
            }
            // The processor may set accessed and dirty meanwhile; then it is done again with what it set.
            if (!phys.casLong(srcPte, entry, 0)) {
                return AGAIN;
            }
            mm.tlb().flushPage(src);
            if (pfn >= 0) {
                if (!frames.test(pfn, PageFlags.ANON_EXCLUSIVE)) {
                    tables.setPte(srcPte, entry);
                    return -Errno.EBUSY;
                }
                env.faultEnv.rmap().moveAnon(pfn, to, to.pageIndex(dst));
            }
            tables.setPte(dstPte, fresh);
            return 0;
        }
    }
}

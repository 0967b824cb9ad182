package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlGuard;
import faultline.mmu.tlb.MmuGather;

/**
 * Guard pages: markers in page tables that make any touch a SIGSEGV, without a mapping of their own
 * (MADV_GUARD_INSTALL).
 *
 * <p>Installing throws away what the pages held. Between throwing away and marking, another task may fault a page in
 * again: then the range is emptied again, see {@code GuardPagesTest}. Preconditions: the mmap lock is held shared.
 */
final class GuardPages {
    /** Rounds of emptying after which the call is to be made again (Linux: MAX_MADVISE_GUARD_RETRIES). */
    private static final int RETRIES = 3;

    private final OpEnv env;
    private final Vma vma;
    private final MmStruct mm;

    GuardPages(OpEnv env, Vma vma) {
        this.env = env;
        this.vma = vma;
        this.mm = vma.mm();
    }

    /** @return 0, -EINVAL for a mapping that cannot have guard pages, -ENOMEM */
    @KernelFunction(value = "madvise_guard_install", file = "mm/madvise.c")
    @RequiresLock("MMAP_LOCK:read")
    long install(long start, long end) {
        if (vma.hasAny(VmFlags.SPECIAL | VmFlags.HUGETLB | VmFlags.LOCKED | VmFlags.NONLINEAR)) {
            return -Errno.EINVAL;
        }
        // Fork copies page tables only of mappings that have a family; a guard page must be in the child too.
        if (Rmap.prepare(vma) == null) {
            return -Errno.ENOMEM;
        }
        for (int round = 0; ; round++) {
            long result = mark(start, end);
            if (result != -Errno.EAGAIN) {
                return result;
            }
            if (round == RETRIES) {
                return -Errno.EINTR;
            }
            MmuGather gather = env.gather(mm, false);
            env.zap.discardPages(mm, vma, start, end, gather);
            env.finish(gather);
        }
    }

    /** Enters markers where nothing is; -EAGAIN at the first entry that holds something else. */
    private long mark(long start, long end) {
        PtlGuard guard = new PtlGuard();
        for (long at = start; at < end; ) {
            long next = Math.min(end, (at & -MmLayout.PMD_SIZE) + MmLayout.PMD_SIZE);
            long pudEntry = env.tables.pudAlloc(mm, env.tables.pgdOffset(mm.pgd(), at), at);
            long pmdEntry = pudEntry < 0 ? -1 : env.tables.pmdAlloc(mm, pudEntry, at);
            if (pmdEntry < 0) {
                return -Errno.ENOMEM;
            }
            long pte = env.tables.pteAllocMapLock(mm, pmdEntry, at, guard);
            if (pte == PageTables.HUGE) {
                return -Errno.EAGAIN;
            }
            if (pte < 0) {
                return -Errno.ENOMEM;
            }
            boolean marked = markTable(pte, (int) (next - at >>> MmLayout.PAGE_SHIFT));
            env.tables.pteUnmapUnlock(pte, guard);
            if (!marked) {
                return -Errno.EAGAIN;
            }
            at = next;
        }
        return 0;
    }

    @KernelFunction(value = "guard_install_pte_entry", file = "mm/madvise.c")
    @RequiresLock("PAGE_TABLE_LOCK")
    private boolean markTable(long pte, int count) {
        for (int i = 0; i < count; i++) {
            long entry = env.tables.memory().getLong(pte + 8L * i);
            if (Pte.isNone(entry)) {
                env.tables.setPte(pte + 8L * i, Pte.marker(Pte.MARKER_GUARD));
            } else if (!Pte.isGuard(entry)) {
                return false;
            }
        }
        return true;
    }

    /** Takes guard pages away; nothing else is touched. @return 0 or -EINVAL */
    @KernelFunction(value = "madvise_guard_remove", file = "mm/madvise.c")
    @RequiresLock("MMAP_LOCK:read")
    long remove(long start, long end) {
        if (vma.hasAny(VmFlags.SPECIAL | VmFlags.HUGETLB)) {
            return -Errno.EINVAL;
        }
        new PageTableWalk(env.tables) {
            @Override
            @KernelFunction(value = "guard_remove_pte_entry", file = "mm/madvise.c")
            protected void table(long pte, long addr, long to) {
                long at = pte;
                for (long a = addr; a < to; a += MmLayout.PAGE_SIZE, at += 8) {
                    if (Pte.isGuard(phys.getLong(at))) {
                        tables.setPte(at, 0);
                    }
                }
            }
        }.walk(mm, start, end);
        return 0;
    }
}

package faultline.mmu.view;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.op.Mbind;
import faultline.mmu.op.PageTableWalk;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.policy.Mempolicy;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;

/**
 * /proc/PID/numa_maps: where the pages of each mapping are, on a machine of one node.
 *
 * <p>Entries are looked at and left as they are: a page that is found does not count as accessed by that (seed 001).
 */
public final class ProcNumaMaps {
    private ProcNumaMaps() {}

    /**
     * A line for each mapping; takes the mmap lock shared.
     *
     * @param ofTask the policy of mappings that have none; null for the default one
     */
    @KernelFunction(value = "show_numa_map", file = "fs/proc/task_mmu.c")
    public static String text(PageTables tables, MmStruct mm, Mempolicy ofTask) {
        StringBuilder out = new StringBuilder();
        mm.mmapLock().readLock();
        try {
            for (Vma v = mm.vmas().first(); v != null; v = v.next()) {
                VmaText.hex(out, v.start(), 8);
                Mempolicy own = Mbind.policyAt(v, v.start());
                out.append(' ').append(Mempolicy.text(own != null ? own : ofTask));
                appendName(out, v);
                Counts counts = new Counts(tables);
                counts.add(v);
                counts.append(out, v);
                out.append('\n');
            }
        } finally {
            mm.mmapLock().readUnlock();
        }
        return out.toString();
    }

    private static void appendName(StringBuilder out, Vma v) {
        if (v.file() != null) {
            out.append(" file=").append(escaped(v.file().path()));
        } else if (v.ops() == null && v.start() < v.mm().brk() && v.end() > v.mm().startBrk()) {
            out.append(" heap");
        } else if (v.start() <= v.mm().startStack() && v.end() >= v.mm().startStack()) {
            out.append(" stack");
        }
        if (v.has(VmFlags.HUGETLB)) {
            out.append(" huge");
        }
    }

    /** Names stand between blanks here: what would end one is shown in octal. */
    private static String escaped(String path) {
        StringBuilder out = new StringBuilder();
        for (char c : path.toCharArray()) {
            if (c == '\n' || c == '\t' || c == '=' || c == ' ') {
                out.append('\\').append(c / 64).append(c / 8 % 8).append(c % 8);
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    /** What the pages of a mapping add up to. */
    @KernelFunction(value = "numa_maps", file = "fs/proc/task_mmu.c")
    private static final class Counts extends PageTableWalk {
        private static final long PAGES_A_HUGE = MmLayout.PMD_SIZE / MmLayout.PAGE_SIZE;

        private final FrameTable frames;
        private long pages;
        private long anon;
        private long dirty;
        private long active;
        private long writeback;
        private long swapCache;
        private int mostMapped;
        /** Pages of the pool are counted as what they are. */
        private boolean pooled;

        Counts(PageTables tables) {
            super(tables);
            this.frames = tables.memory().frames();
        }

        @RequiresLock("MMAP_LOCK:read")
        void add(Vma v) {
            pooled = v.has(VmFlags.HUGETLB);
            walk(v.mm(), v.start(), v.end());
        }

        @Override
        @KernelFunction(value = "gather_pte_stats", file = "fs/proc/task_mmu.c")
        protected void table(long pte, long addr, long end) {
            long at = pte;
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
                add(phys.getLong(at), 1);
            }
        }

        @Override
        protected void huge(long pmdEntry, long addr, long end) {
            add(phys.getLongAcquire(pmdEntry), pooled ? 1 : PAGES_A_HUGE);
        }

        @KernelFunction(value = "can_gather_numa_stats", file = "fs/proc/task_mmu.c")
        private void add(long entry, long count) {
            if (!Pte.isPresent(entry) || Pte.isSpecial(entry) || !frames.isValid(Pte.pfn(entry))) {
                return;
            }
            int flags = frames.flags(Pte.pfn(entry));
            if ((flags & PageFlags.RESERVED) != 0) {
                return;
            }
            pages += count;
            dirty += Pte.isDirty(entry) || (flags & PageFlags.DIRTY) != 0 ? count : 0;
            anon += (flags & PageFlags.ANON) != 0 ? count : 0;
            active += (flags & (PageFlags.ACTIVE | PageFlags.UNEVICTABLE)) != 0 ? count : 0;
            writeback += (flags & PageFlags.WRITEBACK) != 0 ? count : 0;
            swapCache += (flags & PageFlags.SWAPCACHE) != 0 ? count : 0;
            mostMapped = Math.max(mostMapped, frames.mapcount(Pte.pfn(entry)));
        }

        void append(StringBuilder out, Vma v) {
            if (pages == 0) {
                return;
            }
            field(out, "anon", anon, anon != 0);
            field(out, "dirty", dirty, dirty != 0);
            field(out, "mapped", pages, pages != anon && pages != dirty);
            field(out, "mapmax", mostMapped, mostMapped > 1);
            field(out, "swapcache", swapCache, swapCache != 0);
            field(out, "active", active, active < pages && !v.has(VmFlags.HUGETLB));
            field(out, "writeback", writeback, writeback != 0);
            field(out, "N0", pages, true);
            field(out, "kernelpagesize_kB", ProcSmaps.pageSize(v) >>> 10, true);
        }

        private static void field(StringBuilder out, String name, long value, boolean shown) {
            if (shown) {
                out.append(' ').append(name).append('=').append(value);
            }
        }
    }
}

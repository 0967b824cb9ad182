package faultline.mmu.table;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.tlb.InstructionCache;
import faultline.mmu.tlb.MmuGather;
import faultline.mmu.tlb.ModelTlb;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Of the tables of an unmapped area those stay, and only those, in which another area may have entries. */
class PageTableReaperProperties {
    private static final PhysicalMemory MEMORY = PhysicalMemory.reserve(16 << 20);

    /**
     * Three areas in a row; the middle one goes. Sizes and gaps are in steps of 4 KiB, 2 MiB, 1 GiB and 512 GiB, mixed.
     */
    @Property(tries = 400, seed = "20260109")
    void tablesGoWithTheLastAreaInTheirSpan(
            @ForAll @Size(6) List<@IntRange(max = 3) Integer> shifts,
            @ForAll @Size(6) List<@IntRange(min = 1, max = 3) Integer> counts,
            @ForAll boolean below,
            @ForAll boolean above,
            @ForAll PtlMode ptl) {
        long freeBefore = MEMORY.allocator().freeFrames();
        TestSpace space = new TestSpace(new PageTables(MEMORY, ptl));
        long[] edges = new long[6];
        long at = 0;
        for (int i = 0; i < 6; i++) {
            at += (long) counts.get(i) << 12 + 9 * shifts.get(i);
            edges[i] = at;
        }
        long start = edges[2];
        long end = edges[3];
        long floor = below ? edges[1] : 0;
        long ceiling = above ? edges[4] : 0;
        if (below) {
            touch(space, edges[0], edges[1]);
        }
        touch(space, edges[2], edges[3]);
        if (above) {
            touch(space, edges[4], edges[5]);
        }
        ModelTlb tlb = new ModelTlb();
        space.setTlb(tlb);
        tlb.fill(edges[2], 99);
        MmuGather gather = new MmuGather(MEMORY, InstructionCache.NONE);
        gather.begin(tlb, false);

        new PageTableReaper(space.tables).freePgtables(space, gather, start, end, floor, ceiling);

        gather.finish();
        // An entry of the area stays in a table that stays: it is for zapping to clear, not for us. What the others
        // need is left.
        Set<Long> expectPtes = new TreeSet<>();
        Set<Long> expectPmds = new TreeSet<>();
        Set<Long> expectPuds = new TreeSet<>();
        for (int area = 0; area < 3; area += 2) {
            if (area == 0 ? below : above) {
                for (long address : touched(edges[2 * area], edges[2 * area + 1])) {
                    assertThat(space.entry(address)).isNotZero();
                    expectPtes.add(address >>> 21);
                    expectPmds.add(address >>> 30);
                    expectPuds.add(address >>> 39);
                }
            }
        }
        for (long address : touched(start, end)) {
            // A table whose span reaches into another area's stays, though that one has touched nothing in it.
            keepIfShared(expectPtes, address, 21, floor, ceiling);
            keepIfShared(expectPmds, address, 30, floor, ceiling);
            keepIfShared(expectPuds, address, 39, floor, ceiling);
        }
        assertThat(space.nrPtes()).isEqualTo(expectPtes.size());
        assertThat(space.nrPmds()).isEqualTo(expectPmds.size());
        assertThat(space.nrPuds()).isEqualTo(expectPuds.size());
        assertThat(space.countTables()).isEqualTo(expectPtes.size() + expectPmds.size() + expectPuds.size());
        space.destroy();
        assertThat(MEMORY.allocator().freeFrames()).isEqualTo(freeBefore);
    }

    private static void keepIfShared(Set<Long> tables, long address, int shift, long floor, long ceiling) {
        long start = address >>> shift << shift;
        long end = start + (1L << shift);
        if (start < floor || ceiling != 0 && end > ceiling) {
            tables.add(address >>> shift);
        }
    }

    private static void touch(TestSpace space, long start, long end) {
        for (long address : touched(start, end)) {
            space.map(address, Pte.of(1, PageProt.SHARED));
        }
    }

    private static long[] touched(long start, long end) {
        return new long[] {start, start + (end - start) / 2 & Page.MASK, end - Page.SIZE};
    }
}

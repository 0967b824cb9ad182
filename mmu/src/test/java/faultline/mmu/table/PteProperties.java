package faultline.mmu.table;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;

class PteProperties {
    private static final long OFFSETS = (1L << 50) - 2;

    @Property(tries = 500, seed = "20260104")
    void anEntryIsExactlyOneKind(
            @ForAll @LongRange(max = (1L << 40) - 1) long pfn,
            @ForAll @IntRange(max = Pte.MAX_SWAP_TYPES - 1) int type,
            @ForAll @LongRange(max = OFFSETS) long offset,
            @ForAll @IntRange(max = 15) int vmFlags) {
        long[] entries = {0, Pte.of(pfn, PageProt.of(vmFlags)), Pte.swap(type, offset), Pte.file(offset)};
        for (int i = 0; i < entries.length; i++) {
            List<Integer> kinds = new ArrayList<>();
            if (Pte.isNone(entries[i])) {
                kinds.add(0);
            }
            if (Pte.isPresent(entries[i])) {
                kinds.add(1);
            }
            if (Pte.isSwap(entries[i])) {
                kinds.add(2);
            }
            if (Pte.isFile(entries[i])) {
                kinds.add(3);
            }
            assertThat(kinds).containsExactly(i);
        }
    }

    @Property(tries = 500, seed = "20260105")
    void swapEntriesCarryAreaSlotAndMarks(
            @ForAll @IntRange(max = Pte.MAX_SWAP_TYPES - 1) int type, @ForAll @LongRange(max = OFFSETS) long offset) {
        long plain = Pte.swap(type, offset);
        long marked = Pte.mkUffdWp(Pte.mkSoftDirty(Pte.mkSwapExclusive(plain)));
        for (long entry : new long[] {plain, marked}) {
            assertThat(Pte.swapType(entry)).isEqualTo(type);
            assertThat(Pte.swapOffset(entry)).isEqualTo(offset);
            assertThat(Pte.isSwap(entry)).isTrue();
            assertThat(Pte.swapKey(entry)).isEqualTo(plain);
        }
        assertThat(Pte.isSoftDirty(marked)).isTrue();
        assertThat(Pte.isUffdWp(marked)).isTrue();
        assertThat(Pte.isSwapExclusive(marked)).isTrue();
        assertThat(Pte.clearUffdWp(Pte.clearSoftDirty(Pte.clearSwapExclusive(marked))))
                .isEqualTo(plain);
    }

    @Property(tries = 500, seed = "20260106")
    void fileEntriesCarryTheirPage(@ForAll @LongRange(max = OFFSETS) long pgoff) {
        assertThat(Pte.fileOffset(Pte.file(pgoff))).isEqualTo(pgoff);
        assertThat(Pte.mkSoftDirty(Pte.file(pgoff))).isEqualTo(Pte.file(pgoff));
    }

    @Property(tries = 500, seed = "20260107")
    void changingRightsKeepsFrameAndHistory(
            @ForAll @LongRange(max = (1L << 40) - 1) long pfn,
            @ForAll @IntRange(max = 15) int from,
            @ForAll @IntRange(max = 15) int to) {
        long entry = Pte.mkSpecial(Pte.mkDirty(Pte.of(pfn, PageProt.of(from))));
        long changed = Pte.modify(entry, PageProt.of(to));
        assertThat(Pte.pfn(changed)).isEqualTo(pfn);
        assertThat(Pte.isDirty(changed)).isTrue();
        assertThat(Pte.isSpecial(changed)).isTrue();
        assertThat(changed & ~Pte.CHANGE_MASK).isEqualTo(PageProt.of(to) & ~Pte.CHANGE_MASK);
    }

    @Example
    void privateAreasAreNeverBornWritable() {
        for (int flags = 0; flags < 16; flags++) {
            boolean shared = (flags & 8) != 0;
            boolean write = (flags & 2) != 0;
            assertThat(Pte.isWrite(PageProt.of(flags))).isEqualTo(shared && write);
            boolean any = (flags & 7) != 0;
            assertThat(Pte.isHardwarePresent(PageProt.of(flags))).isEqualTo(any);
            assertThat(Pte.isProtNone(PageProt.of(flags))).isEqualTo(!any);
            if (any) {
                assertThat(Pte.isExec(PageProt.of(flags))).isEqualTo((flags & 4) != 0);
                assertThat(Pte.isUser(PageProt.of(flags))).isTrue();
            }
        }
    }

    @Example
    void bitsAreWhereTheProcessorWantsThem() {
        assertThat(Pte.of(0x12345, PageProt.SHARED | Pte.DIRTY)).isEqualTo(0x8000_0000_1234_5067L);
        assertThat(Pte.of(1, Pte.TABLE)).isEqualTo(0x1067L);
        assertThat(Pte.toString(Pte.of(5, PageProt.SHARED | Pte.DIRTY))).isEqualTo("frame 5 w u accessed dirty");
        assertThat(Pte.toString(Pte.swap(2, 77))).isEqualTo("swap type 2 offset 77");
        assertThat(Pte.toString(Pte.file(9))).isEqualTo("file page 9");
        assertThat(Pte.toString(0)).isEqualTo("none");
    }
}

package faultline.mmu.table;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PageWalkerTest {
    private static final long ADDRESS = 0x7f12_3456_7000L;
    private static final int NOT_PRESENT = 0;

    private PhysicalMemory memory;
    private TestSpace space;
    private PageWalker walker;
    private long pgdEntry;
    private long pudEntry;
    private long pmdEntry;
    private long pte;

    @BeforeEach
    void mapOnePage() {
        memory = PhysicalMemory.reserve(8 << 20);
        PageTables tables = new PageTables(memory, PtlMode.SPLIT);
        space = new TestSpace(tables);
        walker = new PageWalker(memory);
        pte = space.map(ADDRESS, Pte.of(1234, Pte.PRESENT | Pte.RW | Pte.USER));
        pgdEntry = tables.pgdOffset(space.pgd(), ADDRESS);
        pudEntry = tables.pudOffset(pgdEntry, ADDRESS);
        pmdEntry = tables.pmdOffset(pudEntry, ADDRESS);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    private long walk(int access) {
        return walker.walk(space.pgd(), ADDRESS + 0xabc, access, true);
    }

    private static int code(int access, boolean user) {
        return (user ? PageWalker.PF_USER : 0)
                | (access == PageWalker.WRITE ? PageWalker.PF_WRITE : 0)
                | (access == PageWalker.FETCH ? PageWalker.PF_INSTR : 0);
    }

    private void assertFault(long result, int code) {
        assertThat(result).isNegative();
        assertThat(PageWalker.errorCode(result)).isEqualTo(code);
    }

    @Test
    void aWriteFindsTheFrameAndSetsAccessedAndDirty() {
        long result = walk(PageWalker.WRITE);
        assertThat(Pte.pfn(result)).isEqualTo(1234);
        assertThat(Pte.isWrite(result)).isTrue();
        assertThat(memory.getLong(pte) & (Pte.ACCESSED | Pte.DIRTY | Pte.SOFT_DIRTY))
                .isEqualTo(Pte.ACCESSED | Pte.DIRTY | Pte.SOFT_DIRTY);
    }

    @Test
    void aReadOfACleanWritablePageGrantsNoWriteUntilTheFirstWriteComes() {
        assertThat(Pte.isWrite(walk(PageWalker.READ))).isFalse();
        assertThat(memory.getLong(pte) & (Pte.ACCESSED | Pte.DIRTY)).isEqualTo(Pte.ACCESSED);
        assertThat(Pte.isWrite(walk(PageWalker.FETCH))).isFalse();
        assertThat(Pte.isWrite(walk(PageWalker.WRITE))).isTrue();
        assertThat(Pte.isWrite(walk(PageWalker.READ))).isTrue();
    }

    @Test
    void anAbsentEntryOnAnyLevelFaultsWithoutThePresentBit() {
        for (long entry : new long[] {pte, pmdEntry, pudEntry, pgdEntry}) {
            long saved = memory.getLong(entry);
            memory.putLong(entry, saved & ~Pte.PRESENT);
            for (int access = PageWalker.READ; access <= PageWalker.FETCH; access++) {
                for (boolean user : new boolean[] {false, true}) {
                    assertFault(walker.walk(space.pgd(), ADDRESS, access, user), NOT_PRESENT | code(access, user));
                }
            }
            memory.putLong(entry, saved);
        }
        assertThat(memory.getLong(pte) & (Pte.ACCESSED | Pte.DIRTY)).isZero();
    }

    /** Every combination of RW, US, NX on each of the four levels, times access, times privilege: 3 * 2 * 8^4 cases. */
    @Test
    void rightsAreTheConjunctionOfAllLevels() {
        long[] entries = {pgdEntry, pudEntry, pmdEntry, pte};
        long[] bare = new long[4];
        for (int i = 0; i < 4; i++) {
            bare[i] = Pte.address(memory.getLong(entries[i])) | Pte.PRESENT;
        }
        for (int combination = 0; combination < 8 * 8 * 8 * 8; combination++) {
            boolean writable = true;
            boolean userMay = true;
            boolean nx = false;
            for (int level = 0; level < 4; level++) {
                int bits = combination >> 3 * level & 7;
                writable &= (bits & 1) != 0;
                userMay &= (bits & 2) != 0;
                nx |= (bits & 4) != 0;
            }
            for (int access = PageWalker.READ; access <= PageWalker.FETCH; access++) {
                for (boolean user : new boolean[] {false, true}) {
                    for (int level = 0; level < 4; level++) {
                        int bits = combination >> 3 * level & 7;
                        memory.putLong(
                                entries[level],
                                bare[level]
                                        | ((bits & 1) != 0 ? Pte.RW : 0)
                                        | ((bits & 2) != 0 ? Pte.USER : 0)
                                        | ((bits & 4) != 0 ? Pte.NX : 0));
                    }
                    boolean allowed = (!user || userMay)
                            && (access != PageWalker.WRITE || writable)
                            && (access != PageWalker.FETCH || !nx);
                    long result = walker.walk(space.pgd(), ADDRESS, access, user);
                    if (!allowed) {
                        assertFault(result, PageWalker.PF_PROT | code(access, user));
                        assertThat(memory.getLong(pte) & (Pte.ACCESSED | Pte.DIRTY))
                                .isZero();
                        continue;
                    }
                    assertThat(result).isNotNegative();
                    assertThat(Pte.isUser(result)).isEqualTo(userMay);
                    assertThat(PageWalker.isExec(result)).isEqualTo(!nx);
                    assertThat(Pte.isWrite(result)).isEqualTo(access == PageWalker.WRITE);
                    for (long entry : entries) {
                        assertThat(Pte.isYoung(memory.getLong(entry))).isTrue();
                    }
                }
            }
        }
    }

    @Test
    void aSupervisorReadsUserPagesButDoesNotWriteReadOnlyOnes() {
        memory.putLong(pte, Pte.of(1234, PageProt.READONLY));
        assertThat(walker.walk(space.pgd(), ADDRESS, PageWalker.READ, false)).isNotNegative();
        assertFault(
                walker.walk(space.pgd(), ADDRESS, PageWalker.WRITE, false), PageWalker.PF_PROT | PageWalker.PF_WRITE);
    }

    @Test
    void aPageOfProtNoneFaultsAsAbsent() {
        memory.putLong(pte, Pte.of(1234, PageProt.NONE));
        assertFault(walk(PageWalker.READ), PageWalker.PF_USER);
    }

    @Test
    void aHugePmdEntryGivesThePageInsideOfIt() {
        memory.putLong(pmdEntry, Pte.of(512, Pte.PRESENT | Pte.RW | Pte.USER | Pte.PSE | Pte.NX));
        long result = walk(PageWalker.WRITE);
        assertThat(Pte.pfn(result)).isEqualTo(512 + PageTables.pteIndex(ADDRESS));
        assertThat(PageWalker.isExec(result)).isFalse();
        assertThat(Pte.isDirty(memory.getLong(pmdEntry))).isTrue();
        assertThat(Pte.isDirty(memory.getLong(pte))).isFalse();
    }

    @Test
    void aHugePudEntryGivesThePageInsideOfIt() {
        memory.putLong(pudEntry, Pte.of(1 << 18, Pte.PRESENT | Pte.USER | Pte.PSE));
        long result = walk(PageWalker.READ);
        assertThat(Pte.address(result)).isEqualTo(Page.PUD_SIZE + (ADDRESS & Page.PUD_SIZE - 1));
        assertFault(walk(PageWalker.WRITE), PageWalker.PF_PROT | PageWalker.PF_WRITE | PageWalker.PF_USER);
    }

    @Test
    void bitsThatMustBeZeroFaultAsReserved() {
        int code = PageWalker.PF_PROT | PageWalker.PF_RSVD | PageWalker.PF_USER;
        assertReserved(pgdEntry, Pte.PSE, code);
        for (long entry : new long[] {pgdEntry, pudEntry, pmdEntry, pte}) {
            assertReserved(entry, 1L << 51, code);
        }
        assertReserved(pmdEntry, Pte.PSE | 1L << 13, code);
        assertReserved(pudEntry, Pte.PSE | 1L << 29, code);
    }

    private void assertReserved(long entry, long bits, int code) {
        long saved = memory.getLong(entry);
        memory.putLong(entry, saved | bits);
        assertFault(walk(PageWalker.READ), code);
        memory.putLong(entry, saved);
    }

    @Test
    void aTableOutsideOfMemoryFaultsAsReservedInsteadOfBeingRead() {
        for (long entry : new long[] {pgdEntry, pudEntry, pmdEntry}) {
            long saved = memory.getLong(entry);
            memory.putLong(entry, Pte.of(memory.frameCount(), Pte.TABLE));
            assertFault(walk(PageWalker.READ), PageWalker.PF_PROT | PageWalker.PF_RSVD | PageWalker.PF_USER);
            memory.putLong(entry, saved);
        }
    }

    @Test
    void addressesAreCanonicalWhenTheirUpperBitsAreAlike() {
        assertThat(PageWalker.isCanonical(0x0000_7fff_ffff_ffffL)).isTrue();
        assertThat(PageWalker.isCanonical(0xffff_8000_0000_0000L)).isTrue();
        assertThat(PageWalker.isCanonical(0x0000_8000_0000_0000L)).isFalse();
        assertThat(PageWalker.isCanonical(0xfffe_8000_0000_0000L)).isFalse();
    }

    /** Accessed and dirty never appear in an entry that was taken out, nor is one lost that was granted before. */
    @Test
    void accessedAndDirtyAreNotSetInAnEntryThatIsBeingTakenOut() throws Exception {
        long clean = Pte.of(1234, Pte.PRESENT | Pte.RW | Pte.USER);
        int rounds = 100_000;
        AtomicLong granted = new AtomicLong();
        AtomicBoolean stop = new AtomicBoolean();
        Thread processor = new Thread(() -> {
            while (!stop.get()) {
                if (walk(PageWalker.WRITE) >= 0) {
                    granted.incrementAndGet();
                }
            }
        });
        memory.putLong(pte, 0);
        processor.start();
        long dirty = 0;
        for (int i = 0; i < rounds; i++) {
            space.tables.setPte(pte, clean);
            if ((i & 1) == 0) {
                Thread.onSpinWait();
            }
            long taken = space.tables.ptepGetAndClear(pte);
            dirty += Pte.isDirty(taken) ? 1 : 0;
            assertThat(memory.getLong(pte)).isZero();
        }
        stop.set(true);
        processor.join();
        assertThat(dirty).isLessThanOrEqualTo(granted.get());
    }
}

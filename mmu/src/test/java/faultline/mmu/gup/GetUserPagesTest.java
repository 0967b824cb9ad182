package faultline.mmu.gup;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultFixture;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.phys.Page;
import faultline.mmu.table.Pte;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GetUserPagesTest {
    private static final long BASE = FaultFixture.BASE;
    private FaultFixture f;
    private MmStruct mm;
    private ModelCpu cpu;
    private GetUserPages gup;
    private FaultContext ctx;

    @BeforeEach
    void setUp() {
        f = new FaultFixture();
        mm = f.newMm();
        cpu = f.newCpu(mm);
        gup = new GetUserPages(f.faults);
        ctx = new FaultContext();
    }

    @AfterEach
    void tearDown() {
        f.close();
    }

    private long[] pin(long start, int count, boolean write, boolean force) {
        long[] pages = new long[count];
        mm.mmapLock().readLock();
        long done = gup.getUserPages(mm, ctx, start, count, write, force, pages, null);
        mm.mmapLock().readUnlock();
        return done < 0 ? new long[] {done} : Arrays.copyOf(pages, (int) done);
    }

    private void unpin(long... pages) {
        for (long pfn : pages) {
            f.phys.allocator().putPage(pfn);
        }
    }

    @Test
    void readingAHugeUntouchedAreaGivesThePageOfZerosAndMakesNoTable() {
        f.mapAnon(mm, BASE, 1 << 20, FaultFixture.RW);

        long[] pages = pin(BASE + (1L << 31), 2, false, false);

        assertThat(pages).containsExactly(f.env.zeroPfn(), f.env.zeroPfn());
        assertThat(mm.nrPtes()).isZero();
        assertThat(ctx.minFlt).isZero();
        unpin(pages);
    }

    @Test
    void readingALockedUntouchedAreaMakesItPresent() {
        f.mapAnon(mm, BASE, 2, FaultFixture.RW | VmFlags.LOCKED);

        unpin(pin(BASE, 2, false, false));

        assertThat(mm.nrPtes()).isEqualTo(1);
        assertThat(ctx.minFlt).isEqualTo(2);
        assertThat(Pte.isPresent(f.pte(mm, BASE))).isTrue();
    }

    @Test
    void rightsAreTheMappingsOwnOrWithForceWhatItMightHave() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RO);
        f.mapAnon(mm, BASE + Page.SIZE, 1, FaultFixture.RO & ~VmFlags.MAYWRITE);

        assertThat(pin(BASE, 1, true, false)).containsExactly(-Errno.EFAULT);
        long[] forced = pin(BASE, 1, true, true);
        assertThat(forced[0]).isPositive();
        unpin(forced);
        assertThat(pin(BASE + Page.SIZE, 1, true, true)).containsExactly(-Errno.EFAULT);
    }

    @Test
    void deviceMemoryIsEfault() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW | VmFlags.IO);

        assertThat(pin(BASE, 1, false, true)).containsExactly(-Errno.EFAULT);
    }

    @Test
    void whatWasPinnedBeforeAHoleIsTheResult() {
        f.mapAnon(mm, BASE, 2, FaultFixture.RW);

        long[] pages = pin(BASE, 5, true, false);

        assertThat(pages).hasSize(2);
        unpin(pages);
        assertThat(pin(BASE + 2 * Page.SIZE, 1, true, false)).containsExactly(-Errno.EFAULT);
    }

    @Test
    void forcedWriteToAReadOnlyPrivateFilePageGoesToACopy() {
        MemoryFile file = new MemoryFile(f.cache, 1);
        f.mapFile(mm, BASE, 1, FaultFixture.RO, file, 0);
        cpu.load(BASE);

        long[] pages = pin(BASE, 1, true, true);
        f.phys.putByte(Page.address(pages[0]), (byte) 99);
        unpin(pages);

        assertThat(cpu.load(BASE)).isEqualTo(99);
        assertThat(Pte.isWrite(f.pte(mm, BASE))).isFalse();
        byte[] seen = new byte[1];
        file.mapping().readCached(0, MemorySegment.ofArray(seen), 1);
        assertThat(seen[0]).isEqualTo((byte) 1);
    }

    @Test
    void forcedWriteToASharedReadOnlyMappingIsRefused() {
        MemoryFile file = new MemoryFile(f.cache, 1);
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW & ~VmFlags.WRITE, file, 0);

        assertThat(pin(BASE, 1, true, true)).containsExactly(-Errno.EFAULT);
    }

    /** CVE-2016-5195: between the fault that makes the private copy and the look-up after it the copy is discarded. */
    @Test
    void discardingTheCopyLetsAForcedWriteReachTheFileByTheRuleOf2005() throws Exception {
        assertThat(filePagesPinnedWhileDiscarding(GupCow.YEAR_2005, 20_000)).isPositive();
    }

    @Test
    void discardingTheCopyNeverLetsAForcedWriteReachTheFileByTheFixedRule() throws Exception {
        assertThat(filePagesPinnedWhileDiscarding(GupCow.FIXED, Race.ROUNDS)).isZero();
    }

    private int filePagesPinnedWhileDiscarding(GupCow rule, int rounds) throws Exception {
        MemoryFile file = new MemoryFile(f.cache, 1);
        Vma vma = f.mapFile(mm, BASE, 1, FaultFixture.RO, file, 0);
        gup.setCow(rule);
        int[] reached = new int[1];
        boolean[] stop = new boolean[1];
        Race.run(
                rounds,
                r -> {},
                r -> {},
                r -> {
                    for (int i = 0; i < 20 && !stop[0]; i++) {
                        long[] pages = pin(BASE, 1, true, true);
                        if (f.phys.frames().mapping(pages[0]) == file.mapping()) {
                            reached[0]++;
                            stop[0] = true;
                        }
                        unpin(pages);
                    }
                },
                r -> {
                    for (int i = 0; i < 20 && !stop[0]; i++) {
                        f.dontNeed(vma, vma.start(), vma.end());
                    }
                });
        return reached[0];
    }

    @Test
    void populateMakesPrivateMemoryWritableAndSharedMemoryReadable() {
        f.mapAnon(mm, BASE, 3, FaultFixture.RW);
        MemoryFile file = new MemoryFile(f.cache, 3);
        f.mapFile(mm, BASE + 3 * Page.SIZE, 3, FaultFixture.SHARED_RW, file, 0);
        Populate populate = new Populate(gup);

        assertThat(populate.populate(mm, BASE, 6 * Page.SIZE, false, ctx)).isZero();

        cpu.store(BASE + Page.SIZE, 1);
        assertThat(cpu.load(BASE + 4 * Page.SIZE)).isEqualTo(2);
        assertThat(cpu.ctx.minFlt).isZero();
        assertThat(file.mapping().dirtyPages()).isZero();
    }
}

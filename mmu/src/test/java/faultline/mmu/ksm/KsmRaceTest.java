package faultline.mmu.ksm;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.system.MmFixture;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The scanner against everybody else. */
@Timeout(60)
class KsmRaceTest {
    private static final int ROUNDS = Race.ROUNDS / 4;
    private static final int PAGES = 8;
    private static final long LENGTH = PAGES * PAGE;
    private static final long ELSEWHERE = BASE + 64 * PAGE;

    private final MmFixture m = new MmFixture();
    private final Ksm ksm = m.sys.ksm();

    @BeforeEach
    void start() {
        ksm.knobs().setPagesToScan(1 << 20);
        ksm.knobs().setSmartScan(false);
        ksm.setRun(KsmKnobs.MERGE);
    }

    @AfterEach
    void shutDown() {
        m.close();
    }

    private void fill(long address, int value) {
        for (int i = 0; i < PAGES; i++) {
            m.cpu.store(address + i * PAGE, value);
        }
    }

    private void mapMergeable() {
        m.map(BASE, PAGES);
        fill(BASE, 1);
        ok(m.madvise(BASE, LENGTH, Madv.MERGEABLE));
    }

    private void scan(int times) {
        for (int i = 0; i < times; i++) {
            ksm.scan();
        }
    }

    /** Two processors count in words of pages whose content is equal again and again. */
    @Test
    void noStoreIsLost() throws Exception {
        mapMergeable();
        fill(BASE, 0);
        ModelCpu other = m.newCpu(m.mm);
        Race.run(
                ROUNDS,
                round -> {},
                round -> {
                    for (int page = 0; page < PAGES; page++) {
                        assertThat(m.cpu.increment(BASE + page * PAGE))
                                .as("page " + page)
                                .isEqualTo(3 * round + 2);
                    }
                    assertThat(m.cpu.staleTranslations()).isEmpty();
                    assertThat(other.staleTranslations()).isEmpty();
                    if (round % 64 == 0) {
                        m.audit();
                    }
                },
                round -> count(m.cpu),
                round -> count(other),
                round -> scan(3));
        assertThat(ksm.fullScans()).isGreaterThan(ROUNDS);
    }

    private static void count(ModelCpu cpu) {
        for (int page = 0; page < PAGES; page++) {
            cpu.increment(BASE + page * PAGE);
        }
    }

    @Test
    void mappingsComeAndGoUnderTheScanner() throws Exception {
        SplittableRandom random = new SplittableRandom(1);
        mapMergeable();
        Race.run(
                ROUNDS,
                round -> scan(round % 4),
                round -> {
                    if (round % 16 == 0) {
                        m.audit();
                    }
                },
                round -> change(random.nextInt(5)),
                round -> scan(3));
    }

    private void change(int what) {
        switch (what) {
            case 0 -> {
                ok(m.munmap(BASE + PAGE, 3 * PAGE));
                mapMergeable();
            }
            case 1 -> {
                int move = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
                ok(m.mremap(BASE, LENGTH, LENGTH, move, ELSEWHERE));
                ok(m.mremap(ELSEWHERE, LENGTH, LENGTH, move, BASE));
            }
            case 2 -> {
                ok(m.madvise(BASE, LENGTH, Madv.UNMERGEABLE));
                ok(m.madvise(BASE, LENGTH, Madv.MERGEABLE));
            }
            case 3 -> ok(m.madvise(BASE, 2 * PAGE, Madv.DONTNEED));
            default -> fill(BASE, 1);
        }
        fill(BASE, 1);
        for (int page = 0; page < PAGES; page++) {
            assertThat(m.cpu.load(BASE + page * PAGE)).isEqualTo(1);
        }
    }

    @Test
    void addressSpacesForkStoreAndEndUnderTheScanner() throws Exception {
        mapMergeable();
        Race.run(
                ROUNDS,
                round -> scan(round % 4),
                round -> {
                    assertThat(m.cpu.load(BASE)).isEqualTo(1);
                    if (round % 16 == 0) {
                        m.audit();
                    }
                },
                round -> {
                    MmStruct child = m.newMm(MmLimits.ROOT);
                    ok(m.sys.fork().dupMmap(child, m.mm, m.ctx));
                    ModelCpu cpu = m.newCpu(child);
                    for (int page = 0; page < PAGES; page++) {
                        cpu.store(BASE + page * PAGE, 2 + page % 2);
                    }
                    for (int page = 0; page < PAGES; page++) {
                        assertThat(cpu.load(BASE + page * PAGE)).isEqualTo(2 + page % 2);
                    }
                    m.sys.exitMmap(child);
                },
                round -> scan(3));
    }

    @Test
    void everythingIsUnmergedUnderTheScanner() throws Exception {
        mapMergeable();
        Race.run(
                ROUNDS,
                round -> scan(3),
                round -> {
                    assertThat(ksm.setRun(KsmKnobs.MERGE)).isZero();
                    m.audit();
                },
                round -> assertThat(ksm.setRun(KsmKnobs.UNMERGE)).isZero(),
                round -> fill(BASE, 1),
                round -> scan(2));
    }
}

package faultline.mmu.system;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.ThpMode;
import faultline.mmu.table.Pte;

/** What tests of transparent huge pages share: areas of them, and how to count and check them. */
final class HugePages {
    /** Bytes, and pages, of one. */
    static final long HUGE = 2L << 20;

    static final int FRAMES = 512;

    private HugePages() {}

    static MmFixture always() {
        return new MmFixture(MemoryConfig.defaults().withMemBytes(64L << 20).withThp(ThpMode.ALWAYS), MmLimits.ROOT);
    }

    /** Three times 2 MiB, each page beginning with its number. */
    static void mapAndFill(MmFixture f) {
        f.map(BASE, 3 * FRAMES);
        f.fill(BASE, 3 * FRAMES, 1);
        assertThat(hugeEntries(f, f.mm)).isEqualTo(3);
        f.audit();
    }

    static void expectContent(MmFixture f, ModelCpu cpu, long at, int first, int pages) {
        for (int i = 0; i < pages; i++) {
            assertThat(cpu.load(at + i * PAGE)).isEqualTo(first + 1 + i & 0xff);
        }
    }

    static int hugeEntries(MmFixture f, MmStruct mm) {
        return hugeEntries(f, mm, BASE, 16);
    }

    static int hugeEntries(MmFixture f, MmStruct mm, long from, int count) {
        int found = 0;
        for (int i = 0; i < count; i++) {
            long pmd = f.sys.tables().walkToPmd(mm.pgd(), from + i * HUGE);
            found += pmd >= 0 && Pte.isHuge(f.sys.phys().getLong(pmd)) ? 1 : 0;
        }
        return found;
    }
}

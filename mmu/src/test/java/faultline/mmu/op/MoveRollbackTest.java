package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveMode;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** mremap that runs out of memory for page tables in the middle: ENOMEM, and nothing is lost (seed 004). */
class MoveRollbackTest {
    private static final int TABLES = 4;
    private static final int PAGES = 512;

    @ParameterizedTest
    @EnumSource(MoveMode.class)
    void whatHasMovedGoesBackWhenTablesRunOut(MoveMode mode) {
        for (int spare = 0; spare <= TABLES + 4; spare++) {
            moveWithSpareFrames(mode, spare);
        }
    }

    private static void moveWithSpareFrames(MoveMode mode, int spare) {
        MemoryConfig config = MemoryConfig.defaults().withMemBytes(8L << 20).withMove(mode);
        try (MmFixture m = new MmFixture(config, MmLimits.ROOT)) {
            long from = BASE + 3 * PAGE;
            long to = BASE + (1L << 40) + 7 * PAGE;
            int count = TABLES * PAGES;
            m.map(from, count);
            for (int i = 0; i < count; i += 97) {
                m.cpu.store(from + i * PAGE, i & 0x7f);
            }
            Deque<Long> held = new ArrayDeque<>();
            for (long pfn = m.sys.phys().allocator().allocPage();
                    pfn >= 0;
                    pfn = m.sys.phys().allocator().allocPage()) {
                held.add(pfn);
            }
            for (int i = 0; i < spare; i++) {
                m.sys.phys().allocator().putPage(held.pop());
            }
            long size = count * PAGE;
            long result = m.mremap(from, size, size, MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED, to);
            held.forEach(m.sys.phys().allocator()::putPage);
            m.audit();
            boolean enough = spare >= TABLES + 3 || mode == MoveMode.PAGE && result == to;
            assertThat(result).isEqualTo(enough ? to : -Errno.ENOMEM);
            long at = enough ? to : from;
            assertThat(m.mm.vmas().size()).isEqualTo(1);
            for (int i = 0; i < count; i += 97) {
                assertThat(m.cpu.load(at + i * PAGE)).isEqualTo(i & 0x7f);
            }
        }
    }
}

package faultline.mmu.system;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.MemoryFile;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A frame is on reclaim's lists from its allocation on: reclaim may have it locked, to look at it, before the one who
 * allocated it locks it. Reclaim is played by the test, at the moment when the frame is charged to its group.
 */
@Timeout(60)
class FreshFrameTest {
    private final AtomicInteger looks = new AtomicInteger();
    private final AtomicReference<Thread> looking = new AtomicReference<>();

    /** The next frame that is charged will have been locked by another thread, which lets go after a while. */
    private MemCgroup groupThatIsLookedAt(MmFixture m) {
        MemCgroup group = m.sys.cache().memCgroups().create(null);
        m.sys.cache().memCgroups().setCurrent(() -> group);
        m.sys.cache().memCgroups().setOutOfMemory((over, pages) -> {
            long fresh = freshFrame(m.sys.phys().frames());
            assertThat(m.sys.cache().tryLockPage(fresh)).isTrue();
            looking.set(Thread.ofPlatform().start(() -> {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
                looks.incrementAndGet();
                m.sys.cache().unlockPage(fresh);
            }));
            group.memory().setMax(1000);
            return true;
        });
        return group;
    }

    private static long freshFrame(FrameTable frames) {
        for (long pfn = 0; pfn < frames.count(); pfn++) {
            boolean cached = frames.mapping(pfn) != null || frames.test(pfn, PageFlags.SWAPCACHE);
            if (!cached && frames.test(pfn, PageFlags.LRU) && frames.refcount(pfn) == 1) {
                return pfn;
            }
        }
        throw new AssertionError("no fresh frame");
    }

    private static MmFixture machine() {
        return new MmFixture(MemoryConfig.defaults().withMemBytes(16L << 20).withSwapBytes(1L << 20), MmLimits.ROOT);
    }

    @Test
    void whoReadsAPageOfAFileWaitsUntilReclaimHasLookedAtTheFrame() throws Exception {
        try (MmFixture m = machine()) {
            MemoryFile file = m.file(1);
            groupThatIsLookedAt(m).memory().setMax(0);
            MmFixture.ok(m.mmap(BASE, PAGE, MmFixture.RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
            assertThat(m.cpu.load(BASE)).isEqualTo(1);
            assertThat(looks).hasValue(1);
            looking.get().join();
        }
    }

    @Test
    void whoSwapsAPageInWaitsUntilReclaimHasLookedAtTheFrame() throws Exception {
        try (MmFixture m = machine()) {
            MemCgroup group = groupThatIsLookedAt(m);
            m.mm.setMemCgroup(group);
            m.map(BASE, 1);
            m.cpu.store(BASE, 7);
            m.sys.madvise().run(m.mm, m.ctx, BASE, PAGE, Madv.PAGEOUT);
            assertThat(m.sys.swap().pagesOut()).isEqualTo(1);
            group.memory().setMax(0);
            assertThat(m.cpu.load(BASE)).isEqualTo(7);
            assertThat(looks).hasValue(1);
            looking.get().join();
        }
    }
}

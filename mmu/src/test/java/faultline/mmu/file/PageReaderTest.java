package faultline.mmu.file;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PageReaderTest {
    private PhysicalMemory phys;
    private AddressSpace mapping;
    private Store store;

    /** 100 and a half pages, page n full of the byte n + 1; some cannot be read. */
    private static final class Store implements BackingStore {
        final List<String> calls = new ArrayList<>();
        Set<Long> bad = Set.of();

        @Override
        public int readPages(long index, int count, MemorySegment dst) {
            calls.add(index + "+" + count);
            for (long page = index; page < index + count; page++) {
                if (bad.contains(page)) {
                    return -Errno.EIO;
                }
            }
            long bytes = Math.max(0, Math.min(size() - Page.address(index), Page.address(count)));
            for (long i = 0; i < bytes; i++) {
                dst.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) (index + (i >>> Page.SHIFT) + 1));
            }
            return (int) bytes;
        }

        @Override
        public int writePages(long index, int bytes, MemorySegment src) {
            return bytes;
        }

        @Override
        public long size() {
            return 100 * Page.SIZE + Page.SIZE / 2;
        }

        @Override
        public boolean isShmem() {
            return false;
        }
    }

    @BeforeEach
    void setUp() {
        phys = PhysicalMemory.reserve(16L << 20, 1);
        store = new Store();
        mapping = new AddressSpace(new PageCache(phys), store);
    }

    @AfterEach
    void tearDown() {
        mapping.truncate(0);
        assertThat(phys.allocator().freeFrames()).isEqualTo(phys.allocator().managedFrames());
        phys.close();
    }

    private long read(long index) {
        long pfn = mapping.readPage(index, true, true);
        if (pfn >= 0) {
            phys.allocator().putPage(pfn & ~AddressSpace.WAS_READ);
        }
        return pfn;
    }

    private byte byteAt(long index, long offset) {
        long pfn = mapping.findPage(index);
        byte value = phys.getByte(Page.address(pfn) + offset);
        phys.allocator().putPage(pfn);
        return value;
    }

    @Test
    void missingPageBringsItsAlignedWindowWithOneRead() {
        assertThat(read(40) & AddressSpace.WAS_READ).isNotZero();

        assertThat(store.calls).containsExactly("32+32");
        assertThat(mapping.cachedPages()).isEqualTo(32);
        assertThat(byteAt(63, 9)).isEqualTo((byte) 64);
        assertThat(read(63) & AddressSpace.WAS_READ).isZero();
    }

    @Test
    void pagesThatAreThereAreNotReadAgain() {
        long pfn = mapping.readPage(36, true, false);
        phys.allocator().putPage(pfn & ~AddressSpace.WAS_READ);
        store.calls.clear();

        read(40);

        assertThat(store.calls).containsExactly("32+4", "37+27");
    }

    @Test
    void lastPageIsFilledUpWithZeros() {
        read(100);

        assertThat(byteAt(100, Page.SIZE / 2 - 1)).isEqualTo((byte) 101);
        assertThat(byteAt(100, Page.SIZE / 2)).isZero();
        assertThat(mapping.cachedPages()).isEqualTo(5);
    }

    @Test
    void pageBeyondTheEndIsRefused() {
        assertThat(read(101)).isEqualTo(-Errno.ENXIO);
        assertThat(mapping.cachedPages()).isZero();
    }

    @Test
    void badNeighbourDoesNotHurtAndIsNotKept() {
        store.bad = Set.of(45L);

        assertThat(read(40)).isPositive();

        assertThat(mapping.cachedPages()).isEqualTo(31);
        assertThat(mapping.isPresent(45)).isFalse();
        assertThat(read(45)).isEqualTo(-Errno.EIO);
        store.bad = Set.of();
        assertThat(read(45)).isPositive();
    }

    @Test
    void uncachedRunEndsAtTheNextCachedPage() {
        assertThat(mapping.uncachedRun(100, 50_000)).isEqualTo(50_000);
        long pfn = mapping.readPage(3, true, false);
        phys.allocator().putPage(pfn & ~AddressSpace.WAS_READ);

        assertThat(mapping.uncachedRun(100, 50_000)).isEqualTo(3 * Page.SIZE - 100);
        assertThat(mapping.uncachedRun(3 * Page.SIZE + 7, 50_000)).isZero();
        assertThat(mapping.uncachedRun(4 * Page.SIZE, 50_000)).isEqualTo(50_000);
    }
}

package faultline.mmu.phys;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PhysicalMemoryTest {
    private final PhysicalMemory memory = PhysicalMemory.reserve(2 << 20);

    @AfterEach
    void close() {
        memory.close();
    }

    @Test
    void memoryStartsAlignedAndZero() {
        assertThat(memory.base() % Page.PMD_SIZE).isZero();
        assertThat(memory.getLong(memory.size() - 8)).isZero();
        assertThat(memory.frameCount()).isEqualTo(512);
    }

    @Test
    void aSizeThatIsNotWholeHugePagesIsRefused() {
        assertThatThrownBy(() -> PhysicalMemory.reserve(4096)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> PhysicalMemory.reserve(0)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void reservingFarMoreThanTheMachineHasCostsNothing() {
        try (PhysicalMemory large = PhysicalMemory.reserve(1L << 38)) {
            large.putByte(large.size() - 1, (byte) 1);
            assertThat(large.allocator().allocPage()).isPositive();
        }
    }

    @Test
    void accessesOutsideAreRefused() {
        assertThatThrownBy(() -> memory.getLong(memory.size() - 7)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.getLong(-8)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.putByte(memory.size(), (byte) 0)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.zero(4096, memory.size())).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.copy(0, memory.size() - 1, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> memory.frames().flags(512)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void wordsReadAsWrittenAtAnyAddress() {
        memory.putLong(4093, 0x1122334455667788L);
        assertThat(memory.getLong(4093)).isEqualTo(0x1122334455667788L);
        assertThat(memory.getInt(4093)).isEqualTo(0x55667788);
        assertThat(memory.getShort(4093)).isEqualTo((short) 0x7788);
        assertThat(memory.getByte(4093)).isEqualTo((byte) 0x88);
    }

    @Test
    void atomicsReturnWhatTheyFound() {
        memory.putLong(64, 5);
        assertThat(memory.casLong(64, 4, 6)).isFalse();
        assertThat(memory.casLong(64, 5, 6)).isTrue();
        assertThat(memory.exchangeIfLong(64, 5, 7)).isEqualTo(6);
        assertThat(memory.getAndOrLong(64, 1)).isEqualTo(6);
        assertThat(memory.getAndAndLong(64, 3)).isEqualTo(7);
        assertThat(memory.getAndSetLong(64, 9)).isEqualTo(3);
        assertThat(memory.casInt(64, 9, 10)).isTrue();
        assertThat(memory.exchangeIfInt(64, 10, 11)).isEqualTo(10);
        assertThat(memory.getAndAddInt(64, 2)).isEqualTo(11);
        assertThat(memory.getAndSetInt(64, 1)).isEqualTo(13);
        assertThat(memory.getIntVolatile(64)).isEqualTo(1);
    }

    @Test
    void bulkCopiesMoveBytesInAndOut() {
        byte[] bytes = {1, 2, 3, 4, 5};
        memory.write(4094, bytes, 1, 4);
        byte[] back = new byte[6];
        memory.read(4094, back, 2, 4);
        assertThat(back).containsExactly(0, 0, 2, 3, 4, 5);
        memory.copy(4094, 4095, 4);
        assertThat(memory.getByte(4098)).isEqualTo((byte) 5);
        MemorySegment heap = MemorySegment.ofArray(new byte[8]);
        memory.read(4095, heap, 1, 4);
        assertThat(heap.get(ValueLayout.JAVA_BYTE, 4)).isEqualTo((byte) 5);
        memory.write(8192, heap, 1, 4);
        assertThat(memory.getByte(8192)).isEqualTo((byte) 2);
        memory.zero(4095, 3);
        assertThat(memory.getByte(4097)).isZero();
        assertThat(memory.getByte(4098)).isEqualTo((byte) 5);
    }

    @Test
    void flagsAreSetAndClearedAtomicallyAndNamed() {
        FrameTable frames = memory.frames();
        assertThat(frames.testAndSet(7, PageFlags.LOCKED)).isFalse();
        assertThat(frames.testAndSet(7, PageFlags.LOCKED)).isTrue();
        frames.set(7, PageFlags.DIRTY | PageFlags.UPTODATE);
        assertThat(frames.describe(7)).contains("locked|uptodate|dirty");
        frames.clear(7, PageFlags.UPTODATE);
        assertThat(frames.test(7, PageFlags.UPTODATE)).isFalse();
        assertThat(frames.testAndClear(7, PageFlags.DIRTY)).isTrue();
        assertThat(frames.flags(7)).isEqualTo(PageFlags.LOCKED);
    }
}

package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.ANON;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.system.MmFixture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ForkTest {
    private final MmFixture m = new MmFixture();

    @AfterEach
    void close() {
        m.close();
    }

    private MmStruct fork() {
        MmStruct child = m.newMm(MmLimits.ROOT);
        assertThat(m.sys.fork().dupMmap(child, m.mm, m.ctx)).isZero();
        return child;
    }

    @Test
    void eachSideSeesItsOwnWritesOnly() {
        m.map(BASE, 2);
        m.fill(BASE, 2, 1);
        MmStruct child = fork();
        ModelCpu cpu = m.newCpu(child);
        m.cpu.store(BASE, 50);
        cpu.store(BASE + PAGE, 60);
        assertThat(cpu.load(BASE)).isEqualTo(1);
        assertThat(m.cpu.load(BASE + PAGE)).isEqualTo(2);
        assertThat(m.cpu.load(BASE)).isEqualTo(50);
        assertThat(cpu.load(BASE + PAGE)).isEqualTo(60);
    }

    @Test
    void sharedMemoryStaysShared() {
        long at = MmFixture.ok(m.mmap(0, PAGE, RW, MmapFlags.SHARED | MmapFlags.ANONYMOUS));
        MmStruct child = fork();
        m.newCpu(child).store(at, 9);
        assertThat(m.cpu.load(at)).isEqualTo(9);
    }

    @Test
    void dontForkIsLeftOutAndWipeOnForkReadsAsZeros() {
        m.map(BASE, 3);
        m.fill(BASE, 3, 1);
        assertThat(m.madvise(BASE, PAGE, Madv.DONTFORK)).isZero();
        assertThat(m.madvise(BASE + PAGE, PAGE, Madv.WIPEONFORK)).isZero();
        ModelCpu cpu = m.newCpu(fork());
        assertThatThrownBy(() -> cpu.load(BASE)).isInstanceOf(ModelCpu.Signal.class);
        assertThat(cpu.load(BASE + PAGE)).isZero();
        assertThat(cpu.load(BASE + 2 * PAGE)).isEqualTo(3);
    }

    @Test
    void locksAreNotInherited() {
        long at = MmFixture.ok(m.mmap(0, 2 * PAGE, RW, ANON | MmapFlags.LOCKED));
        MmStruct child = fork();
        assertThat(child.lockedVm()).isZero();
        assertThat(child.vmas().lookup(at).has(VmFlags.LOCKED)).isFalse();
        assertThat(m.mm.lockedVm()).isEqualTo(2);
    }

    @Test
    void aChildsMappingsWithInheritedPagesDoNotMergeWithNeighbours() {
        m.map(BASE, 2);
        m.cpu.store(BASE, 1);
        MmStruct child = fork();
        long result = m.sys.mmap().doMmap(child, m.ctx, BASE + 2 * PAGE, PAGE, RW, MmFixture.FIXED, null, 0);
        assertThat(result).isEqualTo(BASE + 2 * PAGE);
        assertThat(child.vmas().size()).isEqualTo(2);
    }

    @Test
    void aChildsMappingThatIsSplitMergesAgain() {
        m.map(BASE, 3);
        m.fill(BASE, 3, 1);
        MmStruct child = fork();
        assertThat(m.sys.mprotect().run(child, m.ctx, BASE + PAGE, PAGE, Prot.READ))
                .isZero();
        assertThat(child.vmas().size()).isEqualTo(3);
        assertThat(m.sys.mprotect().run(child, m.ctx, BASE + PAGE, PAGE, RW)).isZero();
        assertThat(child.vmas().size()).isEqualTo(1);
    }

    @Test
    void aChildThatOutlivesItsParentKeepsItsPages() {
        m.map(BASE, 2);
        m.fill(BASE, 2, 5);
        ModelCpu cpu = m.newCpu(fork());
        m.sys.exitMmap(m.mm);
        assertThat(cpu.load(BASE)).isEqualTo(5);
        cpu.store(BASE + PAGE, 7);
        assertThat(cpu.load(BASE + PAGE)).isEqualTo(7);
    }
}

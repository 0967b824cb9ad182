package faultline.mmu.system;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.kernel.Vmalloc;
import faultline.mmu.kernel.VmallocMapping;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import org.junit.jupiter.api.Test;

class VmallocMappingTest {
    private static Vma area(MmFixture f, int pages) {
        f.map(MmFixture.BASE, pages);
        return f.mm.vmas().lookup(MmFixture.BASE);
    }

    @Test
    void programAndKernelSeeTheSameMemory() {
        try (MmFixture f = new MmFixture()) {
            Vmalloc vmalloc = f.sys.vmalloc();
            long ring = vmalloc.vmalloc(4 * MmFixture.PAGE);
            Vma area = area(f, 3);
            assertThat(VmallocMapping.remap(vmalloc, area, ring, 1, "[ring]")).isZero();

            f.sys.phys().putByte(vmalloc.physical(ring + MmFixture.PAGE + 5), (byte) 42);
            assertThat(f.cpu.load(MmFixture.BASE + 5)).isEqualTo(42);
            f.cpu.store(MmFixture.BASE + 2 * MmFixture.PAGE, 7);
            assertThat(f.sys.phys().getByte(vmalloc.physical(ring + 3 * MmFixture.PAGE)))
                    .isEqualTo((byte) 7);

            // Device memory is in nobody's resident set, and unmapping it frees nothing.
            assertThat(f.mm.rss(MmStruct.ANONPAGES)).isZero();
            assertThat(area.has(VmFlags.PFNMAP | VmFlags.DONTEXPAND)).isTrue();
            MmFixture.ok(f.munmap(MmFixture.BASE, MmFixture.PAGE));
            assertThat(f.cpu.load(MmFixture.BASE + 2 * MmFixture.PAGE)).isEqualTo(7);
            MmFixture.ok(f.munmap(MmFixture.BASE, 3 * MmFixture.PAGE));
            assertThat(f.sys.phys().getByte(vmalloc.physical(ring + 3 * MmFixture.PAGE)))
                    .isEqualTo((byte) 7);
            vmalloc.vfree(ring);
        }
    }

    @Test
    void anAreaLargerThanTheMemoryIsRefused() {
        try (MmFixture f = new MmFixture()) {
            Vmalloc vmalloc = f.sys.vmalloc();
            long ring = vmalloc.vmalloc(2 * MmFixture.PAGE);
            Vma area = area(f, 2);
            assertThat(VmallocMapping.remap(vmalloc, area, ring, 1, "[ring]")).isEqualTo(-Errno.EINVAL);
            assertThat(VmallocMapping.remap(vmalloc, area, ring, Long.MAX_VALUE, "[ring]"))
                    .isEqualTo(-Errno.EINVAL);
            assertThat(VmallocMapping.remap(vmalloc, area, ring + MmFixture.PAGE, 0, "[ring]"))
                    .isEqualTo(-Errno.EINVAL);
            assertThat(area.ops()).isNull();
            vmalloc.vfree(ring);
        }
    }
}

package faultline.mmu.rmap;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultFixture;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.table.Pte;
import org.junit.jupiter.api.Test;

class AnonVmaPrepareRaceTest {
    private static final long BASE = FaultFixture.BASE;

    @Test
    void twoFirstFaultsInOneMappingAgreeOnItsFamily() throws Exception {
        try (FaultFixture f = new FaultFixture()) {
            MmStruct mm = f.newMm();
            ModelCpu one = f.newCpu(mm);
            ModelCpu two = f.newCpu(mm);
            Vma[] vma = new Vma[1];
            Race.run(
                    Race.ROUNDS,
                    r -> vma[0] = f.mapAnon(mm, BASE, 2, FaultFixture.RW),
                    r -> {
                        AnonVma family = (AnonVma) vma[0].anonVma();
                        assertThat(family.areas().size()).isEqualTo(1);
                        assertThat(f.phys.frames().mapping(Pte.pfn(f.pte(mm, BASE))))
                                .isSameAs(family);
                        assertThat(f.phys.frames().mapping(Pte.pfn(f.pte(mm, BASE + Page.SIZE))))
                                .isSameAs(family);
                        f.unmap(vma[0]);
                        assertThat(family.areas().isEmpty()).isTrue();
                    },
                    r -> one.store(BASE, 1),
                    r -> two.store(BASE + Page.SIZE, 1));
        }
    }

    @Test
    void neighbourThatCouldBeMergedLendsItsFamily() {
        try (FaultFixture f = new FaultFixture()) {
            MmStruct mm = f.newMm();
            ModelCpu cpu = f.newCpu(mm);
            Vma low = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
            Vma high = f.mapAnon(mm, BASE + Page.SIZE, 1, FaultFixture.RO);
            Vma apart = f.mapAnon(mm, BASE + 3 * Page.SIZE, 1, FaultFixture.RW);

            cpu.store(BASE, 1);
            Rmap.prepare(high);
            cpu.store(BASE + 3 * Page.SIZE, 1);

            assertThat(high.anonVma()).isSameAs(low.anonVma());
            assertThat(apart.anonVma()).isNotSameAs(low.anonVma());
        }
    }
}

package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.Race;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MmFixture;
import faultline.mmu.view.ProcSmaps;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rights change while a processor sets bits in the very entries. */
@Timeout(120)
class MprotectRaceTest {
    private static final int PAGES = 512;

    @Test
    void theUseOfAPageIsNotForgottenWhenItsRightsChangeMeanwhile() throws Exception {
        try (MmFixture m = new MmFixture()) {
            m.map(BASE, PAGES);
            m.fill(BASE, PAGES, 1);
            Race.run(
                    Race.ROUNDS,
                    round -> ok(ClearRefs.run(m.sys.tables(), m.mm, ClearRefs.ALL)),
                    round -> assertThat(referenced(m)).isEqualTo("Referenced:         2048 kB"),
                    round -> {
                        for (int i = 0; i < PAGES; i++) {
                            m.cpu.load(BASE + i * PAGE);
                        }
                    },
                    round -> {
                        ok(m.mprotect(BASE, PAGES * PAGE, Prot.READ));
                        ok(m.mprotect(BASE, PAGES * PAGE, RW));
                    });
            m.audit();
        }
    }

    private static String referenced(MmFixture m) {
        return ProcSmaps.rollup(m.sys.tables(), m.sys.faultEnv().swap(), m.mm)
                .lines()
                .filter(line -> line.startsWith("Referenced:"))
                .findFirst()
                .orElseThrow();
    }
}

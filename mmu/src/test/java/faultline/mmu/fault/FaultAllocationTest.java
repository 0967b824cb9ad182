package faultline.mmu.fault;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** Once compiled, faults on anonymous memory make no garbage, so that no guest program ever waits for a collection. */
class FaultAllocationTest {
    private static final int PAGES = 4096;
    private static final int BATCHES = 200;

    @Test
    void faultsOnAnonymousMemoryAllocateNothing() {
        try (FaultFixture f = new FaultFixture()) {
            MmStruct mm = f.newMm();
            mm.setTlb(AddressSpaceTlb.NONE);
            Vma vma = f.mapAnon(mm, FaultFixture.BASE, PAGES, FaultFixture.RW);
            FaultContext ctx = new FaultContext();
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long least = Long.MAX_VALUE;
            for (int batch = 0; batch < BATCHES && least != 0; batch++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                faultAll(f, mm, ctx, FaultHandler.PF_USER);
                faultAll(f, mm, ctx, FaultHandler.PF_USER | FaultHandler.PF_WRITE | FaultHandler.PF_PROT);
                least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
                f.dontNeed(vma, vma.start(), vma.end());
            }
            assertThat(least).isZero();
        }
    }

    private static void faultAll(FaultFixture f, MmStruct mm, FaultContext ctx, int errorCode) {
        for (int i = 0; i < PAGES; i++) {
            int outcome = f.faults.doUserAddrFault(mm, FaultFixture.BASE + i * Page.SIZE, errorCode, ctx);
            if (outcome != FaultHandler.FAULT_DONE) {
                throw new AssertionError("fault " + i + " ended in " + outcome);
            }
        }
    }
}

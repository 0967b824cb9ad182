package faultline.mmu.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AnonymousFaultTest {
    private FaultFixture f;
    private MmStruct mm;
    private ModelCpu cpu;

    @BeforeEach
    void setUp() {
        f = new FaultFixture();
        mm = f.newMm();
        cpu = f.newCpu(mm);
    }

    @AfterEach
    void tearDown() {
        f.close();
    }

    @Test
    void readOfUntouchedMemoryMapsThePageOfZerosAndCountsNoResidentPage() {
        f.mapAnon(mm, FaultFixture.BASE, 4, FaultFixture.RW);

        assertThat(cpu.load(FaultFixture.BASE + 5)).isZero();

        assertThat(cpu.ctx.path).isEqualTo(FaultPath.ZERO_PAGE);
        assertThat(Pte.pfn(f.pte(mm, FaultFixture.BASE))).isEqualTo(f.env.zeroPfn());
        assertThat(mm.rssPages()).isZero();
        assertThat(cpu.ctx.minFlt).isEqualTo(1);
    }

    @Test
    void writeMapsAZeroedDirtyWritableFrame() {
        Vma vma = f.mapAnon(mm, FaultFixture.BASE, 4, FaultFixture.RW);

        cpu.store(FaultFixture.BASE + Page.SIZE + 7, 42);

        long entry = f.pte(mm, FaultFixture.BASE + Page.SIZE);
        assertThat(cpu.ctx.path).isEqualTo(FaultPath.NEW_PAGE);
        assertThat(Pte.isWrite(entry) && Pte.isDirty(entry) && Pte.isYoung(entry))
                .isTrue();
        assertThat(cpu.load(FaultFixture.BASE + Page.SIZE + 7)).isEqualTo(42);
        assertThat(cpu.load(FaultFixture.BASE + Page.SIZE + 8)).isZero();
        assertThat(mm.rss(MmStruct.ANONPAGES)).isEqualTo(1);
        assertThat(f.phys.frames().mapping(Pte.pfn(entry))).isSameAs(vma.anonVma());
        assertThat(f.phys.frames().index(Pte.pfn(entry))).isEqualTo(vma.pgoff() + 1);
        assertThat(cpu.ctx.minFlt).isEqualTo(1);
    }

    @Test
    void writeAfterReadCountsASecondMinorFaultAndCopiesThePageOfZeros() {
        f.mapAnon(mm, FaultFixture.BASE, 1, FaultFixture.RW);
        cpu.load(FaultFixture.BASE);

        cpu.store(FaultFixture.BASE, 1);

        assertThat(cpu.ctx.path).isEqualTo(FaultPath.COW_COPY);
        assertThat(cpu.ctx.minFlt).isEqualTo(2);
        assertThat(cpu.ctx.majFlt).isZero();
        assertThat(cpu.load(FaultFixture.BASE)).isEqualTo(1);
        assertThat(cpu.load(FaultFixture.BASE + 1)).isZero();
    }

    @Test
    void anotherProcessorWithTheOldTranslationSeesTheNewPage() {
        f.mapAnon(mm, FaultFixture.BASE, 1, FaultFixture.RW);
        ModelCpu other = f.newCpu(mm);
        assertThat(other.load(FaultFixture.BASE)).isZero();

        cpu.store(FaultFixture.BASE, 9);

        assertThat(other.load(FaultFixture.BASE)).isEqualTo(9);
    }

    @Test
    void readModifyWriteIsOneFault() {
        f.mapAnon(mm, FaultFixture.BASE, 1, FaultFixture.RW);

        cpu.increment(FaultFixture.BASE);

        assertThat(cpu.ctx.minFlt).isEqualTo(1);
        assertThat(cpu.ctx.path).isEqualTo(FaultPath.NEW_PAGE);
    }

    @Test
    void unmappedAddressIsMaperrAtTheExactAddress() {
        f.mapAnon(mm, FaultFixture.BASE, 1, FaultFixture.RW);

        ModelCpu.Signal signal =
                catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.load(FaultFixture.BASE + Page.SIZE + 3));

        assertThat(signal.signo).isEqualTo(FaultHandler.SIGSEGV);
        assertThat(signal.code).isEqualTo(FaultHandler.SEGV_MAPERR);
        assertThat(signal.address).isEqualTo(FaultFixture.BASE + Page.SIZE + 3);
        assertThat(cpu.ctx.minFlt).isZero();
    }

    @Test
    void writeToReadOnlyMemoryIsAccerrWhetherPresentOrNot() {
        f.mapAnon(mm, FaultFixture.BASE, 1, FaultFixture.RO);

        ModelCpu.Signal absent = catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.store(FaultFixture.BASE, 1));
        cpu.load(FaultFixture.BASE);
        ModelCpu.Signal present = catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.store(FaultFixture.BASE, 1));

        assertThat(absent.code).isEqualTo(FaultHandler.SEGV_ACCERR);
        assertThat(present.code).isEqualTo(FaultHandler.SEGV_ACCERR);
    }

    @Test
    void protNoneIsAccerrForReading() {
        f.mapAnon(mm, FaultFixture.BASE, 1, FaultFixture.RO & ~1L);

        ModelCpu.Signal signal = catchThrowableOfType(ModelCpu.Signal.class, () -> cpu.load(FaultFixture.BASE));

        assertThat(signal.code).isEqualTo(FaultHandler.SEGV_ACCERR);
    }

    @Test
    void kernelAddressIsMaperrAndErrorCodeSaysPresent() {
        FaultContext ctx = cpu.ctx;

        int outcome = f.faults.doUserAddrFault(mm, 0xffff_ffff_8000_0000L, FaultHandler.PF_USER, ctx);

        assertThat(outcome).isEqualTo(FaultHandler.FAULT_SIGNAL);
        assertThat(ctx.siCode).isEqualTo(FaultHandler.SEGV_MAPERR);
        assertThat(ctx.siAddr).isEqualTo(0xffff_ffff_8000_0000L);
        assertThat(ctx.errorCode).isEqualTo(FaultHandler.PF_USER | FaultHandler.PF_PROT);
    }

    @Test
    void nonCanonicalAddressIsAGeneralProtectionFaultWithoutAddress() {
        FaultContext ctx = cpu.ctx;

        int outcome = f.faults.doUserAddrFault(mm, 0x8000_0000_0000L << 4, FaultHandler.PF_USER, ctx);

        assertThat(outcome).isEqualTo(FaultHandler.FAULT_SIGNAL);
        assertThat(ctx.siCode).isEqualTo(FaultHandler.SI_KERNEL);
        assertThat(ctx.siAddr).isZero();
        assertThat(ctx.trapNumber).isEqualTo(13);
    }

    @Test
    void pageExclusiveToOneMappingIsReusedAfterForkWhenTheOtherIsGone() {
        Vma vma = f.mapAnon(mm, FaultFixture.BASE, 1, FaultFixture.RW);
        cpu.store(FaultFixture.BASE, 3);
        long pfn = Pte.pfn(f.pte(mm, FaultFixture.BASE));
        MmStruct child = f.newMm();
        Vma copy = f.fork(vma, child, cpu.ctx);
        assertThat(f.phys.frames().test(pfn, PageFlags.ANON_EXCLUSIVE)).isFalse();
        f.unmap(copy);

        cpu.store(FaultFixture.BASE, 4);

        assertThat(cpu.ctx.path).isEqualTo(FaultPath.COW_REUSE);
        assertThat(Pte.pfn(f.pte(mm, FaultFixture.BASE))).isEqualTo(pfn);
    }

    @Test
    void outOfMemoryIsReportedAndLeavesNothingBehind() {
        f.mapAnon(mm, FaultFixture.BASE, 20_000, FaultFixture.RW);

        OutOfMemoryError error = catchThrowableOfType(OutOfMemoryError.class, () -> {
            for (long at = FaultFixture.BASE; ; at += Page.SIZE) {
                cpu.store(at, 1);
            }
        });

        assertThat(error).isNotNull();
        assertThat(mm.rss(MmStruct.ANONPAGES)).isEqualTo(cpu.ctx.minFlt);
    }
}

package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;
import static faultline.emulator.cpu.GuestRig.CODE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The CPU and the real memory manager together: faults counted and exact, nothing left behind. */
class CpuOnMemorySystemTest {
    private static final long RAM = 64 << 20;
    private static final int SIGSEGV = 11;
    private static final int SEGV_MAPERR = 1;
    private static final int SEGV_ACCERR = 2;

    private final GuestRig rig = new GuestRig(RAM);

    @AfterEach
    void close() {
        assertThat(rig.memory.audit()).isEmpty();
        rig.close();
    }

    /** Touches {@code pages} pages from {@code at} with one instruction each. */
    private long touch(String instruction, long at, int pages) {
        // L: <instruction>; add rdi,4096; dec ecx; jnz L
        int length = instruction.length() / 2;
        rig.code(CODE + 0x100, instruction, "4881c700100000", "ffc9", "75" + Asm.le(256 - length - 11, 1), SYSCALL);
        rig.state.set(CpuState.RDI, at);
        rig.state.set(CpuState.RCX, pages);
        long before = rig.context.minFlt;
        assertThat(rig.run(CODE + 0x100)).isEqualTo(Exit.SYSCALL);
        return rig.context.minFlt - before;
    }

    @Test
    void everyFreshPageIsOneMinorFaultWhateverTouchesIt() {
        int pages = 500;
        String[] instructions = {"48893f", "488b07", "48ff07", "f048ff07", "480fc107", "0fb607", "48aa"};
        for (String instruction : instructions) {
            long at = rig.map(0, (pages + 2) * 4096L, GuestRig.RW, 0);
            touch("488b07", at, 1); // the code itself is written and fetched
            long minor = touch(instruction, at + 4096, pages);
            assertThat(minor).as(instruction).isBetween((long) pages, pages + 1L);
        }
    }

    @Test
    void readThenWriteIsTwoFaultsAndTheZeroPageIsReplaced() {
        int pages = 100;
        long at = rig.map(0, pages * 4096L, GuestRig.RW, 0);
        touch("488b07", at, pages);
        long used = rig.memory.phys().allocator().freeFrames();
        assertThat(touch("48893f", at, pages)).isBetween((long) pages, pages + 1L);
        assertThat(used - rig.memory.phys().allocator().freeFrames()).isBetween((long) pages, pages + 10L);
        assertThat(touch("48893f", at, pages)).isLessThanOrEqualTo(1);
    }

    @Test
    void signalsTellTheirExactAddressAndCode() {
        long at = rig.map(0, 8192, Prot.READ, 0);
        rig.code(CODE, mov(CpuState.RDI, at + 0x234), "48893f", SYSCALL);
        assertThat(rig.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(rig.context.siSigno).isEqualTo(SIGSEGV);
        assertThat(rig.context.siCode).isEqualTo(SEGV_ACCERR);
        assertThat(rig.context.siAddr).isEqualTo(at + 0x234);
        assertThat(rig.context.errorCode & 7).isEqualTo(6);

        rig.memory.munmap().run(rig.mm, at, 8192);
        assertThat(rig.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(rig.context.siCode).isEqualTo(SEGV_MAPERR);
        assertThat(rig.context.siAddr).isEqualTo(at + 0x234);
    }

    @Test
    void nonCanonicalAndKernelAddressesEndAsOnLinux() {
        rig.code(CODE, "488b07", SYSCALL);
        rig.state.set(CpuState.RDI, 0x8000_0000_0000_0008L);
        assertThat(rig.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(rig.context.siAddr).isZero();
        assertThat(rig.context.siCode).isEqualTo(128);
        rig.state.set(CpuState.RDI, 0xffff_8880_0000_0008L);
        assertThat(rig.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(rig.context.siAddr).isEqualTo(0xffff_8880_0000_0008L);
        assertThat(rig.context.siCode).isEqualTo(SEGV_MAPERR);
    }

    @Test
    void protectionTakenAwayAndGivenBackTenThousandTimesIsSeenEachTime() {
        long at = rig.map(0, 4096, GuestRig.RW, 0);
        rig.code(CODE, "48893f", SYSCALL);
        rig.state.set(CpuState.RDI, at);
        for (int i = 0; i < 10_000; i++) {
            rig.memory.mprotect().run(rig.mm, rig.context, at, 4096, Prot.READ);
            assertThat(rig.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
            assertThat(rig.context.siAddr).isEqualTo(at);
            assertThat(rig.context.siCode).isEqualTo(SEGV_ACCERR);
            rig.memory.mprotect().run(rig.mm, rig.context, at, 4096, GuestRig.RW);
            assertThat(rig.run()).isEqualTo(Exit.SYSCALL);
        }
    }

    @Test
    void unmappedPagesAreNotReachableThroughOldEntries() {
        for (int round = 0; round < 200; round++) {
            long at = rig.map(0, 20 * 4096L, GuestRig.RW, 0);
            touch("48893f", at, 20);
            rig.memory.munmap().run(rig.mm, at + (round % 20) * 4096L, 4096);
            rig.code(CODE, "488b07", SYSCALL);
            rig.state.set(CpuState.RDI, at + (round % 20) * 4096L);
            assertThat(rig.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
            rig.memory.munmap().run(rig.mm, at, 20 * 4096L);
        }
    }

    @Test
    void programWrittenByTheKernelTwiceRunsAsWrittenLast() {
        for (int i = 1; i < 100; i++) {
            rig.code(CODE, "b8" + Asm.le(i, 4), SYSCALL);
            assertThat(rig.run(CODE)).isEqualTo(Exit.SYSCALL);
            assertThat(rig.state.get(CpuState.RAX)).isEqualTo(i);
        }
    }

    @Test
    void codePageMappedAnewAtTheSamePlaceRunsItsOwnCode() {
        long at = 0x5000_0000L;
        for (int i = 1; i < 100; i++) {
            rig.map(at, 4096, GuestRig.RW | Prot.EXEC, MmapFlags.FIXED);
            rig.code(at, "b8" + Asm.le(i, 4), SYSCALL);
            assertThat(rig.run(at)).isEqualTo(Exit.SYSCALL);
            assertThat(rig.state.get(CpuState.RAX)).isEqualTo(i);
            rig.memory.munmap().run(rig.mm, at, 4096);
        }
    }

    @Test
    void tenThousandFaultsOfOneRunLeaveNothingBehind() {
        long before = rig.memory.phys().allocator().freeFrames();
        long at = rig.map(0, 10_000 * 4096L, GuestRig.RW, 0);
        touch("48893f", at, 10_000);
        assertThat(rig.engine.stats().faults).isGreaterThanOrEqualTo(10_000);
        rig.memory.munmap().run(rig.mm, at, 10_000 * 4096L);
        assertThat(before - rig.memory.phys().allocator().freeFrames()).isLessThan(5);
    }
}

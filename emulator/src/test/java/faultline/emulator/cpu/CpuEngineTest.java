package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;
import static faultline.emulator.cpu.CpuState.RAX;
import static faultline.emulator.cpu.CpuState.RBX;
import static faultline.emulator.cpu.CpuState.RCX;
import static faultline.emulator.cpu.CpuState.RDI;
import static faultline.emulator.cpu.CpuState.RDX;
import static faultline.emulator.cpu.CpuState.RFLAGS;
import static faultline.emulator.cpu.CpuState.RIP;
import static faultline.emulator.cpu.CpuState.RSP;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultHandler;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs small pieces of code and looks at why, and where exactly, they stop. */
class CpuEngineTest {
    private static final long CODE = 0x400000;
    private static final long DATA = 0x600000;
    private static final long STACK = 0x7ffff000;

    private final FakeKernel kernel = new FakeKernel();

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void syscallStopsBehindItWithReturnAddressAndFlagsInRcxAndR11() {
        kernel.code(CODE, mov(RAX, 39), SYSCALL, mov(RBX, 7), SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.state.get(RAX)).isEqualTo(39);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 12);
        assertThat(kernel.state.get(RCX)).isEqualTo(CODE + 12);
        assertThat(kernel.state.get(CpuState.R11)).isEqualTo(0x202);

        kernel.state.set(RAX, -38);
        assertThat(kernel.run()).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.state.get(RBX)).isEqualTo(7);
        assertThat(kernel.state.get(RAX)).isEqualTo(-38);
    }

    @Test
    void runsAtPrivilegeLevelThreeWithTheFloatingPointStateOfANewProgram() {
        // mov ax,cs; stmxcsr [rdi]; fnstcw [rdi+4]
        kernel.code(CODE, "668cc8", mov(RDI, DATA), "0fae1f", "d97f04", SYSCALL);
        kernel.map(DATA, FakeKernel.W);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.state.get(RAX) & 0xffff).isEqualTo(0x33);
        assertThat(kernel.peek(DATA)).isEqualTo(0x037f_0000_1f80L);
    }

    @Test
    void demandZeroPageIsFaultedInInsideTheRun() {
        kernel.demand(DATA, 2, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA), "48c7078877665548c787001000000100000048890748897f08", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.faults).hasSize(2);
        assertThat(kernel.engine.stats().faults).isEqualTo(2);
        assertThat(kernel.peek(DATA + 8)).isEqualTo(DATA);
        assertThat(kernel.faults.get(0)[1]).isEqualTo(FaultHandler.PF_USER | FaultHandler.PF_WRITE);
    }

    @Test
    void faultThatIsASignalStopsOnTheInstructionWithTheExactAddress() {
        kernel.code(CODE, mov(RDI, DATA + 0x123), "488b4705", SYSCALL); // mov rax,[rdi+5]

        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 10);
        assertThat(kernel.context.siAddr).isEqualTo(DATA + 0x128);
        assertThat(kernel.context.address).isEqualTo(DATA + 0x128);
        assertThat(kernel.context.errorCode).isEqualTo(FaultHandler.PF_USER);
        assertThat(kernel.context.ip).isEqualTo(CODE + 10);
    }

    @Test
    void accessAcrossPagesReportsTheStartOfTheMissingOne() {
        kernel.map(DATA, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA + 0xffc), "488907", SYSCALL); // mov [rdi],rax

        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.context.siAddr).isEqualTo(DATA + 0x1000);
        assertThat(kernel.peek(DATA + 0xff8)).isZero();
    }

    @Test
    void nonCanonicalAddressReachesTheFaultHandler() {
        kernel.code(CODE, mov(RDI, 0x8000_0000_0000_0000L), "488b07", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.faults.get(0)[0]).isEqualTo(0x8000_0000_0000_0000L);
    }

    @Test
    void userCodeNeverReachesTheFirmwareOrTheWindow() {
        kernel.code(CODE, "488b07", SYSCALL);
        kernel.map(DATA, FakeKernel.W);
        kernel.run(CODE); // something to flush with the firmware
        for (long address : new long[] {Firmware.VIRTUAL, Firmware.PAGE_LIST, Firmware.WINDOW + 0x1000}) {
            kernel.engine.flushPage(CODE);
            kernel.pool.instructionCache().flushFrame(kernel.physical(CODE) >>> 12);
            kernel.state.set(RDI, address);
            assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
            kernel.state.set(RIP, address);
            assertThat(kernel.run()).isEqualTo(Exit.FAULT_SIGNAL);
        }
    }

    @Test
    void jumpToAMissingPageStopsAtItsTargetWithTheReturnAddressPushed() {
        kernel.map(STACK - 4096, FakeKernel.W);
        kernel.state.set(RSP, STACK);
        kernel.code(CODE, mov(RAX, DATA + 5), "ffd0");

        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.state.get(RIP)).isEqualTo(DATA + 5);
        assertThat(kernel.context.siAddr).isEqualTo(DATA + 5);
        assertThat(kernel.context.errorCode).isEqualTo(FaultHandler.PF_USER | FaultHandler.PF_INSTR);
        assertThat(kernel.state.get(RSP)).isEqualTo(STACK - 8);
        assertThat(kernel.peek(STACK - 8)).isEqualTo(CODE + 12);
    }

    @Test
    void faultThatHasToWaitIsLeftToTheCallerAndGoesOnAfterwards() {
        kernel.demand(DATA, 1, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA + 8), "48890f", SYSCALL);
        kernel.answerNext = FaultHandler.FAULT_RETRY;

        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_RETRY);
        assertThat(kernel.context.address).isEqualTo(DATA + 8);
        kernel.context.mayWait = true;
        assertThat(kernel.fault(kernel.context.address, kernel.context.errorCode, kernel.context))
                .isZero();
        assertThat(kernel.run()).isEqualTo(Exit.SYSCALL);
    }

    @Test
    void storeAfterFlagsWaitsInsideTheRunSoThatItsFlagsStayRight() {
        kernel.demand(DATA, 1, FakeKernel.W);
        // mov rdi; xor eax,eax; cmp eax,1 (CF=1); setbe [rdi]
        kernel.code(CODE, mov(RDI, DATA), "31c0", "83f801", "0f9607", SYSCALL);
        kernel.answerNext = FaultHandler.FAULT_RETRY;

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.peek(DATA)).isEqualTo(1);
        assertThat(kernel.context.mayWait).isTrue();
    }

    @Test
    void divideErrorsAndProtectionFaultsKeepTheirVectorsHoweverMany() {
        kernel.code(CODE, "31c9", "f7f1"); // xor ecx,ecx; div ecx
        kernel.code(CODE + 0x100, "f4"); // hlt
        for (int i = 0; i < 50; i++) {
            assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
            assertThat(kernel.state.vector()).isZero();
            assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 2);
            assertThat(kernel.run(CODE + 0x100)).isEqualTo(Exit.EXCEPTION);
            assertThat(kernel.state.vector()).isEqualTo(13);
            assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 0x100);
        }
    }

    @Test
    void undefinedInstructionIsVectorSix() {
        kernel.code(CODE, "90", "0f0b");

        assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(6);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 1);
    }

    @Test
    void breakpointIsVectorThreeBehindIt() {
        kernel.code(CODE, "cc");
        kernel.code(CODE + 0x10, "cd03");

        assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(3);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 1);
        assertThat(kernel.run(CODE + 0x10)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(3);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 0x12);
    }

    @Test
    void int80IsVector128BehindIt() {
        kernel.code(CODE, "cd80");

        assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(128);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 6, 8, 13, 14, 0x20, 0x81, 0xff})
    void softwareInterruptOfAPrivilegedGateIsAProtectionFaultOnTheInstruction(int vector) {
        kernel.code(CODE, "90", "cd" + Asm.le(vector, 1));

        for (int i = 0; i < 4; i++) {
            assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
            assertThat(kernel.state.vector()).isEqualTo(13);
            assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 1);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ec", "e460", "ee", "e660", "ed", "ef", "fa", "fb", "0f32", "0f20c0", "0f013f", "0f01f8"})
    void privilegedInstructionIsAProtectionFaultThatChangesNothing(String instruction) {
        kernel.code(CODE, mov(RAX, 0x1122334455667788L), mov(RDX, 0x3f8), mov(RDI, DATA), instruction, SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(13);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 30);
        assertThat(kernel.state.get(RAX)).isEqualTo(0x1122334455667788L);
    }

    @Test
    void sysenterIsUndefinedAsOnAmd() {
        kernel.code(CODE, "90", "0f34", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(6);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 1);
    }

    @Test
    void x87ErrorIsVector16AtTheNextWaitingInstruction() {
        // fninit; push of a control word that unmasks divide by zero is done by fldcw [rdi]; fld1; fldz; fdivp; fwait
        kernel.map(DATA, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA), "dbe3", "66c7077b03", "d92f", "d9e8", "d9ee", "def9", "9b", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(16);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 10 + 2 + 5 + 2 + 2 + 2 + 2);
    }

    @Test
    void trapFlagStopsBehindEveryInstruction() {
        kernel.code(CODE, "90", "90", SYSCALL);
        kernel.state.set(RFLAGS, 0x302);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isEqualTo(1);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 1);
        assertThat(kernel.run()).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.get(RIP)).isEqualTo(CODE + 2);
    }

    @Test
    void cpuidHidesWhatCannotBeExecuted() {
        kernel.code(CODE, mov(RAX, 1), "0fa2", SYSCALL);
        kernel.code(CODE + 0x100, mov(RAX, 7), mov(RCX, 0), "0fa2", SYSCALL);
        kernel.code(CODE + 0x200, mov(RAX, 0x80000002L), "0fa2", SYSCALL);

        kernel.run(CODE);
        assertThat(kernel.state.get(RCX)).isEqualTo(CODE + 14); // the syscall's
        kernel.code(CODE + 0x40, mov(RAX, 1), "0fa2", "89ce", SYSCALL); // mov esi,ecx
        kernel.run(CODE + 0x40);
        long ecx = kernel.state.get(CpuState.RSI);
        assertThat(ecx & 1L << 28).as("AVX").isZero();
        assertThat(ecx & 1L << 20).as("SSE4.2").isNotZero();
        assertThat(ecx & 1L << 30).as("RDRAND").isNotZero();
        assertThat(ecx & 1L << 27).as("OSXSAVE").isNotZero();
        kernel.run(CODE + 0x100);
        assertThat(kernel.state.get(RBX) & (1 << 5 | 1 << 9)).as("AVX2, ERMS").isZero();
        assertThat(kernel.state.get(RBX) & 1 << 8).as("BMI2").isNotZero();
        kernel.run(CODE + 0x200);
        assertThat(kernel.state.get(RAX)).isEqualTo('F' | 'a' << 8 | 'u' << 16 | 'l' << 24);
    }

    @Test
    void exceptionInTheFaultHandlerSurfacesInTheCaller() {
        FakeKernel broken = kernel;
        broken.code(CODE, mov(RDI, DATA), "488b07", SYSCALL);
        GuestMemory throwing = new GuestMemory() {
            @Override
            public long walk(long address, int access) {
                return broken.walk(address, access);
            }

            @Override
            public int fault(long address, int errorCode, faultline.mmu.fault.FaultContext context) {
                throw new IllegalStateException("boom");
            }
        };
        CpuEngine engine = broken.pool.acquire(throwing);
        CpuState state = new CpuState();
        state.set(RIP, CODE);

        org.assertj.core.api.Assertions.assertThatThrownBy(() -> engine.run(state, broken.context))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("boom");
        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
    }
}

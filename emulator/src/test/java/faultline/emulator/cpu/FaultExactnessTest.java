package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;
import static faultline.emulator.cpu.CpuState.RAX;
import static faultline.emulator.cpu.CpuState.RBX;
import static faultline.emulator.cpu.CpuState.RCX;
import static faultline.emulator.cpu.CpuState.RDI;
import static faultline.emulator.cpu.CpuState.RIP;
import static faultline.emulator.cpu.CpuState.RSP;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultHandler;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which faults come, in which order, at which instruction: as on hardware. */
class FaultExactnessTest {
    private static final long CODE = 0x400000;
    private static final long DATA = 0x600000;
    private static final long STACK = 0x7ffff000;
    private static final int WRITE_FAULT = FaultHandler.PF_USER | FaultHandler.PF_WRITE;

    private final FakeKernel kernel = new FakeKernel();

    @AfterEach
    void close() {
        kernel.close();
    }

    @ParameterizedTest
    @CsvSource({
        "add [rdi] eax,0107",
        "or,0907",
        "adc,1107",
        "sbb,1907",
        "and,2107",
        "sub,2907",
        "xor,3107",
        "add m8 imm,800701",
        "add m32 imm8,830701",
        "sub m32 imm32,812f01000000",
        "xchg,8707",
        "xchg8,8607",
        "rol 1,d107",
        "rcl cl,d317",
        "shl imm,c12703",
        "sar8,d03f",
        "not,f717",
        "neg,f71f",
        "inc,ff07",
        "dec8,fe0f",
        "shld,0fa40703",
        "shrd cl,0fad07",
        "bts,0fab07",
        "btr imm,0fba3701",
        "btc,0fbb07",
        "xadd,0fc107",
        "cmpxchg,0fb107",
        "cmpxchg8b,0fc70f",
        "cmpxchg16b,480fc70f",
        "lock add,f00107",
        "lock inc 64,f048ff07",
        "lock xadd,f0480fc107",
        "add 16,660107",
        "lock cmpxchg,f00fb117",
        "add r8,44000f"
    })
    void readModifyWriteFaultsOnceAsAWrite(String name, String instruction) {
        kernel.demand(DATA, 1, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA), instruction, SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.faults).hasSize(1);
        assertThat(kernel.faults.get(0)).containsExactly(DATA, WRITE_FAULT);
        assertThat(kernel.engine.stats().readModifyWrites).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "mov,8b07",
        "cmp,3907",
        "cmp imm,803f01",
        "test,8507",
        "test imm,f60701",
        "bt,0fa307",
        "bt imm,0fba2701",
        "mul,f727",
        "add from,0307",
        "push,ff37",
        "movups,0f1007",
        "fld,dd07",
        "imul,0faf07",
        "movzx,0fb607",
        "lods,488d37ac",
        "popcnt,f30fb807",
        "scas,ae",
        "prefetch then mov,0f0d078b07"
    })
    void plainReadFaultsOnceAsARead(String name, String instruction) {
        kernel.map(STACK - 4096, FakeKernel.W);
        kernel.state.set(RSP, STACK);
        kernel.demand(DATA, 1, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA), instruction, SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(kernel.faults).hasSize(1);
        assertThat(kernel.faults.get(0)).containsExactly(DATA, FaultHandler.PF_USER);
    }

    @Test
    void readModifyWriteOfAReadOnlyPageIsOneWriteFaultWithThePresentBit() {
        kernel.map(DATA, FakeKernel.R);
        kernel.code(CODE, mov(RDI, DATA + 4), "ff07", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.faults).hasSize(1);
        assertThat(kernel.context.errorCode).isEqualTo(WRITE_FAULT | FaultHandler.PF_PROT);
        assertThat(kernel.context.siAddr).isEqualTo(DATA + 4);
    }

    @Test
    void blockThatRunsIntoAMissingPageExecutesItsInstructionsBeforeTheFault() {
        long end = CODE + 4096;
        // mov rax,1 (7 bytes); mov rbx,2 (7 bytes), the latter ends the page
        kernel.code(end - 14, "48c7c001000000", "48c7c302000000");

        assertThat(kernel.run(end - 14)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.state.get(RIP)).isEqualTo(end);
        assertThat(kernel.context.siAddr).isEqualTo(end);
        assertThat(kernel.state.get(RAX)).isEqualTo(1);
        assertThat(kernel.state.get(RBX)).isEqualTo(2);
        assertThat(kernel.state.get(CpuState.RFLAGS)).isEqualTo(0x202);
        assertThat(kernel.engine.stats().earlyFetches).isEqualTo(1);
    }

    @Test
    void instructionAcrossThePagesEndFaultsOnItselfWithTheNextPagesAddress() {
        long end = CODE + 4096;
        kernel.code(end - 10, "48c7c001000000", "48c7c3");

        assertThat(kernel.run(end - 10)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.state.get(RIP)).isEqualTo(end - 3);
        assertThat(kernel.context.siAddr).isEqualTo(end);
        assertThat(kernel.state.get(RAX)).isEqualTo(1);
    }

    @Test
    void missingNextPageDoesNotCountUntilReached() {
        long end = CODE + 4096;
        kernel.demand(end, 1, FakeKernel.X);
        // mov rdi,DATA; mov [rdi],rdi faults first; then the page is reached
        kernel.code(end - 13, mov(RDI, DATA), "48893f");
        kernel.run(end - 13);
        assertThat(kernel.context.siAddr).isEqualTo(DATA);
        assertThat(kernel.faults).hasSize(1);

        kernel.map(DATA, FakeKernel.W);
        assertThat(kernel.run()).isNotEqualTo(Exit.SYSCALL); // zeros in the new page: add [rax],al with rax 0
        List<Long> order = new ArrayList<>();
        kernel.faults.forEach(fault -> order.add(fault[0]));
        assertThat(order).startsWith(DATA, end);
    }

    @Test
    void steppedPushOfFlagsDoesNotShowTheTrapFlag() {
        long end = CODE + 4096;
        kernel.map(STACK - 4096, FakeKernel.W);
        kernel.state.set(RSP, STACK);
        kernel.code(end - 3, "90", "9c", "90");

        assertThat(kernel.run(end - 3)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.state.get(RIP)).isEqualTo(end);
        assertThat(kernel.peek(STACK - 8)).isEqualTo(0x202);
    }

    @Test
    void steppedDivideErrorKeepsItsVectorAndShowsNoTrapFlag() {
        long end = CODE + 4096;
        kernel.code(end - 5, "31c9", "f7f1", "90");

        assertThat(kernel.run(end - 5)).isEqualTo(Exit.EXCEPTION);
        assertThat(kernel.state.vector()).isZero();
        assertThat(kernel.state.get(RIP)).isEqualTo(end - 3);
        assertThat(kernel.state.get(CpuState.RFLAGS) & 0x100).isZero();
    }

    @Test
    void stringCopyStopsWithItsRegistersAtTheFault() {
        kernel.map(DATA, FakeKernel.W);
        kernel.map(DATA + 0x10000, FakeKernel.W);
        kernel.code(CODE, mov(CpuState.RSI, DATA + 0x10000), mov(RDI, DATA + 0xff0), mov(RCX, 100), "f3a4", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
        assertThat(kernel.state.get(RCX)).isEqualTo(84);
        assertThat(kernel.state.get(RDI)).isEqualTo(DATA + 0x1000);
        assertThat(kernel.context.siAddr).isEqualTo(DATA + 0x1000);
        assertThat(kernel.context.errorCode).isEqualTo(WRITE_FAULT);
    }

    @Test
    void faultCaughtAndMendedTenThousandTimesIsExactEachTime() {
        kernel.code(CODE, "488907", SYSCALL); // mov [rdi],rax
        kernel.map(DATA, FakeKernel.R);
        for (int i = 0; i < 10_000; i++) {
            kernel.map(DATA, kernel.physical(DATA) >>> 12, FakeKernel.R);
            kernel.engine.flushPage(DATA);
            kernel.state.set(RDI, DATA + i % 4088);
            kernel.state.set(RAX, i);
            assertThat(kernel.run(CODE)).isEqualTo(Exit.FAULT_SIGNAL);
            assertThat(kernel.context.siAddr).isEqualTo(DATA + i % 4088);
            kernel.map(DATA, kernel.physical(DATA) >>> 12, FakeKernel.W);
            assertThat(kernel.run()).isEqualTo(Exit.SYSCALL);
            assertThat(kernel.peek(DATA + i % 4088)).isEqualTo(i);
        }
        assertThat(kernel.engine.stats().pageFlushes).isGreaterThan(9_000);
    }

    @Test
    void cleanPageComesBackWithItsFirstWrite() {
        kernel.map(DATA, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA), "488b07", SYSCALL, "48893f", SYSCALL);

        kernel.run(CODE);
        assertThat(kernel.walk(DATA, GuestMemory.READ) & 64).as("dirty").isZero();
        kernel.run();
        assertThat(kernel.walk(DATA, GuestMemory.READ) & 64).as("dirty").isEqualTo(64);
        assertThat(kernel.faults).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void listenerSeesExactAddressesAndInstructionPointers(boolean readFirst) {
        List<long[]> seen = new ArrayList<>();
        kernel.pool.setFaultListener((context, result, nanos) -> seen.add(new long[] {context.address, context.ip}));
        kernel.demand(DATA, 2, FakeKernel.W);
        kernel.code(CODE, mov(RDI, DATA + 0x123), readFirst ? "488b07" : "48893f", "ff8700100000", SYSCALL);

        assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
        assertThat(seen).containsExactly(new long[] {DATA + 0x123, CODE + 10}, new long[] {DATA + 0x1123, CODE + 13});
        assertThat(kernel.faults).hasSize(2);
        assertThat(kernel.faults.get(1)[1]).isEqualTo(WRITE_FAULT);
    }
}

package faultline.emulator.unicorn;

import static faultline.emulator.unicorn.UnicornConstants.UC_ERR_EXCEPTION;
import static faultline.emulator.unicorn.UnicornConstants.UC_ERR_INSN_INVALID;
import static faultline.emulator.unicorn.UnicornConstants.UC_ERR_OK;
import static faultline.emulator.unicorn.UnicornConstants.UC_MEM_FETCH;
import static faultline.emulator.unicorn.UnicornConstants.UC_MEM_READ;
import static faultline.emulator.unicorn.UnicornConstants.UC_MEM_WRITE;
import static faultline.emulator.unicorn.UnicornConstants.UC_PROT_ALL;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RAX;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RBX;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RCX;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RDI;
import static faultline.emulator.unicorn.UnicornConstants.UC_X86_REG_RIP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every call of the binding, against memory of the test's own. */
class UnicornTest {
    private static final long PAGE = 4096;
    private static final int PAGES = 64;
    private static final long CODE = 0x400000;
    private static final long DATA = 0x600000;
    private static final int UC_ERR_MAP = 11;

    private final Arena arena = Arena.ofShared();
    private final MemorySegment ram = arena.allocate(PAGES * PAGE, PAGE);
    private final List<long[]> fills = new ArrayList<>();
    private Unicorn unicorn;
    private long refused = -1;
    private RuntimeException thrown;

    @BeforeEach
    void open() {
        unicorn = new Unicorn();
        unicorn.setCpuModel(UnicornConstants.UC_CPU_X86_EPYC);
        unicorn.setTcgBufferSize(16 << 20);
        unicorn.useVirtualTlb();
        unicorn.mapMemory(0, ram);
        unicorn.onTlbFill(this::fill);
    }

    @AfterEach
    void close() {
        unicorn.close();
        arena.close();
    }

    /** CODE is frames 1 to 9, DATA is frames 10 and up. */
    private boolean fill(long address, int kind, long result) {
        fills.add(new long[] {address, kind});
        if (thrown != null) {
            throw thrown;
        }
        if (address == refused) {
            return false;
        }
        Unicorn.answer(result, address >= DATA ? address - DATA + 10 * PAGE : address - CODE + PAGE, UC_PROT_ALL);
        return true;
    }

    private void code(String hex) {
        MemorySegment.copy(MemorySegment.ofArray(HexFormat.of().parseHex(hex)), 0, ram, PAGE, hex.length() / 2);
    }

    @Test
    void codeBufferSizeIsWhatWasSet() {
        assertThat(unicorn.tcgBufferSize()).isEqualTo(16 << 20);
    }

    @Test
    void registersKeepWhatIsWritten() {
        unicorn.writeRegister(UC_X86_REG_RAX, 0x123456789abcdefL);
        assertThat(unicorn.readRegister(UC_X86_REG_RAX)).isEqualTo(0x123456789abcdefL);
    }

    @Test
    void memoryMappedTwiceIsAnError() {
        assertThatThrownBy(() -> unicorn.mapMemory(0, ram))
                .isInstanceOf(UnicornException.class)
                .hasMessageContaining("uc_mem_map_ptr")
                .hasMessageContaining("Invalid memory mapping")
                .extracting(e -> ((UnicornException) e).code())
                .isEqualTo(UC_ERR_MAP);
    }

    @Test
    void batchReadsAndWritesAllOrSome() {
        RegisterBatch batch = new RegisterBatch(arena, UC_X86_REG_RAX, UC_X86_REG_RBX, UC_X86_REG_RCX);
        batch.set(0, 1);
        batch.set(1, 2);
        batch.set(2, 3);
        batch.write(unicorn);
        batch.set(0, 10);
        batch.set(2, 30);
        batch.write(unicorn, 0b100);
        batch.read(unicorn);
        assertThat(batch.get(0)).isEqualTo(1);
        assertThat(batch.get(1)).isEqualTo(2);
        assertThat(batch.get(2)).isEqualTo(30);
    }

    @Test
    void contextHoldsTheRegistersOfItsMoment() {
        unicorn.writeRegister(UC_X86_REG_RAX, 1);
        try (UnicornContext context = unicorn.newContext()) {
            unicorn.writeRegister(UC_X86_REG_RAX, 2);
            RegisterBatch batch = new RegisterBatch(arena, UC_X86_REG_RAX);
            batch.readContext(context.address());
            assertThat(batch.get(0)).isEqualTo(1);
            batch.set(0, 3);
            batch.writeContext(context.address());
            unicorn.restoreContext(context.address());
            assertThat(unicorn.readRegister(UC_X86_REG_RAX)).isEqualTo(3);
            assertThat(context.bytes().byteSize()).isEqualTo(unicorn.contextSize());
        }
    }

    @Test
    void modelSpecificRegistersKeepWhatIsWritten() {
        unicorn.writeMsr(0xc0000081, 0x23_0000_0000_0000L);
        assertThat(unicorn.readMsr(0xc0000081)).isEqualTo(0x23_0000_0000_0000L);
    }

    @Test
    void fillHookSeesPageAndKindOfEachFirstAccess() {
        code("488b07" + "48898700100000" + "f4"); // mov rax,[rdi]; mov [rdi+4096],rax; hlt
        unicorn.writeRegister(UC_X86_REG_RDI, DATA + 0x123);

        assertThat(unicorn.start(CODE)).isEqualTo(UC_ERR_OK);
        assertThat(fills).containsExactly(new long[] {CODE, UC_MEM_FETCH}, new long[] {DATA, UC_MEM_READ}, new long[] {
            DATA + PAGE, UC_MEM_WRITE
        });
    }

    @Test
    void refusedFillEndsTheRunOnTheInstruction() {
        code("90" + "488b07" + "f4");
        unicorn.writeRegister(UC_X86_REG_RDI, DATA);
        refused = DATA;

        assertThat(unicorn.start(CODE)).isEqualTo(UC_ERR_EXCEPTION);
        assertThat(unicorn.readRegister(UC_X86_REG_RIP)).isEqualTo(CODE + 1);
    }

    @Test
    void exceptionInTheFillHookSurfacesFromStartAndTheEngineGoesOn() {
        code("488b07" + "f4");
        unicorn.writeRegister(UC_X86_REG_RDI, DATA);
        thrown = new IllegalStateException("in the hook");
        assertThatThrownBy(() -> unicorn.start(CODE)).isSameAs(thrown);
        thrown = null;
        assertThat(unicorn.start(CODE)).isEqualTo(UC_ERR_OK);
    }

    @Test
    void exceptionsInEveryOtherHookSurfaceFromStart() {
        unicorn.onInterrupt(vector -> {
            throw new IllegalStateException("interrupt " + vector);
        });
        unicorn.onInstruction(UnicornConstants.UC_X86_INS_CPUID, () -> {
            throw new IllegalStateException("cpuid");
        });
        unicorn.onPort(UnicornConstants.UC_X86_INS_IN, (port, size) -> {
            throw new IllegalStateException("in");
        });
        unicorn.onPort(UnicornConstants.UC_X86_INS_OUT, (port, size) -> {
            throw new IllegalStateException("out");
        });
        unicorn.onInvalidInstruction(() -> {
            throw new StackOverflowError("invalid");
        });
        String[] instructions = {"cd20", "0fa2", "ec", "ee", "0f0b"};
        String[] messages = {"interrupt 32", "cpuid", "in", "out", "invalid"};
        for (int i = 0; i < instructions.length; i++) {
            code(instructions[i] + "f4");
            unicorn.flushTranslations();
            assertThatThrownBy(() -> unicorn.start(CODE)).as(messages[i]).hasMessage(messages[i]);
        }
    }

    @Test
    void interruptHookGetsTheVector() {
        List<Integer> vectors = new ArrayList<>();
        unicorn.onInterrupt(vector -> {
            vectors.add(vector);
            unicorn.stop();
        });
        code("cc");
        assertThat(unicorn.start(CODE)).isEqualTo(UC_ERR_OK);
        assertThat(vectors).containsExactly(3);
        assertThat(unicorn.readRegister(UC_X86_REG_RIP)).isEqualTo(CODE + 1);
    }

    @Test
    void invalidInstructionEndsTheRunWithItsOwnCode() {
        code("0f0b");
        assertThat(unicorn.start(CODE)).isEqualTo(UC_ERR_INSN_INVALID);
    }

    @Test
    void instructionHooksRunInsteadOfTheirInstruction() {
        unicorn.onInstruction(UnicornConstants.UC_X86_INS_RDTSC, () -> {
            unicorn.writeRegister(UC_X86_REG_RAX, 77);
            return true;
        });
        unicorn.onInstruction(UnicornConstants.UC_X86_INS_RDTSCP, () -> {
            unicorn.writeRegister(UC_X86_REG_RBX, 78);
            return true;
        });
        code("0f31" + "0f01f9" + "f4");
        unicorn.start(CODE);
        assertThat(unicorn.readRegister(UC_X86_REG_RAX)).isEqualTo(77);
        assertThat(unicorn.readRegister(UC_X86_REG_RBX)).isEqualTo(78);
    }

    @Test
    void syscallHookMayBeNative() {
        NativeThunks thunks = NativeThunks.get();
        MemorySegment flag = arena.allocate(8, 8);
        unicorn.onInstruction(
                UnicornConstants.UC_X86_INS_SYSCALL,
                thunks == null ? Unicorn.stopFunction() : thunks.stopAndFlag(),
                flag.address());
        code("0f05" + "0f34");
        assertThat(unicorn.start(CODE)).isEqualTo(UC_ERR_OK);
        assertThat(unicorn.readRegister(UC_X86_REG_RIP)).isEqualTo(CODE + 2);
        assertThat(flag.get(ValueLayout.JAVA_INT, 0)).isEqualTo(thunks == null ? 0 : 1);
    }

    @Test
    void blockHookMayCountAndStopBeforeABlock() {
        assumeTrue(NativeThunks.get() != null, "needs an x86-64 Linux host");
        MemorySegment words = arena.allocate(16, 8);
        words.set(ValueLayout.JAVA_LONG, 0, 3);
        unicorn.onBlock(NativeThunks.get().countdown(), words.address());
        unicorn.onBlock(NativeThunks.get().stopIfAsked(), words.address() + 8);
        code("48ffc0" + "ebfb"); // L: inc rax; jmp L
        assertThat(unicorn.start(CODE)).isEqualTo(UC_ERR_OK);
        assertThat(unicorn.readRegister(UC_X86_REG_RAX)).isEqualTo(3);
        words.set(ValueLayout.JAVA_LONG, 0, 1000);
        words.set(ValueLayout.JAVA_INT, 8, 1);
        unicorn.start(CODE);
        assertThat(unicorn.readRegister(UC_X86_REG_RAX)).isEqualTo(3);
        assertThat(words.get(ValueLayout.JAVA_LONG, 0)).isEqualTo(999);
    }

    @Test
    void flushedTlbAsksAgain() {
        code("488b07" + "f4");
        unicorn.writeRegister(UC_X86_REG_RDI, DATA);
        unicorn.start(CODE);
        fills.clear();
        unicorn.start(CODE);
        assertThat(fills).isEmpty();
        unicorn.flushTlb();
        unicorn.start(CODE);
        assertThat(fills).hasSize(2);
    }

    @Test
    void changedCodeRunsOnlyAfterItsTranslationIsRemoved() {
        code("b801000000" + "f4");
        unicorn.start(CODE);
        code("b802000000" + "f4");
        unicorn.start(CODE);
        assertThat(unicorn.readRegister(UC_X86_REG_RAX))
                .as("stale, or this test shows nothing")
                .isEqualTo(1);
        unicorn.removeTranslations(CODE, CODE + PAGE);
        unicorn.start(CODE);
        assertThat(unicorn.readRegister(UC_X86_REG_RAX)).isEqualTo(2);
        code("b803000000" + "f4");
        unicorn.flushTranslations();
        unicorn.start(CODE);
        assertThat(unicorn.readRegister(UC_X86_REG_RAX)).isEqualTo(3);
    }

    @Test
    void unmappedMemoryIsGone() {
        unicorn.unmapMemory(0, ram.byteSize());
        assertThat(unicorn.start(CODE)).isNotEqualTo(UC_ERR_OK);
    }

    @Test
    void stopsFromOtherThreadsAreExactOnThisKindOfHost() {
        boolean expected = NativeThunks.get() != null;
        assertThat(Unicorn.stopsAreExact()).isEqualTo(expected);
    }

    @Test
    void closedTwiceIsClosed() {
        unicorn.close();
        unicorn.close();
        assertThat(unicorn.isClosed()).isTrue();
    }
}

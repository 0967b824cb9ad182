package faultline.emulator.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.unicorn.RegisterBatch;
import java.lang.foreign.Arena;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RegisterFileTest {
    private static final long CODE = 0x40_0000;

    @Test
    void placesAreFoundInThisLibrary() {
        assertThat(Calibration.get().registers).isNotNull();
    }

    @Test
    void readsAndWritesTheSameRegistersAsUnicorn() {
        try (FakeKernel kernel = new FakeKernel()) {
            // xor eax,eax; then every register gets a value of its own; add rax,-1 makes flags; syscall
            kernel.code(CODE, "48c7c301000000", "49c7c402000000", "49c7c703000000", "31c0", "4883c0ff", "0f05");
            assertThat(kernel.run(CODE)).isEqualTo(Exit.SYSCALL);
            try (Arena arena = Arena.ofConfined()) {
                int[] numbers = IntStream.range(0, CpuState.REGISTERS)
                        .map(CpuState::unicornNumber)
                        .toArray();
                RegisterBatch direct = new RegisterBatch(arena, numbers);
                RegisterBatch asked = new RegisterBatch(arena, numbers);
                RegisterFile file = new RegisterFile(kernel.engine.unicorn(), Calibration.get().registers);
                for (int i = 0; i < CpuState.RIP; i++) {
                    direct.set(i, 0x1111_0000_0000L * i + i);
                }
                file.write(direct, 0xffff);
                file.read(direct);
                asked.read(kernel.engine.unicorn());
                for (int i = 0; i < CpuState.REGISTERS; i++) {
                    assertThat(direct.get(i)).as("register %d", i).isEqualTo(asked.get(i));
                }
                assertThat(asked.get(CpuState.R15)).isEqualTo(0x1111_0000_0000L * 15 + 15);
            }
        }
    }
}

package faultline.emulator.elf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class InitialStackTest {
    private static final long TOP = 0x7fff_ffff_0000L;
    private static final byte[] RANDOM = new byte[16];

    private static InitialStack stack(int gap) {
        InitialStack stack = new InitialStack(TOP, List.of("prog", "x"), List.of("A=1"), "/bin/prog", gap, RANDOM);
        stack.auxv().add(AuxVector.AT_PAGESZ, 4096).add(AuxVector.AT_RANDOM, stack.randomAddress());
        return stack;
    }

    @Test
    void stringsLieAtTheTopArgumentsLowest() {
        InitialStack stack = stack(0);
        String strings = new String(stack.strings(), StandardCharsets.ISO_8859_1);

        assertThat(strings).isEqualTo("prog\0x\0A=1\0/bin/prog\0" + "\0".repeat(8));
        assertThat(stack.argStart()).isEqualTo(TOP - strings.length());
        assertThat(stack.envStart() - stack.argStart()).isEqualTo(7);
    }

    @Test
    void tablesBeginAtAnAlignedPointerAndPointIntoTheStrings() {
        for (int gap : new int[] {0, 1, 15, 4000, 8191}) {
            InitialStack stack = stack(gap);
            ByteBuffer tables = ByteBuffer.wrap(stack.tables()).order(ByteOrder.LITTLE_ENDIAN);

            assertThat(stack.stackPointer() % 16).isZero();
            assertThat(tables.getLong(0)).isEqualTo(2);
            assertThat(tables.getLong(8)).isEqualTo(stack.argStart());
            assertThat(tables.getLong(16)).isEqualTo(stack.argStart() + 5);
            assertThat(tables.getLong(24)).isZero();
            assertThat(tables.getLong(32)).isEqualTo(stack.envStart());
            assertThat(tables.getLong(40)).isZero();
            assertThat(tables.getLong(48)).isEqualTo(AuxVector.AT_PAGESZ);
            assertThat(tables.getLong(80)).isEqualTo(AuxVector.AT_NULL);
            assertThat(stack.stackPointer() + tables.capacity()).isLessThanOrEqualTo(stack.argStart());
            assertThat(stack.platformAddress() - stack.randomAddress()).isEqualTo(16);
        }
    }
}

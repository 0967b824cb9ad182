package faultline.emulator.syscall.futex;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WakeOperationTest {
    private static int pack(int op, int cmp, int operand, int comparand) {
        return op << 28 | cmp << 24 | (operand & 0xfff) << 12 | comparand & 0xfff;
    }

    @Test
    void appliesEachOperation() {
        assertThat(WakeOperation.parse(pack(0, 0, 7, 0)).apply(3)).isEqualTo(7);
        assertThat(WakeOperation.parse(pack(1, 0, -1, 0)).apply(3)).isEqualTo(2);
        assertThat(WakeOperation.parse(pack(2, 0, 4, 0)).apply(3)).isEqualTo(7);
        assertThat(WakeOperation.parse(pack(3, 0, 1, 0)).apply(3)).isEqualTo(2);
        assertThat(WakeOperation.parse(pack(4, 0, 1, 0)).apply(3)).isEqualTo(2);
    }

    @Test
    void comparesTheOldValueSigned() {
        assertThat(WakeOperation.parse(pack(0, 0, 0, -1)).compares(-1)).isTrue();
        assertThat(WakeOperation.parse(pack(0, 2, 0, 5)).compares(4)).isTrue();
        assertThat(WakeOperation.parse(pack(0, 4, 0, 5)).compares(5)).isFalse();
        assertThat(WakeOperation.parse(pack(0, 5, 0, 5)).compares(5)).isTrue();
    }

    @Test
    void shiftFlagMakesTheOperandABit() {
        assertThat(WakeOperation.parse(8 << 28 | pack(2, 0, 5, 0)).apply(0)).isEqualTo(32);
    }

    @Test
    void refusesWhatDoesNotExist() {
        assertThat(WakeOperation.parse(pack(5, 0, 0, 0))).isNull();
        assertThat(WakeOperation.parse(pack(0, 6, 0, 0)).canCompare()).isFalse();
    }
}

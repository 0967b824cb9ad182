package faultline.emulator.seccomp;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** What programs of classic BPF compute; which are refused, the guest program seccomp_filters compares with Linux. */
class BpfProgramTest {
    private static final int LD_NUMBER = 0x20;
    private static final int ALLOW = SeccompFilter.ALLOW;
    private static final SeccompData CALL =
            new SeccompData(39, 0x1122334455667788L, 0x1_0000_0002L, 3, 4, 5, 6, 0x99_0000_0007L);

    @Test
    void wordsOfTheCallAreLoadedByOffset() {
        assertThat(loaded(0)).isEqualTo(39);
        assertThat(loaded(4)).isEqualTo(0xc000003e);
        assertThat(loaded(8)).isEqualTo(0x55667788);
        assertThat(loaded(12)).isEqualTo(0x11223344);
        assertThat(loaded(16)).isEqualTo(2);
        assertThat(loaded(20)).isEqualTo(1);
        assertThat(loaded(56)).isEqualTo(7);
        assertThat(loaded(60)).isEqualTo(0x99);
    }

    @Test
    void comparisonsAreUnsigned() {
        // if (0x80000000 > 5) return 1; return 2
        assertThat(run(0x00, 0, 0, 0x80000000, 0x25, 0, 1, 5, 0x06, 0, 0, 1, 0x06, 0, 0, 2))
                .isEqualTo(1);
        assertThat(run(0x00, 0, 0, -1, 0x34, 0, 0, 2, 0x16, 0, 0, 0)).isEqualTo(0x7fffffff);
    }

    @Test
    void divisionByAnIndexOfZeroReturnsZero() {
        assertThat(run(0x00, 0, 0, 9, 0x01, 0, 0, 0, 0x3c, 0, 0, 0, 0x06, 0, 0, ALLOW))
                .isZero();
    }

    @Test
    void memoryAndIndexKeepWhatIsStored() {
        // M[2] = 7; X = M[2]; A = 5; A += X; M[0] = A; A = 0; A = M[0]; return A
        assertThat(run(
                        0x00, 0, 0, 7, 0x02, 0, 0, 2, 0x61, 0, 0, 2, 0x00, 0, 0, 5, 0x0c, 0, 0, 0, 0x02, 0, 0, 0, 0x00,
                        0, 0, 0, 0x60, 0, 0, 0, 0x16, 0, 0, 0))
                .isEqualTo(12);
    }

    @Test
    void theStrictestVerdictWinsAndAmongEqualsTheLast() {
        SeccompState first = SeccompState.DISABLED.with(always(SeccompFilter.ERRNO | 1));
        SeccompState second = first.with(always(SeccompFilter.ERRNO | 2));
        SeccompState third = second.with(always(ALLOW));
        assertThat(third.filter().verdict(CALL)).isEqualTo(SeccompFilter.ERRNO | 2);
        assertThat(third.with(always(SeccompFilter.KILL_PROCESS)).filter().verdict(CALL))
                .isEqualTo(SeccompFilter.KILL_PROCESS);
        assertThat(third.with(always(SeccompFilter.KILL_THREAD)).filter().verdict(CALL))
                .isEqualTo(SeccompFilter.KILL_THREAD);
        assertThat(third.filters()).isEqualTo(3);
    }

    @Test
    void aTaskMayFollowOnlyWhereItsFiltersLead() {
        SeccompState one = SeccompState.DISABLED.with(always(ALLOW));
        SeccompState longer = one.with(always(ALLOW));
        assertThat(SeccompState.DISABLED.isOriginOf(longer)).isTrue();
        assertThat(one.isOriginOf(longer)).isTrue();
        assertThat(longer.isOriginOf(one)).isFalse();
        assertThat(SeccompState.STRICT.isOriginOf(longer)).isFalse();
        assertThat(SeccompState.DISABLED.with(always(ALLOW)).isOriginOf(longer)).isFalse();
    }

    private static int loaded(int offset) {
        return run(LD_NUMBER, 0, 0, offset, 0x16, 0, 0, 0);
    }

    private static BpfProgram always(int verdict) {
        return program(0x06, 0, 0, verdict);
    }

    private static int run(int... code) {
        return program(code).run(CALL);
    }

    /** @param code four numbers an instruction: code, jt, jf, k */
    private static BpfProgram program(int... code) {
        ByteBuffer bytes = ByteBuffer.allocate(code.length * 2).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < code.length; i += 4) {
            bytes.putShort((short) code[i])
                    .put((byte) code[i + 1])
                    .put((byte) code[i + 2])
                    .putInt(code[i + 3]);
        }
        BpfProgram program = BpfProgram.of(bytes.array());
        assertThat(program).isNotNull();
        return program;
    }
}

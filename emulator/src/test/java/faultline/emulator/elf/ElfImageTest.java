package faultline.emulator.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.Errno;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ElfImageTest {
    private static final int MUTANTS = 2_000;

    private static void assertRefused(ByteBuffer file, int errno) {
        assertThatThrownBy(() -> ElfFiles.parse(file))
                .isInstanceOfSatisfying(
                        ElfException.class, e -> assertThat(e.errno()).isEqualTo(errno));
    }

    @Test
    void readsHeadersInterpreterAndStackRights() throws ElfException {
        ElfImage image = ElfFiles.parse(ElfFiles.dynamic());

        assertThat(image.type()).isEqualTo(ElfImage.ET_DYN);
        assertThat(image.entry()).isEqualTo(0x1040);
        assertThat(image.interpreter()).isEqualTo("/lib64/ld-linux-x86-64.so.2");
        assertThat(image.executableStack()).isFalse();
        assertThat(image.totalSize()).isEqualTo(0x7800);
        assertThat(image.programHeaderAddress()).isEqualTo(64);
        assertThat(image.maximumAlignment()).isEqualTo(4096);
    }

    @Test
    void stackIsExecutableWhenTheHeaderSaysSo() throws ElfException {
        ByteBuffer file = ElfFiles.dynamic();
        ElfFiles.header(file, 3, ProgramHeader.PT_GNU_STACK, 7, 0, 0, 0, 0, 16);

        assertThat(ElfFiles.parse(file).executableStack()).isTrue();
    }

    @Test
    void refusesWhatIsNoX8664Program() {
        assertRefused(ElfFiles.dynamic().put(0, (byte) 0), Errno.ENOEXEC);
        assertRefused(ElfFiles.dynamic().put(4, (byte) 1), Errno.ENOEXEC);
        assertRefused(ElfFiles.dynamic().putShort(16, (short) 1), Errno.ENOEXEC);
        assertRefused(ElfFiles.dynamic().putShort(18, (short) 183), Errno.ENOEXEC);
        assertRefused(ElfFiles.dynamic().putShort(54, (short) 32), Errno.ENOEXEC);
        assertRefused(ElfFiles.dynamic().putShort(56, (short) 0), Errno.ENOEXEC);
        assertRefused(ElfFiles.dynamic().putShort(56, (short) -1), Errno.ENOEXEC);
    }

    @Test
    void refusesProgramHeadersBeyondTheFile() {
        assertRefused(ElfFiles.dynamic().putLong(32, 0x7fff_ffff_ffff_ff00L), Errno.ENOEXEC);
        assertRefused(ElfFiles.dynamic().putLong(32, -64), Errno.ENOEXEC);
    }

    @Test
    void refusesSegmentsThatCannotBeMapped() {
        ByteBuffer larger = ElfFiles.dynamic();
        ElfFiles.header(larger, 1, ProgramHeader.PT_LOAD, 5, 0, 0, 0x900, 0x800, 0x1000);
        assertRefused(larger, Errno.EINVAL);
        ByteBuffer high = ElfFiles.dynamic();
        ElfFiles.header(high, 1, ProgramHeader.PT_LOAD, 5, 0, 0x7fff_ffff_f000L, 0x800, 0x800, 0x1000);
        assertRefused(high, Errno.ENOMEM);
        ByteBuffer skewed = ElfFiles.dynamic();
        ElfFiles.header(skewed, 1, ProgramHeader.PT_LOAD, 5, 0x10, 0x20, 0x800, 0x800, 0x1000);
        assertRefused(skewed, Errno.EINVAL);
        ByteBuffer huge = ElfFiles.dynamic();
        ElfFiles.header(huge, 1, ProgramHeader.PT_LOAD, 5, 0, 0, 0x800, -1, 0x1000);
        assertRefused(huge, Errno.ENOMEM);
    }

    @Test
    void refusesInterpreterPathsWithoutEndOrTooLong() {
        ByteBuffer open = ElfFiles.dynamic();
        open.put(0x200 + 27, (byte) 'x');
        assertRefused(open, Errno.ENOEXEC);
        ByteBuffer tooLong = ElfFiles.dynamic();
        ElfFiles.header(tooLong, 0, ProgramHeader.PT_INTERP, 4, 0x200, 0x200, 1 << 30, 1 << 30, 1);
        assertRefused(tooLong, Errno.ENOEXEC);
    }

    @Test
    void everyTruncationIsReadOrRefused() {
        byte[] whole = ElfFiles.dynamic().array();
        for (int length = 0; length < 0x300; length++) {
            parseQuietly(Arrays.copyOf(whole, length));
        }
    }

    @Test
    void mutantsAreReadOrRefusedAndNothingElse() {
        SplittableRandom random = new SplittableRandom(20_260_101);
        int refused = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] file = ElfFiles.dynamic().array();
            int changes = 1 + random.nextInt(8);
            for (int c = 0; c < changes; c++) {
                int at = random.nextInt(0x220);
                file[at] = random.nextBoolean() ? (byte) random.nextInt() : (byte) (file[at] ^ 1 << random.nextInt(8));
            }
            refused += parseQuietly(file) ? 0 : 1;
        }
        assertThat(refused).isBetween(MUTANTS / 10, MUTANTS - 1);
    }

    /** Whether the file was accepted; anything but an ElfException fails the test by itself. */
    private static boolean parseQuietly(byte[] file) {
        try {
            ElfImage image = ElfImage.parse(ElfSource.of(file));
            assertThat(image.totalSize()).isBetween(0L, ElfImage.TASK_SIZE);
            return true;
        } catch (ElfException e) {
            assertThat(e.errno()).isPositive();
            return false;
        }
    }
}

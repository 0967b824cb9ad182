package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Executables with flipped bytes, absurd header fields and missing ends: each ends in a message or as a guest may end,
 * and never in a Java exception, a crash of the JVM or a hang. More mutants with {@code -Dfaultline.mutants=2000}.
 */
class HostileProgramTest {
    private static final int MUTANTS = Integer.getInteger("faultline.mutants", 400);
    private static final int SECONDS = 5;
    private static final int ELF_HEADER = 64;
    private static final int PROGRAM_HEADER = 56;
    private static final long[] ABSURD = {
        0, 1, -1, 4095, 4097, 0x7fff_ffff_f000L, Long.MIN_VALUE, Long.MAX_VALUE, 0xffff_8000_0000_0000L, 1L << 40
    };

    private static Guests guests;
    private static Path jail;

    @BeforeAll
    static void start() throws IOException {
        guests = new Guests();
        jail = Files.createDirectory(guests.directory().resolve("jail"));
    }

    @AfterAll
    static void stop() throws IOException {
        guests.close();
    }

    @Test
    void mutantsEndInAMessageOrAsAGuestMay() throws IOException {
        byte[] hello = Files.readAllBytes(TestPrograms.program("hello_musl"));
        byte[] small = Files.readAllBytes(TestPrograms.program("hello_asm"));
        List<String> wrong = new ArrayList<>();
        for (int i = 0; i < MUTANTS; i++) {
            Random random = new Random(i);
            byte[] mutant = mutate((i & 1) == 0 ? hello : small, random);
            check("mutant " + i, mutant, wrong);
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyTruncationOfASmallProgramEndsInAMessageOrAsAGuestMay() throws IOException {
        byte[] small = Files.readAllBytes(TestPrograms.program("hello_asm"));
        List<String> wrong = new ArrayList<>();
        for (int length = 0; length < ELF_HEADER + 4 * PROGRAM_HEADER; length += 7) {
            check("first " + length + " bytes", Arrays.copyOf(small, length), wrong);
        }
        assertThat(wrong).isEmpty();
    }

    private static void check(String name, byte[] program, List<String> wrong) throws IOException {
        Path file = jail.resolve("program");
        Files.deleteIfExists(file);
        Files.write(file, program);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        GuestRequest request = guests.request(List.of("/program"), jail, "split", "pmd", SECONDS);
        GuestResult result = guests.run(request);
        boolean refused = result.trouble().startsWith("ElfException");
        boolean ran = result.trouble().isEmpty() && result.status() >= 0;
        if (!refused && !ran
                || result.errors().contains("\tat ")
                || !result.audit().isEmpty()) {
            wrong.add(name + ": " + result);
        }
    }

    private static byte[] mutate(byte[] original, Random random) {
        byte[] mutant = original.clone();
        int headers = Math.min(mutant.length, ELF_HEADER + 4 * PROGRAM_HEADER);
        switch (random.nextInt(4)) {
            case 0 -> { // a few bytes of the headers
                for (int n = 1 + random.nextInt(4); n > 0; n--) {
                    mutant[4 + random.nextInt(headers - 4)] = (byte) random.nextInt(256);
                }
            }
            case 1 -> { // a field of eight bytes becomes an absurd value
                int at = 24 + random.nextInt((headers - 32) / 8) * 8;
                long value = ABSURD[random.nextInt(ABSURD.length)];
                for (int i = 0; i < 8; i++) {
                    mutant[at + i] = (byte) (value >>> 8 * i);
                }
            }
            case 2 -> { // bytes anywhere: code that nobody wrote
                for (int n = 1 + random.nextInt(64); n > 0; n--) {
                    mutant[ELF_HEADER + random.nextInt(mutant.length - ELF_HEADER)] = (byte) random.nextInt(256);
                }
            }
            default -> mutant = Arrays.copyOf(mutant, random.nextInt(mutant.length));
        }
        return mutant;
    }
}

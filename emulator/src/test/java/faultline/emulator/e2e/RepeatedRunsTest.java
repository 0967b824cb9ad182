package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A hundred machines one after another in one JVM: each leaves its books in order, and together they leak nothing. */
class RepeatedRunsTest {
    private static final int WARM_UP = 40;
    private static final int ROUNDS = 100;
    /**
     * What the JVM itself may still grow by, in KiB: compiled code, metaspace. An engine that leaked would show
     * 100-fold.
     */
    private static final long TOLERATED = 64 << 10;

    private static Guests guests;

    @BeforeAll
    static void start() throws IOException {
        guests = new Guests();
    }

    @AfterAll
    static void stop() throws IOException {
        guests.close();
    }

    @Test
    void aHundredRunsLeaveNoMemoryBehind() throws IOException {
        runMany(WARM_UP);
        long before = resident();
        runMany(ROUNDS);
        assertThat(resident() - before).as("growth of resident memory, KiB").isLessThan(TOLERATED);
    }

    private static void runMany(int times) throws IOException {
        List<String> names = List.of("fresh_write", "mutexes", "coherence", "mremap_move");
        for (int i = 0; i < times; i++) {
            String name = names.get(i % names.size());
            GuestResult result = guests.run(List.of(TestPrograms.program(name).toString()));
            assertThat(result.trouble()).as(name).isEmpty();
            assertThat(result.status()).as(name).isZero();
            assertThat(result.audit()).as(name).isEmpty();
        }
    }

    /** Resident memory of the JVM that runs the guests, in KiB. */
    private static long resident() throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(guests.server().pid()), "status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }
}

package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.GuestSpec;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Processes, threads, signals and mappings all at a time, by dice, on machines of all kinds: nothing hangs, nothing is
 * lost, and the books are in order. More seconds with {@code -Dfaultline.storm.seconds=600}.
 */
class StormTest {
    private static final int SECONDS = Integer.getInteger("faultline.storm.seconds", 5);
    private static final String CALM = """
            wrong 0, failed workers 0, left -1, stuck 0
            children all, signals all, descriptors as before
            the token went round, memory was mapped often, programs executed often
            """;

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
    void stormOfSomeSeconds() throws IOException {
        weather(storm(SECONDS, 1, "split"));
    }

    @Test
    void stormWithOnePageTableLock() throws IOException {
        weather(storm(1, 2, "mm"));
    }

    @Test
    void stormWithHugePagesWhereverTheyFit() throws IOException {
        weather(storm(1, 3, "split").withOptions(Map.of("thp", "always")));
    }

    @Test
    void stormInLittleMemoryWithSwap() throws IOException {
        weather(storm(1, 4, "split")
                .withMemory(16L << 20)
                .withOptions(Map.of(GuestSpec.SWAP, Long.toString(128L << 20))));
    }

    @Test
    void stormWithASeedIsTheSameTwice() throws IOException {
        GuestRequest request = storm(0.01, 5, "split").withSeed(7);
        String counts = weather(request);
        assertThat(counts).startsWith("soak: ");
        assertThat(weather(request)).isEqualTo(counts);
    }

    private static GuestRequest storm(double seconds, int dice, String ptl) {
        String program = TestPrograms.program("soak").toString();
        return guests.request(
                List.of(program, Double.toString(seconds), Integer.toString(dice)),
                null,
                ptl,
                "pmd",
                (int) seconds + Guests.SECONDS);
    }

    /** Runs it; returns what the guest counted. */
    private static String weather(GuestRequest request) throws IOException {
        GuestResult result = guests.run(request);
        assertThat(result.trouble())
                .as("trouble; standard error: %s", result.errors())
                .isEmpty();
        assertThat(result.timedOut()).as("timed out").isFalse();
        assertThat(result.output())
                .as("what the storm left; %s", result.errors())
                .isEqualTo(CALM);
        assertThat(result.status()).as("exit status").isZero();
        assertThat(result.audit()).as("audit").isEmpty();
        return result.errors();
    }
}

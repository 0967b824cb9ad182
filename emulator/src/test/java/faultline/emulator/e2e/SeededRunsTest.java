package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * With a seed a run is repeated by repeating the seed: schedule, time, layout, random bytes. The programs of
 * testbins/src/threads are not compared with native runs, which nobody can repeat.
 */
class SeededRunsTest {
    private static final int SEEDS = 100;

    private static Guests guests;

    @BeforeAll
    static void start() throws IOException {
        guests = new Guests();
    }

    @AfterAll
    static void stop() throws IOException {
        guests.close();
    }

    private static String run(String program, long seed) throws IOException {
        List<String> argv = List.of(TestPrograms.program(program).toString());
        GuestResult result = guests.run(
                guests.request(argv, null, "split", "pmd", Guests.SECONDS).withSeed(seed));
        assertThat(result.trouble())
                .as("trouble; standard error: %s", result.errors())
                .isEmpty();
        assertThat(result.timedOut()).as("timed out").isFalse();
        assertThat(result.status()).as("exit status").isZero();
        assertThat(result.audit()).as("audit").isEmpty();
        return result.output();
    }

    @Test
    void oneSeedIsOneScheduleOneClockAndOneLayout() throws IOException {
        String first = run("racy_counter", 7);
        for (int i = 0; i < 5; i++) {
            assertThat(run("racy_counter", 7)).isEqualTo(first);
        }
    }

    @Test
    void aHundredSeedsGiveAtLeastFiftyInterleavings() throws IOException {
        Set<String> orders = new HashSet<>();
        for (int seed = 0; seed < SEEDS; seed++) {
            orders.add(run("racy_counter", seed).lines().skip(1).findFirst().orElseThrow());
        }
        assertThat(orders).hasSizeGreaterThanOrEqualTo(50);
    }

    @Test
    void virtualTimeJumpsOverHoursInWhichEverybodySleeps() throws IOException {
        String first = run("virtual_time", 3);
        assertThat(first)
                .contains("slept 3600 s")
                .contains("poll 7200 s")
                .contains("timer 10800 s")
                .contains("thread 14400 s");
        assertThat(run("virtual_time", 3)).isEqualTo(first);
    }
}

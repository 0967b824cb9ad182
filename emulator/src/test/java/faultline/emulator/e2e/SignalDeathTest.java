package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A signal that nobody handles: the status is 128 + its number, or the program goes on. */
class SignalDeathTest {
    private static Guests guests;

    @BeforeAll
    static void start() throws IOException {
        guests = new Guests();
    }

    @AfterAll
    static void stop() throws IOException {
        guests.close();
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 23, 24, 25, 26, 27, 28, 29, 30, 31, 34,
                64
            })
    void endsAsNatively(int signal) throws Exception {
        List<String> argv = List.of(TestPrograms.program("killed").toString(), Integer.toString(signal));
        GuestResult expected = guests.nativeRun(argv);
        GuestResult actual = guests.run(argv);

        assertThat(actual.trouble()).isEmpty();
        assertThat(actual.status()).isEqualTo(expected.status());
        // Which of the program's buffered output was written is the same too: SIGUSR1 is ignored by it.
        assertThat(actual.output()).isEqualTo(expected.output());
    }
}

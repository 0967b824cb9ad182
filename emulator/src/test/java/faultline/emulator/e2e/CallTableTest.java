package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The table of what calls about memory answer is what a program sees that makes them all. */
@Timeout(120)
class CallTableTest {
    private static List<String> table() throws Exception {
        try (InputStream in = CallTableTest.class.getResourceAsStream("/faultline/emulator/behaviour/calls.tsv")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
        }
    }

    @Test
    void everyCallAnswersAsTheTableSays() throws Exception {
        Path program = TestPrograms.program("call_table");
        assumeTrue(Files.exists(program), program + " was not built: testbins/build.sh says why");
        List<String> rows = table();
        assertThat(rows)
                .hasSizeGreaterThan(100)
                .allSatisfy(row -> assertThat(row.split("\t")).as(row).hasSize(3));

        try (Guests guests = new Guests()) {
            GuestResult result =
                    guests.run(guests.request(List.of(program.toString()), null, "split", "pmd", Guests.SECONDS));
            assertThat(result.output().lines()).containsExactlyElementsOf(rows);
            assertThat(result.audit()).isEmpty();
        }
    }
}

package faultline.plugins.cli;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.cli.Main;
import faultline.plugins.weave.WovenWorld;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProbeCommandTest {
    @TempDir
    Path dir;

    private List<String> calls(String functions, String... options) throws IOException {
        Path file = dir.resolve("calls");
        var words = new java.util.ArrayList<>(List.of("probe", "--mem", "64M", "-o", file.toString()));
        words.addAll(List.of(options));
        words.addAll(List.of(functions, WovenWorld.program("exit_status")));
        assertThat(Main.execute(words.toArray(String[]::new))).isLessThan(125);
        return Files.readAllLines(file);
    }

    @Test
    void callsAreNestedAndCarryArgumentsResultsAndTimes() throws IOException {
        List<String> lines = calls("handle_mm_fault,do_anonymous_page");
        assertThat(lines)
                .anyMatch(line -> line.matches("exit_status/\\d+ > handle_mm_fault\\(.*address=0x[0-9a-f]+, .*\\)"))
                .anyMatch(line -> line.matches("exit_status/\\d+   > do_anonymous_page\\(.*\\)"))
                .anyMatch(line -> line.matches("exit_status/\\d+   < do_anonymous_page = \\d+ \\(\\d+ ns\\)"));
        assertThat(lines.stream().filter(line -> line.contains(" > ")).count())
                .isEqualTo(lines.stream().filter(line -> line.contains(" < ")).count());
    }

    @Test
    void withASeedTwoRunsPrintTheSame() throws IOException {
        List<String> first = calls("pte_alloc", "--seed", "1");
        assertThat(first).isNotEmpty().noneMatch(line -> line.endsWith(" ns)"));
        assertThat(calls("pte_alloc", "--seed", "1")).isEqualTo(first);
    }

    @Test
    void summaryCountsTheCallsThatAreOtherwisePrinted() throws IOException {
        long printed = calls("pte_alloc", "--seed", "1").stream()
                .filter(line -> line.contains(" > "))
                .count();
        List<String> table = calls("pte_alloc,pmd_alloc", "--summary", "--seed", "1");
        assertThat(table).anyMatch(line -> line.matches(" +0\\.00 +0\\.000000 +0 +0 +" + printed + " pte_alloc"));
        assertThat(table.getLast()).endsWith(" total");
        assertThat(calls("pte_alloc", "--summary").get(2)).matches("100\\.00 +\\d+\\.\\d+ .* pte_alloc");
    }

    @Test
    void listTellsWhatCanBeWatchedAndWhereItIs() {
        PrintStream before = System.out;
        var captured = new ByteArrayOutputStream();
        System.setOut(new PrintStream(captured, true, StandardCharsets.UTF_8));
        try {
            assertThat(Main.execute("probe", "list", "pte_alloc")).isZero();
        } finally {
            System.setOut(before);
        }
        assertThat(captured.toString(StandardCharsets.UTF_8))
                .containsPattern("(?m)^\\w+ pte_alloc\\(.+\\)  \\w+\\.\\w+.*inject mm/pte_alloc$");
    }
}

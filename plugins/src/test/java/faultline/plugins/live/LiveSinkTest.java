package faultline.plugins.live;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import org.jline.terminal.Size;
import org.jline.terminal.impl.LineDisciplineTerminal;
import org.junit.jupiter.api.Test;

/** What the live view shows, and what it leaves behind. */
class LiveSinkTest {
    private final StringTable strings = new StringTable();
    private final long[] record = new long[EventType.WORDS];

    private long[] fault(int pid, String comm, String vma, String path, long nanos) {
        record[EventType.TYPE] = Events.FAULT_USER.id();
        record[EventType.TASK] = (long) pid << 32 | pid;
        record[EventType.COMM] = strings.number(comm);
        record[EventType.COST] = nanos;
        record[Events.FAULT_USER.field("vma").word()] = strings.number(vma);
        record[Events.FAULT_USER.field("path").word()] = strings.number(path);
        return record;
    }

    @Test
    void busiestMappingComesFirstAndRatesAreThoseOfTheInterval() {
        var mappings = new HotMappings(strings);
        for (int i = 0; i < 300; i++) {
            mappings.add(Events.FAULT_USER, fault(7, "worker", "[heap]", "new_page", 2_000), 0);
        }
        mappings.add(Events.FAULT_USER, fault(8, "other", "/lib/a", "file_read", 50_000), 0);
        assertThat(mappings.lines(500_000_000, 2_000_000_000, 10, 200))
                .containsExactly(
                        "2.0 s  301 faults, 0 major  301/s  mean 2159 ns, slowest 50 us  new_page 99 % file_read 0 %",
                        " faults/s    faults      mean  process              mapping",
                        "      300       300   2000 ns  worker/7             [heap]",
                        "        1         1     50 us  other/8              /lib/a");
        assertThat(mappings.lines(500_000_000, 2_500_000_000L, 3, 200))
                .hasSize(3)
                .last()
                .asString()
                .startsWith("      150       300 ");
    }

    @Test
    void noLineIsWiderThanTheTerminal() {
        var mappings = new HotMappings(strings);
        mappings.add(Events.FAULT_USER, fault(7, "worker", "/a/very/long/name".repeat(9), "new_page", 1), 0);
        assertThat(mappings.lines(1, 1, 10, 40)).allMatch(line -> line.length() <= 40);
    }

    @Test
    void viewFollowsTheTerminalsSizeAndCoversWhatWasThere() throws Exception {
        var screen = new ByteArrayOutputStream();
        var terminal = new LineDisciplineTerminal("test", "xterm", screen, StandardCharsets.UTF_8);
        terminal.setSize(new Size(100, 40));
        try (var sink = new LiveSink(terminal, new TerminalState(), strings)) {
            sink.event(Events.FAULT_USER, fault(7, "worker", "[heap]", "new_page", 2_000), 0);
            sink.paint();
            assertThat(screen.toString(StandardCharsets.UTF_8)).contains("\033[1;28r"); // twelve lines are ours
            screen.reset();
            terminal.setSize(new Size(70, 16));
            sink.paint();
            String drawn = screen.toString(StandardCharsets.UTF_8);
            assertThat(drawn).contains("\033[1;8r", "[heap]" + " ".repeat(69 - 58));
        }
    }

    @Test
    void terminalHasItsWholeScrollingRegionBackAtTheEnd() throws Exception {
        var screen = new ByteArrayOutputStream();
        // Not through the builder: its terminal has a pump of its own, whose end nobody waits for.
        var terminal = new LineDisciplineTerminal("test", "xterm", screen, StandardCharsets.UTF_8);
        terminal.setSize(new Size(100, 30));
        try (var sink = new LiveSink(terminal, new TerminalState(), strings)) {
            sink.event(Events.FAULT_USER, fault(7, "worker", "[heap]", "new_page", 2_000), 0);
        }
        String text = screen.toString(StandardCharsets.UTF_8);
        assertThat(text).contains("worker/7             [heap]");
        assertThat(text.lastIndexOf("\033[1;30r")).as("whole region").isGreaterThanOrEqualTo(0);
        assertThat(text.substring(text.lastIndexOf("\033[1;30r")))
                .as("no region after it")
                .doesNotContain("\033[1;1", "\033[1;2");
    }
}

package faultline.plugins.live;

import faultline.plugins.event.EventType;
import faultline.plugins.event.StringTable;
import faultline.plugins.output.EventSink;
import java.io.IOException;
import java.util.List;
import java.util.stream.IntStream;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.AttributedString;
import org.jline.utils.Status;

/** Shows {@link HotMappings} in the last lines of the terminal; see the package. */
public final class LiveSink implements EventSink {
    private static final long REFRESH_MILLIS = 250;
    private static final int MAX_LINES = 12;
    private static final int MIN_LINES = 3;

    private final Terminal terminal;
    private final TerminalState before;
    private final Status status;
    private final HotMappings mappings;
    private final long start = System.nanoTime();
    private final Thread painter;
    /** So that an interrupt from the keyboard leaves a usable terminal, too. */
    private final Thread atExit = new Thread(this::restore, "live-restore");

    private Size size;
    private long last = start;
    private boolean ended;

    /** Shows nothing yet: the first lines come with the first refresh. */
    LiveSink(Terminal terminal, TerminalState before, StringTable strings) {
        this.terminal = terminal;
        this.before = before;
        this.mappings = new HotMappings(strings);
        this.status = Status.getStatus(terminal);
        this.size = terminal.getSize();
        Runtime.getRuntime().addShutdownHook(atExit);
        this.painter = Thread.ofPlatform().daemon().name("live-view").start(this::paintUntilEnd);
    }

    /**
     * On the terminal that standard error, or else output, is.
     *
     * @throws IOException when there is none, with a message for the user
     */
    public static LiveSink open(StringTable strings) throws IOException {
        Terminal terminal;
        var before = new TerminalState();
        try {
            terminal = TerminalBuilder.builder()
                    .system(true)
                    .systemOutput(TerminalBuilder.SystemOutput.SysErrOrSysOut)
                    .dumb(false)
                    .build();
        } catch (IOException | IllegalStateException e) {
            throw new IOException("needs a terminal for standard input, and for standard error or output", e);
        }
        if (terminal.getHeight() < 2 * MIN_LINES || Status.getStatus(terminal) == null) {
            terminal.close();
            before.restore();
            throw new IOException(
                    "needs a terminal with a scrolling region, of six lines or more, not " + terminal.getType());
        }
        return new LiveSink(terminal, before, strings);
    }

    @Override
    public void event(EventType type, long[] records, int base) {
        mappings.add(type, records, base);
    }

    private synchronized void paintUntilEnd() {
        while (!ended) {
            paint();
            try {
                wait(REFRESH_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Draws the view, by the size that the terminal has now. */
    synchronized void paint() {
        Size now = terminal.getSize();
        if (!now.equals(size)) {
            size = now;
            status.resize(now);
            status.reset();
        }
        status.update(padded(lines()).stream().map(AttributedString::new).toList());
    }

    /**
     * Always as many lines, each as wide: what is drawn covers what was there, also what a change of the terminal's
     * size has left.
     */
    private List<String> padded(List<String> lines) {
        int width = width();
        return IntStream.range(0, height())
                .mapToObj(i -> i < lines.size() ? lines.get(i) : "")
                .map(line -> line + " ".repeat(width - line.length()))
                .toList();
    }

    private int height() {
        return Math.clamp(size.getRows() / 2, MIN_LINES, MAX_LINES);
    }

    private int width() {
        return Math.max(1, size.getColumns() - 1);
    }

    private List<String> lines() {
        long time = System.nanoTime();
        long elapsed = time - last;
        last = time;
        return mappings.lines(elapsed, time - start, height(), width());
    }

    /** Gives the lines back. */
    private synchronized void restore() {
        if (!ended) {
            ended = true;
            notifyAll();
            status.update(List.of());
            status.close();
            terminal.flush();
            before.restore();
        }
    }

    /** Gives the lines back and leaves the last view as ordinary text. */
    @Override
    public void close() throws IOException {
        List<String> result;
        synchronized (this) {
            if (ended) {
                return;
            }
            result = lines();
            restore();
        }
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            return; // the machine is going down: its hook sees to the terminal
        }
        result.forEach(line -> terminal.writer().println(line));
        terminal.flush();
        terminal.close();
        before.restore();
    }
}

package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.fail;

import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/** A pseudo terminal: the end where a user would sit. */
final class Pty implements AutoCloseable {
    private static final int TIOCGPTN = 0x80045430;
    private static final int TIOCSPTLCK = 0x40045431;
    private static final int TIOCSWINSZ = 0x5414;
    private static final int TCGETS = 0x5401;
    private static final int TERMIOS_BYTES = 36;
    private static final int POLLIN = 1;
    private static final long SECONDS = 30;

    private final int master;
    private final int number;
    /** Keeps the terminal alive while no program has it open. */
    private final int slave;

    private final StringBuilder seen = new StringBuilder();

    Pty() {
        master = open("/dev/ptmx");
        MemorySegment block = HostScratch.get().waitBlock();
        block.set(ValueLayout.JAVA_INT, 0, 0);
        Libc.call(Nr.IOCTL, master, TIOCSPTLCK, block.address());
        Libc.call(Nr.IOCTL, master, TIOCGPTN & 0xffff_ffffL, block.address());
        number = block.get(ValueLayout.JAVA_INT, 0);
        slave = open(path().getPath());
    }

    private static int open(String path) {
        int flags = OpenFlags.O_RDWR | OpenFlags.O_NOCTTY | OpenFlags.O_CLOEXEC;
        return (int) Libc.call(Nr.OPENAT, Libc.AT_FDCWD, HostScratch.get().path(path), flags);
    }

    /** The end that programs get. */
    File path() {
        return new File("/dev/pts/" + number);
    }

    void type(String keys) {
        byte[] bytes = keys.getBytes(StandardCharsets.ISO_8859_1);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment block = arena.allocate(bytes.length);
            block.copyFrom(MemorySegment.ofArray(bytes));
            Libc.call(Nr.WRITE, master, block.address(), bytes.length);
        }
    }

    /** Waits until a text was shown, and returns everything up to it, without carriage returns; forgets that. */
    String until(String text) {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
        while (seen.indexOf(text) < 0) {
            if (System.nanoTime() > end || !readMore()) {
                fail("the terminal never showed '%s', but: %s", text, seen);
            }
        }
        int after = seen.indexOf(text) + text.length();
        String shown = seen.substring(0, after);
        seen.delete(0, after);
        return shown.replace("\r", "");
    }

    private boolean readMore() {
        MemorySegment poll = HostScratch.get().waitBlock();
        poll.set(ValueLayout.JAVA_INT, 0, master);
        poll.set(ValueLayout.JAVA_SHORT, 4, (short) POLLIN);
        poll.set(ValueLayout.JAVA_SHORT, 6, (short) 0);
        if (Libc.call(Nr.POLL, poll.address(), 1, 200) == 0) {
            return true;
        }
        MemorySegment block = HostScratch.get().struct();
        long n = Libc.call(Nr.READ, master, block.address(), block.byteSize());
        if (n > 0) {
            seen.append(HostScratch.latin1(block, 0, (int) n));
        }
        return n > 0;
    }

    void resize(int rows, int columns) {
        MemorySegment block = HostScratch.get().waitBlock();
        block.set(ValueLayout.JAVA_SHORT, 0, (short) rows);
        block.set(ValueLayout.JAVA_SHORT, 2, (short) columns);
        block.set(ValueLayout.JAVA_INT, 4, 0);
        Libc.call(Nr.IOCTL, master, TIOCSWINSZ, block.address());
    }

    /** The settings, as TCGETS tells them. */
    String settings() {
        MemorySegment block = HostScratch.get().struct();
        Libc.call(Nr.IOCTL, slave, TCGETS, block.address());
        return Arrays.toString(block.asSlice(0, TERMIOS_BYTES).toArray(ValueLayout.JAVA_BYTE));
    }

    @Override
    public void close() {
        Libc.call(Nr.CLOSE, slave);
        Libc.call(Nr.CLOSE, master);
    }
}

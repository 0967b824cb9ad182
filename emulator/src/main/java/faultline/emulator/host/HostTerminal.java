package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The settings of the terminal that the emulator was started from, as they were at its start.
 *
 * <p>A program puts them back itself before it exits; one that a signal kills cannot, and would leave a terminal
 * without echo.
 */
public final class HostTerminal implements AutoCloseable {
    private static final int TCGETS = 0x5401;
    private static final int TCSETS = 0x5402;
    private static final int TIOCGPGRP = 0x540f;
    private static final int TERMIOS_BYTES = 36;

    private final int fd;
    private final MemorySegment settings = Arena.ofAuto().allocate(TERMIOS_BYTES, 8);
    private final boolean known;

    /** Remembers the settings; without a terminal there is nothing to remember. */
    public HostTerminal() {
        int flags = OpenFlags.O_RDWR | OpenFlags.O_NOCTTY | OpenFlags.O_CLOEXEC | OpenFlags.O_NONBLOCK;
        fd = (int) Libc.call(Nr.OPENAT, Libc.AT_FDCWD, HostScratch.get().path("/dev/tty"), flags);
        known = fd >= 0 && Libc.call(Nr.IOCTL, fd, TCGETS, settings.address()) == 0;
    }

    /** Puts the settings back, unless another job of the user's has the terminal meanwhile. */
    public void restore() {
        if (!known) {
            return;
        }
        MemorySegment group = HostScratch.get().waitBlock();
        long asked = Libc.call(Nr.IOCTL, fd, TIOCGPGRP, group.address());
        if (asked == 0 && group.get(ValueLayout.JAVA_INT, 0) == Libc.call(Nr.GETPGRP)) {
            Libc.call(Nr.IOCTL, fd, TCSETS, settings.address());
        }
    }

    @Override
    public void close() {
        if (fd >= 0) {
            Libc.call(Nr.CLOSE, fd);
        }
    }
}

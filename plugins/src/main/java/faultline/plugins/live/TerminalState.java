package faultline.plugins.live;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The settings of the terminal on standard input, as they were: JLine puts back all of them but the line's speed, and a
 * serial line of speed 0 is a line hung up.
 */
final class TerminalState {
    private static final int TCGETS = 0x5401;
    private static final int TCSETS = 0x5402;
    private static final int BYTES = 64;

    private final MemorySegment saved = Arena.ofAuto().allocate(BYTES, Long.BYTES);
    private final boolean known = Libc.call(Nr.IOCTL, 0, TCGETS, saved.address()) == 0;

    /** Puts the settings back; nothing happens where there is no terminal. */
    void restore() {
        if (known) {
            Libc.call(Nr.IOCTL, 0, TCSETS, saved.address());
        }
    }
}

package faultline.emulator.cpu;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;

/**
 * While open, no thread of this process is given huge pages.
 *
 * <p>Unicorn asks for huge pages for its code buffer and touches its first bytes when an engine is made. A processor
 * that runs much code gains by them; one that a forked process needs for a moment would wait for 4 MiB to be cleared
 * and keep them.
 */
final class SmallPages implements AutoCloseable {
    private static final int PR_SET_THP_DISABLE = 41;
    private static final int PR_GET_THP_DISABLE = 42;

    private final boolean changed;

    SmallPages() {
        changed = Libc.call(Nr.PRCTL, PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0
                && Libc.call(Nr.PRCTL, PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0;
    }

    @Override
    public void close() {
        if (changed) {
            Libc.call(Nr.PRCTL, PR_SET_THP_DISABLE, 0, 0, 0, 0);
        }
    }
}

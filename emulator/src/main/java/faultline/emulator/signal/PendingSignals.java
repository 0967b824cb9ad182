package faultline.emulator.signal;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Signals that wait for one task, or for any task of a process (struct sigpending). All methods: the caller holds the
 * handlers' monitor.
 *
 * <p>A standard signal that is pending already is not queued again, but for those of timers, of which each has one at
 * most; a real-time signal always is.
 */
public final class PendingSignals {
    private final List<SigInfo> queue = new ArrayList<>();
    private long set;

    /** Signals of which at least one is pending. */
    public long set() {
        return set;
    }

    /** How many entries wait, for RLIMIT_SIGPENDING. */
    public int size() {
        return queue.size();
    }

    /** Adds one. Returns false when it was merged into one that is pending already. */
    public boolean add(SigInfo info) {
        int signal = info.signal();
        boolean merges = signal < Signals.SIGRTMIN && info.code() != SigInfo.SI_TIMER;
        if (merges && Signals.contains(set, signal)) {
            return false;
        }
        set |= Signals.mask(signal);
        queue.add(info);
        return true;
    }

    /**
     * Takes the next signal out that is not in {@code blocked}: faults of the task's own instructions first, then by
     * number, among equals the oldest. {@code null} when there is none.
     */
    public SigInfo take(long blocked) {
        long ready = set & ~blocked;
        if (ready == 0) {
            return null;
        }
        if ((ready & Signals.SYNCHRONOUS) != 0) {
            ready &= Signals.SYNCHRONOUS;
        }
        return takeSignal(Long.numberOfTrailingZeros(ready) + 1);
    }

    private SigInfo takeSignal(int signal) {
        SigInfo found = null;
        boolean more = false;
        for (Iterator<SigInfo> it = queue.iterator(); it.hasNext(); ) {
            SigInfo info = it.next();
            if (info.signal() != signal) {
                continue;
            }
            if (found == null) {
                found = info;
                it.remove();
            } else {
                more = true;
                break;
            }
        }
        if (!more) {
            set &= ~Signals.mask(signal);
        }
        return found;
    }

    /** Forgets all signals of a set. */
    public void discard(long signals) {
        if ((set & signals) != 0) {
            queue.removeIf(info -> Signals.contains(signals, info.signal()));
            set &= ~signals;
        }
    }
}

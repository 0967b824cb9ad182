package faultline.plugins.trace;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmStruct;
import faultline.plugins.event.EventType;

/**
 * What tracing keeps for one thread: the record being filled, faults and steps that have begun, and whose thread it is.
 * Used by that thread only.
 */
final class ThreadTrace {
    /** Faults nest (a fault's own reads of user memory); anything deeper is not traced. */
    static final int MAX_DEPTH = 64;

    /** The record under construction. */
    final long[] record = new long[EventType.WORDS];

    /** True while a handler runs: what it calls itself is not traced. */
    boolean busy;

    /** The fault under way, null when there is none. */
    FaultFrame fault;

    private final FaultFrame[] faults = new FaultFrame[4];
    private int faultDepth;

    /** Begin times of steps, system calls and lock waits, innermost last. */
    private final long[] begun = new long[MAX_DEPTH];

    private final long[] details = new long[MAX_DEPTH];
    private int depth;
    private long lastTime;

    /** Command name seen last and its number, so that a name is looked up when it changes. */
    String comm;

    int commNumber;

    /** Page and address space of the instruction that faulted last: its file is known. */
    long codePage;

    MmStruct codeSpace;

    /** When the task began to wait for the CPU, 0 when it does not. */
    long waitBegun;

    /** The system call under way: number (-1 for none), four arguments, when it began, its name. */
    final long[] call = {-1, 0, 0, 0, 0, 0, 0};

    /** A fault that has begun. */
    static final class FaultFrame {
        long begin;
        long address;
        long errorCode;
        MmStruct mm;
        FaultContext context;
        int vmaName;
        long pteBefore;
        long pteAfter;
        long mmapLockNanos;
        long ptlNanos;
        int stack;
        /** Whether it was reported by the architecture, and not begun by get_user_pages alone. */
        boolean reported;

        void clear() {
            vmaName = 0;
            pteBefore = 0;
            pteAfter = 0;
            mmapLockNanos = 0;
            ptlNanos = 0;
            stack = 0;
        }
    }

    /** Opens a fault within the one under way, or null when they nest too deeply. */
    FaultFrame beginFault() {
        if (faultDepth == faults.length) {
            return null;
        }
        if (faults[faultDepth] == null) {
            faults[faultDepth] = new FaultFrame();
        }
        fault = faults[faultDepth++];
        fault.clear();
        return fault;
    }

    /** Closes the fault under way. */
    void endFault() {
        faultDepth--;
        fault = faultDepth == 0 ? null : faults[faultDepth - 1];
    }

    /** A time, later than any that this thread got before: nested slices never begin at once. */
    long tick(TraceSession session) {
        long now = session.now();
        lastTime = now > lastTime ? now : lastTime + 1;
        return lastTime;
    }

    /** Notes that something begins; a bounded number of them is remembered. */
    void push(long time, long detail) {
        if (depth < MAX_DEPTH) {
            begun[depth] = time;
            details[depth] = detail;
        }
        depth++;
    }

    /** When the innermost began, or -1. */
    long pop() {
        if (depth == 0) {
            return -1;
        }
        depth--;
        return depth < MAX_DEPTH ? begun[depth] : -1;
    }

    /** The detail noted with what {@link #pop} returned last. */
    long detail() {
        return depth < MAX_DEPTH ? details[depth] : 0;
    }
}

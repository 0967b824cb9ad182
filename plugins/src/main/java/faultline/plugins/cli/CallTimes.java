package faultline.plugins.cli;

/** The calls under way in each thread, and when they began. */
final class CallTimes {
    /** What a call took that is not timed: it was under way when the probe was attached, or lies too deep. */
    static final long UNKNOWN = -1;

    private static final int MAX_DEPTH = 64;

    private final ThreadLocal<Calls> calls = ThreadLocal.withInitial(Calls::new);

    /** The outermost first. */
    private static final class Calls {
        final long[] begun = new long[MAX_DEPTH];
        int depth;
    }

    /** How many calls are under way in this thread. */
    int depth() {
        return calls.get().depth;
    }

    /** A call begins. */
    void enter() {
        Calls mine = calls.get();
        if (mine.depth < MAX_DEPTH) {
            mine.begun[mine.depth] = System.nanoTime();
        }
        mine.depth++;
    }

    /** The innermost call ends. Returns the nanoseconds that it took, or {@link #UNKNOWN}. */
    long leave() {
        long now = System.nanoTime();
        Calls mine = calls.get();
        if (mine.depth == 0) {
            return UNKNOWN;
        }
        mine.depth--;
        return mine.depth < MAX_DEPTH ? now - mine.begun[mine.depth] : UNKNOWN;
    }
}

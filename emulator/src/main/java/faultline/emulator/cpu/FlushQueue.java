package faultline.emulator.cpu;

/**
 * What an engine still has to forget before it may execute again: TLB entries of address ranges, and code translated
 * from frames. Filled by any thread, emptied by the thread that runs the engine.
 *
 * <p>All methods are for callers that hold this object's monitor, except {@link #isPending}.
 */
final class FlushQueue {
    private static final int MOST = 64;

    private final long[] starts = new long[MOST];
    private final long[] ends = new long[MOST];
    private final long[] frames = new long[MOST];
    private int rangeCount;
    private int frameCount;
    private boolean everyPage;
    private boolean everyTranslation;
    private volatile boolean pending;
    /** Counts requests; a request is served when {@code served} has reached its number. */
    private long requested;

    private volatile long served;

    /** Whether anything waits; read without the monitor. */
    boolean isPending() {
        return pending;
    }

    /** Number of the last request that has been served; read without the monitor. */
    long served() {
        return served;
    }

    /** Asks for the pages of a range of addresses; the request's number. */
    long addRange(long start, long end) {
        if (rangeCount > 0 && starts[rangeCount - 1] == start && ends[rangeCount - 1] == end) {
            return request(); // a fault that is tried again
        }
        if (rangeCount == MOST) {
            everyPage = true;
        } else {
            starts[rangeCount] = start;
            ends[rangeCount++] = end;
        }
        return request();
    }

    /** Asks for all pages. */
    long addAll() {
        everyPage = true;
        return request();
    }

    /** Asks for the code of a frame. */
    long addFrame(long pfn) {
        if (frameCount == MOST) {
            everyTranslation = true;
        } else {
            frames[frameCount++] = pfn;
        }
        return request();
    }

    private long request() {
        pending = true;
        return ++requested;
    }

    /** Everything was forgotten. */
    void clear() {
        rangeCount = 0;
        frameCount = 0;
        everyPage = false;
        everyTranslation = false;
        pending = false;
        served = requested;
    }

    /** Whether nothing but one page waits. */
    boolean isOnlyPage(long address) {
        return !everyPage
                && !everyTranslation
                && frameCount == 0
                && rangeCount == 1
                && starts[0] == address
                && ends[0] == address + 4096;
    }

    boolean everyPage() {
        return everyPage;
    }

    boolean everyTranslation() {
        return everyTranslation;
    }

    int rangeCount() {
        return rangeCount;
    }

    long start(int i) {
        return starts[i];
    }

    long end(int i) {
        return ends[i];
    }

    int frameCount() {
        return frameCount;
    }

    long frame(int i) {
        return frames[i];
    }
}

package faultline.emulator.cpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Writable xor executable, a frame each: keeps translated code equal to memory, across all engines.
 *
 * <p>Unicorn notices stores to code only through the TLB entry the code was fetched by. A frame mapped twice, writable
 * here and executable there (a just-in-time compiler), would run stale code. So no TLB may hold a writable and an
 * executable entry of one frame at a time:
 *
 * <pre>
 *   NONE --fetch--> CODE     NONE --write--> DATA
 *   CODE --write--> DATA     forget the code and the executable entries, in every engine that has some
 *   DATA --fetch--> CODE     forget the writable entries, in every engine that has some
 * </pre>
 *
 * <p>The record of a frame is one word: state, the engine that has entries (or MANY), the page number they are at (or
 * MANY). Records outlive their entries: that costs an unneeded flush, never a stale one. Records change by
 * compare-and-set, since engines of different address spaces may run at the same time; who moves a frame to the other
 * state does so before it flushes the others, so that what they grant afterwards is seen by nobody as still standing.
 */
final class FrameStates {
    static final int NONE = 0;
    static final int DATA = 1;
    static final int CODE = 2;

    /** Engine number and page number that stand for several. */
    static final int MANY_ENGINES = 0xfff;

    static final long MANY_PAGES = (1L << 48) - 1;

    private static final int ENGINE_SHIFT = 2;
    private static final int PAGE_SHIFT = 14;
    private static final VarHandle RECORD = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] records;

    /** All frames NONE. */
    FrameStates(long frames) {
        records = new long[Math.toIntExact(frames)];
    }

    long record(long pfn) {
        return (long) RECORD.getVolatile(records, (int) pfn);
    }

    boolean change(long pfn, long from, long to) {
        return from == to || RECORD.compareAndSet(records, (int) pfn, from, to);
    }

    boolean covers(long pfn) {
        return pfn < records.length;
    }

    static long make(int state, int engine, long page) {
        return state | (long) engine << ENGINE_SHIFT | (page & MANY_PAGES) << PAGE_SHIFT;
    }

    /** A record that holds for the old entries and for one more. */
    static long merge(long record, int engine, long page) {
        int engines = engine(record) == engine ? engine : MANY_ENGINES;
        return make(state(record), engines, page(record) == (page & MANY_PAGES) ? page : MANY_PAGES);
    }

    static int state(long record) {
        return (int) record & 3;
    }

    static int engine(long record) {
        return (int) (record >>> ENGINE_SHIFT) & MANY_ENGINES;
    }

    static long page(long record) {
        return record >>> PAGE_SHIFT;
    }
}

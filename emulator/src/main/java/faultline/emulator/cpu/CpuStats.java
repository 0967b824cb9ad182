package faultline.emulator.cpu;

/** Counters of one engine, or of all engines of a pool. Written by the running thread; others read them roughly. */
public final class CpuStats {
    /** TLB misses answered with a page. */
    public long fills;
    /** Page faults: handled inside the miss, and those that stopped the CPU. */
    public long faults;

    public long faultsOutside;
    /** Read misses of read-modify-write instructions that were made write faults. */
    public long readModifyWrites;
    /**
     * Pages flushed one by one, requests for ranges, full flushes on request, and full flushes that let the TLB grow.
     */
    public long pageFlushes;

    public long rangeFlushes;
    public long fullFlushes;
    public long growthFlushes;
    /** Frames whose translated code was removed, and times that all was. */
    public long codeInvalidations;

    public long codeFlushes;
    /** Blocks that fetched a missing page too early and were replayed, and instructions stepped for that. */
    public long earlyFetches;

    public long steps;
    /** Exits by kind. */
    public final long[] exits = new long[Exit.values().length];

    /** Adds another engine's counters. */
    public void add(CpuStats other) {
        fills += other.fills;
        faults += other.faults;
        faultsOutside += other.faultsOutside;
        readModifyWrites += other.readModifyWrites;
        pageFlushes += other.pageFlushes;
        rangeFlushes += other.rangeFlushes;
        fullFlushes += other.fullFlushes;
        growthFlushes += other.growthFlushes;
        codeInvalidations += other.codeInvalidations;
        codeFlushes += other.codeFlushes;
        earlyFetches += other.earlyFetches;
        steps += other.steps;
        for (int i = 0; i < exits.length; i++) {
            exits[i] += other.exits[i];
        }
    }

    /** How often the CPU stopped for this reason. */
    public long exits(Exit exit) {
        return exits[exit.ordinal()];
    }
}

package faultline.mmu.phys;

/**
 * Keeps the fields of a subclass away from those of objects that lie before them in memory: two processor cache lines,
 * since they are fetched in pairs. Otherwise threads that write to objects of their own would still wait for each
 * other.
 */
@SuppressWarnings("unused")
abstract class CacheLine {
    private long p0;
    private long p1;
    private long p2;
    private long p3;
    private long p4;
    private long p5;
    private long p6;
    private long p7;
    private long p8;
    private long p9;
    private long p10;
    private long p11;
    private long p12;
    private long p13;
    private long p14;
    private long p15;
}

package faultline.plugins.inject;

import java.util.SplittableRandom;

/**
 * The counters of one {@link FailSpec}, shared by all points that it matches, as the attributes of one of Linux'
 * fault-injection directories are. Guarded by itself.
 */
final class FailKnobs {
    private final FailSpec spec;
    private final long seed;
    private long hits;
    private long counted;
    private long spaceLeft;
    private long timesLeft;

    FailKnobs(FailSpec spec, long seed) {
        this.spec = spec;
        this.seed = seed;
        this.spaceLeft = spec.space();
        this.timesLeft = spec.times();
    }

    FailSpec spec() {
        return spec;
    }

    /** Hits so far. */
    synchronized long hits() {
        return hits;
    }

    /**
     * Counts a hit that has passed the filters.
     *
     * @param bytes what the call would allocate, 0 where that means nothing
     * @return the hit's number, from 1, when it is to fail; 0 when not
     */
    synchronized long hit(long bytes) {
        long number = ++hits;
        if (number < spec.nth() || timesLeft == 0) {
            return 0;
        }
        if (spaceLeft > bytes) {
            spaceLeft -= bytes;
            return 0;
        }
        if (spec.interval() > 1 && ++counted % spec.interval() != 0) {
            return 0;
        }
        if (spec.probability() <= new SplittableRandom(seed + number * 0x9e37_79b9_7f4a_7c15L).nextInt(100)) {
            return 0;
        }
        if (timesLeft > 0) {
            timesLeft--;
        }
        return number;
    }
}

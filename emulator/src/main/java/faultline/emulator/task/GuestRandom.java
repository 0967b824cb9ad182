package faultline.emulator.task;

import java.security.SecureRandom;
import java.util.SplittableRandom;

/**
 * Where the machine's random bytes come from: getrandom(2), AT_RANDOM, address layout, pids.
 *
 * <p>With a seed every byte is a function of the seed and of how many were asked for before; without, they are the
 * host's. Thread-safe.
 */
public final class GuestRandom {
    private final SplittableRandom seeded;
    private final SecureRandom secure;

    private GuestRandom(SplittableRandom seeded, SecureRandom secure) {
        this.seeded = seeded;
        this.secure = secure;
    }

    /** @param seed {@code null} for real randomness */
    public static GuestRandom of(Long seed) {
        return seed == null
                ? new GuestRandom(null, new SecureRandom())
                : new GuestRandom(new SplittableRandom(seed), null);
    }

    /** Fills an array. */
    public synchronized void nextBytes(byte[] to) {
        if (seeded != null) {
            seeded.nextBytes(to);
        } else {
            secure.nextBytes(to);
        }
    }

    /** A number, each as likely as any other. */
    public synchronized long nextLong() {
        return seeded != null ? seeded.nextLong() : secure.nextLong();
    }

    /** Uniform in 0..bound-1. */
    public long nextBelow(long bound) {
        return (nextLong() >>> 1) % bound;
    }
}

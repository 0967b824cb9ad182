package faultline.plugins.sample;

import faultline.mmu.annotation.KernelFunction;
import java.util.function.LongUnaryOperator;

/** A site in an interface, and one that overrides it, is synchronized, and calls it. */
public interface Twice extends LongUnaryOperator {
    @Override
    @KernelFunction("sample_twice")
    default long applyAsLong(long n) {
        return 2 * n;
    }

    /** One more than twice. */
    final class Locked implements Twice {
        @Override
        @KernelFunction("sample_locked")
        public synchronized long applyAsLong(long n) {
            return Twice.super.applyAsLong(n) + 1;
        }
    }
}

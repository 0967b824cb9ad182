package faultline.plugins.sample;

import faultline.mmu.annotation.KernelFunction;

/** The class is the counterpart: its run method is the site. */
@KernelFunction(value = "move_sample", file = "mm/sample.c")
public final class Mover implements java.util.function.LongUnaryOperator {
    @Override
    public long applyAsLong(long pages) {
        return run(pages) + helper();
    }

    private long run(long pages) {
        return pages - 1;
    }

    private long helper() {
        return 1;
    }
}

package faultline.mmu.op;

import faultline.mmu.mm.MmLimits;

/** Limits that a test sets; without rights. */
final class LimitsFixture implements MmLimits {
    long as = INFINITY;
    long data = INFINITY;
    long memlock = INFINITY;
    long stack = 8L << 20;

    @Override
    public long as() {
        return as;
    }

    @Override
    public long data() {
        return data;
    }

    @Override
    public long dataMax() {
        return data;
    }

    @Override
    public long stack() {
        return stack;
    }

    @Override
    public long memlock() {
        return memlock;
    }

    @Override
    public boolean mayLockUnlimited() {
        return false;
    }

    @Override
    public boolean mayMapLow() {
        return false;
    }
}

package faultline.emulator.task;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.mm.MmLimits;

/** A process' resource limits as its memory calls see them. */
final class ProcessLimits implements MmLimits {
    private final Rlimits rlimits;
    private final boolean root = Libc.call(Nr.GETEUID) == 0;

    ProcessLimits(Rlimits rlimits) {
        this.rlimits = rlimits;
    }

    @Override
    public long as() {
        return rlimits.soft(Rlimits.AS);
    }

    @Override
    public long data() {
        return rlimits.soft(Rlimits.DATA);
    }

    @Override
    public long dataMax() {
        return rlimits.hard(Rlimits.DATA);
    }

    @Override
    public long stack() {
        return rlimits.soft(Rlimits.STACK);
    }

    @Override
    public long memlock() {
        return rlimits.soft(Rlimits.MEMLOCK);
    }

    @Override
    public boolean mayLockUnlimited() {
        return root;
    }

    @Override
    public boolean mayMapLow() {
        return root;
    }
}

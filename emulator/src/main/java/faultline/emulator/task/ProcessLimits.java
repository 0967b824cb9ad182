package faultline.emulator.task;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.mm.MmLimits;

/** A process' resource limits as its memory calls see them. */
final class ProcessLimits implements MmLimits {
    private final Rlimits rlimits;

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

    /** Of the calling task, which is a thread of the host with credentials of its own. */
    private static boolean isRoot() {
        return Libc.call(Nr.GETEUID) == 0;
    }

    @Override
    public boolean mayLockUnlimited() {
        return isRoot();
    }

    @Override
    public boolean mayMapLow() {
        return isRoot();
    }
}

package faultline.emulator.task;

import faultline.emulator.cpu.CpuEngine;
import faultline.mmu.mm.MmStruct;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An address space and the engine that executes in it. Shared by all tasks that were cloned with CLONE_VM; the last
 * user tears it down.
 */
public final class UserSpace {
    private final Kernel kernel;
    private final MmStruct mm;
    private final CpuEngine engine;
    private final AtomicInteger users = new AtomicInteger(1);

    UserSpace(Kernel kernel, MmStruct mm, CpuEngine engine) {
        this.kernel = kernel;
        this.mm = mm;
        this.engine = engine;
    }

    public MmStruct mm() {
        return mm;
    }

    public CpuEngine engine() {
        return engine;
    }

    /** One more process uses it. */
    UserSpace share() {
        users.incrementAndGet();
        return this;
    }

    /** How many processes use it: more than one after vfork. */
    public int users() {
        return users.get();
    }

    /** A process is done with it. Called on a task's thread without the virtual CPU. */
    void put() {
        if (users.decrementAndGet() == 0) {
            kernel.destroySpace(this);
        }
    }
}

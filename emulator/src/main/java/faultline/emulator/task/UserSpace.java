package faultline.emulator.task;

import faultline.emulator.cpu.CpuEngine;
import faultline.emulator.fs.WriteAccess;
import faultline.emulator.syscall.file.AioTable;
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
    private final AioTable aio = new AioTable();
    private final AtomicInteger users = new AtomicInteger(1);

    /** Its memory has been given back. */
    private volatile boolean released;

    /** Keeps the program's file from being written to (Linux: {@code mm->exe_file}); null before execve has set it. */
    private volatile WriteAccess.Denial executable;

    UserSpace(Kernel kernel, MmStruct mm, CpuEngine engine) {
        this.kernel = kernel;
        this.mm = mm;
        this.engine = engine;
    }

    /** The address space. */
    public MmStruct mm() {
        return mm;
    }

    /** Takes over a use of the program's file. */
    void setExecutable(WriteAccess.Denial denial) {
        executable = denial;
    }

    WriteAccess.Denial executable() {
        return executable;
    }

    /** Its queues of asynchronous input and output. */
    public AioTable aio() {
        return aio;
    }

    /** The engine that runs its code. */
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

    /** Whether the last user has left and its memory has been given back. */
    boolean isReleased() {
        return released;
    }

    /** A process is done with it. Called on a task's thread without the virtual CPU. */
    void put() {
        if (users.decrementAndGet() == 0) {
            aio.close();
            kernel.destroySpace(this);
            released = true;
            if (executable != null) {
                executable.close();
            }
        }
    }
}

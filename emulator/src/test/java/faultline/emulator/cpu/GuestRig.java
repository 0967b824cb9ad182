package faultline.emulator.cpu;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MemorySystem;

/**
 * One address space of the real memory manager with an engine on it; guest code is put there by the kernel's own copy.
 */
final class GuestRig implements AutoCloseable {
    static final long CODE = 0x400000;
    static final int ANON = MmapFlags.PRIVATE | MmapFlags.ANONYMOUS;
    static final int RW = Prot.READ | Prot.WRITE;

    final MemorySystem memory;
    final CpuPool pool;
    final MmStruct mm;
    final CpuEngine engine;
    final CpuState state = new CpuState();
    final FaultContext context = new FaultContext();

    GuestRig(long ramBytes) {
        this(ramBytes, CpuOptions.defaults());
    }

    GuestRig(long ramBytes, CpuOptions options) {
        memory = new MemorySystem(MemoryConfig.defaults().withMemBytes(ramBytes));
        pool = new CpuPool(memory.phys().segment(), options);
        memory.setInstructionCache(pool.instructionCache());
        mm = memory.newMm(MmLimits.ROOT);
        mm.pickLayout(0, 0, false);
        engine = pool.acquire(mm, memory.walker(), memory.faults(), "");
        map(CODE, 0x10000, RW | Prot.EXEC, MmapFlags.FIXED);
    }

    long map(long address, long bytes, int prot, int moreFlags) {
        long result = memory.mmap().doMmap(mm, context, address, bytes, prot, ANON | moreFlags, null, 0);
        if (result < 0) {
            throw new IllegalStateException("mmap: " + result);
        }
        return result;
    }

    GuestRig code(long address, String... hex) {
        byte[] bytes = Asm.bytes(hex);
        context.mayWait = true;
        if (memory.userMemory().copyToUser(mm, context, address, bytes, 0, bytes.length) != 0) {
            throw new IllegalStateException("copyToUser");
        }
        return this;
    }

    /** Runs from an address; waits for what has to be waited for. */
    Exit run(long rip) {
        state.set(CpuState.RIP, rip);
        return run();
    }

    Exit run() {
        for (; ; ) {
            Exit exit = engine.run(state, context);
            if (exit != Exit.FAULT_RETRY) {
                return exit;
            }
            context.mayWait = true;
            int result = memory.faults().doUserAddrFault(mm, context.address, context.errorCode, context);
            if (result != FaultHandler.FAULT_DONE) {
                return result == FaultHandler.FAULT_SIGNAL ? Exit.FAULT_SIGNAL : Exit.FAULT_OOM;
            }
        }
    }

    @Override
    public void close() {
        pool.release(engine);
        memory.exitMmap(mm);
        pool.close();
        memory.close();
    }
}

package faultline.plugins.guest;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultEnv;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.PhysicalMemory;
import faultline.plugins.event.StackTable;

/**
 * Call stacks of guest code by frame pointers: the return address lies above each saved frame pointer. Code compiled
 * without frame pointers gives short or odd stacks, as with {@code perf record --call-graph fp}.
 */
public final class GuestStack {
    private static final int MAX_FRAMES = 32;

    private final StackTable table;
    private final ThreadLocal<long[]> scratch = ThreadLocal.withInitial(() -> new long[MAX_FRAMES]);

    public GuestStack(StackTable table) {
        this.table = table;
    }

    /**
     * The number of the stack of the task that faulted.
     *
     * <p>Precondition: the mmap lock is held, at least for reading.
     */
    public int take(FaultEnv env, MmStruct mm, FaultContext context) {
        return take(env, mm, context.ip, context.bp);
    }

    /** The number of the stack that these registers belong to. Precondition: as above. */
    public int take(FaultEnv env, MmStruct mm, long ip, long framePointer) {
        PhysicalMemory memory = env.cache().phys();
        long[] frames = scratch.get();
        int depth = 0;
        frames[depth++] = ip;
        long frame = framePointer;
        while (depth < MAX_FRAMES && frame != 0 && (frame & 7) == 0) {
            long saved = AddressSpaceView.physical(env.tables(), mm, frame);
            long returns = AddressSpaceView.physical(env.tables(), mm, frame + 8);
            if (saved < 0 || returns < 0) {
                break;
            }
            long address = memory.getLong(returns);
            Vma code = mm.vmas().lookup(address);
            if (code == null || !code.has(VmFlags.EXEC)) {
                break; // the register held something else
            }
            // the address behind the call may belong to the next function already
            frames[depth++] = address - 1;
            long outer = memory.getLong(saved);
            if (outer <= frame) {
                break;
            }
            frame = outer;
        }
        return table.number(frames, depth);
    }
}

package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.UserfaultEvents;
import faultline.mmu.mm.MmStruct;

/**
 * mremap(2).
 *
 * <pre>
 *                    new_len &lt; old_len           equal               new_len &gt; old_len
 *   no flag          unmap the tail              nothing             grow in place, or ENOMEM
 *   MAYMOVE          unmap the tail              nothing             grow in place, else move
 *   MAYMOVE|FIXED    unmap the tail, move        move; the range     move and grow
 *                                                may span mappings
 *   …|DONTUNMAP      EINVAL                      move the pages,     EINVAL
 *                                                keep the source
 *   old_len 0        EINVAL (new_len 0)          EINVAL              second view of a shared mapping, or EINVAL
 * </pre>
 */
public final class Mremap {
    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Mremap(OpEnv env) {
        this.env = env;
    }

    OpEnv env() {
        return env;
    }

    /**
     * Resizes or moves a mapping.
     *
     * @param flags {@code MmapFlags.MREMAP_*}
     * @param newAddr destination with MREMAP_FIXED, hint with MREMAP_DONTUNMAP, else ignored
     * @return the address of the mapping now, or -errno
     */
    @KernelFunction(value = "do_mremap", file = "mm/mremap.c")
    public long run(MmStruct mm, FaultContext ctx, long addr, long oldLen, long newLen, int flags, long newAddr) {
        MremapRequest request = new MremapRequest(env, mm, addr, oldLen, newLen, flags, newAddr);
        long error = request.checkParams();
        if (error != 0) {
            return error;
        }
        long result;
        UserfaultEvents events;
        mm.mmapLock().writeLock();
        try {
            UserfaultEvents.begin(mm);
            result = request.run();
        } finally {
            events = UserfaultEvents.end(mm);
            mm.mmapLock().writeUnlock();
        }
        UserfaultEvents.tell(events, ctx);
        if (!Errno.isError(result) && request.populateLen() != 0) {
            env.populate.populate(mm, request.populateStart(), request.populateLen(), true, ctx);
        }
        return result;
    }
}

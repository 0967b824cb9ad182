package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.SwapUnuse;
import faultline.mmu.lock.SpinWait;
import faultline.mmu.mm.CommitAccount;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.swap.SwapArea;
import faultline.mmu.swap.SwapSpace;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Takes a swap area off the machine.
 *
 * <p>First no page goes there any more, then all that did come back: of memory files, of each address space, and what
 * only the swap cache has. Meanwhile entries move: fork copies them into a space that was passed already, mremap and
 * UFFDIO_MOVE carry them behind the walk, reclaim may be about to write to a slot that it had before. So it goes round
 * until the area counts no slot in use ({@code SwapoffRaceTest}).
 */
public final class Swapoff {
    private final OpEnv env;
    private final SwapSpace swap;
    private final CommitAccount commit;
    private final Supplier<List<MmStruct>> mms;

    /** @param mms the address spaces that there are */
    public Swapoff(OpEnv env, SwapSpace swap, CommitAccount commit, Supplier<List<MmStruct>> mms) {
        this.env = env;
        this.swap = swap;
        this.commit = commit;
        this.mms = mms;
    }

    /**
     * Brings the pages of the area back and lets go of it. If that fails the area stays, with the pages that it still
     * has.
     *
     * @param interrupted whether the caller has a signal to attend to
     * @return 0; -EINVAL when it is being taken off, or gone; -ENOMEM when its pages are more than may be promised, or
     * find no     room; -EINTR; -EIO when a page of a memory file cannot be read
     */
    @KernelFunction("sys_swapoff")
    public long run(SwapArea area, BooleanSupplier interrupted) {
        int refused = swap.areas().withdraw(area, this::mayPromise);
        if (refused != 0) {
            return refused;
        }
        long error = tryToUnuse(area, interrupted);
        if (error != 0) {
            swap.areas().reopen(area);
        } else {
            swap.areas().remove(area);
        }
        return error;
    }

    private boolean mayPromise(long pages) {
        boolean may = commit.charge(pages) == 0;
        if (may) {
            commit.uncharge(pages);
        }
        return may;
    }

    @KernelFunction(value = "try_to_unuse", file = "mm/swapfile.c")
    private long tryToUnuse(SwapArea area, BooleanSupplier interrupted) {
        int spins = 0;
        while (area.inUse() != 0) {
            long error = swap.files().unuse(area, interrupted);
            SpaceWalk walk = new SpaceWalk(area.type());
            for (MmStruct mm : mms.get()) {
                if (error == 0 && area.inUse() != 0 && !interrupted.getAsBoolean()) {
                    error = walk.unuse(mm);
                }
            }
            if (error != 0) {
                return error;
            }
            swap.dropUnused(area);
            if (area.inUse() != 0) {
                if (interrupted.getAsBoolean()) {
                    return -Errno.EINTR;
                }
                spins = SpinWait.pause(spins);
            }
        }
        return 0;
    }

    /** Finds entries a table at a time with its lock held, and brings their pages back without. */
    private final class SpaceWalk extends PageTableWalk {
        private final int type;
        private final SwapUnuse unuse = new SwapUnuse(env.faultEnv);
        private final long[] addresses = new long[PageTables.ENTRIES];
        private final long[] entries = new long[PageTables.ENTRIES];
        private int count;

        SpaceWalk(int type) {
            super(env.tables);
            this.type = type;
        }

        /** Waits for the mmap lock. @return 0 or -ENOMEM */
        @KernelFunction("unuse_mm")
        long unuse(MmStruct mm) {
            mm.mmapLock().readLock();
            try {
                long error = 0;
                for (Vma v = mm.isRetired() ? null : mm.vmas().first(); v != null && error == 0; v = v.next()) {
                    if (v.anonVma() != null && !v.has(VmFlags.HUGETLB)) {
                        error = unuse(v);
                    }
                }
                return error;
            } finally {
                mm.mmapLock().readUnlock();
            }
        }

        @KernelFunction("unuse_vma")
        @RequiresLock("MMAP_LOCK:read")
        private long unuse(Vma vma) {
            for (long at = vma.start(); at < vma.end(); ) {
                long next = Math.min(vma.end(), (at & -MmLayout.PMD_SIZE) + MmLayout.PMD_SIZE);
                count = 0;
                walk(vma.mm(), at, next);
                for (int i = 0; i < count; i++) {
                    int error = unuse.run(vma, addresses[i], entries[i]);
                    if (error != 0) {
                        return error;
                    }
                }
                at = next;
            }
            return 0;
        }

        @Override
        protected void table(long pte, long addr, long end) {
            long at = pte;
            for (long a = addr; a < end; a += MmLayout.PAGE_SIZE, at += 8) {
                long entry = phys.getLong(at);
                if (Pte.isSwap(entry) && Pte.swapType(entry) == type) {
                    addresses[count] = a;
                    entries[count++] = entry;
                }
            }
        }
    }
}

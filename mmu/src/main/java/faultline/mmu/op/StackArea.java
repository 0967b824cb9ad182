package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.StackGrowth;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.AnonVma;
import faultline.mmu.rmap.Rmap;
import faultline.mmu.table.PageTableMover;
import faultline.mmu.tlb.MmuGather;

/**
 * The stack of a new program, in the two steps of execve(2): a temporary one at the very top, into which arguments and
 * environment are copied, then its move to the place that was chosen at random.
 *
 * <pre>
 *   create():  …                                    |--strings--| STACK_TOP
 *   place():   …      |--128 KiB--|--strings--| top
 * </pre>
 */
public final class StackArea {
    /**
     * Room below the strings that is mapped from the start, so that the program's first pushes need not grow the stack.
     */
    private static final long INITIAL_ROOM = 128 << 10;

    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public StackArea(OpEnv env) {
        this.env = env;
    }

    /**
     * Maps one page at the top of the address space, which grows down as strings are copied below it.
     *
     * @return 0 or -ENOMEM
     */
    @KernelFunction(value = "create_init_stack_vma", file = "mm/vma_exec.c")
    public int create(MmStruct mm) {
        long flags = VmFlags.STACK_FLAGS | VmFlags.STACK_INCOMPLETE_SETUP;
        long start = MmLayout.STACK_TOP - MmLayout.PAGE_SIZE;
        mm.mmapLock().writeLock();
        try {
            if (mm.vmas().intersection(start, MmLayout.STACK_TOP) != null
                    || mm.commit().charge(1) != 0) {
                return -Errno.ENOMEM;
            }
            Vma vma = VmaSplit.allocate(mm, start, MmLayout.STACK_TOP, flags, start >>> MmLayout.PAGE_SHIFT);
            if (vma == null) {
                mm.commit().uncharge(1);
                return -Errno.ENOMEM;
            }
            mm.vmas().insert(vma);
            mm.account(flags, 1);
            return 0;
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    /**
     * Moves the temporary stack so that it ends at {@code top}, gives it its final rights, and makes room below it.
     *
     * @param top page-aligned, at most STACK_TOP
     * @param executable whether the program asks for an executable stack (PT_GNU_STACK)
     * @return 0, -ENOMEM, or -EFAULT when there is no temporary stack or the place is taken
     */
    @KernelFunction(value = "setup_arg_pages", file = "fs/exec.c")
    public int place(MmStruct mm, long top, boolean executable) {
        mm.mmapLock().writeLock();
        try {
            Vma vma = mm.vmas().lookup(MmLayout.STACK_TOP - MmLayout.PAGE_SIZE);
            if (vma == null) {
                return -Errno.EFAULT;
            }
            long shift = vma.end() - top;
            int error = shift == 0 ? 0 : relocate(mm, vma, shift);
            if (error != 0) {
                return error;
            }
            long flags = vma.flags() & ~VmFlags.STACK_INCOMPLETE_SETUP | mm.defFlags();
            mm.account(vma.flags(), -vma.pages());
            vma.setFlags(executable ? flags | VmFlags.EXEC : flags & ~VmFlags.EXEC);
            mm.account(vma.flags(), vma.pages());
            if (executable) {
                new ProtectionChange(env.tables).apply(vma, vma.start(), vma.end());
            }
            return expand(mm, vma);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    /**
     * As much as the limit allows; a limit that is too small is no error here, only later when the stack should grow.
     */
    private static int expand(MmStruct mm, Vma vma) {
        long limit = mm.limits().stack() & MmLayout.PAGE_MASK;
        long size = vma.length() + INITIAL_ROOM;
        long base = vma.end() - (Long.compareUnsigned(limit, size) < 0 ? limit : size);
        AnonVma family = Rmap.prepare(vma);
        if (family == null) {
            return -Errno.EFAULT; // as Linux has it whatever the cause
        }
        family.lock().lock();
        family.unlinkLocked(vma);
        int error = StackGrowth.expandDownwards(vma, base);
        family.linkLocked(vma);
        family.lock().unlock();
        return error == 0 ? 0 : -Errno.EFAULT;
    }

    /**
     * Slides the mapping down: it is made to span both places, its entries move, and its old place is cut off. Page
     * offsets stay with the pages, so that the reverse map finds them at the new place.
     */
    @KernelFunction(value = "relocate_vma_down", file = "mm/vma_exec.c")
    private int relocate(MmStruct mm, Vma vma, long shift) {
        long oldStart = vma.start();
        long oldEnd = vma.end();
        long newStart = oldStart - shift;
        long newEnd = oldEnd - shift;
        if (shift < 0 || newStart < 0 || mm.vmas().intersection(newStart, oldStart) != null) {
            return -Errno.EFAULT;
        }
        try (VmaRelink _ = VmaRelink.open(vma)) {
            mm.vmas().setBounds(vma, newStart, oldEnd, vma.pgoff());
        }
        PageTableMover mover =
                new PageTableMover(env.tables, mm, env.moveMode, new MremapHook(env.tables.huge(), vma, vma));
        boolean moved = mover.move(oldStart, newStart, oldEnd - oldStart) == oldEnd - oldStart;
        if (!moved) {
            return -Errno.ENOMEM; // the program is not started: everything goes with its address space
        }
        MmuGather gather = env.gather(mm, false);
        Vma above = vma.next();
        long ceiling = above == null ? 0 : above.start();
        env.reaper.freePgtables(mm, gather, Math.max(newEnd, oldStart), oldEnd, newEnd, ceiling);
        env.finish(gather);
        try (VmaRelink _ = VmaRelink.open(vma)) {
            mm.vmas().setBounds(vma, newStart, newEnd, vma.pgoff());
        }
        return 0;
    }
}

package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;

/** mprotect(2). */
public final class Mprotect {
    private static final int KNOWN = Prot.READ | Prot.WRITE | Prot.EXEC | Prot.SEM;

    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Mprotect(OpEnv env) {
        this.env = env;
    }

    /**
     * Sets the rights of a range. On an error in the middle, what lies before it keeps its new rights, as on Linux.
     *
     * @param prot {@link Prot} bits
     * @return 0; -EINVAL (address not on a page, or inside a huge page of the pool, unknown bits, PROT_GROWS* on a
     *     mapping that does not), -ENOMEM (hole, wrap, limit), -EACCES (more than the file was opened for), -EPERM
     *     (sealed)
     */
    @KernelFunction(value = "do_mprotect_pkey", file = "mm/mprotect.c")
    public long run(MmStruct mm, FaultContext ctx, long start, long length, int prot) {
        int grows = prot & (Prot.GROWSDOWN | Prot.GROWSUP);
        int rights = prot & ~(Prot.GROWSDOWN | Prot.GROWSUP);
        if (grows == (Prot.GROWSDOWN | Prot.GROWSUP) || MmLayout.offsetInPage(start)) {
            return -Errno.EINVAL;
        }
        if (length == 0) {
            return 0;
        }
        long end = start + MmLayout.pageAlign(length);
        if (Long.compareUnsigned(end, start) <= 0) {
            return -Errno.ENOMEM;
        }
        if ((rights & ~KNOWN) != 0) {
            return -Errno.EINVAL;
        }
        mm.mmapLock().writeLock();
        try {
            return new Change(mm, ctx, VmFlags.ofProt(rights)).run(start, end, grows);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    /** One call under the lock. */
    private final class Change {
        private final MmStruct mm;
        private final FaultContext ctx;
        private final long access;
        private final ProtectionChange entries = new ProtectionChange(env.tables);

        Change(MmStruct mm, FaultContext ctx, long access) {
            this.mm = mm;
            this.ctx = ctx;
            this.access = access;
        }

        int run(long from, long to, int grows) {
            long start = from;
            Vma vma = start < 0 ? null : mm.vmas().intersection(start, to < 0 ? Long.MAX_VALUE : to);
            if (vma == null) {
                return -Errno.ENOMEM;
            }
            if ((grows & Prot.GROWSDOWN) != 0) {
                start = vma.start();
                if (!vma.has(VmFlags.GROWSDOWN)) {
                    return -Errno.EINVAL;
                }
            } else if (vma.start() > start) {
                return -Errno.ENOMEM;
            } else if ((grows & Prot.GROWSUP) != 0) {
                return -Errno.EINVAL;
            }
            return each(vma, start, to);
        }

        private int each(Vma first, long from, long to) {
            Vma vma = first;
            long start = from;
            while (Long.compareUnsigned(start, to) < 0) {
                if (vma == null || vma.start() > start) {
                    return -Errno.ENOMEM;
                }
                long newFlags = access | vma.flags() & ~VmFlags.ACCESS_FLAGS;
                if ((newFlags & ~(newFlags >> 4) & VmFlags.ACCESS_FLAGS) != 0) {
                    return -Errno.EACCES;
                }
                long end = Long.compareUnsigned(vma.end(), to) < 0 ? vma.end() : to;
                int error = fixup(vma, start, end, newFlags);
                if (error != 0) {
                    return error;
                }
                start = end;
                vma = mm.vmas().find(start);
            }
            return 0;
        }

        /** One mapping's part: limits, then the shape, then the entries, then the accounts. */
        @KernelFunction(value = "mprotect_fixup", file = "mm/mprotect.c")
        @RequiresLock("MMAP_LOCK")
        private int fixup(Vma vma, long start, long end, long wanted) {
            long oldFlags = vma.flags();
            long newFlags = wanted;
            if ((oldFlags & VmFlags.SEALED) != 0) {
                return -Errno.EPERM;
            }
            if (newFlags == oldFlags) {
                return 0;
            }
            int refused = VmaSplit.mayCutOut(vma, start, end);
            if (refused != 0) {
                return refused;
            }
            long pages = end - start >>> MmLayout.PAGE_SHIFT;
            long charged = 0;
            if ((newFlags & VmFlags.WRITE) != 0) {
                if (!mm.mayExpand(newFlags, pages) && mm.mayExpand(oldFlags, pages)) {
                    return -Errno.ENOMEM;
                }
                if ((oldFlags
                                & (VmFlags.ACCOUNT
                                        | VmFlags.WRITE
                                        | VmFlags.HUGETLB
                                        | VmFlags.SHARED
                                        | VmFlags.NORESERVE))
                        == 0) {
                    if (mm.commit().charge(pages) != 0) {
                        return -Errno.ENOMEM;
                    }
                    charged = pages;
                    newFlags |= VmFlags.ACCOUNT;
                }
            } else if ((oldFlags & VmFlags.ACCOUNT) != 0 && vma.isAnonymous() && vma.anonVma() == null) {
                // Nothing has been written yet, so the promise can be taken back.
                newFlags &= ~VmFlags.ACCOUNT;
            }
            Vma changed = VmaMerge.modifyFlags(vma, start, end, newFlags);
            if (changed == null) {
                mm.commit().uncharge(charged);
                return -Errno.ENOMEM;
            }
            changed.setFlags(newFlags);
            entries.apply(changed, start, end);
            if ((oldFlags & VmFlags.ACCOUNT) != 0 && (newFlags & VmFlags.ACCOUNT) == 0) {
                mm.commit().uncharge(pages);
            }
            if ((oldFlags & (VmFlags.WRITE | VmFlags.SHARED | VmFlags.LOCKED)) == VmFlags.LOCKED
                    && (newFlags & VmFlags.WRITE) != 0) {
                env.populate.populateVma(mm, changed, start, end, ctx);
            }
            mm.account(oldFlags, -pages);
            mm.account(newFlags, pages);
            return 0;
        }
    }
}

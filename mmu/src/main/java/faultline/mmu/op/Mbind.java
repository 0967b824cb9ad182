package faultline.mmu.op;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.policy.Mempolicy;
import faultline.mmu.policy.NodeMask;

/**
 * mbind(2) and set_mempolicy_home_node(2): the memory policy of a range, which becomes mappings of its own where it
 * ends within some. All pages are on the machine's one node; moving them (MPOL_MF_MOVE) leaves them there.
 */
public final class Mbind {
    public static final int MF_STRICT = 1;
    public static final int MF_MOVE = 1 << 1;
    public static final int MF_MOVE_ALL = 1 << 2;

    private static final int MF_VALID = MF_STRICT | MF_MOVE | MF_MOVE_ALL;

    private final OpEnv env;

    /** The operation, on the address spaces of one machine. */
    public Mbind(OpEnv env) {
        this.env = env;
    }

    /**
     * mbind(2).
     *
     * @param mode mode and its flags, let pass by {@link Mempolicy#checkMode}
     * @param nodes as the program named them
     * @param flags {@code MF_…}
     * @param mayMoveAll whether the caller may have others' pages moved (CAP_SYS_NICE)
     * @return 0; -EINVAL (flags, address not on a page, wrap, nodes); -EPERM (MF_MOVE_ALL); -EFAULT (a hole, unless for
     *     the default policy; nothing mapped at all); -EIO (MF_STRICT and a page is elsewhere); -ENOMEM (too many
     *     mappings)
     */
    @KernelFunction(value = "do_mbind", file = "mm/mempolicy.c")
    public long run(MmStruct mm, long start, long length, int mode, NodeMask nodes, int flags, boolean mayMoveAll) {
        if ((flags & ~MF_VALID) != 0) {
            return -Errno.EINVAL;
        }
        if ((flags & MF_MOVE_ALL) != 0 && !mayMoveAll) {
            return -Errno.EPERM;
        }
        long end = start + MmLayout.pageAlign(length);
        if (MmLayout.offsetInPage(start) || Long.compareUnsigned(end, start) < 0) {
            return -Errno.EINVAL;
        }
        if (end == start) {
            return 0;
        }
        if (Mempolicy.checkNodes(mode, nodes) != 0) {
            return -Errno.EINVAL;
        }
        Mempolicy policy = Mempolicy.of(mode, nodes);
        // Pages count as elsewhere by what the program said, not by what became of it.
        boolean strict = policy != null && flags == MF_STRICT && !nodes.hasOnline();
        mm.mmapLock().writeLock();
        try {
            long error = scan(mm, start, end, policy == null, strict);
            return error != 0 ? error : apply(mm, start, end, policy);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    /** Looks for holes, and for pages where none may be, in the order of addresses. */
    @KernelFunction(value = "queue_pages_range", file = "mm/mempolicy.c")
    @RequiresLock("MMAP_LOCK")
    private long scan(MmStruct mm, long start, long end, boolean holesAllowed, boolean strict) {
        Vma first = start < 0 ? null : mm.vmas().intersection(start, end < 0 ? Long.MAX_VALUE : end);
        if (first == null || !holesAllowed && first.start() > start) {
            return -Errno.EFAULT;
        }
        for (Vma v = first; v != null && v.start() < end; v = v.next()) {
            if (!holesAllowed && v.end() < end && (v.next() == null || v.next().start() > v.end())) {
                return -Errno.EFAULT;
            }
            if (strict && NormalPages.any(env.tables, v, Math.max(start, v.start()), Math.min(end, v.end()))) {
                return -Errno.EIO;
            }
        }
        return 0;
    }

    @RequiresLock("MMAP_LOCK")
    private static long apply(MmStruct mm, long start, long end, Mempolicy policy) {
        long at = start;
        for (Vma v = mm.vmas().find(at);
                at < end && v != null && v.start() < end;
                v = mm.vmas().find(at)) {
            at = Math.min(end, v.end());
            int error = bind(v, Math.max(start, v.start()), at, policy);
            if (error != 0) {
                return error;
            }
        }
        return 0;
    }

    /** Gives a part of {@code vma} the policy. @return 0 or -ENOMEM */
    @KernelFunction(value = "mbind_range", file = "mm/mempolicy.c")
    @RequiresLock("MMAP_LOCK")
    private static int bind(Vma vma, long start, long end, Mempolicy policy) {
        if (policy == null ? vma.policy() == null : policy.equals(vma.policy())) {
            return 0;
        }
        Vma changed = VmaMerge.modifyPolicy(vma, start, end, policy);
        if (changed == null) {
            return -Errno.ENOMEM;
        }
        if (changed.file() != null && changed.file().sharedPolicy() != null) {
            changed.file().sharedPolicy().set(changed.pageIndex(start), changed.pageIndex(end), policy);
        }
        changed.setPolicy(policy);
        return 0;
    }

    /**
     * set_mempolicy_home_node(2).
     *
     * @return 0; -EINVAL (address not on a page, flags, no such node, wrap); -ENOENT (no mapping there has a policy);
     *     -EOPNOTSUPP (a policy that is neither of BIND nor of PREFERRED_MANY: mappings before it are changed); -ENOMEM
     */
    @KernelFunction(value = "set_mempolicy_home_node", file = "mm/mempolicy.c")
    public long setHomeNode(MmStruct mm, long start, long length, long node, long flags) {
        long end = start + MmLayout.pageAlign(length);
        if (MmLayout.offsetInPage(start)
                || flags != 0
                || Long.compareUnsigned(node, NodeMask.POSSIBLE) >= 0
                || Long.compareUnsigned(end, start) < 0) {
            return -Errno.EINVAL;
        }
        if (end == start) {
            return 0;
        }
        mm.mmapLock().writeLock();
        try {
            return applyHomeNode(mm, start, end, (int) node);
        } finally {
            mm.mmapLock().writeUnlock();
        }
    }

    @RequiresLock("MMAP_LOCK")
    private static long applyHomeNode(MmStruct mm, long start, long end, int node) {
        long result = -Errno.ENOENT;
        long at = start;
        for (Vma v = mm.vmas().find(at);
                at < end && v != null && v.start() < end;
                v = mm.vmas().find(at)) {
            at = Math.min(end, v.end());
            Mempolicy old = v.policy();
            if (old == null) {
                continue;
            }
            if (!old.takesHomeNode()) {
                return -Errno.EOPNOTSUPP;
            }
            result = bind(v, Math.max(start, v.start()), at, old.withHomeNode(node));
            if (result != 0) {
                return result;
            }
        }
        return result;
    }

    /** The policy that holds at an address of a mapping, or null: the file's own, where that keeps one. */
    @KernelFunction(value = "__get_vma_policy", file = "mm/mempolicy.c")
    @RequiresLock("MMAP_LOCK:read")
    public static Mempolicy policyAt(Vma vma, long address) {
        boolean shared = vma.file() != null && vma.file().sharedPolicy() != null;
        return shared ? vma.file().sharedPolicy().lookup(vma.pageIndex(address)) : vma.policy();
    }
}

package faultline.emulator.syscall.memory;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.op.Mbind;
import faultline.mmu.policy.Mempolicy;
import faultline.mmu.policy.NodeMask;

/** set_mempolicy(2), get_mempolicy(2), mbind(2), set_mempolicy_home_node(2), on a machine of one node. */
final class PolicyCalls implements SyscallFamily {
    private static final int F_NODE = 1;
    private static final int F_ADDR = 1 << 1;
    private static final int F_MEMS_ALLOWED = 1 << 2;

    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.MBIND,
                "mbind",
                (task, start, length, mode, mask, maxnode, flags) ->
                        mbind(task, start, length, (int) mode, mask, maxnode, (int) flags));
        table.register(
                Nr.SET_MEMPOLICY,
                "set_mempolicy",
                (task, mode, mask, maxnode, a3, a4, a5) -> setMempolicy(task, (int) mode, mask, maxnode));
        table.register(Nr.GET_MEMPOLICY, "get_mempolicy", PolicyCalls::getMempolicy);
        table.register(
                Nr.SET_MEMPOLICY_HOME_NODE,
                "set_mempolicy_home_node",
                (task, start, length, node, flags, a4, a5) ->
                        mbind(task).setHomeNode(task.mm(), start, length, node, flags));
    }

    private static Mbind mbind(Task task) {
        return task.kernel().memory().mbind();
    }

    @KernelFunction(value = "kernel_mbind", file = "mm/mempolicy.c")
    private static long mbind(Task task, long start, long length, int mode, long mask, long maxnode, int flags) {
        if (Mempolicy.checkMode(mode) != 0 || NodeMasks.check(task, mask, maxnode) != 0) {
            return -Errno.EINVAL;
        }
        NodeMask nodes = NodeMasks.read(task, mask, maxnode);
        return mbind(task)
                .run(
                        task.mm(),
                        start,
                        length,
                        mode,
                        nodes,
                        flags,
                        task.credentials().effective() == 0);
    }

    @KernelFunction(value = "kernel_set_mempolicy", file = "mm/mempolicy.c")
    private static long setMempolicy(Task task, int mode, long mask, long maxnode) {
        if (Mempolicy.checkMode(mode) != 0 || NodeMasks.check(task, mask, maxnode) != 0) {
            return -Errno.EINVAL;
        }
        NodeMask nodes = NodeMasks.read(task, mask, maxnode);
        if (Mempolicy.checkNodes(mode, nodes) != 0) {
            return -Errno.EINVAL;
        }
        task.setMempolicy(Mempolicy.of(mode, nodes));
        return 0;
    }

    @KernelFunction(value = "kernel_get_mempolicy", file = "mm/mempolicy.c")
    private static long getMempolicy(Task task, long mode, long mask, long maxnode, long address, long flags, long a5) {
        if (mask != 0 && Long.compareUnsigned(maxnode, NodeMask.POSSIBLE) < 0
                || (flags & ~(F_NODE | F_ADDR | F_MEMS_ALLOWED)) != 0) {
            return -Errno.EINVAL;
        }
        if ((flags & F_MEMS_ALLOWED) != 0) {
            return flags != F_MEMS_ALLOWED ? -Errno.EINVAL : tell(task, mode, mask, maxnode, 0, NodeMask.ONLINE);
        }
        if ((flags & F_ADDR) == 0 && address != 0) {
            return -Errno.EINVAL;
        }
        Mempolicy policy = task.mempolicy();
        if ((flags & F_ADDR) != 0) {
            MmStruct mm = task.mm();
            mm.mmapLock().readLock();
            try {
                Vma vma = address < 0 ? null : mm.vmas().lookup(address);
                if (vma == null) {
                    return -Errno.EFAULT;
                }
                policy = Mbind.policyAt(vma, address);
            } finally {
                mm.mmapLock().readUnlock();
            }
        }
        int told = Mempolicy.told(policy);
        if ((flags & F_NODE) != 0) {
            // Of an address: the node of its page, which is made for that. Of a task: where its next page would come
            // from.
            told = (flags & F_ADDR) != 0 ? nodeOf(task, address) : nextNode(policy);
            if (told < 0) {
                return told;
            }
        }
        return tell(task, mode, mask, maxnode, told, Mempolicy.toldNodes(policy));
    }

    private static long tell(Task task, long mode, long mask, long maxnode, int told, NodeMask nodes) {
        if (mode != 0) {
            task.user().putInt(mode, told);
        }
        return mask == 0 ? 0 : NodeMasks.write(task, mask, maxnode, nodes);
    }

    @KernelFunction(value = "lookup_node", file = "mm/mempolicy.c")
    private static int nodeOf(Task task, long address) {
        MmStruct mm = task.mm();
        mm.mmapLock().readLock();
        try {
            long got =
                    task.kernel().memory().gup().getUserPages(mm, task.fault(), address, 1, false, false, null, null);
            return got < 0 ? (int) got : 0;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    private static int nextNode(Mempolicy policy) {
        boolean takesTurns = policy != null
                && (policy.mode() == Mempolicy.INTERLEAVE || policy.mode() == Mempolicy.WEIGHTED_INTERLEAVE);
        return takesTurns ? 0 : -Errno.EINVAL;
    }
}

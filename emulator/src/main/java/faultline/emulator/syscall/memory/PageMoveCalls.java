package faultline.emulator.syscall.memory;

import faultline.emulator.host.Nr;
import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.gup.FollowPage;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.op.Mbind;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.policy.NodeMask;
import faultline.mmu.system.MemorySystem;

/**
 * move_pages(2) and migrate_pages(2) on a machine of one node: arguments and answers; all pages are where they are
 * wanted.
 */
final class PageMoveCalls implements SyscallFamily {
    @Override
    public void register(SyscallTable table) {
        table.register(
                Nr.MOVE_PAGES,
                "move_pages",
                (task, pid, count, pages, nodes, status, flags) ->
                        movePages(task, (int) pid, count, pages, nodes, status, (int) flags));
        table.register(
                Nr.MIGRATE_PAGES,
                "migrate_pages",
                (task, pid, maxnode, from, to, a4, a5) -> migratePages(task, (int) pid, maxnode, from, to));
    }

    private static boolean mayMoveAll(Task task) {
        return task.credentials().effective() == 0;
    }

    /** 0 when the memory of {@code target} may be asked about; -ESRCH (nobody), -EPERM, -EINVAL (it has ended). */
    @KernelFunction(value = "find_mm_struct", file = "mm/migrate.c")
    private static int mayAccess(Task task, Process target) {
        if (target == null) {
            return -Errno.ESRCH;
        }
        if (target != task.process()
                && !task.credentials().mayAccess(target.leader().credentials())) {
            return -Errno.EPERM;
        }
        return target.zombie() || target.space() == null ? -Errno.EINVAL : 0;
    }

    /** The process of a task's id, 0 being the caller's; those that have ended are found, too. */
    private static Process find(Task task, int pid) {
        Task target = pid == 0 ? task : task.kernel().tasks().get(pid);
        return target != null ? target.process() : task.kernel().processes().get(pid);
    }

    @KernelFunction(value = "kernel_move_pages", file = "mm/migrate.c")
    private static long movePages(Task task, int pid, long count, long pages, long nodes, long status, int flags) {
        if ((flags & ~(Mbind.MF_MOVE | Mbind.MF_MOVE_ALL)) != 0) {
            return -Errno.EINVAL;
        }
        if ((flags & Mbind.MF_MOVE_ALL) != 0 && !mayMoveAll(task)) {
            return -Errno.EPERM;
        }
        Process target = find(task, pid);
        int refused = mayAccess(task, target);
        if (refused != 0) {
            return refused;
        }
        MmStruct mm = target.space().mm();
        for (long i = 0; Long.compareUnsigned(i, count) < 0; i++) {
            long address = task.user().getLong(pages + i * Long.BYTES);
            if (nodes != 0) {
                int node = task.user().getInt(nodes + i * Integer.BYTES);
                if (node < 0 || node >= NodeMask.POSSIBLE) {
                    return -Errno.ENODEV;
                }
            }
            task.user().putInt(status + i * Integer.BYTES, statusOf(task, mm, address));
        }
        return 0;
    }

    /**
     * The node of the page at an address; -EFAULT where nothing is mapped or the page of zeros stands; -ENOENT: no
     * page.
     */
    @KernelFunction(value = "do_pages_stat_array", file = "mm/migrate.c")
    private static int statusOf(Task task, MmStruct mm, long address) {
        MemorySystem memory = task.kernel().memory();
        mm.mmapLock().readLock();
        try {
            Vma vma = address < 0 ? null : mm.vmas().lookup(address);
            if (vma == null) {
                return -Errno.EFAULT;
            }
            long pfn = memory.gup().follow().followPage(mm, address, 0, task.fault());
            if (pfn == FollowPage.NONE) {
                return -Errno.ENOENT;
            }
            return memory.phys().frames().test(pfn, PageFlags.ZERO) ? -Errno.EFAULT : 0;
        } finally {
            mm.mmapLock().readUnlock();
        }
    }

    @KernelFunction(value = "kernel_migrate_pages", file = "mm/mempolicy.c")
    private static long migratePages(Task task, int pid, long maxnode, long from, long to) {
        if (NodeMasks.check(task, from, maxnode) != 0) {
            return -Errno.EINVAL;
        }
        NodeMasks.read(task, from, maxnode);
        if (NodeMasks.check(task, to, maxnode) != 0) {
            return -Errno.EINVAL;
        }
        NodeMask wanted = NodeMasks.read(task, to, maxnode);
        Process target = find(task, pid);
        int refused = mayAccess(task, target);
        if (refused != 0) {
            return refused;
        }
        if (!wanted.isOnline() && !mayMoveAll(task)) {
            return -Errno.EPERM;
        }
        return wanted.hasOnline() ? 0 : -Errno.EINVAL;
    }
}

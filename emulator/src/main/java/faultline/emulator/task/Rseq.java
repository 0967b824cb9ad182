package faultline.emulator.task;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.gup.UserMemory;
import faultline.mmu.mm.MmLayout;

/**
 * A task's restartable sequences (rseq(2)): a few instructions that do the whole of their work, up to one last store,
 * without another task on the same processor or a signal handler in between; else they begin again at their abort
 * handler.
 *
 * <pre>
 *   struct rseq:     u32 cpu_id_start | u32 cpu_id | u64 rseq_cs | u32 flags | u32 node_id | u32 mm_cid
 *   struct rseq_cs:  u32 version | u32 flags | u64 start_ip | u64 post_commit_offset | u64 abort_ip
 * </pre>
 *
 * There is one processor, number 0, and each address space's threads are on it one at a time: cpu_id, node_id and
 * mm_cid are 0 from registration on. What is left is to abort: after a task's guest code was stopped so that others
 * could run ({@link #resume}), and before a handler's frame is written. Called on the task's own thread.
 */
public final class Rseq {
    /** Bytes of the structure that say something: AT_RSEQ_FEATURE_SIZE. */
    public static final int FEATURE_SIZE = 28;

    /** AT_RSEQ_ALIGN, and the size of the structure in its first form. */
    public static final int ALIGN = 32;

    private static final int UNREGISTER = 1;
    private static final int CPU_ID = 4;
    private static final int CRITICAL_SECTION = 8;
    private static final int FLAGS = 16;
    private static final int NODE_ID = 20;
    private static final int MM_CID = 24;
    private static final int UNINITIALIZED = -1;

    private final Task task;
    private long address;
    private int length;
    private int signature;

    Rseq(Task task) {
        this.task = task;
    }

    /** rseq(2). Returns 0 or -errno. */
    @KernelFunction(value = "sys_rseq", file = "kernel/rseq.c")
    public long call(long area, int size, int flags, int sig) {
        if ((flags & UNREGISTER) != 0) {
            return unregister(area, size, flags, sig);
        }
        if (flags != 0) {
            return -Errno.EINVAL;
        }
        if (address != 0) {
            boolean same = address == area && length == size;
            return !same ? -Errno.EINVAL : signature != sig ? -Errno.EPERM : -Errno.EBUSY;
        }
        if (Integer.compareUnsigned(size, ALIGN) < 0 || (area & ALIGN - 1) != 0) {
            return -Errno.EINVAL;
        }
        if (!UserMemory.accessOk(area, size & 0xffff_ffffL) || area == 0) {
            return -Errno.EFAULT;
        }
        task.user().putLong(area + CRITICAL_SECTION, 0);
        show(area, 0);
        address = area;
        length = size;
        signature = sig;
        return 0;
    }

    private long unregister(long area, int size, int flags, int sig) {
        if (flags != UNREGISTER || address == 0 || address != area || length != size) {
            return -Errno.EINVAL;
        }
        if (signature != sig) {
            return -Errno.EPERM;
        }
        show(area, UNINITIALIZED);
        forget();
        return 0;
    }

    private void show(long area, int cpu) {
        task.user().putInt(area, 0);
        task.user().putInt(area + CPU_ID, cpu);
        task.user().putInt(area + NODE_ID, 0);
        task.user().putInt(area + MM_CID, 0);
    }

    /** What execve does, and a clone that shares memory. */
    void forget() {
        address = 0;
        length = 0;
        signature = 0;
    }

    /** What fork does: the copy of the memory has a copy of the structure. */
    void copyFrom(Rseq parent) {
        address = parent.address;
        length = parent.length;
        signature = parent.signature;
    }

    /**
     * Goes to the abort handler where the task is in the middle of a sequence. A structure that is broken, or a handler
     * without the signature before it, is a SIGSEGV.
     */
    @KernelFunction(value = "__rseq_handle_notify_resume", file = "kernel/rseq.c")
    public void resume() {
        if (address == 0) {
            return;
        }
        try {
            long section = task.user().getLong(address + CRITICAL_SECTION);
            if (section != 0 && !abort(section)) {
                SignalSender.force(task, SigInfo.kernel(Signals.SIGSEGV));
            }
        } catch (UserFault e) {
            SignalSender.force(task, SigInfo.kernel(Signals.SIGSEGV));
        }
    }

    @KernelFunction(value = "rseq_ip_fixup", file = "kernel/rseq.c")
    private boolean abort(long section) {
        if (!isUser(section)) {
            return false;
        }
        int version = task.user().getInt(section);
        int flags = task.user().getInt(section + 4);
        long start = task.user().getLong(section + 8);
        long size = task.user().getLong(section + 16);
        long handler = task.user().getLong(section + 24);
        boolean handlerInside = Long.compareUnsigned(handler - start, size) < 0;
        if (version != 0 || !isUser(start) || !isUser(start + size) || !isUser(handler) || handlerInside) {
            return false;
        }
        if (task.user().getInt(handler - Integer.BYTES) != signature) {
            return false;
        }
        long ip = task.cpuState().get(CpuState.RIP);
        boolean inside = Long.compareUnsigned(ip - start, size) < 0;
        // bits that asked not to be restarted were taken back in Linux 6.1
        if (inside && (flags != 0 || task.user().getInt(address + FLAGS) != 0)) {
            return false;
        }
        task.user().putLong(address + CRITICAL_SECTION, 0);
        if (inside) {
            task.cpuState().set(CpuState.RIP, handler);
        }
        return true;
    }

    private static boolean isUser(long at) {
        return Long.compareUnsigned(at, MmLayout.TASK_SIZE) < 0;
    }
}

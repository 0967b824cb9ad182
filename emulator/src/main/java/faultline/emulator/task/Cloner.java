package faultline.emulator.task;

import faultline.emulator.cgroup.Cgroup;
import faultline.emulator.cpu.CpuState;
import faultline.emulator.fs.CgroupNode;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.ptrace.PtraceStops;
import faultline.emulator.signal.SignalHandlers;
import faultline.emulator.syscall.Restart;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmStruct;

/** Makes tasks: threads of a process, or processes with shared or copied memory (kernel/fork.c). */
public final class Cloner {
    private final Task parent;
    private final Process process;
    private final Kernel kernel;
    private final CloneRequest request;

    private Cloner(Task parent, CloneRequest request) {
        this.parent = parent;
        this.process = parent.process();
        this.kernel = parent.kernel();
        this.request = request;
    }

    /** Returns the new task's id, as the parent sees it, or -errno. */
    @KernelFunction(value = "kernel_clone", file = "kernel/fork.c")
    public static long clone(Task parent, CloneRequest request) {
        int error = check(request);
        if (error == 0 && parent.kernel().tasks().size() >= Kernel.THREADS_MAX) {
            error = -Errno.EAGAIN;
        }
        return error != 0 ? error : new Cloner(parent, request).run();
    }

    @KernelFunction(value = "copy_process", file = "kernel/fork.c")
    private static int check(CloneRequest request) {
        if (request.has(CloneRequest.FS) && request.has(CloneRequest.NEWNS)
                || request.has(CloneRequest.FS) && request.has(CloneRequest.NEWUSER)
                || request.has(CloneRequest.THREAD) && !request.has(CloneRequest.SIGHAND)
                || request.has(CloneRequest.SIGHAND) && !request.has(CloneRequest.VM)
                || request.has(CloneRequest.SIGHAND) && request.has(CloneRequest.CLEAR_SIGHAND)
                || request.has(CloneRequest.THREAD) && request.has(CloneRequest.NEWUSER | CloneRequest.NEWPID)) {
            return -Errno.EINVAL;
        }
        if (request.has(CloneRequest.NAMESPACES)) {
            return -Errno.EPERM;
        }
        if (request.has(CloneRequest.PIDFD)
                && (request.has(CloneRequest.THREAD)
                        || request.has(CloneRequest.DETACHED)
                        || request.has(CloneRequest.PARENT_SETTID) && request.pidfd() == request.parentTid())) {
            // of a thread as before 6.9: a descriptor is of a whole process
            return -Errno.EINVAL;
        }
        return 0;
    }

    private long run() {
        return request.has(CloneRequest.THREAD) ? thread() : process();
    }

    private long thread() {
        int refused = kernel.cgroups().mayAddThread(process);
        if (refused != 0) {
            return refused;
        }
        int tid = kernel.pids().allocate();
        Task child = kernel.newTask(tid, process);
        prepare(child);
        boolean dying;
        synchronized (process.handlers()) {
            dying = process.group().exiting() || parent.killed();
            if (!dying) {
                child.setSeccomp(parent.seccomp()); // again: a sibling may have set all tasks' meanwhile
                process.tasks().add(child);
            }
        }
        if (dying) {
            child.releaseFiles();
            return -Restart.ERESTARTNOINTR;
        }
        announce(child);
        PtraceStops.prepareChild(parent, child, request);
        kernel.start(child);
        PtraceStops.cloned(parent, tid, request);
        return tid;
    }

    private long process() {
        UserSpace space = newSpace();
        if (space == null) {
            return -Errno.ENOMEM;
        }
        int pid = kernel.pids().allocate();
        SignalHandlers handlers = request.has(CloneRequest.SIGHAND)
                ? process.handlers()
                : process.handlers().copy();
        if (request.has(CloneRequest.CLEAR_SIGHAND)) {
            handlers.resetForExec();
        }
        Process child = new Process(kernel, pid, handlers, new Rlimits(process.rlimits()));
        if (request.has(CloneRequest.SIGHAND)) {
            child.shareHandlers();
            process.shareHandlers();
        }
        if (!request.has(CloneRequest.VM)) {
            space.mm().setLimits(kernel.limits(child));
        }
        long refused = joinGroup(child);
        if (refused != 0) {
            space.put();
            return refused;
        }
        child.setSpace(space);
        child.inherit(process);
        child.setExitSignal(request.exitSignal());
        Task task = kernel.newTask(pid, child);
        prepare(task);
        // after the descriptors were copied: the child does not get its own
        long noDescriptor = request.has(CloneRequest.PIDFD) ? openDescriptor(child) : 0;
        if (noDescriptor < 0) {
            task.releaseFiles();
            space.put();
            kernel.cgroups().exit(child);
            kernel.cgroups().release(child);
            return noDescriptor;
        }
        child.tasks().add(task);
        child.setLeader(task);
        synchronized (kernel.familyLock()) {
            Process family = request.has(CloneRequest.PARENT) ? process.parent() : process;
            child.setParent(family);
            family.children().add(child);
            kernel.add(child);
        }
        VforkWait vfork = null;
        if (request.has(CloneRequest.VFORK)) {
            vfork = new VforkWait(parent);
            task.setVfork(vfork);
        }
        announce(task);
        PtraceStops.prepareChild(parent, task, request);
        kernel.start(task);
        PtraceStops.cloned(parent, pid, request);
        if (vfork != null) {
            vfork.await();
            PtraceStops.vforkDone(parent, pid);
        }
        return pid;
    }

    /** The child's control group: its parent's, or the one that was asked for. Returns 0 or -errno. */
    @KernelFunction(value = "cgroup_css_set_fork", file = "kernel/cgroup/cgroup.c")
    private long joinGroup(Process child) {
        if (!request.has(CloneRequest.INTO_CGROUP)) {
            return kernel.cgroups().fork(process, child, null);
        }
        OpenFile directory = parent.files().get((int) request.cgroup());
        if (directory == null) {
            return -Errno.EBADF;
        }
        try {
            CgroupNode group = parent.fs().root().cgroups().groupOf(directory);
            return group == null ? -Errno.EBADF : kernel.cgroups().fork(process, child, (Cgroup) group);
        } finally {
            directory.put();
        }
    }

    /** Makes a descriptor of the child among the parent's, and tells its number. Returns 0 or -errno. */
    private long openDescriptor(Process child) {
        PidFile file = PidFile.open(child, 0);
        if (file == null) {
            return -Errno.EMFILE;
        }
        int fd = parent.files().install(file, 0, true, process.rlimits().soft(Rlimits.NOFILE));
        if (fd < 0) {
            file.put();
            return fd;
        }
        if (!parent.user().tryPutInt(request.pidfd(), fd)) {
            parent.files().close(fd);
            return -Errno.EFAULT;
        }
        return 0;
    }

    /** The child's memory: the parent's own with CLONE_VM, else a copy-on-write copy. Null without memory. */
    @KernelFunction(value = "copy_mm", file = "kernel/fork.c")
    private UserSpace newSpace() {
        if (request.has(CloneRequest.VM)) {
            return process.space().share();
        }
        MmStruct from = process.space().mm();
        UserSpace copy = kernel.newSpace(from.limits(), process.exec().path());
        if (copy != null) {
            copy.setExecutable(process.space().executable().again());
        }
        if (copy != null && kernel.memory().fork().dupMmap(copy.mm(), from, parent.fault()) != 0) {
            copy.put();
            return null;
        }
        return copy;
    }

    private void prepare(Task child) {
        child.setFiles(
                request.has(CloneRequest.FILES)
                        ? parent.files().share()
                        : parent.files().copy(),
                request.has(CloneRequest.FS) ? parent.fs().share() : parent.fs().copy());
        child.cpuState().copyFrom(parent.cpuState());
        child.cpuState().set(CpuState.RAX, 0);
        if (request.stack() != 0) {
            child.cpuState().set(CpuState.RSP, request.stack());
        }
        if (request.has(CloneRequest.SETTLS)) {
            child.cpuState().set(CpuState.FS_BASE, request.tls());
        }
        boolean keepAltStack = !request.has(CloneRequest.VM) || request.has(CloneRequest.VFORK);
        child.signals().inherit(parent.signals(), keepAltStack);
        if (!request.has(CloneRequest.VM)) {
            child.rseq().copyFrom(parent.rseq());
        }
        child.scheduling().copyFrom(parent.scheduling());
        child.setMempolicy(parent.mempolicy());
        child.setSeccomp(parent.seccomp());
        child.setName(parent.name());
        child.failures().setWanted(parent.failures().wanted()); // fail-nth is the parent's own
        if (request.has(CloneRequest.CHILD_CLEARTID)) {
            child.setClearChildTid(request.childTid());
        }
    }

    /** Tells ids where they were asked for. An address that cannot be written is nobody's error, as on Linux. */
    private void announce(Task child) {
        if (request.has(CloneRequest.PARENT_SETTID)) {
            parent.user().tryPutInt(request.parentTid(), child.tid());
        }
        if (request.has(CloneRequest.CHILD_SETTID)) {
            child.user().tryPutInt(request.childTid(), child.tid());
        }
    }
}

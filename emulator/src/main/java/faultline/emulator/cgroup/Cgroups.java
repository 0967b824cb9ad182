package faultline.emulator.cgroup;

import faultline.emulator.signal.SignalSender;
import faultline.emulator.signal.Signals;
import faultline.emulator.syscall.Restart;
import faultline.emulator.task.Kernel;
import faultline.emulator.task.Process;
import faultline.emulator.task.Task;
import faultline.emulator.task.UserSpace;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.memcg.MemCgroups;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/** The hierarchy of groups of one machine; its monitor guards all of it. */
public final class Cgroups {
    private static final int NAME_MAX = 255;
    private static final String CONFINED = "guest";

    private final Kernel kernel;
    private final MemCgroups memCgroups;
    private final Map<String, ControlFile> files = new LinkedHashMap<>();
    private final Cgroup root;

    public Cgroups(Kernel kernel, MemCgroups memCgroups) {
        this.kernel = kernel;
        this.memCgroups = memCgroups;
        CoreFiles.all().forEach(file -> files.put(file.name(), file));
        MemoryFiles.all(memCgroups, kernel.memory().phys().frames()).forEach(file -> files.put(file.name(), file));
        PidsFiles.all().forEach(file -> files.put(file.name(), file));
        this.root = new Cgroup(this, null, "");
        memCgroups.setCurrent(Cgroups::memoryOfCurrent);
    }

    /** The root group. */
    public Cgroup root() {
        return root;
    }

    MemCgroups memCgroups() {
        return memCgroups;
    }

    Collection<ControlFile> files() {
        return files.values();
    }

    ControlFile file(String name) {
        return files.get(name);
    }

    /** Who is charged for what the calling thread does; null for the root group, or a thread that is no task's. */
    public static MemCgroup memoryOfCurrent() {
        Task task = Task.currentOrNull();
        return task == null ? null : task.process().cgroup().effectiveMemory();
    }

    /** /proc/cgroups. */
    @KernelFunction("proc_cgroupstats_show")
    public synchronized String controllers() {
        StringBuilder text = new StringBuilder("#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
        int groups = 1 + root.descendants();
        for (Controller controller : Controller.values()) {
            text.append("%s\t0\t%d\t1\n".formatted(controller.label(), groups));
        }
        return text.toString();
    }

    // ---- groups

    @KernelFunction("cgroup_mkdir")
    synchronized long mkdir(Cgroup parent, String name) {
        if (name.indexOf('\n') >= 0) {
            return -Errno.EINVAL;
        }
        if (parent.isDead()) {
            return -Errno.ENODEV;
        }
        if (name.length() > NAME_MAX || parent.childrenByName().containsKey(name)) {
            return name.length() > NAME_MAX ? -Errno.ENAMETOOLONG : -Errno.EEXIST;
        }
        int level = 1;
        for (Cgroup at = parent; at != null; at = at.parent(), level++) {
            if (at.descendants() >= at.maxDescendants() || level > at.maxDepth()) {
                return -Errno.EAGAIN;
            }
        }
        parent.childrenByName().put(name, new Cgroup(this, parent, name));
        return 0;
    }

    @KernelFunction("cgroup_destroy_locked")
    synchronized long rmdir(Cgroup group) {
        if (group.isRoot() || group.isPopulated() || group.descendants() != 0) {
            return -Errno.EBUSY;
        }
        group.die();
        group.parent().childrenByName().remove(group.name());
        return 0;
    }

    // ---- processes

    /** A process is known to all: that its group has it, is said here for the machine's first one. */
    public synchronized void adopt(Process process) {
        process.cgroup().members().add(process);
    }

    /** The machine's first process begins in a group of its own, which may have no more than some pages. */
    public synchronized void confine(Process process, long pages) {
        root.subtreeControl().add(Controller.MEMORY);
        mkdir(root, CONFINED);
        Cgroup group = root.childrenByName().get(CONFINED);
        group.memory().memory().setMax(pages);
        group.members().add(process);
        process.setCgroup(group);
    }

    /**
     * A process is being made: it joins its parent's group, or the one that CLONE_INTO_CGROUP asks for.
     *
     * @param into null for the parent's
     * @return 0; -EAGAIN at a limit of tasks; -EBUSY, -ENODEV when the group takes none; or the call is to be made
     *     again, after the signal that ends the parent
     */
    @KernelFunction("cgroup_can_fork")
    public synchronized int fork(Process parent, Process child, Cgroup into) {
        Cgroup group = into == null ? parent.cgroup() : into;
        if (parent.group().exiting()) {
            return -Restart.ERESTARTNOINTR;
        }
        int error = group.isDead() ? -Errno.ENODEV : into == null ? 0 : group.mayHost();
        if (error == 0) {
            error = mayAddTask(group);
        }
        if (error == 0) {
            group.members().add(child);
            child.setCgroup(group);
            freeze(child, group.isFreezing());
        }
        return error;
    }

    /** As {@link #fork} of a thread. */
    @KernelFunction("pids_can_fork")
    public synchronized int mayAddThread(Process process) {
        return mayAddTask(process.cgroup());
    }

    private static int mayAddTask(Cgroup group) {
        for (Cgroup at = group; !at.isRoot(); at = at.parent()) {
            if (at.controllers().contains(Controller.PIDS)) {
                long tasks = at.tasks() + 1;
                if (tasks > at.pids().max()) {
                    at.pids().refuse();
                    return -Errno.EAGAIN;
                }
                at.pids().note(tasks);
            }
        }
        return 0;
    }

    /** The last task of a process has ended; or it never had one. */
    @KernelFunction("cgroup_exit")
    public synchronized void exit(Process process) {
        if (process.cgroup().members().remove(process)) {
            process.cgroup().zombies().add(process);
        }
    }

    /** A process that has ended was waited for. */
    @KernelFunction("cgroup_release")
    public synchronized void release(Process process) {
        process.cgroup().zombies().remove(process);
    }

    /** Moves a process. @return 0 or -errno */
    @KernelFunction("cgroup_attach_task")
    synchronized int attach(Cgroup to, Process process) {
        if (to.isDead()) {
            return -Errno.ENODEV;
        }
        int error = to.mayHost();
        if (error != 0 || process.cgroup() == to) {
            return error;
        }
        if (process.cgroup().members().remove(process)) {
            to.members().add(process);
            process.setCgroup(to);
            charge(process);
            freeze(process, to.isFreezing());
        }
        return 0;
    }

    /** What the process' memory is charged to from now on follows its group. */
    private static void charge(Process process) {
        UserSpace space = process.space();
        if (space != null) {
            space.mm().setMemCgroup(process.cgroup().effectiveMemory());
        }
    }

    /** The children of {@code group} have got a controller, or lost it. */
    @KernelFunction("cgroup_apply_control")
    synchronized void refreshMemory(Cgroup group) {
        group.forEach(Cgroup::refreshMemory);
        group.forEach(at -> at.members().forEach(Cgroups::charge));
    }

    @KernelFunction("cgroup_kill")
    synchronized void kill(Cgroup group) {
        group.forEach(at -> at.members().forEach(process -> SignalSender.exitGroup(process, Signals.SIGKILL)));
    }

    @KernelFunction("cgroup_freeze")
    synchronized void freeze(Cgroup group, boolean on) {
        group.setFreeze(on);
        group.forEach(at -> at.members().forEach(process -> freeze(process, at.isFreezing())));
    }

    private static void freeze(Process process, boolean on) {
        synchronized (process.handlers()) {
            if (process.group().frozen() != on) {
                process.group().setFrozen(on);
                process.tasks().forEach(Task::signalWake);
            }
        }
    }

    /** The process that a text names: "0" the caller's own. Null for none. */
    Process find(int pid) {
        if (pid == 0) {
            return Task.currentOrNull().process();
        }
        Task task = kernel.tasks().get(pid);
        return task == null ? null : task.process();
    }
}

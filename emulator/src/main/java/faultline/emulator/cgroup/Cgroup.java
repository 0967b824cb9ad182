package faultline.emulator.cgroup;

import faultline.emulator.fs.CgroupNode;
import faultline.emulator.task.Process;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.memcg.MemCgroup;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/** One group. Guarded by the hierarchy's monitor, but for what is volatile or final. */
@KernelFunction(value = "struct cgroup", file = "include/linux/cgroup-defs.h")
public final class Cgroup implements CgroupNode {
    static final long NO_LIMIT = Long.MAX_VALUE;

    private final Cgroups all;
    private final Cgroup parent;
    private final String name;
    private final Map<String, Cgroup> children = new LinkedHashMap<>();
    /** Processes with a task that has not ended. */
    private final Set<Process> members = new LinkedHashSet<>();
    /** Those that have ended and were not waited for: pids.current counts them. */
    private final Set<Process> zombies = new HashSet<>();

    /** What its children are given. */
    private final Set<Controller> subtreeControl = EnumSet.noneOf(Controller.class);
    /** Its own limits of memory; null where the group above answers for it. */
    private volatile MemCgroup memory;

    private final PidsLimit pids = new PidsLimit();
    private long maxDepth = NO_LIMIT;
    private long maxDescendants = NO_LIMIT;
    private boolean freeze;
    private volatile boolean dead;

    Cgroup(Cgroups all, Cgroup parent, String name) {
        this.all = all;
        this.parent = parent;
        this.name = name;
        refreshMemory();
    }

    Cgroups all() {
        return all;
    }

    Cgroup parent() {
        return parent;
    }

    boolean isRoot() {
        return parent == null;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    @KernelFunction("cgroup_path_ns_locked")
    public String path() {
        return parent == null ? "/" : parent.isRoot() ? "/" + name : parent.path() + "/" + name;
    }

    /** As {@link #path}, for a process that may have outlived it. */
    public String shownPath() {
        return dead ? path() + " (deleted)" : path();
    }

    // ---- controllers

    Set<Controller> subtreeControl() {
        return subtreeControl;
    }

    /** What it could give its children. */
    @KernelFunction("cgroup_control")
    Set<Controller> controllers() {
        return parent == null ? EnumSet.allOf(Controller.class) : parent.subtreeControl;
    }

    /** Who is charged for memory of its processes; null for the root group's. Any thread. */
    @KernelFunction("cgroup_e_css")
    public MemCgroup effectiveMemory() {
        for (Cgroup at = this; at != null; at = at.parent) {
            if (at.memory != null) {
                return at.memory;
            }
        }
        return null;
    }

    /** Its own; null when it has not got the controller. */
    MemCgroup memory() {
        return memory;
    }

    /** Makes or takes away its own limits of memory, as the group above gives it the controller or not. */
    void refreshMemory() {
        boolean has = parent != null && parent.subtreeControl.contains(Controller.MEMORY);
        if (has != (memory != null)) {
            memory = has ? all.memCgroups().create(parent.effectiveMemory()) : null;
        }
    }

    PidsLimit pids() {
        return pids;
    }

    // ---- processes

    /** Those whose group this is, in the order in which they came. */
    Set<Process> members() {
        return members;
    }

    /** Processes that have ended and were not waited for. */
    Set<Process> zombies() {
        return zombies;
    }

    /** Runs {@code body} for this group and all below, from above. */
    void forEach(Consumer<Cgroup> body) {
        body.accept(this);
        new ArrayList<>(children.values()).forEach(child -> child.forEach(body));
    }

    /** Whether it or a group below has a process. */
    @KernelFunction("cgroup_is_populated")
    boolean isPopulated() {
        return !members.isEmpty() || children.values().stream().anyMatch(Cgroup::isPopulated);
    }

    /** Tasks of it and of the groups below, zombies included. */
    long tasks() {
        long[] sum = new long[1];
        forEach(at -> {
            sum[0] += at.zombies.size();
            at.members.forEach(process -> sum[0] += Math.max(1, process.tasks().size()));
        });
        return sum[0];
    }

    /** Whether it can have processes: 0; EBUSY while it gives its children controllers of domains. */
    @KernelFunction("cgroup_migrate_vet_dst")
    int mayHost() {
        boolean couldBeThreaded = isRoot()
                || children.values().stream().noneMatch(Cgroup::isPopulated)
                        && subtreeControl.stream().noneMatch(Controller::isOfDomains);
        return couldBeThreaded || subtreeControl.isEmpty() ? 0 : -Errno.EBUSY;
    }

    // ---- limits of the hierarchy, freezing

    long maxDepth() {
        return maxDepth;
    }

    void setMaxDepth(long depth) {
        maxDepth = depth;
    }

    long maxDescendants() {
        return maxDescendants;
    }

    void setMaxDescendants(long descendants) {
        maxDescendants = descendants;
    }

    int descendants() {
        return children.size()
                + children.values().stream().mapToInt(Cgroup::descendants).sum();
    }

    boolean freeze() {
        return freeze;
    }

    void setFreeze(boolean on) {
        freeze = on;
    }

    /** Whether its processes are to stand still: it, or a group above, is frozen. */
    boolean isFreezing() {
        return freeze || parent != null && parent.isFreezing();
    }

    boolean isDead() {
        return dead;
    }

    void die() {
        dead = true;
    }

    Map<String, Cgroup> childrenByName() {
        return children;
    }

    // ---- as the file system sees it

    @Override
    public Collection<Cgroup> children() {
        synchronized (all) {
            return List.copyOf(children.values());
        }
    }

    @Override
    public List<CgroupNode.Entry> files() {
        synchronized (all) {
            return all.files().stream()
                    .filter(file -> isRoot()
                            ? file.onRoot()
                            : file.controller() == null || controllers().contains(file.controller()))
                    .map(file -> new CgroupNode.Entry(file.name(), file.mode()))
                    .toList();
        }
    }

    @Override
    public boolean isReadable(String file) {
        return all.file(file).reader() != null;
    }

    @Override
    public String read(String file) {
        synchronized (all) {
            return dead ? null : all.file(file).reader().apply(this);
        }
    }

    @Override
    public long write(String file, String text) {
        ControlFile control = all.file(file);
        if (dead) {
            return -Errno.ENODEV;
        }
        return control.writer() == null ? -Errno.EINVAL : control.writer().applyAsLong(this, text);
    }

    @Override
    public long mkdir(String child) {
        return all.mkdir(this, child);
    }

    @Override
    public long rmdir() {
        return all.rmdir(this);
    }

    @Override
    public CgroupNode child(String child) {
        synchronized (all) {
            return children.get(child);
        }
    }
}

package faultline.emulator.cgroup;

import faultline.emulator.task.Process;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** The files of all groups, {@code cgroup.*} (cgroup_base_files). */
final class CoreFiles {
    static final String SUBTREE_CONTROL = "cgroup.subtree_control";

    private CoreFiles() {}

    static List<ControlFile> all() {
        return List.of(
                new ControlFile("cgroup.type", null, false, group -> "domain\n", (group, text) -> makeThreaded(text)),
                new ControlFile("cgroup.procs", null, true, CoreFiles::processes, CoreFiles::attach),
                new ControlFile("cgroup.threads", null, true, CoreFiles::threads, CoreFiles::attachThread),
                new ControlFile("cgroup.controllers", null, true, group -> list(group.controllers()), null),
                new ControlFile(SUBTREE_CONTROL, null, true, group -> list(group.subtreeControl()), CoreFiles::control),
                new ControlFile("cgroup.events", null, false, CoreFiles::events, null),
                new ControlFile(
                        "cgroup.max.descendants",
                        null,
                        true,
                        group -> limit(group.maxDescendants()),
                        (group, text) -> setLimit(group, text, false)),
                new ControlFile(
                        "cgroup.max.depth",
                        null,
                        true,
                        group -> limit(group.maxDepth()),
                        (group, text) -> setLimit(group, text, true)),
                new ControlFile(
                        "cgroup.stat",
                        null,
                        true,
                        group -> "nr_descendants " + group.descendants() + "\nnr_dying_descendants 0\n",
                        null),
                new ControlFile(
                        "cgroup.freeze", null, false, group -> group.freeze() ? "1\n" : "0\n", CoreFiles::freeze),
                new ControlFile("cgroup.kill", null, false, null, CoreFiles::kill));
    }

    private static String list(Set<Controller> controllers) {
        return controllers.stream().map(Controller::label).collect(Collectors.joining(" ", "", "\n"));
    }

    static String limit(long value) {
        return value == Cgroup.NO_LIMIT ? "max\n" : value + "\n";
    }

    /** A number, or "max" for {@link Cgroup#NO_LIMIT}; -EINVAL for anything else. */
    static long number(String text) {
        if (text.strip().equals("max")) {
            return Cgroup.NO_LIMIT;
        }
        try {
            int value = Integer.parseInt(text.strip());
            return value < 0 ? -Errno.ERANGE : value;
        } catch (NumberFormatException e) {
            return -Errno.EINVAL;
        }
    }

    private static long setLimit(Cgroup group, String text, boolean ofDepth) {
        long value = number(text);
        if (value < 0) {
            return value;
        }
        synchronized (group.all()) {
            if (ofDepth) {
                group.setMaxDepth(value);
            } else {
                group.setMaxDescendants(value);
            }
        }
        return 0;
    }

    // ---- processes

    private static String processes(Cgroup group) {
        return group.members().stream().map(process -> process.pid() + "\n").collect(Collectors.joining());
    }

    private static String threads(Cgroup group) {
        return group.members().stream()
                .map(Process::tasks)
                .flatMap(Collection::stream)
                .map(task -> task.tid() + "\n")
                .collect(Collectors.joining());
    }

    @KernelFunction(value = "cgroup_procs_write", file = "kernel/cgroup/cgroup.c")
    private static long attach(Cgroup group, String text) {
        long pid = number(text);
        if (pid < 0 || pid > Integer.MAX_VALUE) {
            return -Errno.EINVAL;
        }
        Process process = group.all().find((int) pid);
        return process == null ? -Errno.ESRCH : group.all().attach(group, process);
    }

    /** A thread is where its process is, and can only be put there. */
    @KernelFunction(value = "cgroup_threads_write", file = "kernel/cgroup/cgroup.c")
    private static long attachThread(Cgroup group, String text) {
        long tid = number(text);
        if (tid < 0 || tid > Integer.MAX_VALUE) {
            return -Errno.EINVAL;
        }
        Process process = group.all().find((int) tid);
        if (process == null) {
            return -Errno.ESRCH;
        }
        return process.cgroup() == group ? 0 : -Errno.EOPNOTSUPP;
    }

    private static long makeThreaded(String text) {
        return text.strip().equals("threaded") ? -Errno.EOPNOTSUPP : -Errno.EINVAL;
    }

    // ---- controllers

    @KernelFunction(value = "cgroup_subtree_control_write", file = "kernel/cgroup/cgroup.c")
    private static long control(Cgroup group, String text) {
        Set<Controller> enable = EnumSet.noneOf(Controller.class);
        Set<Controller> disable = EnumSet.noneOf(Controller.class);
        for (String token : text.strip().split(" ")) {
            if (token.isEmpty()) {
                continue;
            }
            Controller controller = Controller.of(token.substring(1));
            if (controller == null || token.charAt(0) != '+' && token.charAt(0) != '-') {
                return -Errno.EINVAL;
            }
            boolean on = token.charAt(0) == '+';
            (on ? enable : disable).add(controller);
            (on ? disable : enable).remove(controller);
        }
        synchronized (group.all()) {
            return group.isDead() ? -Errno.ENODEV : change(group, enable, disable);
        }
    }

    private static long change(Cgroup group, Set<Controller> enable, Set<Controller> disable) {
        enable.removeAll(group.subtreeControl());
        disable.retainAll(group.subtreeControl());
        if (!group.controllers().containsAll(enable)) {
            return -Errno.ENOENT;
        }
        for (Cgroup child : group.childrenByName().values()) {
            if (disable.stream().anyMatch(child.subtreeControl()::contains)) {
                return -Errno.EBUSY;
            }
        }
        int error = vetEnable(group, enable);
        if (error == 0) {
            group.subtreeControl().addAll(enable);
            group.subtreeControl().removeAll(disable);
            group.all().refreshMemory(group);
        }
        return error;
    }

    /** Processes of a group do not compete with the groups below it. */
    @KernelFunction(value = "cgroup_vet_subtree_control_enable", file = "kernel/cgroup/cgroup.c")
    private static int vetEnable(Cgroup group, Set<Controller> enable) {
        if (enable.isEmpty() || group.isRoot() || group.members().isEmpty()) {
            return 0;
        }
        boolean couldBeThreaded = enable.stream().noneMatch(Controller::isOfDomains)
                && group.subtreeControl().stream().noneMatch(Controller::isOfDomains)
                && group.childrenByName().values().stream().noneMatch(Cgroup::isPopulated);
        return couldBeThreaded ? 0 : -Errno.EBUSY;
    }

    // ---- events, freezing and killing

    private static String events(Cgroup group) {
        return "populated " + (group.isPopulated() ? 1 : 0) + "\nfrozen " + (isFrozen(group) ? 1 : 0) + "\n";
    }

    private static boolean isFrozen(Cgroup group) {
        boolean[] all = {group.isFreezing()};
        group.forEach(at -> at.members()
                .forEach(process ->
                        process.tasks().forEach(task -> all[0] &= task.signals().isStanding())));
        return all[0];
    }

    @KernelFunction(value = "cgroup_freeze_write", file = "kernel/cgroup/cgroup.c")
    private static long freeze(Cgroup group, String text) {
        long value = number(text);
        if (value < 0 || value > 1) {
            return value < 0 ? value : -Errno.ERANGE;
        }
        group.all().freeze(group, value == 1);
        return 0;
    }

    @KernelFunction(value = "cgroup_kill_write", file = "kernel/cgroup/cgroup.c")
    private static long kill(Cgroup group, String text) {
        long value = number(text);
        if (value != 1) {
            return value < 0 ? value : -Errno.ERANGE;
        }
        group.all().kill(group);
        return 0;
    }
}

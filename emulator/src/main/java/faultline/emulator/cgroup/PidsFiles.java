package faultline.emulator.cgroup;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.util.List;

/** The files of {@code pids.*}. */
final class PidsFiles {
    private PidsFiles() {}

    static List<ControlFile> all() {
        return List.of(
                new ControlFile(
                        "pids.max",
                        Controller.PIDS,
                        false,
                        group -> CoreFiles.limit(group.pids().max()),
                        PidsFiles::setMax),
                new ControlFile("pids.current", Controller.PIDS, false, group -> group.tasks() + "\n", null),
                new ControlFile(
                        "pids.peak",
                        Controller.PIDS,
                        false,
                        group -> group.pids().peak() + "\n",
                        null),
                new ControlFile(
                        "pids.events",
                        Controller.PIDS,
                        false,
                        group -> "max " + group.pids().refused() + "\n",
                        null));
    }

    @KernelFunction(value = "pids_max_write", file = "kernel/cgroup/pids.c")
    private static long setMax(Cgroup group, String text) {
        long value = CoreFiles.number(text);
        if (value < 0) {
            return -Errno.EINVAL;
        }
        synchronized (group.all()) {
            group.pids().setMax(value);
        }
        return 0;
    }
}

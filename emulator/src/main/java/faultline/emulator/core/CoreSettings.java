package faultline.emulator.core;

import faultline.emulator.task.Sysctl;
import faultline.mmu.annotation.KernelFunction;

/** What core files are called: kernel.core_pattern and kernel.core_uses_pid of the guest's machine. Any thread. */
public final class CoreSettings implements Sysctl {
    private static final String PATTERN = "kernel/core_pattern";
    private static final String USES_PID = "kernel/core_uses_pid";
    /** Most characters of a pattern (CORENAME_MAX_SIZE, less the 0 behind it). */
    private static final int PATTERN_MOST = 127;

    private volatile String pattern = "core";
    private volatile int usesPid;

    /** As core(5) describes it. */
    String pattern() {
        return pattern;
    }

    /** Whether a name without {@code %p} gets the process' id behind it. */
    boolean usesPid() {
        return usesPid != 0;
    }

    @Override
    public String get(String name) {
        return switch (name) {
            case PATTERN -> pattern;
            case USES_PID -> Integer.toString(usesPid);
            default -> null;
        };
    }

    @Override
    @KernelFunction(value = "proc_dostring_coredump", file = "fs/coredump.c")
    public long set(String name, String value) {
        if (name.equals(PATTERN)) {
            int newline = value.indexOf('\n');
            String line = newline < 0 ? value : value.substring(0, newline);
            pattern = line.substring(0, Math.min(line.length(), PATTERN_MOST));
        } else {
            usesPid = Integer.parseInt(value);
        }
        return 0;
    }
}

package faultline.emulator.cli;

import faultline.emulator.unicorn.UnicornLibrary;
import faultline.emulator.unicorn.UnicornUnavailableException;
import faultline.mmu.phys.PhysicalMemory;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** Says, line by line, what of the machine Faultline needs is there; status 1 when something is missing. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = "Checks this machine for what Faultline needs.")
final class DoctorCommand implements Callable<Integer> {
    private static final long TRIAL_MEMORY = 1L << 30;

    private final PrintStream out = System.out;
    private boolean healthy = true;

    @Override
    public Integer call() {
        line(true, "faultline", Version.text());
        platform();
        unicorn();
        memory();
        if (healthy) {
            trial();
        }
        line(true, "start-up cache", startUpCache());
        return healthy ? 0 : 1;
    }

    private void platform() {
        String os = System.getProperty("os.name") + " " + System.getProperty("os.version");
        String arch = System.getProperty("os.arch");
        boolean linux = System.getProperty("os.name").equals("Linux") && arch.equals("amd64");
        line(linux, "host", os + " " + arch + (linux ? "" : ": guests need a Linux x86-64 host for their files"));
        line(Runtime.version().feature() >= 25, "java", Runtime.version() + " in " + System.getProperty("java.home"));
    }

    private void unicorn() {
        try {
            UnicornLibrary library = UnicornLibrary.load();
            line(true, "libunicorn", library.versionText() + " at " + library.location());
        } catch (UnicornUnavailableException e) {
            line(false, "libunicorn", Trouble.oneLine(e.getMessage()));
        }
    }

    private void memory() {
        try (PhysicalMemory memory = PhysicalMemory.reserve(TRIAL_MEMORY)) {
            line(true, "guest memory", (memory.size() >> 20) + " MiB can be reserved");
        } catch (RuntimeException | OutOfMemoryError e) {
            line(false, "guest memory", Trouble.oneLine(e.getMessage()));
        }
        try {
            String policy =
                    Files.readString(Path.of("/proc/sys/vm/overcommit_memory")).strip();
            line(
                    true,
                    "overcommit",
                    policy.equals("2") ? "strict: --mem counts in full against the limit" : "policy " + policy);
        } catch (IOException e) {
            line(true, "overcommit", "unknown: " + e.getMessage());
        }
    }

    /** A guest that maps memory, writes, protects, moves and reads it back. */
    private void trial() {
        try {
            long start = System.nanoTime();
            int status = WarmUpCommand.once();
            String finding = status == SmallGuest.STATUS
                    ? "ran in " + (System.nanoTime() - start) / 1_000_000 + " ms"
                    : "ended with status " + status + " instead of " + SmallGuest.STATUS;
            line(status == SmallGuest.STATUS, "trial guest", finding);
        } catch (IOException | RuntimeException e) {
            line(false, "trial guest", Trouble.oneLine(e.toString()));
        }
    }

    private static String startUpCache() {
        String option = System.getProperty("faultline.aot", "");
        return option.isEmpty() ? "none (the launcher makes one)" : option;
    }

    private void line(boolean ok, String what, String finding) {
        healthy &= ok;
        out.printf("%-4s %-15s %s%n", ok ? "ok" : "BAD", what, finding);
    }
}

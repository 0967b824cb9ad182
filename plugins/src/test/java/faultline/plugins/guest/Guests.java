package faultline.plugins.guest;

import faultline.emulator.fs.HostFile;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Guests for tests: quiet ones, whose standard output goes nowhere, unless the test wants it. */
public final class Guests {
    private Guests() {}

    private static final int O_RDONLY = 0;
    private static final int O_WRONLY_CREAT_TRUNC = 1 | 0x40 | 0x200;
    private static final int AT_FDCWD = -100;

    /** Gives the guest no input, and sends its standard output and errors to a file; /dev/null will do. */
    public static void redirect(GuestMachine machine, String file) {
        open(machine, 0, "/dev/null", O_RDONLY);
        open(machine, 1, file, O_WRONLY_CREAT_TRUNC);
        open(machine, 2, file, O_WRONLY_CREAT_TRUNC);
    }

    private static void open(GuestMachine machine, int fd, String file, int flags) {
        var process = machine.kernel().first();
        int host = (int) Libc.call(Nr.OPENAT, AT_FDCWD, HostScratch.get().path(file), flags, 0600);
        if (host < 0) {
            throw new AssertionError(file + ": errno " + -host);
        }
        process.files().replace(fd, HostFile.own(process.fs().root(), host), false, 1024);
    }

    /** The program with small memory and a seed, so that each run is the same. */
    public static GuestSpec seeded(String program, String... args) {
        var argv = new java.util.ArrayList<String>(List.of(program));
        argv.addAll(List.of(args));
        return new GuestSpec(
                program,
                argv,
                List.of("PATH=/bin:/usr/bin"),
                null,
                Path.of("/"),
                64L << 20,
                1L,
                "split",
                "pmd",
                Map.of());
    }
}

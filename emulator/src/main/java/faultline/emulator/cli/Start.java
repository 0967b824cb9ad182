package faultline.emulator.cli;

/**
 * Where Java starts. {@code run PROGRAM [ARGS…]} without options goes straight to the machine: picocli's classes are in
 * a format too old for Java's start-up cache, and loading and linking them would take a third of the start.
 */
public final class Start {
    private Start() {}

    public static void main(String[] args) {
        // a thread beside the machine: nobody waits for it, so nobody else would tell
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, mistake) -> Runtime.getRuntime().halt(Trouble.report(mistake)));
        System.exit(isPlainRun(args) ? plainRun(args) : command(args));
    }

    private static int command(String... args) {
        StandardOutput output = StandardOutput.install();
        return output.check(Main.execute(args));
    }

    static boolean isPlainRun(String... args) {
        return args.length > 1 && args[0].equals("run") && !args[1].startsWith("-");
    }

    static int plainRun(String... args) {
        try {
            return GuestRunner.run(MachineOptions.plain(args).spec());
        } catch (RuntimeException | Error e) {
            return Trouble.report(e);
        }
    }
}

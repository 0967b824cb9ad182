package faultline.emulator.cli;

/** What Faultline's own exit statuses mean, as shells and {@code env} use them. */
public final class ExitStatus {
    /** Faultline itself could not do what was asked. */
    public static final int TROUBLE = 125;
    /** The program is there and cannot be executed. */
    public static final int NOT_EXECUTABLE = 126;
    /** There is no such program. */
    public static final int NOT_FOUND = 127;
    /** Added to the number of the signal that killed the guest. */
    public static final int SIGNAL = 128;

    private ExitStatus() {}
}

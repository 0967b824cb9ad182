package faultline.emulator.elf;

/** A file that cannot be executed, and why; {@link #errno} is what execve(2) returns for it. */
public final class ElfException extends Exception {
    private final int errno;
    private final boolean late;

    public ElfException(int errno, String message) {
        this(errno, message, false);
    }

    private ElfException(int errno, String message, boolean late) {
        super(message);
        this.errno = errno;
        this.late = late;
    }

    /** One that Linux meets only when it maps the segments. */
    static ElfException late(int errno, String message) {
        return new ElfException(errno, message, true);
    }

    /** This, saying first which file it is about. */
    public ElfException about(String file) {
        return new ElfException(errno, file + ": " + getMessage(), late);
    }

    /**
     * Whether the old program is gone by the time Linux notices (behind {@code begin_new_exec}): execve(2) then does
     * not return, and SIGSEGV kills the process.
     */
    public boolean isLate() {
        return late;
    }

    /** Positive errno: ENOEXEC, ENOMEM, EIO, … */
    public int errno() {
        return errno;
    }
}

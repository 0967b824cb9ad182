package faultline.emulator.elf;

/** A file that cannot be executed, and why; {@link #errno} is what execve(2) returns for it. */
public final class ElfException extends Exception {
    private final int errno;

    public ElfException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    /** Positive errno: ENOEXEC, ENOMEM, EIO, … */
    public int errno() {
        return errno;
    }
}

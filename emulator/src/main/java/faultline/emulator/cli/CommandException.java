package faultline.emulator.cli;

/** Ends a command with one line on standard error and an exit status. */
public final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;

    /**
     * @param status the exit status, see {@link ExitStatus}
     * @param message what went wrong and what can be done about it, without a full stop
     */
    public CommandException(int status, String message) {
        this(status, message, null);
    }

    public CommandException(int status, String message, Throwable cause) {
        super(message, cause);
        this.status = status;
    }

    public int status() {
        return status;
    }
}

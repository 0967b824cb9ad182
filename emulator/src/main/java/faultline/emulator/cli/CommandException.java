package faultline.emulator.cli;

/**
 * Ends a command with one line on standard error, lines that show the place below it if need be, and an exit status.
 */
public final class CommandException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String shown;

    /**
     * @param status the exit status, see {@link ExitStatus}
     * @param message what went wrong and what can be done about it, without a full stop
     */
    public CommandException(int status, String message) {
        this(status, message, null);
    }

    public CommandException(int status, String message, Throwable cause) {
        this(status, message, "", cause);
    }

    /** @param shown lines to print as they are below the message, such as an expression and a mark at a column of it */
    public CommandException(int status, String message, String shown, Throwable cause) {
        super(message, cause);
        this.status = status;
        this.shown = shown;
    }

    public int status() {
        return status;
    }

    String shown() {
        return shown;
    }
}

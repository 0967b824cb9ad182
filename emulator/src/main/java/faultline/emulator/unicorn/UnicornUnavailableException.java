package faultline.emulator.unicorn;

/** libunicorn was not found, could not be loaded, or is too old; the message tells the user what to do. */
public final class UnicornUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnicornUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}

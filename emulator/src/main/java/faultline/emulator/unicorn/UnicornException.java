package faultline.emulator.unicorn;

/** A Unicorn function failed; the message holds the function's name and the text of {@code uc_strerror}. */
public final class UnicornException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int code;

    UnicornException(String function, int code, String text) {
        super(function + ": " + text + " (error " + code + ")");
        this.code = code;
    }

    /** The {@code uc_err} number, one of the constants {@code UC_ERR_*} of {@link UnicornConstants}. */
    public int code() {
        return code;
    }
}

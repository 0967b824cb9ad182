package faultline.emulator.fs;

/**
 * What opening gave.
 *
 * @param file the file, with one reference for the caller; null on failure
 * @param error 0, or -errno
 */
public record Opened(OpenFile file, long error) {
    public static Opened of(OpenFile file) {
        return new Opened(file, 0);
    }

    /** @param error -errno */
    public static Opened failed(long error) {
        return new Opened(null, error);
    }
}

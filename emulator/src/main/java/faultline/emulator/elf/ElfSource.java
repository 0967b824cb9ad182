package faultline.emulator.elf;

/** The bytes of a file that is to be executed. */
@FunctionalInterface
public interface ElfSource {
    /**
     * Reads at an absolute offset.
     *
     * @return bytes read, fewer than {@code length} only at the end of the file, or a negative errno
     */
    int read(long offset, byte[] to, int start, int length);

    /** A file that is in memory. */
    static ElfSource of(byte[] file) {
        return (offset, to, start, length) -> {
            if (offset < 0 || offset >= file.length) {
                return 0;
            }
            int count = (int) Math.min(length, file.length - offset);
            System.arraycopy(file, (int) offset, to, start, count);
            return count;
        };
    }
}

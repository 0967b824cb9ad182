package faultline.plugins.dwarf;

/**
 * A place in a source file.
 *
 * @param path as the compiler noted it, with its directory where that is known
 * @param line from 1
 */
public record SourceLine(String path, int line) {
    /** {@code demo.c:12}, without directories, as perf prints it. */
    @Override
    public String toString() {
        return path.substring(path.lastIndexOf('/') + 1) + ":" + line;
    }
}

package faultline.emulator.elf;

import faultline.mmu.Errno;
import java.nio.charset.StandardCharsets;

/**
 * The {@code #!} line of a script (fs/binfmt_script.c).
 *
 * @param interpreter path of the program that runs the script
 * @param argument everything after it, as ONE argument without blanks around it; {@code null} when there is none
 */
public record ScriptHeader(String interpreter, String argument) {
    /** Linux looks at this many bytes of a file (BINPRM_BUF_SIZE). */
    public static final int LOOKED_AT = 256;

    /** Whether the bytes begin a script. */
    public static boolean hasMagic(byte[] start, int length) {
        return length >= 2 && start[0] == '#' && start[1] == '!';
    }

    /**
     * Parses the first line.
     *
     * @param start the file's beginning
     * @param length valid bytes; a line that does not end within {@link #LOOKED_AT} bytes must at least end its
     *     interpreter's path there
     */
    public static ScriptHeader parse(byte[] start, int length) throws ElfException {
        int limit = Math.min(length, LOOKED_AT);
        int end = 2;
        while (end < limit && start[end] != '\n' && start[end] != 0) {
            end++;
        }
        boolean truncated = end == LOOKED_AT;
        int from = skipBlanks(start, 2, end);
        if (from == end) {
            throw new ElfException(Errno.ENOEXEC, "script without an interpreter");
        }
        int pathEnd = from;
        while (pathEnd < end && !isBlank(start[pathEnd])) {
            pathEnd++;
        }
        if (truncated && pathEnd == end) {
            throw new ElfException(Errno.ENOEXEC, "script whose interpreter path is cut off after 256 bytes");
        }
        while (end > pathEnd && isBlank(start[end - 1])) {
            end--;
        }
        int argument = skipBlanks(start, pathEnd, end);
        return new ScriptHeader(text(start, from, pathEnd), argument == end ? null : text(start, argument, end));
    }

    private static int skipBlanks(byte[] bytes, int from, int end) {
        int at = from;
        while (at < end && isBlank(bytes[at])) {
            at++;
        }
        return at;
    }

    private static boolean isBlank(byte b) {
        return b == ' ' || b == '\t';
    }

    private static String text(byte[] bytes, int from, int end) {
        return new String(bytes, from, end - from, StandardCharsets.ISO_8859_1);
    }
}

package faultline.plugins.output;

import faultline.plugins.dwarf.SourceLine;
import faultline.plugins.event.Field;
import faultline.plugins.event.StackTable;
import faultline.plugins.event.StringTable;

/**
 * Everything that turns numbers of a record into words.
 *
 * @param strings texts by number
 * @param stacks guest call stacks by number
 * @param symbols names of instruction addresses
 * @param linesInStacks whether frames of folded stacks are told apart by source line
 */
public record Names(StringTable strings, StackTable stacks, Symbols symbols, boolean linesInStacks) {
    /** Names with stacks by function only. */
    public Names(StringTable strings, StackTable stacks, Symbols symbols) {
        this(strings, stacks, symbols, false);
    }

    /** Names of guest addresses. */
    @FunctionalInterface
    public interface Symbols {
        /** {@code function+0x1c}, or {@code file+0x1234} where there is no symbol, or {@code 0x…}. */
        String name(int pid, long address);

        /** The source line, or null where none is known. */
        default SourceLine line(int pid, long address) {
            return null;
        }

        /** {@code function+0x1c}, and {@code file.c:12} behind it where that is known. */
        default String place(int pid, long address) {
            SourceLine line = line(pid, address);
            return line == null ? name(pid, address) : name(pid, address) + " " + line;
        }

        /** Knows nothing. */
        Symbols NONE = (pid, address) -> "0x" + Long.toHexString(address);
    }

    String text(Field field, long[] records, int base) {
        return strings.text(field.get(records, base));
    }
}

package faultline.plugins.output;

import faultline.plugins.event.Field;
import faultline.plugins.event.StackTable;
import faultline.plugins.event.StringTable;

/**
 * Everything that turns numbers of a record into words.
 *
 * @param strings texts by number
 * @param stacks guest call stacks by number
 * @param symbols names of instruction addresses
 */
public record Names(StringTable strings, StackTable stacks, Symbols symbols) {
    /** Names of guest addresses. */
    @FunctionalInterface
    public interface Symbols {
        /** {@code function+0x1c}, or {@code file+0x1234} where there is no symbol, or {@code 0x…}. */
        String name(int pid, long address);

        /** Knows nothing. */
        Symbols NONE = (pid, address) -> "0x" + Long.toHexString(address);
    }

    String text(Field field, long[] records, int base) {
        return strings.text(field.get(records, base));
    }
}

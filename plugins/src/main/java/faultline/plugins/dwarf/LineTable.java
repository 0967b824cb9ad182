package faultline.plugins.dwarf;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * All rows of a file's {@code .debug_line}. They come in sequences of rising addresses, one for each stretch of code,
 * and are looked for in two steps: the sequence, then the row. Immutable once read.
 */
public final class LineTable {
    /** Files of one unit, and of a table; more are left out. */
    static final int MAX_FILES = 1 << 15;

    private static final int MAX_ROWS = 1 << 22;
    private static final long IS_64 = 0xffff_ffffL;

    /** Code from start to end, described by rows first to last. */
    private record Sequence(long start, long end, int first, int last) {}

    private long[] addresses = new long[1024];
    private int[] files = new int[1024];
    private int[] lines = new int[1024];
    private int size;
    /** First row of the sequence being read. */
    private int first;

    private boolean rising = true;
    private final List<Sequence> sequences = new ArrayList<>();
    private final List<String> paths = new ArrayList<>();
    private final Map<String, Integer> pathNumbers = new HashMap<>();

    private LineTable() {}

    /**
     * Reads all units, as far as they can be understood.
     *
     * @param section {@code .debug_line}; empty where there is none
     * @param strings {@code .debug_line_str}
     * @param debugStrings {@code .debug_str}
     */
    public static LineTable read(ByteBuffer section, ByteBuffer strings, ByteBuffer debugStrings) {
        var table = new LineTable();
        var units = new DwarfReader(section);
        try {
            while (units.hasMore() && table.size < MAX_ROWS) {
                long length = units.u32();
                boolean is64 = length == IS_64;
                table.unit(units.part(is64 ? units.u64() : length), is64, strings, debugStrings);
            }
        } catch (BufferUnderflowException e) {
            table.forgetSequence(); // cut off: the units before this one are good
        }
        table.sequences.sort(Comparator.comparingLong(Sequence::start));
        table.pathNumbers.clear();
        return table;
    }

    private void unit(DwarfReader unit, boolean is64, ByteBuffer strings, ByteBuffer debugStrings) {
        try {
            var header = new LineHeader(unit, is64, strings, debugStrings);
            new LineProgram(header, this).run(unit);
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            org.slf4j.LoggerFactory.getLogger(LineTable.class).debug("a unit of line numbers is passed over", e);
        }
        forgetSequence(); // without an end there is no saying how far its last row reaches
    }

    private void forgetSequence() {
        size = first;
        rising = true;
    }

    /** Adds a row to the sequence under way. */
    void add(long address, LineHeader header, long file, long line) {
        if (size == MAX_ROWS) {
            throw new IllegalArgumentException("too many rows");
        }
        if (size == addresses.length) {
            addresses = Arrays.copyOf(addresses, 2 * size);
            files = Arrays.copyOf(files, 2 * size);
            lines = Arrays.copyOf(lines, 2 * size);
        }
        rising &= size == first || Long.compareUnsigned(address, addresses[size - 1]) >= 0;
        addresses[size] = address;
        files[size] = path(header.file(file));
        lines[size++] = line > 0 && line <= Integer.MAX_VALUE ? (int) line : 0;
    }

    private int path(String path) {
        Integer known = pathNumbers.get(path);
        if (known == null) {
            if (paths.size() == MAX_FILES) {
                throw new IllegalArgumentException("too many files");
            }
            known = paths.size();
            paths.add(path);
            pathNumbers.put(path, known);
        }
        return known;
    }

    /** Ends the sequence under way. Functions that the linker threw away have theirs at address 0. */
    void endSequence(long end) {
        if (size > first && rising && addresses[first] > 0 && end > addresses[first]) {
            sequences.add(new Sequence(addresses[first], end, first, size - 1));
            first = size;
        }
        forgetSequence();
    }

    /** The line that an instruction was made from, or null where that is not told. Addresses are as linked. */
    public SourceLine at(long address) {
        int low = 0;
        int high = sequences.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (sequences.get(middle).start <= address) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        if (high < 0 || address >= sequences.get(high).end) {
            return null;
        }
        int row = row(sequences.get(high), address);
        return lines[row] == 0 || paths.get(files[row]).isEmpty()
                ? null
                : new SourceLine(paths.get(files[row]), lines[row]);
    }

    /** The last row that begins at or before the address. */
    private int row(Sequence in, long address) {
        int low = in.first;
        int high = in.last;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (addresses[middle] <= address) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        return low;
    }
}

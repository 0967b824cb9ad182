package faultline.plugins.dwarf;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The head of one unit of {@code .debug_line}: how its program is coded, and the files that it names. */
final class LineHeader {
    private static final int PATH = 1;
    private static final int DIRECTORY_INDEX = 2;

    final int version;
    final int minInstructionLength;
    final int lineBase;
    final int lineRange;
    final int opcodeBase;
    /** How many operands each standard opcode has, the opcode as index. */
    final int[] operands;

    private final List<String> directories = new ArrayList<>();
    private final List<String> files = new ArrayList<>();

    /**
     * Reads a head; the reader stands at the program afterwards.
     *
     * @param unit behind the unit's length
     * @param is64 whether offsets have 64 bits
     * @param strings {@code .debug_line_str}
     * @param debugStrings {@code .debug_str}
     * @throws IllegalArgumentException where something is not supported or makes no sense
     */
    LineHeader(DwarfReader unit, boolean is64, ByteBuffer strings, ByteBuffer debugStrings) {
        version = unit.u16();
        if (version < 2 || version > 5) {
            throw new IllegalArgumentException("version " + version);
        }
        if (version == 5) {
            unit.skip(2); // sizes of addresses and segment selectors
        }
        DwarfReader head = unit.part(unit.offset(is64));
        minInstructionLength = head.u8();
        int operationsPerInstruction = version >= 4 ? head.u8() : 1;
        head.skip(1); // default_is_stmt
        lineBase = head.s8();
        lineRange = head.u8();
        opcodeBase = head.u8();
        if (operationsPerInstruction != 1 || lineRange == 0 || opcodeBase == 0) {
            throw new IllegalArgumentException("coding of the line program");
        }
        operands = new int[opcodeBase];
        for (int i = 1; i < opcodeBase; i++) {
            operands[i] = head.u8();
        }
        if (version == 5) {
            entries(head, is64, strings, debugStrings, directories);
            entries(head, is64, strings, debugStrings, files);
        } else {
            oldTables(head);
        }
    }

    /** The path of a file by its number in the program; empty where there is none. */
    String file(long number) {
        return number < 0 || number >= files.size() ? "" : files.get((int) number);
    }

    int fileCount() {
        return files.size();
    }

    /** Directories from 1, 0 being that of the compilation, which is not told; files from 1. */
    private void oldTables(DwarfReader head) {
        directories.add("");
        for (String name = head.text(); !name.isEmpty(); name = head.text()) {
            directories.add(name);
        }
        files.add("");
        for (String name = head.text(); !name.isEmpty(); name = head.text()) {
            define(name, head);
        }
    }

    /** A file's name was read; its directory, time and length follow. */
    private void define(String name, DwarfReader from) {
        add(files, name, from.uleb());
        from.uleb();
        from.uleb();
    }

    /** {@code DW_LNE_define_file}. */
    void define(DwarfReader from) {
        define(from.text(), from);
    }

    private void add(List<String> list, String name, long directory) {
        if (list.size() >= LineTable.MAX_FILES) {
            throw new IllegalArgumentException("too many files");
        }
        String in = directory < 0 || directory >= directories.size() ? "" : directories.get((int) directory);
        list.add(list == directories || in.isEmpty() || name.startsWith("/") ? name : in + "/" + name);
    }

    /** A table of version 5: what each entry consists of, and the entries. */
    private void entries(
            DwarfReader head, boolean is64, ByteBuffer strings, ByteBuffer debugStrings, List<String> into) {
        int count = head.u8();
        var format = new long[2 * count];
        for (int i = 0; i < format.length; i++) {
            format[i] = head.uleb();
        }
        long number = head.uleb();
        if (number != 0 && count == 0) {
            throw new IllegalArgumentException("entries of nothing");
        }
        for (long i = 0; i != number; i++) {
            String name = "";
            long directory = 0;
            for (int part = 0; part < format.length; part += 2) {
                long form = format[part + 1];
                if (format[part] == PATH) {
                    name = text(head, form, is64, strings, debugStrings);
                } else if (format[part] == DIRECTORY_INDEX) {
                    directory = number(head, form);
                } else {
                    pass(head, form);
                }
            }
            add(into, name, directory);
        }
    }

    private static String text(DwarfReader head, long form, boolean is64, ByteBuffer strings, ByteBuffer debugStrings) {
        if (form == Form.STRING) {
            return head.text();
        }
        if (form != Form.LINE_STRP && form != Form.STRP) {
            throw new IllegalArgumentException("a text of form " + form);
        }
        var texts = new DwarfReader(form == Form.STRP ? debugStrings : strings);
        texts.skip(head.offset(is64));
        return texts.text();
    }

    private static long number(DwarfReader head, long form) {
        return switch ((int) form) {
            case Form.DATA1 -> head.u8();
            case Form.DATA2 -> head.u16();
            case Form.DATA4 -> head.u32();
            case Form.DATA8 -> head.u64();
            case Form.UDATA -> head.uleb();
            default -> throw new IllegalArgumentException("a number of form " + form);
        };
    }

    private static void pass(DwarfReader head, long form) {
        switch ((int) form) {
            case Form.DATA16 -> head.skip(16);
            case Form.BLOCK -> head.skip(head.uleb());
            default -> number(head, form);
        }
    }

    /** Forms that line tables use (DWARF 5, 7.5.6). */
    private static final class Form {
        static final int DATA2 = 0x05;
        static final int DATA4 = 0x06;
        static final int DATA8 = 0x07;
        static final int STRING = 0x08;
        static final int BLOCK = 0x09;
        static final int DATA1 = 0x0b;
        static final int STRP = 0x0e;
        static final int UDATA = 0x0f;
        static final int DATA16 = 0x1e;
        static final int LINE_STRP = 0x1f;

        private Form() {}
    }
}

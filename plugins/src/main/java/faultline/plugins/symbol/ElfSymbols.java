package faultline.plugins.symbol;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The functions of one 64-bit ELF file, by their place in the file. Both {@code .symtab} and {@code .dynsym} are read;
 * whatever of the file is not as it should be is passed over, since a trace must not fail over a strange binary.
 */
final class ElfSymbols {
    private static final int MAX_BYTES = 1 << 30;
    private static final int SHT_SYMTAB = 2;
    private static final int SHT_DYNSYM = 11;
    private static final int STT_FUNC = 2;
    private static final int STT_GNU_IFUNC = 10;
    private static final int PT_LOAD = 1;

    /** A function's range of virtual addresses as linked. */
    private record Function(long start, long size, String name) {}

    private record Load(long offset, long address, long fileSize) {}

    private final List<Load> loads = new ArrayList<>();
    private final List<Function> functions = new ArrayList<>();

    /** Reads a file; what cannot be read has no symbols. */
    static ElfSymbols read(Path file) {
        var symbols = new ElfSymbols();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size >= 64 && size <= MAX_BYTES) {
                ByteBuffer bytes =
                        channel.map(FileChannel.MapMode.READ_ONLY, 0, size).order(ByteOrder.LITTLE_ENDIAN);
                symbols.parse(bytes);
            }
        } catch (IOException | IndexOutOfBoundsException | ArithmeticException e) {
            // unreadable or cut off: what was found up to there is used
            org.slf4j.LoggerFactory.getLogger(ElfSymbols.class).debug("symbols of {} are incomplete", file, e);
        }
        symbols.functions.sort(Comparator.comparingLong(Function::start).thenComparing(Function::size));
        return symbols;
    }

    private void parse(ByteBuffer elf) {
        if (elf.getInt(0) != 0x464c457f || elf.get(4) != 2) {
            return;
        }
        int headers = offset(elf.getLong(32));
        for (int i = 0; i < Short.toUnsignedInt(elf.getShort(56)); i++) {
            int at = headers + i * Short.toUnsignedInt(elf.getShort(54));
            if (elf.getInt(at) == PT_LOAD) {
                loads.add(new Load(elf.getLong(at + 8), elf.getLong(at + 16), elf.getLong(at + 32)));
            }
        }
        int sections = offset(elf.getLong(40));
        int entry = Short.toUnsignedInt(elf.getShort(58));
        int count = sections == 0 ? 0 : Short.toUnsignedInt(elf.getShort(60));
        for (int i = 0; i < count; i++) {
            int at = sections + i * entry;
            int type = elf.getInt(at + 4);
            int link = elf.getInt(at + 40);
            if ((type == SHT_SYMTAB || type == SHT_DYNSYM) && link >= 0 && link < count) {
                table(elf, at, sections + link * entry);
            }
        }
    }

    private void table(ByteBuffer elf, int section, int strings) {
        int start = offset(elf.getLong(section + 24));
        int end = Math.addExact(start, offset(elf.getLong(section + 32)));
        int names = offset(elf.getLong(strings + 24));
        for (int at = start; at + 24 <= end; at += 24) {
            int type = elf.get(at + 4) & 15;
            if ((type == STT_FUNC || type == STT_GNU_IFUNC) && elf.getShort(at + 6) != 0) {
                functions.add(
                        new Function(elf.getLong(at + 8), elf.getLong(at + 16), name(elf, names + elf.getInt(at))));
            }
        }
    }

    private static int offset(long value) {
        if (value < 0 || value > MAX_BYTES) {
            throw new IndexOutOfBoundsException("offset " + value);
        }
        return (int) value;
    }

    private static String name(ByteBuffer elf, int at) {
        int end = at;
        while (elf.get(end) != 0) {
            end++;
        }
        var bytes = new byte[end - at];
        elf.get(at, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /** {@code function+0x1c} for an offset within the file, or null where no function covers it. */
    String at(long fileOffset) {
        for (Load load : loads) {
            if (fileOffset >= load.offset && fileOffset < load.offset + load.fileSize) {
                return atAddress(fileOffset - load.offset + load.address);
            }
        }
        return null;
    }

    private String atAddress(long address) {
        int low = 0;
        int high = functions.size() - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            if (functions.get(middle).start <= address) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        if (high < 0) {
            return null;
        }
        Function function = functions.get(high);
        long into = address - function.start;
        // hand-written assembly has size 0: it reaches to the next symbol
        return into < function.size || function.size == 0 ? function.name + "+0x" + Long.toHexString(into) : null;
    }
}

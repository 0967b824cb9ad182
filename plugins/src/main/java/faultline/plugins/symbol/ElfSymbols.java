package faultline.plugins.symbol;

import faultline.plugins.dwarf.LineTable;
import faultline.plugins.dwarf.SourceLine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The functions and source lines of one 64-bit ELF file, by their place in the file. Functions come from both {@code
 * .symtab} and {@code .dynsym}, lines from {@code .debug_line}; whatever of the file is not as it should be is passed
 * over, since a trace must not fail over a strange binary.
 */
final class ElfSymbols {
    private static final int SHT_SYMTAB = 2;
    private static final int SHT_DYNSYM = 11;
    private static final int STT_FUNC = 2;
    private static final int STT_GNU_IFUNC = 10;
    private static final int PT_LOAD = 1;

    /** A function's range of virtual addresses as linked. */
    private record Function(long start, long size, String name) {}

    private record Load(long offset, long address, long fileSize) {}

    private static final Logger LOG = LoggerFactory.getLogger(ElfSymbols.class);

    private final List<Load> loads = new ArrayList<>();
    private final List<Function> functions = new ArrayList<>();
    /** The file, until its lines have been read. */
    private ByteBuffer image;

    private LineTable lines;

    /** Reads a file; what cannot be read has no symbols. */
    static ElfSymbols read(Path file) {
        var symbols = new ElfSymbols();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size >= 64 && size <= ElfSections.MAX_BYTES) {
                ByteBuffer bytes =
                        channel.map(FileChannel.MapMode.READ_ONLY, 0, size).order(ByteOrder.LITTLE_ENDIAN);
                symbols.parse(bytes);
            }
        } catch (IOException | IndexOutOfBoundsException | ArithmeticException e) {
            // unreadable or cut off: what was found up to there is used
            LOG.debug("symbols of {} are incomplete", file, e);
        }
        symbols.functions.sort(Comparator.comparingLong(Function::start).thenComparing(Function::size));
        return symbols;
    }

    private void parse(ByteBuffer elf) {
        if (elf.getInt(0) != 0x464c457f || elf.get(4) != 2) {
            return;
        }
        image = elf;
        int headers = ElfSections.bounded(elf.getLong(32));
        for (int i = 0; i < Short.toUnsignedInt(elf.getShort(56)); i++) {
            int at = headers + i * Short.toUnsignedInt(elf.getShort(54));
            if (elf.getInt(at) == PT_LOAD) {
                loads.add(new Load(elf.getLong(at + 8), elf.getLong(at + 16), elf.getLong(at + 32)));
            }
        }
        var sections = new ElfSections(elf);
        for (int i = 0; i < sections.count(); i++) {
            int type = sections.type(i);
            int link = sections.link(i);
            if ((type == SHT_SYMTAB || type == SHT_DYNSYM) && link >= 0 && link < sections.count()) {
                table(elf, sections, i, link);
            }
        }
    }

    private void table(ByteBuffer elf, ElfSections sections, int section, int strings) {
        int start = sections.offset(section);
        int end = Math.addExact(start, sections.size(section));
        int names = sections.offset(strings);
        for (int at = start; at + 24 <= end; at += 24) {
            int type = elf.get(at + 4) & 15;
            if ((type == STT_FUNC || type == STT_GNU_IFUNC) && elf.getShort(at + 6) != 0) {
                functions.add(new Function(
                        elf.getLong(at + 8), elf.getLong(at + 16), ElfSections.text(elf, names + elf.getInt(at))));
            }
        }
    }

    /** The address as linked of an offset within the file, or -1 where nothing of it is loaded. */
    private long address(long fileOffset) {
        for (Load load : loads) {
            if (fileOffset >= load.offset && fileOffset < load.offset + load.fileSize) {
                return fileOffset - load.offset + load.address;
            }
        }
        return -1;
    }

    /** The source line of an offset within the file, or null where the file does not tell. */
    SourceLine line(long fileOffset) {
        long address = address(fileOffset);
        return address < 0 ? null : lines().at(address);
    }

    /** Read when first asked for: few look at lines, and the tables are large. */
    private synchronized LineTable lines() {
        if (lines == null) {
            ByteBuffer none = ByteBuffer.allocate(0);
            try {
                lines = image == null ? LineTable.read(none, none, none) : new ElfSections(image).lines();
            } catch (IndexOutOfBoundsException | ArithmeticException | InternalError e) {
                // damaged, or cut off after it was mapped, which Java reports as an internal error
                LOG.debug("line numbers are incomplete", e);
                lines = LineTable.read(none, none, none);
            }
            image = null;
        }
        return lines;
    }

    /** {@code function+0x1c} for an offset within the file, or null where no function covers it. */
    String at(long fileOffset) {
        long address = address(fileOffset);
        return address < 0 ? null : atAddress(address);
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

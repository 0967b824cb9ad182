package faultline.plugins.symbol;

import faultline.plugins.dwarf.LineTable;
import faultline.plugins.dwarf.SourceLine;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The functions and source lines of one 64-bit ELF file, by their place in the file. Functions come from both {@code
 * .symtab} and {@code .dynsym}, lines from {@code .debug_line}, of the file and of the one that holds what was stripped
 * from it; whatever of the file is not as it should be is passed
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
    /** The file and, where there is one, that with its debugging information, until their functions have been read. */
    private List<ElfSections> sources = List.of();

    private List<Function> functions;
    /** Whichever of the two has line numbers, until they have been read; or null. */
    private ElfSections lineSource;

    private LineTable lines;

    private ElfSymbols() {}

    /**
     * Reads a file; what cannot be read has no symbols.
     *
     * @param directories where to look for files of debugging information, see {@link DebugFile}
     */
    static ElfSymbols read(Path file, List<Path> directories) {
        var symbols = new ElfSymbols();
        try {
            ByteBuffer elf = ElfSections.map(file);
            if (elf != null) {
                symbols.readLoads(elf);
                var sections = new ElfSections(elf);
                ElfSections debug = DebugFile.find(sections, file, directories);
                symbols.sources = debug == null ? List.of(sections) : List.of(sections, debug);
                symbols.lineSource = debug == null || sections.hasLines() ? sections : debug;
            }
        } catch (IOException | IndexOutOfBoundsException | ArithmeticException e) {
            LOG.debug("{} cannot be read, or not to its end", file, e);
        }
        return symbols;
    }

    private void readLoads(ByteBuffer elf) {
        int headers = ElfSections.bounded(elf.getLong(32));
        for (int i = 0; i < Short.toUnsignedInt(elf.getShort(56)); i++) {
            int at = headers + i * Short.toUnsignedInt(elf.getShort(54));
            if (elf.getInt(at) == PT_LOAD) {
                loads.add(new Load(elf.getLong(at + 8), elf.getLong(at + 16), elf.getLong(at + 32)));
            }
        }
    }

    /** Read when first asked for, from files that were mapped while they were there. */
    private synchronized List<Function> functions() {
        if (functions == null) {
            functions = new ArrayList<>();
            for (ElfSections source : sources) {
                try {
                    readFunctions(source);
                } catch (IndexOutOfBoundsException | ArithmeticException | InternalError e) {
                    // cut off, perhaps after it was mapped: what was found up to there is used
                    LOG.debug("symbols are incomplete", e);
                }
            }
            functions.sort(Comparator.comparingLong(Function::start).thenComparing(Function::size));
            sources = List.of();
        }
        return functions;
    }

    private void readFunctions(ElfSections sections) {
        for (int i = 0; i < sections.count(); i++) {
            int type = sections.type(i);
            int link = sections.link(i);
            if ((type == SHT_SYMTAB || type == SHT_DYNSYM) && link >= 0 && link < sections.count()) {
                table(sections, i, link);
            }
        }
    }

    private void table(ElfSections sections, int section, int strings) {
        if (!sections.isInFile(section) || !sections.isInFile(strings)) {
            return; // the debugging information leaves them to the program
        }
        ByteBuffer elf = sections.bytes();
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
                lines = lineSource == null ? LineTable.read(none, none, none) : lineSource.lines();
            } catch (IndexOutOfBoundsException | ArithmeticException | InternalError e) {
                // damaged, or cut off after it was mapped, which Java reports as an internal error
                LOG.debug("line numbers are incomplete", e);
                lines = LineTable.read(none, none, none);
            }
            lineSource = null;
        }
        return lines;
    }

    /** {@code function+0x1c} for an offset within the file, or null where no function covers it. */
    String at(long fileOffset) {
        long address = address(fileOffset);
        return address < 0 ? null : atAddress(address);
    }

    private String atAddress(long address) {
        List<Function> functions = functions();
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

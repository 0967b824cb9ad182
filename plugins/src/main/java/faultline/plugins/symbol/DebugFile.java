package faultline.plugins.symbol;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the file that holds what was stripped from a program or library, by the two ways that a debugger goes:
 *
 * <ol>
 *   <li>its build id: {@code DIR/.build-id/ab/cdef….debug};
 *   <li>the name in {@code .gnu_debuglink}, whose checksum has to be right: beside the file, in {@code .debug} beside
 *       it, and at the file's own path below {@code DIR}.
 * </ol>
 */
final class DebugFile {
    /** Where distributions put such files. */
    static final String DIRECTORY = "/usr/lib/debug";

    private static final Logger LOG = LoggerFactory.getLogger(DebugFile.class);
    private static final int NT_GNU_BUILD_ID = 3;
    private static final int MAX_BUILD_ID = 64;
    private static final int NOTE_HEADER = 12;

    private DebugFile() {}

    /**
     * The file's sections, or null where there is no such file.
     *
     * @param elf the program
     * @param file where it is
     * @param directories each a {@code DIR}
     */
    static ElfSections find(ElfSections elf, Path file, List<Path> directories) {
        try {
            String id = buildId(elf.contents(".note.gnu.build-id"));
            if (id != null) {
                for (Path directory : directories) {
                    ElfSections found = open(directory
                            .resolve(".build-id")
                            .resolve(id.substring(0, 2))
                            .resolve(id.substring(2) + ".debug"));
                    if (found != null) {
                        return found;
                    }
                }
            }
            return byLink(elf.contents(".gnu_debuglink"), file, directories);
        } catch (IndexOutOfBoundsException | ArithmeticException | InvalidPathException e) {
            LOG.debug("{} does not tell where its debugging information is", file, e);
            return null;
        }
    }

    /** The note's identifier in hexadecimal, or null. */
    private static String buildId(ByteBuffer note) {
        if (note.limit() < NOTE_HEADER || note.getInt(8) != NT_GNU_BUILD_ID) {
            return null;
        }
        int from = NOTE_HEADER + (note.getInt(0) + 3 & -4);
        int length = note.getInt(4);
        if (length < 2 || length > MAX_BUILD_ID) {
            return null;
        }
        var bytes = new byte[length];
        note.get(from, bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** A name that ends with a 0, padding up to a multiple of four, and the checksum of the file. */
    private static ElfSections byLink(ByteBuffer link, Path file, List<Path> directories) {
        if (link.limit() == 0) {
            return null;
        }
        String name = ElfSections.text(link, 0);
        long checksum = Integer.toUnsignedLong(link.getInt(name.getBytes(StandardCharsets.UTF_8).length + 4 & -4));
        Path folder = file.toAbsolutePath().getParent();
        if (name.isEmpty() || name.contains("/") || name.startsWith("..") || folder == null) {
            return null;
        }
        var places = new ArrayList<>(
                List.of(folder.resolve(name), folder.resolve(".debug").resolve(name)));
        directories.forEach(directory -> places.add(
                directory.resolve(folder.getRoot().relativize(folder)).resolve(name)));
        for (Path place : places) {
            ElfSections found = place.equals(file) ? null : open(place);
            if (found != null && found.checksum() == checksum) {
                return found;
            }
        }
        return null;
    }

    private static ElfSections open(Path file) {
        try {
            ByteBuffer bytes = ElfSections.map(file);
            return bytes == null ? null : new ElfSections(bytes);
        } catch (IOException e) {
            return null; // mostly there is none
        }
    }
}

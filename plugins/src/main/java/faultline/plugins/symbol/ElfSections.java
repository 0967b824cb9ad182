package faultline.plugins.symbol;

import faultline.plugins.dwarf.LineTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The section headers of a 64-bit ELF file. Nothing in it is believed: what lies outside the file throws {@link
 * IndexOutOfBoundsException}.
 */
final class ElfSections {
    /** Files and sections larger than this are not looked into. */
    static final int MAX_BYTES = 1 << 30;

    private static final Logger LOG = LoggerFactory.getLogger(ElfSections.class);
    private static final int MAX_INFLATED = 1 << 28;
    private static final int FILE_HEADER = 64;
    private static final int MAGIC = 0x464c457f;
    private static final int ELFCLASS64 = 2;
    private static final int SHT_NOBITS = 8;
    private static final int SHF_COMPRESSED = 0x800;
    private static final int ELFCOMPRESS_ZLIB = 1;
    private static final int COMPRESSION_HEADER = 24;

    private final ByteBuffer elf;
    private final int headers;
    private final int entry;
    private final int count;

    ElfSections(ByteBuffer elf) {
        this.elf = elf;
        headers = bounded(elf.getLong(40));
        entry = Short.toUnsignedInt(elf.getShort(58));
        count = headers == 0 ? 0 : Short.toUnsignedInt(elf.getShort(60));
    }

    /** A file's bytes; null when it is no 64-bit ELF file of a size that can be looked into. */
    static ByteBuffer map(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            if (size < FILE_HEADER || size > MAX_BYTES) {
                return null;
            }
            ByteBuffer bytes =
                    channel.map(FileChannel.MapMode.READ_ONLY, 0, size).order(ByteOrder.LITTLE_ENDIAN);
            return bytes.getInt(0) == MAGIC && bytes.get(4) == ELFCLASS64 ? bytes : null;
        }
    }

    /** The checksum of the whole file, as a {@code .gnu_debuglink} that names it has it. */
    long checksum() {
        var checksum = new CRC32();
        checksum.update(elf.duplicate().rewind());
        return checksum.getValue();
    }

    int count() {
        return count;
    }

    private int header(int section) {
        return Math.addExact(headers, section * entry);
    }

    int type(int section) {
        return elf.getInt(header(section) + 4);
    }

    /** Whether the section's contents are in this file. */
    boolean isInFile(int section) {
        return type(section) != SHT_NOBITS;
    }

    ByteBuffer bytes() {
        return elf;
    }

    int offset(int section) {
        return bounded(elf.getLong(header(section) + 24));
    }

    int size(int section) {
        return bounded(elf.getLong(header(section) + 32));
    }

    /** The number of the section that this one refers to, as it stands there: strings, for symbols. */
    int link(int section) {
        return elf.getInt(header(section) + 40);
    }

    private int find(String name) {
        int strings = Short.toUnsignedInt(elf.getShort(62));
        for (int i = 0; i < count && strings < count; i++) {
            if (type(i) != SHT_NOBITS
                    && text(elf, offset(strings) + elf.getInt(header(i))).equals(name)) {
                return i;
            }
        }
        return -1;
    }

    /** What a section holds, decompressed; empty where there is none, or one compressed in a way we cannot undo. */
    ByteBuffer contents(String name) {
        int section = find(name);
        if (section < 0) {
            return ByteBuffer.allocate(0);
        }
        ByteBuffer bytes = elf.slice(offset(section), size(section)).order(ByteOrder.LITTLE_ENDIAN);
        return (elf.getLong(header(section) + 8) & SHF_COMPRESSED) == 0 ? bytes : inflate(bytes);
    }

    private static ByteBuffer inflate(ByteBuffer bytes) {
        long size = bytes.getLong(8);
        if (bytes.getInt(0) != ELFCOMPRESS_ZLIB || size < 0 || size > MAX_INFLATED) {
            return ByteBuffer.allocate(0);
        }
        ByteBuffer plain = ByteBuffer.allocate((int) size);
        var inflater = new Inflater();
        try {
            inflater.setInput(bytes.slice(COMPRESSION_HEADER, bytes.limit() - COMPRESSION_HEADER));
            while (plain.hasRemaining() && inflater.inflate(plain) > 0) {
                // as long as something comes
            }
        } catch (DataFormatException e) {
            LOG.debug("a compressed section is damaged", e); // what came before the damage counts
        } finally {
            inflater.end();
        }
        return plain.flip();
    }

    /** Whether the file has line numbers. */
    boolean hasLines() {
        return find(".debug_line") >= 0;
    }

    /** The file's line numbers. */
    LineTable lines() {
        return LineTable.read(contents(".debug_line"), contents(".debug_line_str"), contents(".debug_str"));
    }

    /** A number of the file as an offset or a length. */
    static int bounded(long value) {
        if (value < 0 || value > MAX_BYTES) {
            throw new IndexOutOfBoundsException("offset " + value);
        }
        return (int) value;
    }

    /** A text that ends with a 0. */
    static String text(ByteBuffer elf, int at) {
        int end = at;
        while (elf.get(end) != 0) {
            end++;
        }
        var bytes = new byte[end - at];
        elf.get(at, bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }
}

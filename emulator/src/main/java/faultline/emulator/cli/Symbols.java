package faultline.emulator.cli;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Names of functions by file offset, from the symbol tables of ELF files; a file that has none, or is broken, names
 * none.
 */
final class Symbols {
    private static final int SECTION_SYMBOLS = 2;
    private static final int SECTION_DYNAMIC_SYMBOLS = 11;
    private static final int SEGMENT_LOAD = 1;
    private static final int FUNCTION = 2;
    private static final int NO_TYPE = 0;
    private static final int INDIRECT_FUNCTION = 10;
    private static final int SYMBOL_BYTES = 24;
    private static final long BIGGEST_FILE = 1L << 30;

    /** Functions of a file: file offset of the first byte to name and size. */
    private final Map<String, NavigableMap<Long, Function>> files = new ConcurrentHashMap<>();

    private record Function(String name, long size) {}

    /** For example "main+0x1f", or "libc.so.6@0x1234" where no function is known. */
    String name(String path, long offset) {
        Map.Entry<Long, Function> entry =
                files.computeIfAbsent(path, Symbols::read).floorEntry(offset);
        if (entry != null) {
            long distance = offset - entry.getKey();
            Function function = entry.getValue();
            if (distance < function.size || function.size == 0 && distance < 4096) {
                return distance == 0 ? function.name : function.name + "+0x" + Long.toHexString(distance);
            }
        }
        return path.substring(path.lastIndexOf('/') + 1) + "@0x" + Long.toHexString(offset);
    }

    private static NavigableMap<Long, Function> read(String path) {
        NavigableMap<Long, Function> functions = new TreeMap<>();
        try (FileChannel channel = FileChannel.open(Path.of(path))) {
            if (channel.size() < BIGGEST_FILE) {
                parse(
                        channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
                                .order(ByteOrder.LITTLE_ENDIAN),
                        functions);
            }
        } catch (IOException | IndexOutOfBoundsException | IllegalArgumentException | BufferUnderflowException e) {
            return functions; // what was read until the file made no sense
        }
        return functions;
    }

    private static void parse(ByteBuffer file, NavigableMap<Long, Function> functions) {
        if (file.getInt(0) != 0x464c457f || file.get(4) != 2) {
            return;
        }
        int sections = Math.toIntExact(file.getLong(40));
        int sectionBytes = file.getShort(58) & 0xffff;
        int count = file.getShort(60) & 0xffff;
        for (int i = 0; i < count; i++) {
            int section = sections + i * sectionBytes;
            int type = file.getInt(section + 4);
            if (type == SECTION_SYMBOLS || type == SECTION_DYNAMIC_SYMBOLS) {
                int strings = sections + file.getInt(section + 40) * sectionBytes;
                symbols(
                        file,
                        Math.toIntExact(file.getLong(section + 24)),
                        file.getLong(section + 32),
                        Math.toIntExact(file.getLong(strings + 24)),
                        functions);
            }
        }
    }

    private static void symbols(
            ByteBuffer file, int table, long bytes, int strings, NavigableMap<Long, Function> functions) {
        for (int at = table; at < table + bytes; at += SYMBOL_BYTES) {
            int type = file.get(at + 4) & 15;
            long address = file.getLong(at + 8);
            boolean defined = file.getShort(at + 6) != 0;
            if (!defined || address == 0 || type != FUNCTION && type != INDIRECT_FUNCTION && type != NO_TYPE) {
                continue;
            }
            long offset = fileOffset(file, address);
            String name = string(file, strings + file.getInt(at));
            if (offset >= 0 && !name.isEmpty() && (type != NO_TYPE || !functions.containsKey(offset))) {
                functions.put(offset, new Function(name, file.getLong(at + 16)));
            }
        }
    }

    private static long fileOffset(ByteBuffer file, long address) {
        int headers = Math.toIntExact(file.getLong(32));
        int headerBytes = file.getShort(54) & 0xffff;
        int count = file.getShort(56) & 0xffff;
        for (int i = 0; i < count; i++) {
            int header = headers + i * headerBytes;
            long start = file.getLong(header + 16);
            if (file.getInt(header) == SEGMENT_LOAD
                    && address >= start
                    && address < start + file.getLong(header + 32)) {
                return file.getLong(header + 8) + address - start;
            }
        }
        return -1;
    }

    private static String string(ByteBuffer file, int at) {
        int end = at;
        while (file.get(end) != 0) {
            end++;
        }
        byte[] bytes = new byte[end - at];
        file.get(at, bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }
}

package faultline.emulator.fs;

import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * An open directory whose entries the emulator makes up; "." and ".." come first.
 *
 * <p>Entries are fixed when they are first read, and made anew after a rewind. Inode numbers are made from the names,
 * as nobody can open by them.
 */
public final class VirtualDirectory extends EmulatedFile {
    /** Type of an entry, as d_type tells it. */
    public static final byte DT_DIR = 4;

    public static final byte DT_REG = 8;
    public static final byte DT_LNK = 10;

    private static final int OPEN_ONLY =
            OpenFlags.O_CREAT | OpenFlags.O_EXCL | OpenFlags.O_NOCTTY | OpenFlags.O_CLOEXEC;

    /** One name in the directory. */
    public record Entry(String name, byte type) {}

    private final String counterpart;
    private final Supplier<List<Entry>> source;
    private List<Entry> entries;
    private int next;

    /**
     * @param path absolute guest path
     * @param counterpart host directory whose metadata stand for this one's
     * @param entries without "." and ".."
     */
    public VirtualDirectory(String path, String counterpart, int flags, Supplier<List<Entry>> entries) {
        super(path, flags & ~OPEN_ONLY | OpenFlags.O_LARGEFILE, 0);
        this.counterpart = counterpart;
        this.source = entries;
    }

    /** Caller holds the monitor. */
    private List<Entry> entries() {
        if (entries == null) {
            entries = new ArrayList<>();
            entries.add(new Entry(".", DT_DIR));
            entries.add(new Entry("..", DT_DIR));
            entries.addAll(source.get());
        }
        return entries;
    }

    @Override
    public String overlayPath() {
        return path();
    }

    @Override
    public String counterpart() {
        return counterpart;
    }

    @Override
    public synchronized long getdents(int nr, MemorySegment to, long length) {
        boolean wide = nr == Nr.GETDENTS64;
        long used = 0;
        while (next < entries().size()) {
            Entry entry = entries().get(next);
            byte[] name = entry.name().getBytes(StandardCharsets.ISO_8859_1);
            // linux_dirent64 has its type before the name; linux_dirent has it in the record's last byte.
            int head = wide ? 19 : 18;
            int record = head + name.length + (wide ? 1 : 2) + 7 & ~7;
            if (used + record > length) {
                return used == 0 ? -Errno.EINVAL : used;
            }
            MemorySegment slot = to.asSlice(used, record);
            slot.fill((byte) 0);
            slot.set(ValueLayout.JAVA_LONG_UNALIGNED, 0, inode(entry.name()));
            slot.set(ValueLayout.JAVA_LONG_UNALIGNED, 8, next + 1L);
            slot.set(ValueLayout.JAVA_SHORT_UNALIGNED, 16, (short) record);
            slot.set(ValueLayout.JAVA_BYTE, wide ? 18 : record - 1L, entry.type());
            MemorySegment.copy(name, 0, slot, ValueLayout.JAVA_BYTE, head, name.length);
            used += record;
            next++;
        }
        return used;
    }

    private long inode(String name) {
        return 1 + ((path() + "/" + name).hashCode() & 0x7fff_ffffL);
    }

    @Override
    public synchronized long lseek(long offset, int whence) {
        if (whence > 1) {
            return -Errno.EINVAL;
        }
        long target = whence == 1 ? next + offset : offset;
        if (target < 0) {
            return -Errno.EINVAL;
        }
        if (target == 0) {
            entries = null;
        }
        next = (int) Math.min(target, Integer.MAX_VALUE);
        return target;
    }

    @Override
    public long read(Waiter waiter, MemorySegment to, long length, int rwFlags) {
        return -Errno.EISDIR;
    }

    @Override
    public long write(Waiter waiter, MemorySegment from, long length, int rwFlags) {
        return -Errno.EBADF;
    }

    @Override
    public long pread(Waiter waiter, MemorySegment to, long length, long position, int rwFlags) {
        return -Errno.EISDIR;
    }

    @Override
    public long pwrite(Waiter waiter, MemorySegment from, long length, long position, int rwFlags) {
        return -Errno.EBADF;
    }
}

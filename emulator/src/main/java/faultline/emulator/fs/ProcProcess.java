package faultline.emulator.fs;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;

/**
 * One process (or, where the difference shows, one task of it) as /proc tells of it. Texts are Latin-1, a character a
 * byte, and complete with their line ends.
 */
public interface ProcProcess {
    int pid();

    /** Thread ids, ascending. */
    int[] tids();

    /** What it executes: an absolute guest path; "" for none. */
    String executable();

    /** Its descriptors; null when it has ended. */
    FdTable files();

    /** The lines of /proc/PID/fdinfo about record locks that it set through an open file. */
    String locks(OpenFile file);

    /** Its directories; null when it has ended. */
    FsContext fs();

    /** Names of the files whose text the process supplies, such as "maps", "status", "cmdline". */
    List<String> texts();

    /**
     * The text of one of {@link #texts}.
     *
     * @param tid whose, where tasks differ
     */
    String text(String name, int tid);

    /** Whether the calling task is whom the files belong to, or root: others may not open them to write. */
    boolean ownedByCaller();

    /** Writes to one of those files. Returns 0 or -errno. */
    long write(String name, int tid, String text);

    /**
     * Reads the process' memory (/proc/PID/mem).
     *
     * @return bytes read before the first unmapped one, or -EIO when there is none
     */
    long readMemory(long address, MemorySegment to, long length);

    /** Writes the process' memory, read-only pages too. */
    long writeMemory(long address, MemorySegment from, long length);

    /**
     * The entries of /proc/PID/pagemap for the pages from {@code address} on; all zero when the process has ended.
     *
     * @param address page-aligned
     */
    void pagemap(long address, long[] entries);

    /** Files that are mapped: the ranges as /proc/PID/map_files names them, with the paths they map, by address. */
    Map<String, String> mapFiles();
}

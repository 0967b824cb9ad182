package faultline.mmu.swap;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * The first page of a swap area, which mkswap(8) writes.
 *
 * <pre>
 *   0            1024      1028        1032          1036    …    4086
 *   boot block   version   last page   bad pages     names        SWAPSPACE2
 * </pre>
 */
@KernelFunction("union swap_header")
final class SwapHeader {
    private static final int VERSION = 1024;
    private static final int LAST_PAGE = 1028;
    private static final int BAD_PAGES = 1032;
    private static final int MAGIC = 4086;
    private static final byte[] SIGNATURE = "SWAPSPACE2".getBytes(StandardCharsets.US_ASCII);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    private SwapHeader() {}

    /**
     * How many pages the area has room for behind its header.
     *
     * @param page the header
     * @param filePages whole pages of the file
     * @return a number above 0; -EINVAL for another signature or version, an empty area, one that is longer than its
     * file, and     one with bad pages, which files do not have
     */
    @KernelFunction(value = "read_swap_header", file = "mm/swapfile.c")
    static int pages(MemorySegment page, long filePages) {
        if (MemorySegment.mismatch(
                        page, MAGIC, MAGIC + SIGNATURE.length, MemorySegment.ofArray(SIGNATURE), 0, SIGNATURE.length)
                != -1) {
            return -Errno.EINVAL;
        }
        // Written by a machine of the other byte order, all numbers are the other way round.
        boolean reversed = Integer.reverseBytes(page.get(INT, VERSION)) == 1;
        int version = number(page, VERSION, reversed);
        int last = number(page, LAST_PAGE, reversed);
        boolean valid = version == 1 && last > 0 && last < filePages && number(page, BAD_PAGES, reversed) == 0;
        return valid ? last : -Errno.EINVAL;
    }

    private static int number(MemorySegment page, int at, boolean reversed) {
        int value = page.get(INT, at);
        return reversed ? Integer.reverseBytes(value) : value;
    }
}

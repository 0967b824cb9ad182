package faultline.mmu.fault;

import faultline.mmu.annotation.KernelFunction;

/**
 * Which of a range's entries are zapped, and which stay.
 *
 * @param evenCows whether private copies go, and swap entries
 * @param dropMarkers whether guard pages go: only where the mapping itself does
 * @param nonlinear whether the entries say which page of the file stands where: then what showed a page goes on naming
 *     it, and entries that only name one stay
 * @param firstIndex of a nonlinear mapping, only pages of the file from here on go
 * @param lastIndex the last page that goes
 */
@KernelFunction("zap_details")
record ZapDetails(boolean evenCows, boolean dropMarkers, boolean nonlinear, long firstIndex, long lastIndex) {
    /** All goes, as with a mapping. */
    static final ZapDetails ALL = new ZapDetails(true, true, false, 0, Long.MAX_VALUE);

    /** The mapping stays, without its pages. */
    static final ZapDetails PAGES = new ZapDetails(true, false, false, 0, Long.MAX_VALUE);

    /** A nonlinear mapping stays, without its pages, which come back where they were. */
    static final ZapDetails NONLINEAR_PAGES = new ZapDetails(true, false, true, 0, Long.MAX_VALUE);

    private static final ZapDetails SHARED_PAGES = new ZapDetails(false, false, false, 0, Long.MAX_VALUE);

    /** The part of a mapping that shows pages which leave their file. */
    static ZapDetails truncation(boolean evenCows) {
        return evenCows ? PAGES : SHARED_PAGES;
    }

    /** Pages {@code first} to {@code last} leave their file, of which this is any nonlinear mapping. */
    static ZapDetails truncation(boolean evenCows, long first, long last) {
        return new ZapDetails(evenCows, false, true, first, last);
    }

    /** Whether page {@code index} of the file stays mapped by a nonlinear mapping. */
    boolean spares(long index) {
        return index < firstIndex || index > lastIndex;
    }
}

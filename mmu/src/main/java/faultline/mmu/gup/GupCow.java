package faultline.mmu.gup;

/** How {@link GetUserPages} goes on after a forced write fault broke copy-on-write in a mapping that is read-only. */
public enum GupCow {
    /**
     * Looks the page up again as for reading (seed 001, Linux up to 4.8). Between the fault and the look-up another
     * task may drop the private copy; reading then brings the file's own page, which is written: CVE-2016-5195.
     */
    YEAR_2005,
    /**
     * Looks the page up as for writing still, and takes a read-only entry only if it maps this mapping's own dirty
     * anonymous copy (Linux 4.9: FOLL_COW; made stricter in 6.1).
     */
    FIXED
}

package faultline.mmu.mm;

/** Which anonymous mappings get huge pages by themselves: /sys/kernel/mm/transparent_hugepage/enabled. */
public enum ThpMode {
    /** None. */
    NEVER,
    /** Those that {@code madvise(MADV_HUGEPAGE)} asked for. */
    MADVISE,
    /** All that did not refuse by {@code MADV_NOHUGEPAGE}. */
    ALWAYS
}

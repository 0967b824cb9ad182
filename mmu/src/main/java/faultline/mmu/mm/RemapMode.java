package faultline.mmu.mm;

/** What remap_file_pages(2) makes of a mapping. */
public enum RemapMode {
    /** One linear mapping a call, as Linux does since 4.0. */
    EMULATE,
    /**
     * One nonlinear mapping, whose page-table entries say which page of the file stands where: Linux from 2.5.46 to
     * 3.19.
     */
    NONLINEAR
}

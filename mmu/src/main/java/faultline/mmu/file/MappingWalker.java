package faultline.mmu.file;

/**
 * What a file's pages ask of the page tables that map them. Implemented above (reverse map, zap), installed into
 * {@link PageCache} when the machine is put together.
 */
public interface MappingWalker {
    /**
     * Takes pages {@code first} to {@code last} inclusive out of every page table that shows them, flushes translations
     * and drops the mappings' references (Linux: {@code unmap_mapping_pages}).
     *
     * @param evenCows also drop private copies made by copy-on-write, as truncation must and hole punching for
     *     invalidation must not
     */
    void unmapMappingPages(AddressSpace mapping, long first, long last, boolean evenCows);

    /**
     * Write-protects and cleans every entry that maps the locked page, so that the next write faults again (Linux:
     * {@code folio_mkclean}).
     *
     * @param nonlinear also in nonlinear mappings, which are searched from end to end
     * @return how many entries were dirty or writable
     */
    int mkclean(AddressSpace mapping, long pfn, boolean nonlinear);

    /**
     * As {@link #mkclean} for all pages {@code first} to {@code last} inclusive, in nonlinear mappings alone, which are
     * searched once. What an entry knows of dirt goes to its page: whoever writes the page behind this without looking
     * there again loses nothing, since a later store makes the entry dirty again.
     */
    void mkcleanNonlinear(AddressSpace mapping, long first, long last);

    /** For files that nobody can map. */
    MappingWalker NONE = new MappingWalker() {
        @Override
        public void unmapMappingPages(AddressSpace mapping, long first, long last, boolean evenCows) {
            // no page tables in reach: nothing maps anything
        }

        @Override
        public int mkclean(AddressSpace mapping, long pfn, boolean nonlinear) {
            return 0;
        }

        @Override
        public void mkcleanNonlinear(AddressSpace mapping, long first, long last) {
            // as above
        }
    };
}

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
     * @return how many entries were dirty or writable
     */
    int mkclean(AddressSpace mapping, long index, long pfn);

    /** For files that nobody can map. */
    MappingWalker NONE = new MappingWalker() {
        @Override
        public void unmapMappingPages(AddressSpace mapping, long first, long last, boolean evenCows) {
            // no page tables in reach: nothing maps anything
        }

        @Override
        public int mkclean(AddressSpace mapping, long index, long pfn) {
            return 0;
        }
    };
}

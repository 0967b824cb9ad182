package faultline.mmu.tlb;

/**
 * Who keeps translated guest code, told when the kernel side changes a frame's content: page-in, read(2) into it,
 * copies, reuse.
 */
@FunctionalInterface
public interface InstructionCache {
    /** No code is kept. */
    InstructionCache NONE = pfn -> {};

    /**
     * When it returns, code translated from the frame's earlier content does not run any more. Cheap for frames without
     * code.
     */
    void flushFrame(long pfn);
}

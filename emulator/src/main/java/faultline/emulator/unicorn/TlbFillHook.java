package faultline.emulator.unicorn;

/** The page walker: asked whenever an access finds no usable entry in the engine's TLB. */
@FunctionalInterface
public interface TlbFillHook {
    /**
     * Resolves one page. May be asked again for a page already granted.
     *
     * @param address the page's first byte: the low 12 bits of the access are lost here
     * @param kind {@link UnicornConstants#UC_MEM_READ}, {@code UC_MEM_WRITE} or {@code UC_MEM_FETCH}
     * @param result host address of the answer: write it with {@link Unicorn#answer}
     * @return false: no translation; the instruction is not executed and {@link Unicorn#start} returns
     *     {@link UnicornConstants#UC_ERR_EXCEPTION}
     */
    boolean fill(long address, int kind, long result);
}

package faultline.emulator.task;

import faultline.mmu.mm.MmLayout;

/**
 * Where execve puts code: how far programs and libraries lie from where they would be without randomisation.
 *
 * <p>Linux draws that anew at each execve. Here it is drawn once a machine unless {@code --aslr=exec} is given: code
 * that is executed again then lies where it lay, and what an engine has translated of it holds ({@code CpuPool}). Stack
 * and heap have no code, and get places of their own each time.
 */
final class CodePlaces {
    private static final long MOST_PAGES = 1L << MmLayout.MMAP_RND_BITS;

    private final GuestRandom random;
    private final boolean once;
    private long mappings;
    private long program;
    private boolean drawn;

    /** @param when {@code machine}, or {@code exec} for anew each time */
    CodePlaces(GuestRandom random, String when) {
        this.random = random;
        this.once = when.equals("machine");
    }

    /**
     * A program is about to be executed.
     *
     * @return how many bytes its mappings lie below their highest place, and a position-independent program above its
     *     lowest
     */
    synchronized Places next() {
        if (!drawn || !once) {
            mappings = random.nextBelow(MOST_PAGES) << MmLayout.PAGE_SHIFT;
            program = random.nextBelow(MOST_PAGES) << MmLayout.PAGE_SHIFT;
            drawn = true;
        }
        return new Places(mappings, program);
    }

    /** Bytes, multiples of the page size. */
    record Places(long mappings, long program) {
        /** Without randomisation (ADDR_NO_RANDOMIZE). */
        static final Places FIXED = new Places(0, 0);
    }
}

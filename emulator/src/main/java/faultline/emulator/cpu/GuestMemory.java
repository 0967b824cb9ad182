package faultline.emulator.cpu;

import faultline.mmu.fault.FaultContext;

/** What an engine asks of the kernel about one address space: the hardware's page walk, and the page fault. */
public interface GuestMemory {
    int READ = 0;
    int WRITE = 1;
    int FETCH = 2;

    /**
     * The page walk of a user access, which sets accessed and dirty bits.
     *
     * @param access {@link #READ}, {@link #WRITE} or {@link #FETCH}
     * @return the leaf entry of the 4 KiB page with its effective rights, {@code PageWalker.NX} for no-execute, W
     *     masked off while the page is clean; or, negative, {@code ~errorCode}
     */
    long walk(long address, int access);

    /** Handles a user page fault: DONE, RETRY, SIGNAL or OOM of {@code FaultHandler}. */
    int fault(long address, int errorCode, FaultContext context);

    /** Whether a result of {@link #walk} is a refused access. */
    static boolean isMiss(long entry) {
        return entry < 0;
    }
}

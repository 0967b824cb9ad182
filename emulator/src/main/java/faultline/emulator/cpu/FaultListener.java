package faultline.emulator.cpu;

import faultline.mmu.fault.FaultContext;

/** Sees every page fault of guest code, after it has been handled; for tracing. */
@FunctionalInterface
public interface FaultListener {
    /**
     * A fault was handled.
     *
     * @param context address, error code, ip and path of the fault; the address is exact while a listener is attached
     * @param result what {@code doUserAddrFault} returned
     * @param nanos how long it took
     */
    void fault(FaultContext context, int result, long nanos);
}

package faultline.emulator.cli;

import faultline.emulator.task.GuestMachine;
import faultline.emulator.task.GuestSpec;
import faultline.emulator.task.KernelClock;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * {@code faultline run} of a machine with a mistake in it: {@code BrokenMachine PART COUNT PROGRAM [ARGS…]}.
 *
 * <p>PART throws when it is used for the COUNTth time: {@code page} and {@code range} are the first process' TLB, which
 * is flushed with a page-table lock held, and with the mmap lock held for writing; {@code timer} is the thread of
 * timers, and {@code start} what happens before the first instruction.
 */
public final class BrokenMachine {
    /** With more tasks in the address space a flush of a range counts: some of them have not ended when one fails. */
    private static final int OTHERS = 2;

    private BrokenMachine() {}

    public static void main(String[] args) {
        String part = args[0];
        AtomicInteger left = new AtomicInteger(Integer.parseInt(args[1]));
        GuestSpec spec = GuestSpec.of(List.of(args).subList(2, args.length), List.of());
        int status;
        try {
            status = GuestRunner.run(spec, machine -> spoil(machine, part, left), machine -> {});
        } catch (RuntimeException | Error e) {
            status = Trouble.report(e);
        }
        System.exit(status);
    }

    private static void spoil(GuestMachine machine, String part, AtomicInteger left) {
        var kernel = machine.kernel();
        switch (part) {
            case "start" -> mistake(left);
            case "timer" -> kernel.timers().at(kernel.clock().now(KernelClock.MONOTONIC), () -> mistake(left));
            default -> {
                var mm = kernel.first().space().mm();
                var tasks = kernel.first().tasks();
                mm.setTlb(new SpoiledTlb(mm.tlb(), part, left, () -> tasks.size() > OTHERS));
            }
        }
    }

    private static void mistake(AtomicInteger left) {
        if (left.decrementAndGet() == 0) {
            throw new IllegalStateException("spoiled\non purpose");
        }
    }

    /** Flushes as another one does, until it throws. */
    private record SpoiledTlb(AddressSpaceTlb tlb, String part, AtomicInteger left, BooleanSupplier crowded)
            implements AddressSpaceTlb {
        @Override
        public void flushPage(long address) {
            if (part.equals("page")) {
                mistake(left);
            }
            tlb.flushPage(address);
        }

        @Override
        public void flushRange(long start, long end) {
            if (part.equals("range") && crowded.getAsBoolean()) {
                mistake(left);
            }
            tlb.flushRange(start, end);
        }

        @Override
        public void flushAll() {
            tlb.flushAll();
        }
    }
}

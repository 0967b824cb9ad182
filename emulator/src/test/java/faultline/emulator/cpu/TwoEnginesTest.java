package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.GuestRig.CODE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Guest code runs on two engines at once, and each side takes translations away from the other while it runs: every
 * flush ends, and no access goes lost or to a frame that is not mapped any more.
 */
@Timeout(120)
class TwoEnginesTest {
    private static final int PAGES = 8;
    private static final int PASSES = 500;
    private static final int ROUNDS = 1_000 * Integer.getInteger("faultline.stress", 1);
    private static final int SIGSEGV = 11;

    private final GuestRig rig = new GuestRig(64 << 20);
    private final List<Side> sides = new ArrayList<>();
    private long shared;

    /** One address space with its engine, and the thread that runs it. */
    private final class Side {
        final MmStruct mm;
        final CpuEngine engine;
        final CpuState state = new CpuState();
        final FaultContext context = new FaultContext();
        final AtomicLong refused = new AtomicLong();

        Side(MmStruct mm, CpuEngine engine) {
            this.mm = mm;
            this.engine = engine;
        }

        /** Runs the guest's loop once to its system call, faults waited for and refused accesses tried again. */
        void run(int word) {
            state.set(CpuState.RBX, shared + 8L * word);
            state.set(CpuState.RDX, PASSES);
            state.set(CpuState.RIP, CODE);
            while (true) {
                switch (engine.run(state, context)) {
                    case SYSCALL -> {
                        return;
                    }
                    case FAULT_RETRY -> {
                        context.mayWait = true;
                        int result =
                                rig.memory.faults().doUserAddrFault(mm, context.address, context.errorCode, context);
                        if (result == FaultHandler.FAULT_SIGNAL) {
                            refused();
                        }
                    }
                    case FAULT_SIGNAL -> refused();
                    case STOPPED -> Thread.onSpinWait();
                    default -> throw new AssertionError("the guest ended otherwise");
                }
            }
        }

        /** The other side has write-protected the page for a moment: the instruction is run again. */
        private void refused() {
            assertThat(context.siSigno).isEqualTo(SIGSEGV);
            refused.incrementAndGet();
            Thread.onSpinWait();
        }
    }

    /** What one side does to the other's address space. */
    @FunctionalInterface
    private interface Disturbance {
        void run(MmStruct other, FaultContext ctx, int round);
    }

    @BeforeEach
    void forkAChild() {
        int flags = MmapFlags.SHARED | MmapFlags.ANONYMOUS | MmapFlags.FIXED;
        shared =
                rig.memory.mmap().doMmap(rig.mm, rig.context, 0x5000_0000L, PAGES * 4096L, GuestRig.RW, flags, null, 0);
        assertThat(shared).isPositive();
        // again: mov rdi,rbx; mov ecx,8; next: inc qword [rdi]; add rdi,4096; dec ecx; jnz next; dec edx; jnz again;
        // syscall
        rig.code(CODE, "4889df", "b908000000", "48ff07", "4881c700100000", "ffc9", "75f2", "ffca", "75e6", SYSCALL);
        MmStruct child = rig.memory.newMm(MmLimits.ROOT);
        assertThat(rig.memory.fork().dupMmap(child, rig.mm, rig.context)).isZero();
        sides.add(new Side(rig.mm, rig.engine));
        sides.add(new Side(child, rig.pool.acquire(child, rig.memory.walker(), rig.memory.faults(), "")));
    }

    @AfterEach
    void close() {
        assertThat(rig.memory.audit()).isEmpty();
        rig.pool.release(sides.get(1).engine);
        rig.memory.exitMmap(sides.get(1).mm);
        rig.close();
    }

    private void both(Disturbance disturbance) throws Exception {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        CyclicBarrier start = new CyclicBarrier(2);
        List<Thread> threads = new ArrayList<>();
        for (int me = 0; me < 2; me++) {
            int self = me;
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    start.await();
                    for (int round = 0; round < ROUNDS; round++) {
                        sides.get(self).run(self);
                        disturbance.run(sides.get(1 - self).mm, sides.get(self).context, round);
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failure.get()).isNull();
        for (int page = 0; page < PAGES; page++) {
            for (int word = 0; word < 2; word++) {
                assertThat(counter(page, word))
                        .as("page %d, side %d", page, word)
                        .isEqualTo((long) ROUNDS * PASSES);
            }
        }
    }

    private long counter(int page, int word) {
        rig.context.mayWait = true;
        assertThat(rig.memory.userMemory().getLong(rig.mm, rig.context, shared + 4096L * page + 8L * word))
                .isZero();
        return rig.context.value;
    }

    @Test
    void takingEachOthersTranslationsAwayLosesNoIncrement() throws Exception {
        both((other, ctx, round) -> assertThat(
                        rig.memory.madvise().run(other, ctx, shared, PAGES * 4096L, Madv.DONTNEED))
                .isZero());
    }

    @Test
    void writeProtectingEachOtherStopsEveryWriteInBetween() throws Exception {
        both((other, ctx, round) -> {
            long page = shared + round % PAGES * 4096L;
            assertThat(rig.memory.mprotect().run(other, ctx, page, 4096, Prot.READ))
                    .isZero();
            int word = other == rig.mm ? 0 : 1;
            long before = rig.memory.phys().getLongAcquire(physical(other, page) + 8L * word);
            for (int i = 0; i < 50; i++) {
                Thread.onSpinWait();
            }
            assertThat(rig.memory.phys().getLongAcquire(physical(other, page) + 8L * word))
                    .as("written through an old translation")
                    .isEqualTo(before);
            assertThat(rig.memory.mprotect().run(other, ctx, page, 4096, GuestRig.RW))
                    .isZero();
        });
    }

    /** Where a page of shared memory is: it stays there, whoever maps it. */
    private long physical(MmStruct mm, long address) {
        long index = mm.vmas().lookup(address).pageIndex(address);
        var mapping = mm.vmas().lookup(address).file().mapping();
        long pfn = mapping.findPage(index);
        rig.memory.phys().allocator().putPage(pfn);
        return pfn << 12;
    }
}

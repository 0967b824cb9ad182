package faultline.emulator.cpu;

import static faultline.emulator.cpu.Asm.SYSCALL;
import static faultline.emulator.cpu.Asm.mov;

import java.lang.management.ManagementFactory;
import java.util.Arrays;

/**
 * Prints what the hot paths cost, in nanoseconds of processor time, the median of several rounds: TLB fills, faults on
 * fresh anonymous pages, system calls, a walk over much memory. Not a test; run its main method.
 */
final class CpuMeasure {
    private static final int ROUNDS = 9;
    private static final long MIB = 1 << 20;
    private static final int WRITE_LOOP = 0x100;
    private static final int READ_LOOP = 0x200;

    private CpuMeasure() {}

    public static void main(String[] arguments) {
        System.out.printf("syscall round trip      %6.0f ns%n", syscalls());
        System.out.printf("fresh page write        %6.0f ns/page%n", fresh(WRITE_LOOP));
        System.out.printf("fresh page read         %6.0f ns/page%n", fresh(READ_LOOP));
        System.out.printf("TLB fill after a flush  %6.0f ns/page%n", fills());
        walk();
        System.out.printf("mprotect-like page flush and refill  %6.0f ns%n", flushes());
    }

    /** Loops over RCX pages from RDI, then a syscall. */
    private static void loops(GuestRig rig) {
        // L: mov [rdi],rdi; add rdi,4096; dec ecx; jnz L
        rig.code(GuestRig.CODE + WRITE_LOOP, "48893f", "4881c700100000", "ffc9", "75f2", SYSCALL);
        // L: mov rax,[rdi]; ...
        rig.code(GuestRig.CODE + READ_LOOP, "488b07", "4881c700100000", "ffc9", "75f2", SYSCALL);
    }

    private static void touch(GuestRig rig, int loop, long at, int pages) {
        rig.state.set(CpuState.RDI, at);
        rig.state.set(CpuState.RCX, pages);
        Exit exit = rig.run(GuestRig.CODE + loop);
        if (exit != Exit.SYSCALL) {
            throw new IllegalStateException(exit.toString());
        }
    }

    private static double syscalls() {
        try (GuestRig rig = new GuestRig(64 * MIB)) {
            rig.code(GuestRig.CODE, mov(CpuState.RAX, 39), "0f05", "ebfc"); // L: syscall; jmp L
            rig.run(GuestRig.CODE);
            int calls = 1_000_000;
            double[] times = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                long begin = cpuNanos();
                for (int i = 0; i < calls; i++) {
                    if (rig.engine.run(rig.state, rig.context) != Exit.SYSCALL) {
                        throw new IllegalStateException("not a syscall");
                    }
                    rig.state.set(CpuState.RAX, rig.state.get(CpuState.RDI) + rig.state.get(CpuState.RSI));
                }
                times[round] = (cpuNanos() - begin) / (double) calls;
            }
            return median(times);
        }
    }

    private static double fresh(int loop) {
        int pages = 20_000;
        try (GuestRig rig = new GuestRig(256 * MIB)) {
            loops(rig);
            double[] times = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                long at = rig.map(0, pages * 4096L, GuestRig.RW, 0);
                long begin = cpuNanos();
                touch(rig, loop, at, pages);
                times[round] = (cpuNanos() - begin) / (double) pages;
                rig.memory.munmap().run(rig.mm, at, pages * 4096L);
            }
            return median(times);
        }
    }

    private static double fills() {
        int pages = 20_000;
        try (GuestRig rig = new GuestRig(256 * MIB)) {
            loops(rig);
            long at = rig.map(0, pages * 4096L, GuestRig.RW, 0);
            touch(rig, WRITE_LOOP, at, pages);
            double[] times = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                rig.engine.flushAll();
                touch(rig, READ_LOOP, at, 1);
                long begin = cpuNanos();
                touch(rig, READ_LOOP, at, pages);
                times[round] = (cpuNanos() - begin) / (double) pages;
            }
            return median(times);
        }
    }

    private static void walk() {
        int pages = 102_400;
        try (GuestRig rig = new GuestRig(512 * MIB)) {
            loops(rig);
            long at = rig.map(0, pages * 4096L, GuestRig.RW, 0);
            System.out.print("walk over 400 MiB, ns/page:");
            for (int round = 0; round < 8; round++) {
                long begin = cpuNanos();
                touch(rig, round == 0 ? WRITE_LOOP : READ_LOOP, at, pages);
                System.out.printf(" %.1f", (cpuNanos() - begin) / (double) pages);
            }
            System.out.printf("  (growth flushes %d)%n", rig.engine.stats().growthFlushes);
        }
    }

    private static double flushes() {
        try (GuestRig rig = new GuestRig(64 * MIB)) {
            loops(rig);
            long at = rig.map(0, 64 * 4096L, GuestRig.RW, 0);
            touch(rig, WRITE_LOOP, at, 64);
            int times = 200_000;
            double[] results = new double[ROUNDS];
            for (int round = 0; round < ROUNDS; round++) {
                long begin = cpuNanos();
                for (int i = 0; i < times; i++) {
                    rig.engine.flushPage(at);
                    touch(rig, READ_LOOP, at, 1);
                }
                results[round] = (cpuNanos() - begin) / (double) times;
            }
            return median(results);
        }
    }

    /** Processor time of this thread: other work on the machine does not show. */
    private static long cpuNanos() {
        return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}

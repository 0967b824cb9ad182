package faultline.emulator.cpu;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.unicorn.Unicorn;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Where Unicorn keeps the integer registers, in bytes: the pointer to its CPU object from the engine's handle, the rest
 * from what that points to.
 *
 * <p>Found by experiment, since no function tells: all registers are given values that nothing else has, and whatever
 * the words of the handle point to is searched for them. The pointer nearest before them counts: one to the object
 * itself, or into it, while those farther away may point to something that happens to lie in front. What may not be a
 * pointer is read through {@code process_vm_readv}, which answers EFAULT where a load would end the process.
 */
record RegisterPlaces(long cpuPointer, long rax, long rip, long fsBase, long gsBase) {
    private static final long MAGIC = 0x0000_5afe_0000_0000L;
    /** The CPU object begins with generic parts of some ten kilobytes; the registers are its first own. */
    private static final int REACH = 1 << 16;

    private static final int PAGE = 4096;

    /** Searches an engine that does not run; null when the registers are not where they are looked for. */
    static RegisterPlaces find(Unicorn unicorn, long handleBytes) {
        long[] before = new long[CpuState.REGISTERS];
        for (int i = 0; i < CpuState.REGISTERS; i++) {
            before[i] = unicorn.readRegister(CpuState.unicornNumber(i));
            if (i != CpuState.RFLAGS) {
                unicorn.writeRegister(CpuState.unicornNumber(i), MAGIC + i);
            }
        }
        try (Arena arena = Arena.ofConfined()) {
            return new Search(arena).search(unicorn.handle(), handleBytes);
        } finally {
            for (int i = 0; i < CpuState.REGISTERS; i++) {
                unicorn.writeRegister(CpuState.unicornNumber(i), before[i]);
            }
        }
    }

    private static final class Search {
        private final MemorySegment words;
        private final MemorySegment vectors;
        private int count;

        Search(Arena arena) {
            words = arena.allocate(REACH, Long.BYTES);
            vectors = arena.allocate(32, Long.BYTES);
        }

        RegisterPlaces search(long handle, long handleBytes) {
            MemorySegment handleWords = MemorySegment.ofAddress(handle).reinterpret(handleBytes);
            RegisterPlaces nearest = null;
            for (long at = 0; at + Long.BYTES <= handleBytes; at += Long.BYTES) {
                long pointer = handleWords.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
                if (pointer > PAGE && (pointer & 7) == 0 && pointer >>> 47 == 0) {
                    count = load(pointer) / Long.BYTES;
                    long rax = find(0, MAGIC + CpuState.RAX);
                    if (rax >= 0 && areIntegers(rax) && (nearest == null || rax * Long.BYTES < nearest.rax)) {
                        nearest = places(at, rax);
                    }
                }
            }
            return nearest;
        }

        private RegisterPlaces places(long at, long rax) {
            long rip = find(rax, MAGIC + CpuState.RIP);
            long fs = find(rax, MAGIC + CpuState.FS_BASE);
            long gs = find(rax, MAGIC + CpuState.GS_BASE);
            return rip < 0 || fs < 0 || gs < 0
                    ? null
                    : new RegisterPlaces(at, rax * Long.BYTES, rip * Long.BYTES, fs * Long.BYTES, gs * Long.BYTES);
        }

        private boolean areIntegers(long rax) {
            for (int i = CpuState.RAX; i <= CpuState.R15; i++) {
                if (rax + i >= count || word(rax + i) != MAGIC + i) {
                    return false;
                }
            }
            return true;
        }

        private long find(long from, long value) {
            for (long i = from; i < count; i++) {
                if (word(i) == value) {
                    return i;
                }
            }
            return -1;
        }

        private long word(long index) {
            return words.getAtIndex(ValueLayout.JAVA_LONG, index);
        }

        /** Copies what may be read from {@code pointer} on, at most {@link #REACH} bytes; returns how many. */
        private int load(long pointer) {
            int done = 0;
            while (done < REACH) {
                int piece = (int) Math.min(REACH - done, PAGE - (pointer + done & PAGE - 1));
                vectors.set(ValueLayout.JAVA_LONG, 0, words.address() + done);
                vectors.set(ValueLayout.JAVA_LONG, 8, piece);
                vectors.set(ValueLayout.JAVA_LONG, 16, pointer + done);
                vectors.set(ValueLayout.JAVA_LONG, 24, piece);
                long got = Libc.call(
                        Nr.PROCESS_VM_READV,
                        ProcessHandle.current().pid(),
                        vectors.address(),
                        1,
                        vectors.address() + 16,
                        1,
                        0);
                if (got <= 0) {
                    break;
                }
                done += (int) got;
            }
            return done;
        }
    }
}

package faultline.emulator.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A few instructions that run at privilege level 0, in memory of their own outside guest RAM.
 *
 * <p>Unicorn has no call that enters level 3 or that flushes one page; the instructions {@code sysretq} and {@code
 * invlpg} do. The two pages here have no page-table entry: the engine's fill hook answers their addresses only while it
 * runs firmware, and what is filled at level 0 is in another TLB than what level 3 sees. So guest code can never reach
 * them.
 */
final class Firmware implements AutoCloseable {
    static final int PAGE = 4096;
    /** Guest-physical place, far above any RAM. */
    static final long PHYSICAL = 1L << 43;

    static final long BYTES = 2 * PAGE;
    /** Where the code is seen, and the list of pages to flush after it. */
    static final long VIRTUAL = 0xffffff0000000000L;

    static final long PAGE_LIST = VIRTUAL + PAGE;
    static final int PAGE_LIST_ENTRIES = PAGE / Long.BYTES;

    /** Guest RAM, byte for byte, for removing translations by physical address. */
    static final long WINDOW = 0xffff800000000000L;

    /** {@code sysretq}: enters level 3 at RCX with flags R11. */
    static final long SYSRET = VIRTUAL;
    /** Flushes ECX pages, whose addresses RSI points to. */
    static final long INVLPG = VIRTUAL + 0x10;
    /** {@code cpuid; hlt}. */
    static final long CPUID = VIRTUAL + 0x40;
    /** {@code mov rax,[rdi]; hlt}. */
    static final long LOAD = VIRTUAL + 0x50;
    /** {@code xor ecx,ecx; div ecx; hlt}: a divide error. */
    static final long DIVIDE = VIRTUAL + 0x60;
    /** {@code mov eax,0xfff0; mov ds,eax; hlt}: a general protection fault. */
    static final long BAD_SELECTOR = VIRTUAL + 0x70;

    private static final int[] SYSRET_CODE = {0x48, 0x0f, 0x07};
    // mov rdi,[rsi]; invlpg [rdi]; add rsi,8; dec ecx; jnz back; hlt
    private static final int[] INVLPG_CODE = {
        0x48, 0x8b, 0x3e, 0x0f, 0x01, 0x3f, 0x48, 0x83, 0xc6, 0x08, 0xff, 0xc9, 0x75, 0xf2, 0xf4
    };
    private static final int[] CPUID_CODE = {0x0f, 0xa2, 0xf4};
    private static final int[] LOAD_CODE = {0x48, 0x8b, 0x07, 0xf4};
    private static final int[] DIVIDE_CODE = {0x31, 0xc9, 0xf7, 0xf1, 0xf4};
    private static final int[] BAD_SELECTOR_CODE = {0xb8, 0xf0, 0xff, 0x00, 0x00, 0x8e, 0xd8, 0xf4};

    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate(BYTES, PAGE);

    Firmware() {
        put(SYSRET, SYSRET_CODE);
        put(INVLPG, INVLPG_CODE);
        put(CPUID, CPUID_CODE);
        put(LOAD, LOAD_CODE);
        put(DIVIDE, DIVIDE_CODE);
        put(BAD_SELECTOR, BAD_SELECTOR_CODE);
    }

    private void put(long address, int[] code) {
        for (int i = 0; i < code.length; i++) {
            memory.set(ValueLayout.JAVA_BYTE, address - VIRTUAL + i, (byte) code[i]);
        }
    }

    MemorySegment memory() {
        return memory;
    }

    /** Writes one entry of the list of pages to flush. */
    void setPage(int index, long address) {
        memory.set(ValueLayout.JAVA_LONG, PAGE + (long) index * Long.BYTES, address);
    }

    /** Guest-physical page of an address of the firmware or the window. */
    static long physical(long address) {
        return address >= VIRTUAL ? PHYSICAL + (address - VIRTUAL) : address - WINDOW;
    }

    @Override
    public void close() {
        arena.close();
    }
}

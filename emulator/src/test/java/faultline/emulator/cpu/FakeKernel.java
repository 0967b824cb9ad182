package faultline.emulator.cpu;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.table.PageWalker;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One address space over its own RAM, with a map for page tables and demand-zero areas for a fault handler: enough
 * kernel to test a CPU without one.
 */
final class FakeKernel implements GuestMemory, AutoCloseable {
    static final long PAGE = 4096;
    static final int R = 0;
    static final int W = 2;
    static final int X = 1 << 20;

    private static final long PRESENT = 1;
    private static final long WRITABLE = 2;
    private static final long USER = 4;
    private static final long DIRTY = 64;

    final Arena arena = Arena.ofShared();
    final MemorySegment ram;
    final CpuPool pool;
    final CpuEngine engine;
    final CpuState state = new CpuState();
    final FaultContext context = new FaultContext();
    /** Faults in the order in which they came: address, error code. */
    final List<long[]> faults = new ArrayList<>();

    private final Map<Long, Long> pages = new HashMap<>();
    private final Map<Long, Integer> demand = new HashMap<>();
    private long nextFrame = 1;
    /** What the next faults answer instead of what they would. */
    int answerNext = -1;

    FakeKernel() {
        this(CpuOptions.defaults());
    }

    FakeKernel(CpuOptions options) {
        this(options, 64 << 20);
    }

    FakeKernel(CpuOptions options, long ramBytes) {
        ram = arena.allocate(ramBytes, PAGE);
        pool = new CpuPool(ram, options);
        engine = pool.acquire(this);
    }

    long newFrame() {
        return nextFrame++;
    }

    /** Maps a page to a frame. */
    FakeKernel map(long address, long pfn, int rights) {
        pages.put(
                address >>> 12,
                pfn << 12
                        | PRESENT
                        | USER
                        | ((rights & W) != 0 ? WRITABLE : 0)
                        | ((rights & X) != 0 ? 0 : PageWalker.NX));
        return this;
    }

    /** Maps a new frame. */
    long map(long address, int rights) {
        long pfn = newFrame();
        map(address, pfn, rights);
        return pfn;
    }

    void unmap(long address) {
        pages.remove(address >>> 12);
    }

    /** Pages of an area get a frame with their first fault. */
    void demand(long address, int count, int rights) {
        for (int i = 0; i < count; i++) {
            demand.put((address >>> 12) + i, rights);
        }
    }

    /** Code at an address, its pages mapped executable as far as they are not mapped yet. */
    FakeKernel code(long address, String... hex) {
        byte[] bytes = Asm.bytes(hex);
        for (int i = 0; i < bytes.length; i++) {
            if (!pages.containsKey(address + i >>> 12)) {
                map(address + i & -PAGE, X);
            }
            poke(address + i, bytes[i]);
        }
        return this;
    }

    long physical(long address) {
        return (pages.get(address >>> 12) & TlbFiller.FRAME_MASK) + (address & PAGE - 1);
    }

    void poke(long address, byte value) {
        ram.set(ValueLayout.JAVA_BYTE, physical(address), value);
    }

    long peek(long address) {
        return ram.get(ValueLayout.JAVA_LONG_UNALIGNED, physical(address));
    }

    boolean isMapped(long address) {
        return pages.containsKey(address >>> 12);
    }

    @Override
    public long walk(long address, int access) {
        int code = FaultHandler.PF_USER
                | (access == WRITE ? FaultHandler.PF_WRITE : 0)
                | (access == FETCH ? FaultHandler.PF_INSTR : 0);
        Long entry = pages.get(address >>> 12);
        if (entry == null) {
            return ~code;
        }
        if (access == WRITE && (entry & WRITABLE) == 0 || access == FETCH && (entry & PageWalker.NX) != 0) {
            return ~(code | FaultHandler.PF_PROT);
        }
        if (access == WRITE) {
            entry |= DIRTY;
            pages.put(address >>> 12, entry);
        }
        return (entry & DIRTY) != 0 ? entry : entry & ~WRITABLE;
    }

    @Override
    public int fault(long address, int errorCode, FaultContext to) {
        faults.add(new long[] {address, errorCode});
        to.address = address;
        to.errorCode = errorCode;
        if (answerNext >= 0) {
            int answer = answerNext;
            answerNext = -1;
            return answer;
        }
        Integer rights = demand.remove(address >>> 12);
        if (rights == null) {
            to.siSigno = 11;
            to.siCode = (errorCode & FaultHandler.PF_PROT) != 0 ? 2 : 1;
            to.siAddr = address;
            return FaultHandler.FAULT_SIGNAL;
        }
        map(address & -PAGE, rights);
        return FaultHandler.FAULT_DONE;
    }

    /** Runs from an address. */
    Exit run(long rip) {
        state.set(CpuState.RIP, rip);
        return engine.run(state, context);
    }

    /** Goes on. */
    Exit run() {
        return engine.run(state, context);
    }

    @Override
    public void close() {
        pool.close();
        arena.close();
    }
}

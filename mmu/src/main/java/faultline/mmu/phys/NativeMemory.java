package faultline.mmu.phys;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The host's memory as one segment over the whole address space, and lazily backed mappings in it.
 *
 * <p>Accessors go through {@link #ALL}, a constant: the compiler folds its bounds and liveness checks away, so that an
 * access becomes a plain load or store. Nothing here checks addresses; {@link PhysicalMemory} and {@link FrameTable}
 * do.
 */
final class NativeMemory {
    static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    /** Address of a page of zeros that nobody writes to. */
    static final long ZEROS = Arena.global().allocate(Page.SIZE, Page.SIZE).address();

    static final VarHandle LONG = ValueLayout.JAVA_LONG.varHandle();
    static final VarHandle INT = ValueLayout.JAVA_INT.varHandle();

    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE = 2;
    private static final boolean MAC = System.getProperty("os.name").startsWith("Mac");
    private static final int MAP_ANONYMOUS = MAC ? 0x1000 : 0x20;
    private static final int MAP_NORESERVE = MAC ? 0x40 : 0x4000;
    private static final int MADV_HUGEPAGE = 14;

    private static final MethodHandle MMAP;
    private static final MethodHandle MUNMAP;
    private static final MethodHandle MADVISE;

    static {
        Linker linker = Linker.nativeLinker();
        SymbolLookup libc = linker.defaultLookup();
        MMAP = linker.downcallHandle(
                libc.findOrThrow("mmap"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        MUNMAP = linker.downcallHandle(
                libc.findOrThrow("munmap"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        MADVISE = linker.downcallHandle(
                libc.findOrThrow("madvise"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    }

    private final long mapped;
    private final long mappedBytes;
    private final long base;
    private final long bytes;

    private NativeMemory(long mapped, long mappedBytes, long base, long bytes) {
        this.mapped = mapped;
        this.mappedBytes = mappedBytes;
        this.base = base;
        this.bytes = bytes;
    }

    /**
     * Maps zero-filled memory that the host backs only where it is touched.
     *
     * @param bytes length
     * @param alignment power of two that the start is a multiple of
     * @throws OutOfMemoryError when the host refuses
     */
    static NativeMemory map(long bytes, long alignment) {
        long length = Math.addExact(bytes, alignment);
        long start;
        try {
            start = (long)
                    MMAP.invokeExact(0L, length, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
        } catch (Throwable e) {
            throw new IllegalStateException("mmap cannot be called", e);
        }
        if (start == -1) {
            throw new OutOfMemoryError(
                    "the host refuses to reserve " + bytes + " bytes for guest memory; ask for less");
        }
        return new NativeMemory(start, length, (start + alignment - 1) & -alignment, bytes);
    }

    /**
     * Asks the host to back the mapping by huge pages, where it can: fewer host faults, and its TLB reaches further.
     */
    void preferHugePages() {
        if (!MAC) {
            try {
                // Refusal (a kernel without transparent huge pages) costs speed only.
                int unused = (int) MADVISE.invokeExact(base, bytes, MADV_HUGEPAGE);
            } catch (Throwable e) {
                throw new IllegalStateException("madvise cannot be called", e);
            }
        }
    }

    /** Host address of the first byte. */
    long base() {
        return base;
    }

    /** A view for bulk access; it must not be used after {@link #unmap}. */
    MemorySegment segment() {
        return MemorySegment.ofAddress(base).reinterpret(bytes, Arena.global(), null);
    }

    /** Gives the memory back to the host. Any later access to it kills the process. */
    void unmap() {
        int result;
        try {
            result = (int) MUNMAP.invokeExact(mapped, mappedBytes);
        } catch (Throwable e) {
            throw new IllegalStateException("munmap cannot be called", e);
        }
        if (result != 0) {
            throw new IllegalStateException("munmap of guest memory failed");
        }
    }
}

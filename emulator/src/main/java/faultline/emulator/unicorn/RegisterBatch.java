package faultline.emulator.unicorn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A fixed list of registers that are read or written in one call, and the memory their values lie in.
 *
 * <p>A batch of 18 costs about as much as three single reads. Slots are 16 bytes apart, so that any register fits.
 * Not thread-safe.
 */
public final class RegisterBatch {
    /** Distance of two values in the batch's memory, in bytes. */
    public static final int SLOT = 16;

    private final int count;
    private final MemorySegment ids;
    private final MemorySegment pointers;
    private final MemorySegment values;
    /** Numbers and pointers of a part of the batch. */
    private final MemorySegment someIds;

    private final MemorySegment somePointers;

    /** Allocates a batch in {@code arena} for the registers {@code UC_X86_REG_*}. */
    public RegisterBatch(Arena arena, int... registers) {
        this(arena, arena.allocate((long) registers.length * SLOT, SLOT), registers);
    }

    /** A batch whose values lie in the caller's memory: register n at byte {@code n * SLOT}. */
    public RegisterBatch(Arena arena, MemorySegment values, int... registers) {
        count = registers.length;
        this.values = values;
        ids = arena.allocateFrom(ValueLayout.JAVA_INT, registers);
        pointers = arena.allocate(ValueLayout.JAVA_LONG, count);
        someIds = arena.allocate(ValueLayout.JAVA_INT, count);
        somePointers = arena.allocate(ValueLayout.JAVA_LONG, count);
        for (int i = 0; i < count; i++) {
            pointers.setAtIndex(ValueLayout.JAVA_LONG, i, values.address() + (long) i * SLOT);
        }
    }

    /** The low 64 bits of the n-th register as last read or set. */
    public long get(int n) {
        return values.get(ValueLayout.JAVA_LONG, (long) n * SLOT);
    }

    /** Sets the low 64 bits of the n-th register; {@link #write} hands it over. */
    public void set(int n, long value) {
        values.set(ValueLayout.JAVA_LONG, (long) n * SLOT, value);
    }

    /** The values themselves, {@link #SLOT} bytes each. */
    public MemorySegment values() {
        return values;
    }

    /** Reads all registers from the engine. */
    public void read(Unicorn engine) {
        engine.check(
                "uc_reg_read_batch",
                UnicornApi.regReadBatch(engine.handle(), ids.address(), pointers.address(), count));
    }

    /** Writes all registers to the engine. */
    public void write(Unicorn engine) {
        engine.check(
                "uc_reg_write_batch",
                UnicornApi.regWriteBatch(engine.handle(), ids.address(), pointers.address(), count));
    }

    /** Writes those registers of the first 32 whose bit is set in {@code mask}. */
    public void write(Unicorn engine, int mask) {
        int n = 0;
        for (int rest = mask; rest != 0; rest &= rest - 1) {
            int register = Integer.numberOfTrailingZeros(rest);
            someIds.setAtIndex(ValueLayout.JAVA_INT, n, ids.getAtIndex(ValueLayout.JAVA_INT, register));
            somePointers.setAtIndex(ValueLayout.JAVA_LONG, n, pointers.getAtIndex(ValueLayout.JAVA_LONG, register));
            n++;
        }
        engine.check(
                "uc_reg_write_batch",
                UnicornApi.regWriteBatch(engine.handle(), someIds.address(), somePointers.address(), n));
    }

    /** Reads all registers from a saved context at a host address. */
    public void readContext(long context) {
        Unicorn.checkCode(
                "uc_context_reg_read_batch",
                UnicornApi.contextRegReadBatch(context, ids.address(), pointers.address(), count));
    }

    /** Writes all registers to a saved context at a host address. */
    public void writeContext(long context) {
        Unicorn.checkCode(
                "uc_context_reg_write_batch",
                UnicornApi.contextRegWriteBatch(context, ids.address(), pointers.address(), count));
    }
}

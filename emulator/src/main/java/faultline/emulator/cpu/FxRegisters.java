package faultline.emulator.cpu;

import faultline.emulator.unicorn.RegisterBatch;
import faultline.emulator.unicorn.Unicorn;
import faultline.emulator.unicorn.UnicornConstants;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The x87 and SSE registers of one task: where they are now, and how they become an fxsave image.
 *
 * <p>They are in exactly one of three places: in the engine that ran the task last, in a context saved from it when
 * another task came, or, changed or not yet run, in the image here. {@link #home} says which engine; it is changed only
 * under that engine's residency lock.
 *
 * <p>Layout of the image: Intel SDM volume 1, table 10-2 ("FXSAVE64"). The tag word is abridged there (a bit a
 * register, 1 = used), full in Unicorn (two bits, 3 = empty).
 */
final class FxRegisters {
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;

    private static final int ST_COUNT = 8;
    private static final int XMM_COUNT = 16;
    private static final int ST_BYTES = 10;
    private static final int IMAGE_MXCSR = 24;
    private static final int IMAGE_ST = 32;
    private static final int IMAGE_XMM = 160;
    private static final short INITIAL_FCW = 0x37f;
    private static final int INITIAL_MXCSR = 0x1f80;
    /** MXCSR bits that exist; the others must be zero. */
    static final int MXCSR_MASK = 0xffff;

    // Places in the batch. The status word comes first: it says which physical register ST(0) is.
    private static final int FPSW = 0;
    private static final int FPCW = 1;
    private static final int MXCSR = 2;
    private static final int FIP = 3;
    private static final int ST = 4;
    private static final int XMM = ST + ST_COUNT;
    /** Last: storing a register marks it used. */
    private static final int FPTAG = XMM + XMM_COUNT;

    private static final int COUNT = FPTAG + 1;

    private final MemorySegment image = Arena.ofAuto().allocate(CpuState.FXSAVE_BYTES, 16);

    /** Made when the registers first have to be read or written. */
    private RegisterBatch batch;

    /** The image is the truth: the task has not run, or the registers were changed since. */
    private boolean inImage = true;

    /** The engine whose registers are this task's, or null. */
    private volatile FxHome home;

    /** Where the registers are saved while another task uses the engine; a copy of a context, or null. */
    private MemorySegment context;

    FxRegisters() {
        reset();
    }

    void reset() {
        image.fill((byte) 0);
        image.set(SHORT, 0, INITIAL_FCW);
        image.set(INT, IMAGE_MXCSR, INITIAL_MXCSR);
        image.set(INT, IMAGE_MXCSR + 4, MXCSR_MASK);
        inImage = true;
    }

    void save(MemorySegment to) {
        fetch();
        MemorySegment.copy(image, 0, to, 0, CpuState.FXSAVE_BYTES);
    }

    void restore(MemorySegment from) {
        MemorySegment.copy(from, 0, image, 0, CpuState.FXSAVE_BYTES);
        image.set(INT, IMAGE_MXCSR, image.get(INT, IMAGE_MXCSR) & MXCSR_MASK);
        inImage = true;
    }

    void copyFrom(FxRegisters other) {
        other.fetch();
        MemorySegment.copy(other.image, 0, image, 0, CpuState.FXSAVE_BYTES);
        inImage = true;
    }

    /** Makes the image equal to the registers, wherever they are. */
    private void fetch() {
        while (!inImage) {
            FxHome engine = home;
            if (engine == null) {
                batch().readContext(context.address());
                toImage();
                return;
            }
            synchronized (engine.residency()) {
                if (home == engine) { // else another task came between: they are in the context now
                    batch().read(engine.unicorn());
                    toImage();
                    return;
                }
            }
        }
    }

    /** Takes the registers out of an engine that is not {@code next}. */
    void leave(FxHome next) {
        FxHome engine = home;
        if (engine != null && engine != next) {
            fetch();
            synchronized (engine.residency()) {
                if (home == engine) {
                    engine.forget(this);
                    home = null;
                    inImage = true;
                }
            }
        }
    }

    /** The engine will run this task next: its registers are in the engine, or are put there from the image. */
    void enter(Unicorn engine) {
        if (inImage) {
            fromImage();
            batch().write(engine);
            inImage = false;
        }
    }

    FxHome home() {
        return home;
    }

    /** Under the residency lock of the engine that is, or was, the home. */
    void setHome(FxHome engine) {
        home = engine;
    }

    /** The saved context, made as a copy of {@code template} at first use. */
    MemorySegment context(MemorySegment template) {
        if (context == null) {
            context = Arena.ofAuto().allocate(template.byteSize(), 16);
            MemorySegment.copy(template, 0, context, 0, template.byteSize());
        }
        return context;
    }

    private RegisterBatch batch() {
        if (batch == null) {
            int[] ids = new int[COUNT];
            ids[FPSW] = UnicornConstants.UC_X86_REG_FPSW;
            ids[FPCW] = UnicornConstants.UC_X86_REG_FPCW;
            ids[MXCSR] = UnicornConstants.UC_X86_REG_MXCSR;
            ids[FIP] = UnicornConstants.UC_X86_REG_FIP;
            for (int i = 0; i < ST_COUNT; i++) {
                ids[ST + i] = UnicornConstants.UC_X86_REG_ST0 + i;
            }
            for (int i = 0; i < XMM_COUNT; i++) {
                ids[XMM + i] = UnicornConstants.UC_X86_REG_XMM0 + i;
            }
            ids[FPTAG] = UnicornConstants.UC_X86_REG_FPTAG;
            batch = new RegisterBatch(Arena.ofAuto(), ids);
        }
        return batch;
    }

    private void toImage() {
        image.set(SHORT, 0, (short) batch.get(FPCW));
        image.set(SHORT, 2, (short) batch.get(FPSW));
        int tags = (int) batch.get(FPTAG);
        int used = 0;
        for (int i = 0; i < ST_COUNT; i++) {
            used |= (tags >>> 2 * i & 3) == 3 ? 0 : 1 << i;
        }
        image.set(SHORT, 4, (short) used);
        image.set(SHORT, 6, (short) 0);
        image.set(LONG, 8, batch.get(FIP));
        image.set(LONG, 16, 0);
        image.set(INT, IMAGE_MXCSR, (int) batch.get(MXCSR));
        image.set(INT, IMAGE_MXCSR + 4, MXCSR_MASK);
        for (int i = 0; i < ST_COUNT; i++) {
            image.asSlice(IMAGE_ST + 16L * i, 16).fill((byte) 0);
            copyFromBatch(ST + i, IMAGE_ST + 16L * i, ST_BYTES);
        }
        for (int i = 0; i < XMM_COUNT; i++) {
            copyFromBatch(XMM + i, IMAGE_XMM + 16L * i, 16);
        }
    }

    private void copyFromBatch(int register, long offset, int bytes) {
        MemorySegment.copy(batch.values(), (long) register * RegisterBatch.SLOT, image, offset, bytes);
    }

    private void fromImage() {
        RegisterBatch to = batch();
        to.set(FPCW, image.get(SHORT, 0) & 0xffff);
        to.set(FPSW, image.get(SHORT, 2) & 0xffff);
        to.set(FIP, image.get(LONG, 8));
        to.set(MXCSR, image.get(INT, IMAGE_MXCSR) & MXCSR_MASK);
        int used = image.get(ValueLayout.JAVA_BYTE, 4);
        int tags = 0;
        for (int i = 0; i < ST_COUNT; i++) {
            tags |= (used >>> i & 1) == 0 ? 3 << 2 * i : 0;
        }
        to.set(FPTAG, tags);
        for (int i = 0; i < ST_COUNT; i++) {
            MemorySegment.copy(image, IMAGE_ST + 16L * i, to.values(), (long) (ST + i) * RegisterBatch.SLOT, ST_BYTES);
        }
        for (int i = 0; i < XMM_COUNT; i++) {
            MemorySegment.copy(image, IMAGE_XMM + 16L * i, to.values(), (long) (XMM + i) * RegisterBatch.SLOT, 16);
        }
    }
}

package faultline.emulator.unicorn;

import java.lang.foreign.MemorySegment;

/** All registers of an engine at one moment, in native memory; can be restored into any engine of the same model. */
public final class UnicornContext implements AutoCloseable {
    private final long address;
    private final long size;
    private boolean closed;

    UnicornContext(long address, long size) {
        this.address = address;
        this.size = size;
    }

    /** The {@code uc_context} pointer. */
    public long address() {
        return address;
    }

    /** The bytes of the context, header included. A byte copy of them is a context of its own. */
    public MemorySegment bytes() {
        return MemorySegment.ofAddress(address).reinterpret(size);
    }

    /** Frees it ({@code uc_context_free}); may be called twice. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Unicorn.checkCode("uc_context_free", UnicornApi.contextFree(address));
        }
    }
}

package faultline.emulator.cpu;

import java.util.function.LongSupplier;

/**
 * How engines are made.
 *
 * @param codeBufferBytes memory for translated code an engine, touched as needed; 1 MiB to 1 GiB
 * @param deterministic nothing of the host shows: no RDRAND, the time stamp counter is {@code timestamp}, and time
 *     slices are counted in blocks ({@link CpuEngine#setBlockBudget})
 * @param timestamp the time stamp counter in deterministic mode
 */
public record CpuOptions(int codeBufferBytes, boolean deterministic, LongSupplier timestamp) {
    private static final int DEFAULT_CODE_BUFFER = 128 << 20;

    public CpuOptions {
        if (codeBufferBytes < 1 << 20 || codeBufferBytes > 1 << 30) {
            throw new IllegalArgumentException("code buffer: 1 MiB to 1 GiB, not " + codeBufferBytes + " bytes");
        }
        if (deterministic && timestamp == null) {
            throw new IllegalArgumentException("deterministic mode needs a time stamp counter");
        }
    }

    /** A normal run. */
    public static CpuOptions defaults() {
        return new CpuOptions(DEFAULT_CODE_BUFFER, false, null);
    }

    /** A run that depends on nothing but its inputs. */
    public static CpuOptions deterministic(LongSupplier timestamp) {
        return new CpuOptions(DEFAULT_CODE_BUFFER, true, timestamp);
    }
}

package faultline.emulator.host;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * System calls of the host, made by libc's {@code syscall(2)}.
 *
 * <p>Every method returns what the kernel returned: a value ≥ 0, or {@code -errno}. Arguments are plain {@code long}s;
 * a pointer is the address of native memory (see {@link HostScratch}), which the caller keeps alive during the call.
 * A call may block; the Java thread is then out of the virtual machine's way (no safepoint waits for it).
 */
public final class Libc {

    /** {@code AT_FDCWD}: relative paths start at the host process's own working directory. */
    public static final int AT_FDCWD = -100;

    private static final MethodHandle SYSCALL = link();

    private Libc() {}

    private static MethodHandle link() {
        Linker linker = Linker.nativeLinker();
        ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
        MemorySegment symbol = linker.defaultLookup()
                .find("syscall")
                .orElseThrow(() -> new IllegalStateException("libc has no syscall(2): Faultline needs a Linux host"));
        return linker.downcallHandle(
                symbol,
                FunctionDescriptor.of(word, word, word, word, word, word, word, word),
                Linker.Option.firstVariadicArg(1),
                Linker.Option.captureCallState("errno"));
    }

    /** The size and layout of the block that receives errno. */
    static MemorySegment allocateErrno(Arena arena) {
        MemoryLayout layout = Linker.Option.captureStateLayout();
        return arena.allocate(layout);
    }

    /** A system call of the host. @return its result or -errno */
    public static long call(int nr) {
        return call(nr, 0, 0, 0, 0, 0, 0);
    }

    /** A system call of the host. @return its result or -errno */
    public static long call(int nr, long a0) {
        return call(nr, a0, 0, 0, 0, 0, 0);
    }

    /** A system call of the host. @return its result or -errno */
    public static long call(int nr, long a0, long a1) {
        return call(nr, a0, a1, 0, 0, 0, 0);
    }

    /** A system call of the host. @return its result or -errno */
    public static long call(int nr, long a0, long a1, long a2) {
        return call(nr, a0, a1, a2, 0, 0, 0);
    }

    /** A system call of the host. @return its result or -errno */
    public static long call(int nr, long a0, long a1, long a2, long a3) {
        return call(nr, a0, a1, a2, a3, 0, 0);
    }

    /** A system call of the host. @return its result or -errno */
    public static long call(int nr, long a0, long a1, long a2, long a3, long a4) {
        return call(nr, a0, a1, a2, a3, a4, 0);
    }

    /**
     * Makes system call {@code nr} with six arguments.
     *
     * @return the kernel's value, or -errno
     */
    public static long call(int nr, long a0, long a1, long a2, long a3, long a4, long a5) {
        MemorySegment errno = HostScratch.get().errno();
        long result;
        try {
            result = (long) SYSCALL.invokeExact(errno, (long) nr, a0, a1, a2, a3, a4, a5);
        } catch (Throwable t) {
            throw new IllegalStateException("host system call " + nr + " could not be made", t);
        }
        return result == -1 ? -(long) errno.get(ValueLayout.JAVA_INT, 0) : result;
    }
}

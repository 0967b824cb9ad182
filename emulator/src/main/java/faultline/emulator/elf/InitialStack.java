package faultline.emulator.elf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * The top of a new program's stack, byte for byte as Linux leaves it (copy_strings, create_elf_tables).
 *
 * <pre>
 *   top - 8   a NUL word
 *             execfn, environment strings, argument strings (arguments lowest)
 *             up to 8 KiB of random distance, 16-byte aligned
 *             "x86_64\0", 16 random bytes
 *   sp        argc, argv…, NULL, envp…, NULL, auxiliary vector, AT_NULL          (sp is a multiple of 16)
 * </pre>
 *
 * Used in three steps: construct and write {@link #strings()}, fill {@link #auxv()} from the addresses, write {@link
 * #tables()}.
 */
public final class InitialStack {
    private static final byte[] PLATFORM = "x86_64\0".getBytes(StandardCharsets.ISO_8859_1);

    private final long top;
    private final List<String> argv;
    private final List<String> env;
    private final String execfn;
    private final byte[] random;
    private final int gap;
    private final AuxVector auxv = new AuxVector();

    private final long execfnAddress;
    private final long envStart;
    private final long argStart;
    private final long platformAddress;
    private final long randomAddress;

    /**
     * @param top first address above the stack area, page-aligned
     * @param gap bytes left free between strings and tables (arch_align_stack's random part), 0..8191
     * @param random the 16 bytes of AT_RANDOM
     */
    public InitialStack(long top, List<String> argv, List<String> env, String execfn, int gap, byte[] random) {
        this.top = top;
        this.argv = argv;
        this.env = env;
        this.execfn = execfn;
        this.random = random.clone();
        this.gap = gap;
        execfnAddress = top - 8 - (execfn.length() + 1);
        envStart = execfnAddress - size(env);
        argStart = envStart - size(argv);
        long p = (argStart - gap) & ~15L;
        platformAddress = p - PLATFORM.length;
        randomAddress = platformAddress - random.length;
    }

    private static long size(List<String> strings) {
        long bytes = 0;
        for (String s : strings) {
            bytes += s.length() + 1;
        }
        return bytes;
    }

    /** Bytes that argument and environment strings and their pointers take: what execve(2) limits (E2BIG). */
    public static long argumentBytes(List<String> argv, List<String> env) {
        return size(argv) + size(env) + 8L * (argv.size() + env.size());
    }

    /** To be filled before {@link #tables()}. */
    public AuxVector auxv() {
        return auxv;
    }

    /** Where the program starts with its stack pointer: depends on {@link #auxv()}'s length. */
    public long stackPointer() {
        long words = 1 + argv.size() + 1L + env.size() + 1L;
        long tables = (randomAddress & ~15L) - 16L * (auxv.count() + 1);
        return (tables - 8 * words) & ~15L;
    }

    /** Where the program's path is (AT_EXECFN). */
    public long execfnAddress() {
        return execfnAddress;
    }

    /** Where the platform's name is (AT_PLATFORM). */
    public long platformAddress() {
        return platformAddress;
    }

    /** Where the 16 random bytes are (AT_RANDOM). */
    public long randomAddress() {
        return randomAddress;
    }

    /** First byte of the argument strings (mm->arg_start). */
    public long argStart() {
        return argStart;
    }

    /** First byte of the environment strings, which is the end of the arguments (mm->env_start, mm->arg_end). */
    public long envStart() {
        return envStart;
    }

    /** End of the environment strings (mm->env_end). */
    public long envEnd() {
        return execfnAddress;
    }

    /** The string part: the bytes from {@link #argStart()} up to the top. */
    public byte[] strings() {
        byte[] image = image();
        return Arrays.copyOfRange(image, image.length - (int) (top - argStart), image.length);
    }

    /** The tables: the bytes from {@link #stackPointer()} up to the strings. */
    public byte[] tables() {
        byte[] image = image();
        return Arrays.copyOf(image, (int) (argStart - gap - stackPointer()));
    }

    private byte[] image() {
        long sp = stackPointer();
        ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(top - sp)).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(argv.size());
        putPointers(out, argv, argStart);
        putPointers(out, env, envStart);
        for (int i = 0; i < auxv.count(); i++) {
            out.putLong(auxv.type(i)).putLong(auxv.value(i));
        }
        out.putLong(AuxVector.AT_NULL).putLong(0);
        out.position((int) (randomAddress - sp)).put(random);
        out.position((int) (platformAddress - sp)).put(PLATFORM);
        out.position((int) (argStart - sp));
        putStrings(out, argv);
        putStrings(out, env);
        putStrings(out, List.of(execfn));
        return out.array();
    }

    private static void putPointers(ByteBuffer out, List<String> strings, long start) {
        long at = start;
        for (String s : strings) {
            out.putLong(at);
            at += s.length() + 1;
        }
        out.putLong(0);
    }

    private static void putStrings(ByteBuffer out, List<String> strings) {
        for (String s : strings) {
            out.put(s.getBytes(StandardCharsets.ISO_8859_1)).put((byte) 0);
        }
    }
}

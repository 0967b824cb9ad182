package faultline.emulator.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A static program of a few hundred bytes, assembled here: what {@code doctor} tries the machine with, and what the
 * start-up cache is trained by, without a compiler.
 *
 * <p>It does what starting C programs do: asks for its break, maps, writes, protects and unmaps memory, sets a signal
 * action, looks at standard output. Then it ends with status {@value #STATUS}, which it reads back from memory it
 * wrote. Before that it may be told to make, move and remove some hundred pages again and again.
 */
final class SmallGuest {
    /** The status it ends with when everything worked. */
    static final int STATUS = 42;

    private static final long TEXT = 0x400000;
    private static final long DATA = 0x600000;
    private static final int DATA_BYTES = 16 * 4096;
    private static final int HEADERS = 64 + 3 * 56;
    private static final long MAPPED = 0x10_0000_0000L;
    private static final int MOVED_PAGES = 1024;
    private static final int PAGE = 4096;
    private static final int PROT_READ = 1;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;

    private final ByteBuffer image = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

    /** @param moves how often it makes, moves and removes {@value #MOVED_PAGES} pages */
    private SmallGuest(int moves) {
        image.position(HEADERS);
        store(DATA, STATUS);
        call(12, 0); // brk
        call(158, 0x1002, DATA + 0x800); // arch_prctl(ARCH_SET_FS)
        call(218, DATA + 0x700); // set_tid_address
        call(13, 10, 0, DATA + 0x400, 8); // rt_sigaction
        call(14, 0, 0, DATA + 0x500, 8); // rt_sigprocmask
        call(302, 0, 3, 0, DATA + 0x600); // prlimit64
        call(318, DATA + 0x100, 8, 0); // getrandom
        call(63, DATA + 0x1000); // uname
        call(5, 1, DATA + 0x2000); // fstat
        call(228, 1, DATA + 0x3000); // clock_gettime
        call(9, MAPPED, 8 * 4096, PROT_READ_WRITE, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0);
        for (int page = 0; page < 8; page++) {
            store(MAPPED + page * 4096L, page);
        }
        call(10, MAPPED, 4 * 4096, PROT_READ);
        call(25, MAPPED + 4 * 4096, 4 * 4096, 8 * 4096, 1, 0); // mremap
        call(11, MAPPED, 4 * 4096);
        call(1, 1, DATA, 0); // write of nothing
        call(20, 1, DATA + 0x100, 0); // writev of nothing
        if (moves > 0) {
            movePages(moves);
        }
        load(DATA);
        move(0xc789); // mov edi, eax
        image.put((byte) 0xb8).putInt(231); // mov eax, exit_group
        move(0x050f); // syscall
        int end = image.position();
        header(end);
        image.position(end).flip();
    }

    private void movePages(int times) {
        long bytes = (long) MOVED_PAGES * PAGE;
        long to = MAPPED + (1 << 30);
        move(0xbf49); // mov r15, times
        image.putLong(times);
        int loop = image.position();
        call(9, MAPPED, bytes, PROT_READ_WRITE, MAP_PRIVATE_FIXED_ANONYMOUS, -1, 0);
        touch(MAPPED, false);
        touch(MAPPED, true);
        call(10, MAPPED, bytes, PROT_READ);
        call(10, MAPPED, bytes, PROT_READ_WRITE);
        call(25, MAPPED, bytes, bytes, 3, to + PAGE); // mremap(MAYMOVE | FIXED), misaligned
        touch(to + PAGE, true);
        call(25, to + PAGE, bytes, bytes, 3, to + bytes * 2 + PAGE); // and whole tables
        call(11, to + bytes * 2 + PAGE, bytes);
        call(39); // getpid
        image.put((byte) 0x49).put((byte) 0xff).put((byte) 0xcf); // dec r15
        backIfNotZero(loop);
    }

    /** Reads or writes a word of each page. */
    private void touch(long address, boolean writing) {
        move(0xbb48); // mov rbx, address
        image.putLong(address);
        move(0xbe49); // mov r14, pages
        image.putLong(MOVED_PAGES);
        int loop = image.position();
        if (writing) {
            move(0x03c7); // mov dword [rbx], 1
            image.putInt(1);
        } else {
            move(0x038b); // mov eax, [rbx]
        }
        image.put((byte) 0x48).put((byte) 0x81).put((byte) 0xc3).putInt(PAGE); // add rbx, 4096
        image.put((byte) 0x49).put((byte) 0xff).put((byte) 0xce); // dec r14
        backIfNotZero(loop);
    }

    private void backIfNotZero(int target) {
        move(0x850f); // jnz
        image.putInt(target - image.position() - Integer.BYTES);
    }

    /** Writes the program to an executable temporary file, which the caller deletes. */
    static Path write() throws IOException {
        return write(0);
    }

    /** Writes the program that moves pages so many times before it ends. */
    static Path write(int moves) throws IOException {
        Path file = Files.createTempFile(
                "faultline",
                ".elf",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        ByteBuffer program = new SmallGuest(moves).image;
        byte[] bytes = new byte[program.limit()];
        program.get(bytes);
        return Files.write(file, bytes);
    }

    private void header(int end) {
        image.position(0);
        image.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        image.putShort((short) 2).putShort((short) 62).putInt(1); // ET_EXEC, x86-64
        image.putLong(TEXT + HEADERS).putLong(64).putLong(0).putInt(0);
        image.putShort((short) 64).putShort((short) 56).putShort((short) 3);
        image.putShort((short) 64).putShort((short) 0).putShort((short) 0);
        segment(1, 5, 0, TEXT, end, end, 4096); // PT_LOAD, R+X
        segment(1, 6, 0, DATA, 0, DATA_BYTES, 4096); // PT_LOAD, R+W, all zero
        segment(0x6474e551, 6, 0, 0, 0, 0, 16); // PT_GNU_STACK
    }

    private void segment(int type, int flags, long offset, long address, long inFile, long inMemory, long align) {
        image.putInt(type).putInt(flags).putLong(offset).putLong(address).putLong(address);
        image.putLong(inFile).putLong(inMemory).putLong(align);
    }

    /** A system call; registers in the order of its arguments. */
    private void call(int number, long... arguments) {
        int[] prefix = {0xbf48, 0xbe48, 0xba48, 0xba49, 0xb849, 0xb949}; // mov rdi, rsi, rdx, r10, r8, r9
        for (int i = 0; i < arguments.length; i++) {
            move(prefix[i]);
            image.putLong(arguments[i]);
        }
        image.put((byte) 0xb8).putInt(number); // mov eax, number
        move(0x050f); // syscall
    }

    private void store(long address, int value) {
        move(0xbb48); // mov rbx, address
        image.putLong(address);
        move(0x03c7); // mov dword [rbx], value
        image.putInt(value);
    }

    private void load(long address) {
        move(0xbb48);
        image.putLong(address);
        move(0x038b); // mov eax, [rbx]
    }

    private void move(int twoBytes) {
        image.putShort((short) twoBytes);
    }
}

package faultline.emulator.elf;

import faultline.mmu.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An ELF64 x86-64 executable or shared object: its headers, checked.
 *
 * <p>What is checked is what Linux checks in {@code load_elf_binary}, and, before anything is mapped, what Linux would
 * find out while mapping: that file parts are no larger than memory parts, that offset and address agree modulo the
 * page size, that every segment lies below {@link #TASK_SIZE}. Overlapping segments are legal: the later one wins.
 */
public final class ElfImage {
    public static final int ET_EXEC = 2;
    public static final int ET_DYN = 3;

    /** First address that user mappings cannot have. */
    public static final long TASK_SIZE = 0x7fff_ffff_f000L;

    private static final int HEADER_SIZE = 64;
    private static final int EM_X86_64 = 62;
    private static final int PATH_MAX = 4096;
    private static final int MAX_PROGRAM_HEADER_BYTES = 65536;
    private static final long PAGE_MASK = 4095;

    private final int type;
    private final long entry;
    private final long programHeaderOffset;
    private final List<ProgramHeader> headers;
    private final String interpreter;
    private final boolean executableStack;

    private ElfImage(
            int type,
            long entry,
            long programHeaderOffset,
            List<ProgramHeader> headers,
            String interpreter,
            boolean executableStack) {
        this.type = type;
        this.entry = entry;
        this.programHeaderOffset = programHeaderOffset;
        this.headers = headers;
        this.interpreter = interpreter;
        this.executableStack = executableStack;
    }

    /** Whether the bytes begin as every ELF file does. */
    public static boolean hasMagic(byte[] start, int length) {
        return length >= 4 && start[0] == 0x7f && start[1] == 'E' && start[2] == 'L' && start[3] == 'F';
    }

    /**
     * Reads and checks the headers.
     *
     * @throws ElfException with ENOEXEC for what is no x86-64 program, EIO for a file that ends inside its headers,
     *     EINVAL or ENOMEM for segments that cannot be mapped
     */
    public static ElfImage parse(ElfSource source) throws ElfException {
        ByteBuffer header = read(source, 0, HEADER_SIZE, Errno.ENOEXEC, "shorter than an ELF header");
        byte[] raw = header.array();
        if (!hasMagic(raw, raw.length)) {
            throw new ElfException(Errno.ENOEXEC, "not an ELF file");
        }
        if (raw[4] != 2 || raw[5] != 1) {
            throw new ElfException(Errno.ENOEXEC, "not a 64-bit little-endian ELF file");
        }
        int type = header.getShort(16) & 0xffff;
        int machine = header.getShort(18) & 0xffff;
        if (type != ET_EXEC && type != ET_DYN) {
            throw new ElfException(Errno.ENOEXEC, "ELF type " + type + " is neither an executable nor a shared object");
        }
        if (machine != EM_X86_64) {
            throw new ElfException(Errno.ENOEXEC, "ELF machine " + machine + " is not x86-64");
        }
        long programHeaderOffset = header.getLong(32);
        List<ProgramHeader> headers = programHeaders(source, header, programHeaderOffset);
        String interpreter = interpreter(source, headers);
        checkSegments(headers);
        return new ElfImage(
                type, header.getLong(24), programHeaderOffset, headers, interpreter, executableStack(headers));
    }

    private static List<ProgramHeader> programHeaders(ElfSource source, ByteBuffer header, long offset)
            throws ElfException {
        int entrySize = header.getShort(54) & 0xffff;
        int count = header.getShort(56) & 0xffff;
        if (entrySize != ProgramHeader.SIZE) {
            throw new ElfException(Errno.ENOEXEC, "program header entries of " + entrySize + " bytes, not 56");
        }
        int bytes = count * ProgramHeader.SIZE;
        if (bytes == 0 || bytes > MAX_PROGRAM_HEADER_BYTES) {
            throw new ElfException(Errno.ENOEXEC, count + " program headers");
        }
        ByteBuffer table = read(source, offset, bytes, Errno.ENOEXEC, "ends inside the program headers");
        List<ProgramHeader> headers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = i * ProgramHeader.SIZE;
            headers.add(new ProgramHeader(
                    table.getInt(at),
                    table.getInt(at + 4),
                    table.getLong(at + 8),
                    table.getLong(at + 16),
                    table.getLong(at + 32),
                    table.getLong(at + 40),
                    table.getLong(at + 48)));
        }
        return List.copyOf(headers);
    }

    private static void checkSegments(List<ProgramHeader> headers) throws ElfException {
        boolean any = false;
        long low = TASK_SIZE;
        long high = 0;
        for (ProgramHeader ph : headers) {
            if (ph.type() != ProgramHeader.PT_LOAD) {
                continue;
            }
            any = true;
            checkSegment(ph);
            low = Math.min(low, ph.vaddr() & ~PAGE_MASK);
            high = Math.max(high, ph.vaddr() + ph.memSize());
        }
        if (!any) {
            throw ElfException.late(Errno.ENOEXEC, "nothing to load");
        }
        if (high - low > TASK_SIZE) {
            throw ElfException.late(Errno.ENOMEM, "segments span more than the address space");
        }
    }

    private static void checkSegment(ProgramHeader ph) throws ElfException {
        if (Long.compareUnsigned(ph.fileSize(), ph.memSize()) > 0) {
            throw ElfException.late(Errno.EINVAL, "a segment's file part is larger than its memory part");
        }
        if (Long.compareUnsigned(ph.vaddr(), TASK_SIZE) >= 0
                || Long.compareUnsigned(ph.memSize(), TASK_SIZE) > 0
                || ph.vaddr() + ph.memSize() > TASK_SIZE) {
            throw ElfException.late(Errno.ENOMEM, "a segment lies beyond the address space");
        }
        if (((ph.vaddr() ^ ph.offset()) & PAGE_MASK) != 0) {
            throw ElfException.late(Errno.EINVAL, "a segment's file offset and address differ within the page");
        }
        if (ph.offset() < 0 || ph.offset() > Long.MAX_VALUE - TASK_SIZE) {
            throw ElfException.late(Errno.EINVAL, "a segment's file offset is out of range");
        }
    }

    private static String interpreter(ElfSource source, List<ProgramHeader> headers) throws ElfException {
        for (ProgramHeader ph : headers) {
            if (ph.type() != ProgramHeader.PT_INTERP) {
                continue;
            }
            if (Long.compareUnsigned(ph.fileSize(), PATH_MAX) > 0 || ph.fileSize() < 2) {
                throw new ElfException(
                        Errno.ENOEXEC, "interpreter path of " + Long.toUnsignedString(ph.fileSize()) + " bytes");
            }
            int length = (int) ph.fileSize();
            byte[] path = read(source, ph.offset(), length, Errno.EIO, "ends inside the interpreter's path")
                    .array();
            if (path[length - 1] != 0) {
                throw new ElfException(Errno.ENOEXEC, "interpreter path without its NUL");
            }
            int end = 0;
            while (path[end] != 0) {
                end++;
            }
            return new String(path, 0, end, StandardCharsets.ISO_8859_1);
        }
        return null;
    }

    private static boolean executableStack(List<ProgramHeader> headers) {
        for (ProgramHeader ph : headers) {
            if (ph.type() == ProgramHeader.PT_GNU_STACK) {
                return ph.executable();
            }
        }
        // x86-64's EXSTACK_DEFAULT: without the header the stack is not executable
        return false;
    }

    private static ByteBuffer read(ElfSource source, long offset, int length, int errno, String tooShort)
            throws ElfException {
        if (offset < 0) {
            throw new ElfException(errno, tooShort);
        }
        byte[] bytes = new byte[length];
        int count = source.read(offset, bytes, 0, length);
        if (count < 0) {
            throw new ElfException(-count, "cannot be read");
        }
        if (count != length) {
            throw new ElfException(errno, tooShort);
        }
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** {@link #ET_EXEC} or {@link #ET_DYN}. */
    public int type() {
        return type;
    }

    /** Entry point before the load bias is added; not checked to lie in a segment (Linux does not either). */
    public long entry() {
        return entry;
    }

    /** The program headers in the order of the file. */
    public List<ProgramHeader> headers() {
        return headers;
    }

    /** Path of PT_INTERP's interpreter, bytes as ISO 8859-1 chars; {@code null} for a static program. */
    public String interpreter() {
        return interpreter;
    }

    /** Whether PT_GNU_STACK asks for an executable stack. */
    public boolean executableStack() {
        return executableStack;
    }

    /** Lowest page-aligned address of the segments. */
    public long lowestAddress() {
        long low = TASK_SIZE;
        for (ProgramHeader ph : headers) {
            if (ph.type() == ProgramHeader.PT_LOAD) {
                low = Math.min(low, ph.vaddr() & ~PAGE_MASK);
            }
        }
        return low;
    }

    /** Bytes from {@link #lowestAddress} to the end of the highest segment (total_mapping_size). */
    public long totalSize() {
        long high = 0;
        for (ProgramHeader ph : headers) {
            if (ph.type() == ProgramHeader.PT_LOAD) {
                high = Math.max(high, ph.vaddr() + ph.memSize());
            }
        }
        return high - lowestAddress();
    }

    /** The largest power-of-two alignment that a segment asks for, at least a page (maximum_alignment). */
    public long maximumAlignment() {
        long alignment = PAGE_MASK + 1;
        for (ProgramHeader ph : headers) {
            if (ph.type() == ProgramHeader.PT_LOAD && ph.align() > 0 && Long.bitCount(ph.align()) == 1) {
                alignment = Math.max(alignment, ph.align());
            }
        }
        return alignment;
    }

    /** Where the program header table lies in memory before the load bias, or 0 when no segment maps it. */
    public long programHeaderAddress() {
        for (ProgramHeader ph : headers) {
            if (ph.type() == ProgramHeader.PT_LOAD
                    && ph.offset() <= programHeaderOffset
                    && programHeaderOffset < ph.offset() + ph.fileSize()) {
                return programHeaderOffset - ph.offset() + ph.vaddr();
            }
        }
        return 0;
    }
}

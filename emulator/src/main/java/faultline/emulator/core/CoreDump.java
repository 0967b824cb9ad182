package faultline.emulator.core;

import faultline.emulator.core.CoreSegments.Segment;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.signal.SigInfo;
import faultline.emulator.task.DumpWait;
import faultline.emulator.task.Process;
import faultline.emulator.task.Rlimits;
import faultline.emulator.task.Task;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.gup.DumpPages;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.system.MemorySystem;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes one core file.
 *
 * <pre>
 *   ELF header | program headers: PT_NOTE, a PT_LOAD each mapping | notes | 0 to the next page | what of each mapping is dumped
 * </pre>
 *
 * Runs on the thread of the task that dies, without the virtual CPU.
 */
public final class CoreDump {
    private static final Logger LOG = LoggerFactory.getLogger(CoreDump.class);

    /** With less allowed nothing is written (min_coredump). */
    private static final long LIMIT_LEAST = Page.SIZE;

    private static final int EHDR_BYTES = 64;
    private static final int PHDR_BYTES = 56;
    private static final int SHDR_BYTES = 64;
    private static final int PT_LOAD = 1;
    private static final int PT_NOTE = 4;
    private static final int PN_XNUM = 0xffff;
    private static final short ET_CORE = 4;
    private static final short EM_X86_64 = 62;

    private final Task task;
    private final Process process;
    private final MmStruct mm;
    private final PhysicalMemory phys;
    private final DumpPages pages;
    private final ByteBuffer page = ByteBuffer.allocateDirect((int) Page.SIZE);

    private CoreDump(Task task) {
        MemorySystem memory = task.kernel().memory();
        this.task = task;
        this.process = task.process();
        this.mm = task.mm();
        this.phys = memory.phys();
        this.pages = new DumpPages(memory.gup(), memory.faultEnv());
    }

    /**
     * Whether a signal that dumps core leaves a file: {@code --core} asks for one, or the process' own RLIMIT_CORE
     * allows it, and the process has not forbidden it.
     */
    public static boolean isWanted(Process process) {
        boolean asked = process.kernel().spec().options().containsKey("core")
                || Long.compareUnsigned(process.rlimits().soft(Rlimits.CORE), LIMIT_LEAST) >= 0;
        return asked && process.dumpable() == 1;
    }

    /**
     * Waits for the other tasks, writes the file, and lets them end.
     *
     * @param signal what kills
     * @return whether there is a file
     */
    @KernelFunction(value = "do_coredump", file = "fs/coredump.c")
    public static boolean write(Task task, SigInfo signal, DumpWait others) {
        others.awaitOthers();
        try {
            String asked = task.kernel().spec().options().get("core");
            if (asked != null) {
                writeTo(task, Path.of(asked.replace("%p", Integer.toString(task.pid()))), signal);
                return true;
            }
            return writeByPattern(task, signal);
        } catch (IOException e) {
            LOG.warn("no core dump of process {}: {}", task.pid(), e.toString());
            return false;
        } finally {
            others.finish();
        }
    }

    /** A file of the guest's own, where kernel.core_pattern says. */
    private static boolean writeByPattern(Task task, SigInfo signal) throws IOException {
        OpenFile file = CoreFile.create(task, signal);
        if (file == null) {
            return false;
        }
        try {
            writeTo(task, Path.of("/proc/self/fd/" + file.hostFd()), signal);
            return true;
        } finally {
            file.put();
        }
    }

    private static void writeTo(Task task, Path path, SigInfo signal) throws IOException {
        try (FileChannel file = FileChannel.open(
                path, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            new CoreDump(task).write(file, signal);
            long most = task.process().rlimits().soft(Rlimits.CORE);
            if (most > 0 && file.size() > most) {
                file.truncate(most);
            }
        }
    }

    @KernelFunction(value = "elf_core_dump", file = "fs/binfmt_elf.c")
    private void write(FileChannel file, SigInfo signal) throws IOException {
        List<Segment> segments = new CoreSegments(mm, process.coredumpFilter(), pages, phys, task.fault()).choose();
        byte[] notes = new CoreNotes(task, signal, segments).bytes();
        long notesAt = EHDR_BYTES + (long) PHDR_BYTES * (segments.size() + 1);
        long dataAt = notesAt + notes.length + Page.SIZE - 1 & Page.MASK;
        long end = dataAt + segments.stream().mapToLong(Segment::fileSize).sum();
        writeAll(file, headers(segments, notesAt, notes.length, dataAt, end), 0);
        writeAll(file, ByteBuffer.wrap(notes), notesAt);
        long at = dataAt;
        for (Segment segment : segments) {
            writeMemory(file, segment, at);
            at += segment.fileSize();
        }
        if (segments.size() + 1 >= PN_XNUM) {
            writeAll(file, manySegments(segments.size() + 1), end);
        } else if (file.size() < end) {
            // The file's last pages are a hole: its size says so.
            writeAll(file, ByteBuffer.allocate(1), end - 1);
        }
    }

    private ByteBuffer headers(List<Segment> segments, long notesAt, long notesBytes, long dataAt, long end) {
        ByteBuffer b = ByteBuffer.allocate(EHDR_BYTES + PHDR_BYTES * (segments.size() + 1))
                .order(ByteOrder.LITTLE_ENDIAN);
        int count = segments.size() + 1;
        boolean many = count >= PN_XNUM;
        b.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
        b.putShort(ET_CORE)
                .putShort(EM_X86_64)
                .putInt(1)
                .putLong(0)
                .putLong(EHDR_BYTES)
                .putLong(many ? end : 0)
                .putInt(0);
        b.putShort((short) EHDR_BYTES).putShort((short) PHDR_BYTES).putShort((short) (many ? PN_XNUM : count));
        b.putShort((short) (many ? SHDR_BYTES : 0))
                .putShort((short) (many ? 1 : 0))
                .putShort((short) 0);
        program(b, PT_NOTE, 0, notesAt, 0, notesBytes, 0, 0);
        long at = dataAt;
        for (Segment segment : segments) {
            long flags = segment.vma().flags();
            int rights = (int) ((flags & 1) << 2 | flags & 2 | flags >>> 2 & 1);
            program(
                    b,
                    PT_LOAD,
                    rights,
                    at,
                    segment.vma().start(),
                    segment.fileSize(),
                    segment.vma().length(),
                    Page.SIZE);
            at += segment.fileSize();
        }
        return b.flip();
    }

    private static void program(
            ByteBuffer b, int type, int flags, long offset, long address, long fileSize, long size, long align) {
        b.putInt(type)
                .putInt(flags)
                .putLong(offset)
                .putLong(address)
                .putLong(0)
                .putLong(fileSize)
                .putLong(size)
                .putLong(align);
    }

    /** Where the ELF header has no room for the number of program headers: a section header that says it. */
    @KernelFunction(value = "fill_extnum_info", file = "fs/binfmt_elf.c")
    private static ByteBuffer manySegments(int count) {
        ByteBuffer b = ByteBuffer.allocate(SHDR_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        return b.putLong(32, 1).putInt(44, count);
    }

    /** Writes what is there; pages of zeros that nobody made are left out and become holes. */
    @KernelFunction(value = "dump_user_range", file = "fs/coredump.c")
    private void writeMemory(FileChannel file, Segment segment, long fileAt) throws IOException {
        long start = segment.vma().start();
        long end = start + segment.fileSize();
        long address = pages.skipUntouched(segment.vma(), start, end);
        while (address < end) {
            long pfn = pages.pin(mm, address, task.fault());
            if (pfn != DumpPages.HOLE) {
                phys.read(Page.address(pfn), MemorySegment.ofBuffer(page.clear()), 0, Page.SIZE);
                phys.allocator().putPage(pfn);
                writeAll(file, page, fileAt + (address - start));
            }
            address += Page.SIZE;
            if (Page.offsetInPmd(address) == 0) {
                address = pages.skipUntouched(segment.vma(), address, end);
            }
        }
    }

    private static void writeAll(FileChannel file, ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += file.write(bytes, at);
        }
    }
}

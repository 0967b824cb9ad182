package faultline.emulator.elf;

import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemorySystem;

/**
 * Maps an executable and its interpreter into an empty address space, as fs/binfmt_elf.c does.
 *
 * <pre>
 *   segment in the file      |---- file part ----|
 *   mapped                 [page   page   page   pa|zeroed][anonymous pages …]
 *                                                  ^ end of the file part, ^ page end, up to the memory part's end
 * </pre>
 *
 * One object a load. Whatever fails leaves an address space that is good for nothing but to be torn down.
 */
public final class ElfLoader {
    private static final long PAGE_MASK = MmLayout.PAGE_SIZE - 1;

    private final MemorySystem memory;
    private final MmStruct mm;
    private final FaultContext ctx;

    private long startCode = -1;
    private long endCode;
    private long startData;
    private long endData;
    private long brk;

    public ElfLoader(MemorySystem memory, MmStruct mm, FaultContext ctx) {
        this.memory = memory;
        this.mm = mm;
        this.ctx = ctx;
    }

    /** What loading gave: load bias of the program, base of the interpreter (0 for none), where to begin. */
    public record Loaded(long bias, long interpreterBase, long programEntry, long entry, long programHeaders) {}

    /**
     * Maps program and interpreter and sets the address space's code, data and brk bounds.
     *
     * @param interpreter null for a static program
     * @param biasRandom bytes added to the load address of a position-independent program; 0 for a fixed layout
     */
    @KernelFunction(value = "load_elf_binary", file = "fs/binfmt_elf.c")
    public Loaded load(
            ElfImage program, MappedFile file, ElfImage interpreter, MappedFile interpreterFile, long biasRandom)
            throws ElfException {
        long bias = mapProgram(program, file, interpreter != null, biasRandom);
        long entry = program.entry() + bias;
        if (Long.compareUnsigned(entry, MmLayout.TASK_SIZE) >= 0) {
            throw ElfException.late(Errno.EINVAL, "entry point outside the address space");
        }
        mm.setCode(startCode, endCode);
        mm.setData(startData, endData);
        long heap = MmLayout.pageAlign(brk);
        mm.setStartBrk(heap, heap);
        long base = 0;
        long start = entry;
        if (interpreter != null) {
            base = mapInterpreter(interpreter, interpreterFile);
            start = interpreter.entry() + base;
            if (Long.compareUnsigned(start, MmLayout.TASK_SIZE) >= 0) {
                throw ElfException.late(Errno.EINVAL, "interpreter's entry point outside the address space");
            }
        }
        long headers = program.programHeaderAddress();
        return new Loaded(bias, base, entry, start, headers == 0 ? 0 : headers + bias);
    }

    private long mapProgram(ElfImage image, MappedFile file, boolean hasInterpreter, long biasRandom)
            throws ElfException {
        long bias = 0;
        boolean first = true;
        for (ProgramHeader ph : image.headers()) {
            if (ph.type() != ProgramHeader.PT_LOAD) {
                continue;
            }
            if (first && image.type() == ElfImage.ET_DYN) {
                bias = hasInterpreter ? programBias(image, biasRandom) : staticBias(image);
            }
            int flags = image.type() == ElfImage.ET_EXEC && first ? MmapFlags.FIXED_NOREPLACE : MmapFlags.FIXED;
            mapSegment(ph, file, bias, flags);
            noteBounds(ph, bias);
            first = false;
        }
        return bias;
    }

    /** A dynamic program lies at two thirds of the address space, apart from libraries and stack. */
    private long programBias(ElfImage image, long random) {
        long alignment = image.maximumAlignment();
        long address = MmLayout.ELF_ET_DYN_BASE + random;
        return (address & -alignment) - image.lowestAddress() & ~PAGE_MASK;
    }

    /** A static position-independent program (or a loader run by hand) lies where mmap finds room. */
    private long staticBias(ElfImage image) throws ElfException {
        return reserve(image) - image.lowestAddress();
    }

    /** Finds room for all segments at once; maps and unmaps it, so that the segments can be put there one by one. */
    private long reserve(ElfImage image) throws ElfException {
        long alignment = image.maximumAlignment();
        long size = MmLayout.pageAlign(image.totalSize());
        long room = size + (alignment > MmLayout.PAGE_SIZE ? alignment : 0);
        long at = memory.mmap()
                .doMmap(
                        mm,
                        ctx,
                        0,
                        room,
                        Prot.NONE,
                        MmapFlags.PRIVATE | MmapFlags.ANONYMOUS | MmapFlags.NORESERVE,
                        null,
                        0);
        check(at, "no room for the segments");
        check(memory.munmap().run(mm, at, room), "no room for the segments");
        return at + alignment - 1 & -alignment;
    }

    private long mapInterpreter(ElfImage image, MappedFile file) throws ElfException {
        long bias = image.type() == ElfImage.ET_DYN ? staticBias(image) : 0;
        for (ProgramHeader ph : image.headers()) {
            if (ph.type() == ProgramHeader.PT_LOAD) {
                mapSegment(ph, file, bias, MmapFlags.FIXED);
            }
        }
        return bias;
    }

    /** elf_load: file part, zeroed rest of its last page, anonymous pages behind it. */
    @KernelFunction(value = "elf_load", file = "fs/binfmt_elf.c")
    private void mapSegment(ProgramHeader ph, MappedFile file, long bias, int flags) throws ElfException {
        int prot =
                (ph.readable() ? Prot.READ : 0) | (ph.writable() ? Prot.WRITE : 0) | (ph.executable() ? Prot.EXEC : 0);
        long start = ph.vaddr() + bias;
        long fileEnd = start + ph.fileSize();
        long end = start + ph.memSize();
        if (start < 0 || end < start || end > MmLayout.TASK_SIZE) {
            throw ElfException.late(Errno.ENOMEM, "a segment lies beyond the address space");
        }
        long zeroFrom = start & ~PAGE_MASK;
        if (ph.fileSize() != 0) {
            long inPage = start & PAGE_MASK;
            long at = memory.mmap()
                    .doMmap(
                            mm,
                            ctx,
                            start - inPage,
                            ph.fileSize() + inPage,
                            prot,
                            MmapFlags.PRIVATE | flags,
                            file,
                            ph.offset() - inPage >>> MmLayout.PAGE_SHIFT);
            check(at, "a segment cannot be mapped");
            if (ph.memSize() > ph.fileSize()) {
                zeroRestOfPage(fileEnd, ph.writable());
            }
            zeroFrom = MmLayout.pageAlign(fileEnd);
        }
        long zeroEnd = MmLayout.pageAlign(end);
        if (ph.memSize() > ph.fileSize() && zeroEnd > zeroFrom) {
            check(
                    memory.brk().mapAt(mm, ctx, zeroFrom, zeroEnd - zeroFrom, ph.executable()),
                    "no memory for a segment's zeroed part");
            if (!ph.writable()) {
                check(
                        memory.mprotect().run(mm, ctx, zeroFrom, zeroEnd - zeroFrom, prot),
                        "a segment cannot be protected");
            }
        }
    }

    /** A read-only segment's page is left as it is when it cannot be written, as Linux leaves it. */
    @KernelFunction(value = "padzero", file = "fs/binfmt_elf.c")
    private void zeroRestOfPage(long from, boolean writable) throws ElfException {
        long bytes = MmLayout.pageAlign(from) - from;
        if (bytes != 0 && memory.userMemory().clearUser(mm, ctx, from, bytes) != 0 && writable) {
            throw ElfException.late(Errno.EFAULT, "a segment's last page cannot be zeroed");
        }
    }

    private void noteBounds(ProgramHeader ph, long bias) {
        long start = ph.vaddr() + bias;
        long fileEnd = start + ph.fileSize();
        if (ph.executable() && (startCode == -1 || Long.compareUnsigned(start, startCode) < 0)) {
            startCode = start;
        }
        if (Long.compareUnsigned(start, startData) > 0) {
            startData = start;
        }
        if (ph.executable()) {
            endCode = Math.max(endCode, fileEnd);
        }
        endData = Math.max(endData, fileEnd);
        brk = Math.max(brk, start + ph.memSize());
    }

    private static void check(long result, String what) throws ElfException {
        if (Errno.isError(result)) {
            throw ElfException.late((int) -result, what);
        }
    }
}

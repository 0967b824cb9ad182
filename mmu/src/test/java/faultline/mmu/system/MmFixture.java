package faultline.mmu.system;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.view.ProcMaps;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A machine with one address space and one processor whose translation cache forgets nothing by itself. Closing it
 * audits the machine, ends all address spaces, and looks that no frame is left.
 */
public final class MmFixture implements AutoCloseable {
    public static final long PAGE = 4096;
    public static final int RW = Prot.READ | Prot.WRITE;
    public static final int ANON = MmapFlags.PRIVATE | MmapFlags.ANONYMOUS;
    public static final int FIXED = ANON | MmapFlags.FIXED;
    /** A place far from everything else. */
    public static final long BASE = 0x1000_0000_0000L;

    public final MemorySystem sys;
    public final MmStruct mm;
    public final ModelCpu cpu;
    public final FaultContext ctx;
    private final Map<MmStruct, ModelCpu.Tlbs> tlbs = new ConcurrentHashMap<>();
    private final List<MemoryFile> files = new ArrayList<>();

    public MmFixture() {
        this(MemoryConfig.defaults().withMemBytes(64L << 20), MmLimits.ROOT);
    }

    public MmFixture(MemoryConfig config, MmLimits limits) {
        sys = new MemorySystem(config);
        mm = newMm(limits);
        cpu = newCpu(mm);
        ctx = cpu.ctx;
    }

    public MmStruct newMm(MmLimits limits) {
        ModelCpu.Tlbs all = new ModelCpu.Tlbs();
        MmStruct made = sys.newMm(all, limits);
        tlbs.put(made, all);
        return made;
    }

    public ModelCpu newCpu(MmStruct of) {
        return new ModelCpu(of, sys.faults(), tlbs.get(of));
    }

    /** A file of {@code pages} pages, page n of which begins with the byte n + 1. */
    public MemoryFile file(int pages) {
        MemoryFile file = new MemoryFile(sys.cache(), pages);
        files.add(file);
        return file;
    }

    public long mmap(long addr, long len, int prot, int flags) {
        return sys.mmap().doMmap(mm, ctx, addr, len, prot, flags, null, 0);
    }

    public long mmap(long addr, long len, int prot, int flags, MemoryFile file, long pgoff) {
        return sys.mmap().doMmap(mm, ctx, addr, len, prot, flags, file, pgoff);
    }

    /** Private anonymous read-write pages at a fixed address. */
    public long map(long addr, int pages) {
        return ok(mmap(addr, pages * PAGE, RW, FIXED));
    }

    public long munmap(long addr, long len) {
        return sys.munmap().run(mm, addr, len);
    }

    public long mprotect(long addr, long len, int prot) {
        return sys.mprotect().run(mm, ctx, addr, len, prot);
    }

    public long mremap(long addr, long oldLen, long newLen, int flags, long newAddr) {
        return sys.mremap().run(mm, ctx, addr, oldLen, newLen, flags, newAddr);
    }

    public long madvise(long addr, long len, int advice) {
        return sys.madvise().run(mm, ctx, addr, len, advice);
    }

    /** Writes a byte into each of some pages. */
    public void fill(long addr, int pages, int value) {
        for (int i = 0; i < pages; i++) {
            cpu.store(addr + i * PAGE, value + i);
        }
    }

    /** The mappings as "start-end rights offset" relative to {@link #BASE} in pages: {@code "0-3 rw-p 0"}. */
    public List<String> shape() {
        List<String> lines = new ArrayList<>();
        for (String line : ProcMaps.text(mm).split("\n")) {
            if (line.isEmpty()) {
                continue;
            }
            String[] parts = line.split(" +");
            String[] range = parts[0].split("-");
            lines.add(page(range[0]) + "-" + page(range[1]) + " " + parts[1]);
        }
        return lines;
    }

    private static String page(String hex) {
        return Long.toString((Long.parseLong(hex, 16) - BASE) / PAGE);
    }

    public static long ok(long result) {
        if (Errno.isError(result)) {
            throw new AssertionError("failed with errno " + -result);
        }
        return result;
    }

    public void audit() {
        List<String> wrong = sys.audit();
        if (!wrong.isEmpty()) {
            throw new AssertionError(String.join("\n", wrong));
        }
    }

    /** Frames that somebody has, the page of zeros and caches of files apart. */
    private long framesLeft() {
        long left = 0;
        for (long pfn = 0; pfn < sys.phys().frameCount(); pfn++) {
            if (sys.phys().frames().refcount(pfn) != 0
                    && !sys.phys().frames().test(pfn, PageFlags.RESERVED | PageFlags.KERNEL)) {
                left++;
            }
        }
        return left;
    }

    @Override
    public void close() {
        try {
            audit();
            for (MmStruct each : sys.mms()) {
                sys.exitMmap(each);
            }
            for (MemoryFile file : files) {
                file.mapping().truncate(0);
            }
            audit();
            if (sys.swap() != null && sys.swap().freeSlots() != sys.swap().totalSlots()) {
                throw new AssertionError(sys.swap().totalSlots() - sys.swap().freeSlots() + " swap slots left");
            }
            if (framesLeft() != 0 || sys.commit().committed() != 0) {
                throw new AssertionError(
                        framesLeft() + " frames left, " + sys.commit().committed() + " pages still promised");
            }
        } finally {
            sys.close();
        }
    }
}

package faultline.mmu.fault;

import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageWalker;
import faultline.mmu.table.Pte;
import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A processor with a translation cache that keeps every entry until it is told to drop it: what was not flushed is
 * seen.
 *
 * <p>Translating and accessing are one step that no flush can fall into, as on hardware a shootdown waits for the
 * instruction to end.
 */
public final class ModelCpu {
    private final MmStruct mm;
    private final FaultHandler faults;
    private final PhysicalMemory phys;
    private final PageWalker walker;
    private final Map<Long, Long> readable = new HashMap<>();
    private final Map<Long, Long> writable = new HashMap<>();
    public final FaultContext ctx = new FaultContext();

    public ModelCpu(MmStruct mm, FaultHandler faults, Tlbs tlbs) {
        this.mm = mm;
        this.faults = faults;
        this.phys = faults.env().phys;
        this.walker = new PageWalker(phys);
        tlbs.add(this);
    }

    /** The translation caches of all processors that run one address space. */
    public static final class Tlbs implements AddressSpaceTlb {
        private final List<ModelCpu> cpus = new ArrayList<>();

        synchronized void add(ModelCpu cpu) {
            cpus.add(cpu);
        }

        private synchronized List<ModelCpu> all() {
            return List.copyOf(cpus);
        }

        @Override
        public void flushPage(long addr) {
            flushRange(addr, addr + 1);
        }

        @Override
        public void flushRange(long start, long end) {
            for (ModelCpu cpu : all()) {
                cpu.drop(start >>> Page.SHIFT, end - 1 >>> Page.SHIFT);
            }
        }

        @Override
        public void flushAll() {
            flushRange(0, Long.MAX_VALUE);
        }
    }

    private synchronized void drop(long first, long last) {
        readable.keySet().removeIf(page -> page >= first && page <= last);
        writable.keySet().removeIf(page -> page >= first && page <= last);
    }

    /**
     * Pages of which a translation is kept that the tables would not give: of another frame, of none, or with more
     * rights. An entry that is not marked written gives no right to write: the processor would not mark it again.
     */
    public synchronized List<String> staleTranslations() {
        List<String> stale = new ArrayList<>();
        readable.forEach((page, frame) -> {
            long entry = walker.walk(mm.pgd(), page << Page.SHIFT, PageWalker.READ, true);
            boolean same = entry >= 0 && Pte.address(entry & ~PageWalker.NX) == frame;
            if (!same || writable.containsKey(page) && !Pte.isWrite(entry)) {
                stale.add(Long.toHexString(page << Page.SHIFT) + (same ? " to write" : " in another frame"));
            }
        });
        return stale;
    }

    /** Whether any translation of the range is kept, or any that allows writing. */
    public synchronized boolean knows(long start, long end, boolean toWrite) {
        return (toWrite ? writable : readable)
                .keySet().stream().anyMatch(page -> page >= start >>> Page.SHIFT && page < end >>> Page.SHIFT);
    }

    /** The guest got a signal. */
    public static final class Signal extends RuntimeException {
        private static final long serialVersionUID = 1;
        public final int signo;
        public final int code;
        public final long address;

        Signal(FaultContext ctx) {
            super("signal " + ctx.siSigno + " code " + ctx.siCode + " at " + Long.toHexString(ctx.siAddr));
            signo = ctx.siSigno;
            code = ctx.siCode;
            address = ctx.siAddr;
        }
    }

    /** Loads a byte as user code. */
    public int load(long address) {
        for (; ; ) {
            long error;
            synchronized (this) {
                Long frame = readable.get(address >>> Page.SHIFT);
                error = frame != null ? 0 : fill(address, PageWalker.READ);
                if (error == 0) {
                    return phys.getByte(readable.get(address >>> Page.SHIFT) + Page.offset(address)) & 0xff;
                }
            }
            fault(address, (int) error);
        }
    }

    /** Stores a byte as user code. */
    public void store(long address, int value) {
        for (; ; ) {
            long error;
            synchronized (this) {
                Long frame = writable.get(address >>> Page.SHIFT);
                error = frame != null ? 0 : fill(address, PageWalker.WRITE);
                if (error == 0) {
                    phys.putByte(writable.get(address >>> Page.SHIFT) + Page.offset(address), (byte) value);
                    return;
                }
            }
            fault(address, (int) error);
        }
    }

    /** Adds one to a 32-bit word, atomically among processors: one write access. */
    public int increment(long address) {
        for (; ; ) {
            long error;
            synchronized (this) {
                Long frame = writable.get(address >>> Page.SHIFT);
                error = frame != null ? 0 : fill(address, PageWalker.WRITE);
                if (error == 0) {
                    return phys.getAndAddInt(writable.get(address >>> Page.SHIFT) + Page.offset(address), 1);
                }
            }
            fault(address, (int) error);
        }
    }

    private long fill(long address, int access) {
        long entry = walker.walk(mm.pgd(), address, access, true);
        if (entry < 0) {
            return PageWalker.errorCode(entry);
        }
        long frame = Pte.address(entry & ~PageWalker.NX);
        readable.put(address >>> Page.SHIFT, frame);
        if (access == PageWalker.WRITE) {
            writable.put(address >>> Page.SHIFT, frame);
        }
        return 0;
    }

    private void fault(long address, int errorCode) {
        int outcome = faults.doUserAddrFault(mm, address, errorCode, ctx);
        if (outcome == FaultHandler.FAULT_SIGNAL) {
            throw new Signal(ctx);
        }
        if (outcome == FaultHandler.FAULT_OOM) {
            throw new OutOfMemoryError("guest");
        }
    }
}

package faultline.plugins.bench;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MemorySystem;
import faultline.plugins.event.StringTable;
import faultline.plugins.guest.EmulatorGuest;
import faultline.plugins.output.Format;
import faultline.plugins.output.Names;
import faultline.plugins.trace.EventSelection;
import faultline.plugins.trace.TraceSession;
import faultline.plugins.trace.Tracer;
import faultline.plugins.weave.SiteRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.function.LongUnaryOperator;

/**
 * Write faults on fresh anonymous pages, in whichever world this class was loaded; used through {@link
 * LongUnaryOperator}.
 */
public final class FaultRound implements LongUnaryOperator, AutoCloseable {
    private static final int USER_WRITE = FaultHandler.PF_USER | FaultHandler.PF_WRITE;
    private static final long PAGE = 4096;

    private final MemorySystem system = new MemorySystem(MemoryConfig.defaults().withMemBytes(128L << 20));
    private final MmStruct mm = system.newMm(MmLimits.ROOT);
    private final FaultContext context = new FaultContext();
    private long start;
    private long pages;
    private TraceSession session;

    /** Faults all pages in and returns their number; with a negative argument maps that many pages anew instead. */
    @Override
    public long applyAsLong(long request) {
        if (request < 0) {
            remap(-request);
            return 0;
        }
        FaultHandler faults = system.faults();
        long done = 0;
        for (long address = start; address < start + pages * PAGE; address += PAGE) {
            done += faults.doUserAddrFault(mm, address, USER_WRITE, context) == FaultHandler.FAULT_DONE ? 1 : 0;
        }
        return done;
    }

    private void remap(long count) {
        if (pages != 0) {
            system.munmap().run(mm, start, pages * PAGE);
        }
        pages = count;
        start = system.mmap().doMmap(
                mm, context, 0, count * PAGE, Prot.READ | Prot.WRITE, MmapFlags.PRIVATE | MmapFlags.ANONYMOUS, null, 0);
    }

    /**
     * Traces all faults as JSON lines, to nowhere: what is measured is the faulting thread and the encoder beside it.
     */
    public void trace(SiteRegistry registry) throws IOException {
        var strings = new StringTable();
        var guest = new EmulatorGuest(null);
        var names = new Names(strings, guest.stacks(), guest.modules());
        var sink = Format.JSONL.open(OutputStream.nullOutputStream(), null, names);
        session = new TraceSession(
                new EventSelection("fault", null, strings), sink, TraceSession.DEFAULT_SLOTS, true);
        new Tracer(session, guest, strings, false).attach(registry);
    }

    @Override
    public void close() {
        if (session != null) {
            try {
                session.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        system.exitMmap(mm);
        system.close();
    }
}

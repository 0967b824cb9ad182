package faultline.emulator.cpu;

import faultline.mmu.fault.FaultHandler;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.table.PageWalker;
import faultline.mmu.tlb.InstructionCache;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * The engines of one machine: made at need, lent to address spaces, used again, because opening one takes a
 * millisecond.
 *
 * <p>An engine keeps the code that it has translated, by address and frame. So an address space gets, if it can, an
 * engine that has run the same program, whose text lies in the same frames (the page cache's) and at the same addresses
 * (after fork, and after execve as far as the layout is the machine's: {@code CodePlaces}). Starting a dynamic program
 * translates some 3,000 blocks, of 3 µs each, otherwise.
 *
 * <p>Thread-safe.
 */
public final class CpuPool implements AutoCloseable {
    private static final long INSIST_NANOS = 100_000;
    /**
     * The first engines run the guest's main programs; the others come into being when many processes live at a time.
     */
    private static final int WITH_HUGE_PAGES = 4;

    private final MemorySegment ram;
    private final CpuOptions options;
    private final CodeCoherence coherence;
    /** All engines ever made; numbers in frame records are positions here plus one. */
    private final List<CpuEngine> engines = new CopyOnWriteArrayList<>();

    /** The one that became idle last comes first. */
    private final ArrayDeque<CpuEngine> idle = new ArrayDeque<>();

    private final StopInsister insister = new StopInsister();
    private FaultListener listener;
    private boolean closed;

    /**
     * @param ram guest-physical memory, from address 0
     * @param options how engines are made
     */
    public CpuPool(MemorySegment ram, CpuOptions options) {
        this.ram = ram;
        this.options = options;
        coherence = new CodeCoherence(new FrameStates(ram.byteSize() / Firmware.PAGE), this);
    }

    /** Whom the memory manager has to tell of changed frames. */
    public InstructionCache instructionCache() {
        return coherence;
    }

    /** Sends faults of guest code to {@code newListener}, or to nobody (null). Slower: each fault stops the CPU. */
    public synchronized FaultListener faultListener() {
        return listener;
    }

    /** Tells all engines, those to come too, who is told of faults; null for nobody. */
    public synchronized void setFaultListener(FaultListener newListener) {
        listener = newListener;
        for (CpuEngine engine : engines) {
            engine.setListener(newListener);
        }
    }

    /** An engine for an address space of an unknown program; give it back with {@link #release}. */
    public CpuEngine acquire(GuestMemory memory) {
        return acquire(memory, "");
    }

    synchronized CpuEngine acquire(GuestMemory memory, String program) {
        if (closed) {
            throw new IllegalStateException("the pool is closed");
        }
        CpuEngine engine = takeIdle(program);
        if (engine == null) {
            if (engines.size() + 1 >= FrameStates.MANY_ENGINES) {
                throw new IllegalStateException("too many address spaces at a time: " + engines.size());
            }
            engine = open(engines.size() + 1);
            engine.setListener(listener);
            engines.add(engine);
        }
        engine.bind(memory, program);
        return engine;
    }

    /** The idle engine that served the program last, else the one that became idle last; null when none is idle. */
    private CpuEngine takeIdle(String program) {
        for (CpuEngine engine : idle) {
            if (engine.program().equals(program)) {
                idle.remove(engine);
                return engine;
            }
        }
        return idle.poll();
    }

    private CpuEngine open(int id) {
        if (id <= WITH_HUGE_PAGES) {
            return new CpuEngine(this, id, ram, options, coherence);
        }
        try (SmallPages _ = new SmallPages()) {
            return new CpuEngine(this, id, ram, options, coherence);
        }
    }

    /**
     * An engine for an address space of the memory manager, which then flushes this engine's TLB.
     *
     * @param program the program that will run in it, to find an engine that knows its code
     * @param walker walks the machine's page tables
     * @param faults handles the machine's page faults
     */
    public CpuEngine acquire(MmStruct mm, PageWalker walker, FaultHandler faults, String program) {
        CpuEngine engine = acquire(new MmuMemory(walker, faults, mm), program);
        mm.setTlb(engine);
        return engine;
    }

    /** Takes an engine back that no thread runs any more; registers of tasks that ran there stay theirs. */
    public synchronized void release(CpuEngine engine) {
        engine.evict();
        engine.flushAll();
        idle.addFirst(engine);
    }

    /** The processor's features as /proc/cpuinfo names them; none before there is an engine. */
    public List<String> cpuFlags() {
        return engines.isEmpty() ? List.of() : CpuFlags.of(engines.getFirst());
    }

    /**
     * What the processors answer to CPUID; the pool has lent an engine already.
     *
     * @param register 0 to 3 for EAX, EBX, ECX, EDX
     */
    public int cpuid(int leaf, int subleaf, int register) {
        return engines.getFirst().cpuid(leaf, subleaf, register);
    }

    List<CpuEngine> engines() {
        return engines;
    }

    /** The counters of all engines together. */
    public CpuStats stats() {
        CpuStats sum = new CpuStats();
        for (CpuEngine engine : engines) {
            sum.add(engine.stats());
        }
        return sum;
    }

    void insistOnStop(CpuEngine engine) {
        insister.add(engine);
    }

    /** Closes all engines; none may be running. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            insister.close();
            engines.forEach(CpuEngine::close);
            idle.clear();
        }
    }

    /**
     * Repeats stops until they are seen. Unicorn forgets a stop that comes between the engine's last look at its own
     * flag and the first instruction; nobody else would notice.
     */
    private static final class StopInsister implements Runnable {
        private final List<CpuEngine> engines = new ArrayList<>();
        private Thread thread;
        private boolean closed;

        synchronized void add(CpuEngine engine) {
            if (closed || engines.contains(engine)) {
                return;
            }
            engines.add(engine);
            if (thread == null) {
                thread = Thread.ofPlatform().daemon().name("cpu-stop").start(this);
            } else {
                notifyAll();
            }
        }

        @Override
        public void run() {
            while (insist()) {
                LockSupport.parkNanos(INSIST_NANOS);
            }
        }

        private synchronized boolean insist() {
            try {
                while (engines.isEmpty() && !closed) {
                    wait();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
            engines.removeIf(engine -> !engine.stopAgain());
            return !closed;
        }

        void close() {
            Thread running;
            synchronized (this) {
                closed = true;
                engines.clear();
                running = thread;
                notifyAll();
            }
            try {
                if (running != null) {
                    running.join();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}

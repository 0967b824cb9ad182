package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.SharedMemory;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.HostResize;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PtlMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Pages of one file put in any order in up to three address spaces, while the file is cut, grown and reclaimed: against
 * a model that knows for each page of memory the page of the file, and nothing else. The machine is audited after every
 * step.
 */
class RemapFilePagesProperties {
    /** The pages in play straddle the border of two page tables, and several clusters of reclaim's scan. */
    private static final int PAGES = 96;

    private static final long AREA = MmFixture.BASE + 470 * PAGE;
    private static final int FILE_PAGES = 40;
    private static final int SHARED = MmapFlags.SHARED | MmapFlags.FIXED;
    private static final int SIGBUS = -7;
    private static final int SIGSEGV = -11;

    private enum Kind {
        LOAD,
        STORE,
        STORE_ALL,
        MAP,
        UNMAP,
        REMAP,
        REMAP_LATER,
        REMAP_ONE,
        MOVE,
        DONTNEED,
        PAGEOUT,
        RECLAIM,
        SYNC,
        TRUNCATE,
        LOCK,
        UNLOCK,
        FORK,
        EXIT
    }

    private record Step(Kind kind, int who, int page, int count, int other, int value) {}

    /** An address space, and which page of the file each of its pages shows. */
    private record Space(MmStruct mm, ModelCpu cpu, Map<Integer, Integer> shows) {}

    @Provide
    Arbitrary<List<Step>> programs() {
        return Combinators.combine(
                        Arbitraries.of(Kind.class),
                        Arbitraries.integers().between(0, 2),
                        Arbitraries.integers().between(0, PAGES - 1),
                        Arbitraries.integers().between(1, 40),
                        Arbitraries.integers().between(0, PAGES - 1),
                        Arbitraries.integers().between(0, 255))
                .as(Step::new)
                .list()
                .ofMinSize(10)
                .ofMaxSize(80);
    }

    @Property(tries = 250, seed = "2546")
    void filesShowWhatTheModelSays(@ForAll("programs") List<Step> steps) {
        new Run(RemapMode.NONLINEAR, false, PtlMode.SPLIT, MoveMode.EXTENT).all(steps);
    }

    @Property(tries = 250, seed = "2615")
    void sharedMemoryShowsWhatTheModelSays(@ForAll("programs") List<Step> steps) {
        new Run(RemapMode.NONLINEAR, true, PtlMode.MM, MoveMode.PMD).all(steps);
    }

    @Property(tries = 100, seed = "319")
    void oneMappingACallShowsTheSame(@ForAll("programs") List<Step> steps) {
        new Run(RemapMode.EMULATE, true, PtlMode.SPLIT, MoveMode.PMD).all(steps);
    }

    private static final class Run {
        private final MmFixture m;
        private final MappedFile file;
        private final HostResize host;
        private final List<Space> spaces = new ArrayList<>();
        private final int[] content = new int[FILE_PAGES];
        private int size = FILE_PAGES;
        private Space s;

        Run(RemapMode remap, boolean memory, PtlMode ptl, MoveMode move) {
            MemoryConfig config = MemoryConfig.defaults()
                    .withMemBytes(8L << 20)
                    .withSwapBytes(2L << 20)
                    .withRemap(remap)
                    .withPtl(ptl)
                    .withMove(move);
            m = new MmFixture(config, MmLimits.ROOT);
            if (memory) {
                file = new SharedMemory(AddressSpace.shmem(m.sys.cache(), FILE_PAGES * PAGE));
                host = null;
            } else {
                MemoryFile backed = m.file(FILE_PAGES);
                file = backed;
                host = backed::resizeTo;
                for (int i = 0; i < FILE_PAGES; i++) {
                    content[i] = i + 1;
                }
            }
            spaces.add(new Space(m.mm, m.cpu, new HashMap<>()));
        }

        void all(List<Step> steps) {
            try (m) {
                s = spaces.getFirst();
                map(0, FILE_PAGES, 0);
                for (Step step : steps) {
                    s = spaces.get(step.who % spaces.size());
                    run(step);
                    m.audit();
                }
                for (Space each : spaces) {
                    s = each;
                    for (int i = 0; i < PAGES; i++) {
                        load(i);
                    }
                }
                file.mapping().truncate(0, host);
            }
        }

        private static long at(int page) {
            return AREA + page * PAGE;
        }

        private void run(Step step) {
            int count = Math.min(step.count, PAGES - step.page);
            switch (step.kind) {
                case LOAD -> load(step.page);
                case STORE -> store(step.page, step.value);
                case STORE_ALL -> {
                    for (int i = 0; i < count; i++) {
                        store(step.page + i, step.value + i & 255);
                    }
                }
                case MAP -> map(step.page, count, step.other % FILE_PAGES);
                case UNMAP -> {
                    assertThat(m.sys.munmap().run(s.mm, at(step.page), count * PAGE))
                            .isZero();
                    for (int i = 0; i < count; i++) {
                        s.shows.remove(step.page + i);
                    }
                }
                case REMAP -> remap(step.page, count, step.other % FILE_PAGES, 0);
                case REMAP_LATER -> remap(step.page, count, step.other % FILE_PAGES, MmapFlags.NONBLOCK);
                case REMAP_ONE -> remap(step.page, 1, step.other % FILE_PAGES, 0);
                case MOVE -> move(step.page, count, step.other);
                case DONTNEED -> advise(step.page, count, Madv.DONTNEED);
                case PAGEOUT -> advise(step.page, count, Madv.PAGEOUT);
                case RECLAIM -> {
                    s.mm.tlb().flushAll();
                    m.sys.reclaimer().reclaim(0);
                }
                case SYNC ->
                    assertThat(file.mapping().writeback(0, Long.MAX_VALUE)).isZero();
                case TRUNCATE -> truncate(step.other % (FILE_PAGES + 1));
                case LOCK -> m.sys.mlock().mlock(s.mm, m.ctx, at(step.page), count * PAGE);
                case UNLOCK -> m.sys.mlock().munlock(s.mm, at(step.page), count * PAGE);
                case FORK -> fork();
                case EXIT -> exit();
            }
        }

        private void map(int page, int count, int offset) {
            MmFixture.ok(m.sys.mmap().doMmap(s.mm, m.ctx, at(page), count * PAGE, RW, SHARED, file, offset));
            for (int i = 0; i < count; i++) {
                s.shows.put(page + i, offset + i);
            }
        }

        /**
         * A range that is not all mapped by mappings with one set of flags is refused, and then nothing has changed.
         */
        private void remap(int page, int count, int offset, int flags) {
            long result = m.sys.remapFilePages().run(s.mm, m.ctx, at(page), count * PAGE, 0, offset, flags);
            assertThat(result == 0).isEqualTo(isOne(page, count, result == 0));
            for (int i = 0; i < count && result == 0; i++) {
                s.shows.put(page + i, offset + i);
            }
        }

        /** Whether the range is mapped; and, where that is what the call says, locked as a whole or not at all. */
        private boolean isOne(int page, int count, boolean done) {
            for (int i = 0; i < count; i++) {
                if (!s.shows.containsKey(page + i)) {
                    return false;
                }
            }
            return done || hasOneSetOfFlags(page, count);
        }

        private boolean hasOneSetOfFlags(int page, int count) {
            Vma first = s.mm.vmas().lookup(at(page));
            for (int i = 1; i < count; i++) {
                long other = s.mm.vmas().lookup(at(page + i)).flags();
                if (((other ^ first.flags()) & ~VmFlags.NONLINEAR) != 0) {
                    return false;
                }
            }
            return true;
        }

        /** Moves what is mapped, all of which must begin at the first page. */
        private void move(int page, int count, int to) {
            int moved = Math.min(count, PAGES - to);
            boolean overlap = page < to + moved && to < page + moved;
            if (overlap || !s.shows.containsKey(page)) {
                return;
            }
            int flags = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
            MmFixture.ok(m.sys.mremap().run(s.mm, m.ctx, at(page), moved * PAGE, moved * PAGE, flags, at(to)));
            // Each mapping moved clears its destination; what lies before a gap there stays.
            for (int i = 0; i < moved; i++) {
                Integer shown = s.shows.remove(page + i);
                if (shown != null) {
                    s.shows.put(to + i, shown);
                }
            }
        }

        private void advise(int page, int count, int advice) {
            m.sys.madvise().run(s.mm, m.ctx, at(page), count * PAGE, advice);
        }

        private void truncate(int pages) {
            assertThat(file.mapping().truncate(pages * PAGE, host)).isZero();
            for (int i = pages; i < FILE_PAGES; i++) {
                content[i] = 0;
            }
            size = pages;
        }

        private void fork() {
            if (spaces.size() == 3) {
                return;
            }
            MmStruct child = m.newMm(MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, s.mm, m.ctx)).isZero();
            spaces.add(new Space(child, m.newCpu(child), new HashMap<>(s.shows)));
        }

        private void exit() {
            if (spaces.size() > 1) {
                spaces.remove(s);
                m.sys.exitMmap(s.mm);
            }
        }

        private int expected(int page) {
            Integer shown = s.shows.get(page);
            if (shown == null) {
                return SIGSEGV;
            }
            return shown < size ? content[shown] : SIGBUS;
        }

        private void load(int page) {
            int seen;
            try {
                seen = s.cpu.load(at(page));
            } catch (ModelCpu.Signal e) {
                seen = -e.signo;
            }
            assertThat(seen).as("page %d", page).isEqualTo(expected(page));
        }

        private void store(int page, int value) {
            try {
                s.cpu.store(at(page), value);
                assertThat(expected(page)).isNotNegative();
                content[s.shows.get(page)] = value;
            } catch (ModelCpu.Signal e) {
                assertThat(-e.signo).isEqualTo(expected(page));
            }
        }
    }
}

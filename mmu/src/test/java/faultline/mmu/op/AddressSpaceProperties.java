package faultline.mmu.op;

import static faultline.mmu.mm.MmapFlags.MREMAP_DONTUNMAP;
import static faultline.mmu.mm.MmapFlags.MREMAP_FIXED;
import static faultline.mmu.mm.MmapFlags.MREMAP_MAYMOVE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveMode;
import faultline.mmu.table.PtlMode;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/**
 * Random programs of memory calls and accesses, in up to three address spaces that fork gave to each other, against
 * {@link MemoryModel}; the machine is audited after every step.
 */
class AddressSpaceProperties {
    /** The pages in play straddle the border of two page tables. */
    private static final int PAGES = 24;

    private static final long AREA = MmFixture.BASE + 500 * PAGE;
    private static final int FILE_PAGES = 12;

    private enum Kind {
        LOAD,
        STORE,
        STORE_ALL,
        MAP_PRIVATE,
        MAP_SHARED,
        MAP_FILE_PRIVATE,
        MAP_FILE_SHARED,
        UNMAP,
        PROTECT,
        MOVE,
        MOVE_KEEP,
        RESIZE,
        DUPLICATE,
        DONTNEED,
        ADVISE,
        LOCK,
        UNLOCK,
        FORK,
        EXIT
    }

    private record Step(Kind kind, int who, int page, int count, int other, int value) {}

    /** An address space beside its model. */
    private static final class Space {
        final MmStruct mm;
        final ModelCpu cpu;
        final MemoryModel model;

        Space(MmStruct mm, ModelCpu cpu, MemoryModel model) {
            this.mm = mm;
            this.cpu = cpu;
            this.model = model;
        }
    }

    @Provide
    Arbitrary<List<Step>> programs() {
        return Combinators.combine(
                        Arbitraries.of(Kind.class),
                        Arbitraries.integers().between(0, 2),
                        Arbitraries.integers().between(0, PAGES - 1),
                        Arbitraries.integers().between(1, 8),
                        Arbitraries.integers().between(0, PAGES - 1),
                        Arbitraries.integers().between(0, 255))
                .as(Step::new)
                .list()
                .ofMinSize(5)
                .ofMaxSize(80);
    }

    @Property(tries = 300, seed = "2005")
    void programsSeeWhatTheModelSees(@ForAll("programs") List<Step> steps) {
        new Run(PtlMode.SPLIT, MoveMode.PMD).all(steps);
    }

    @Property(tries = 150, seed = "2615")
    void programsSeeWhatTheModelSeesUnderOneLockByExtents(@ForAll("programs") List<Step> steps) {
        new Run(PtlMode.MM, MoveMode.EXTENT).all(steps);
    }

    @Property(tries = 100, seed = "2614")
    void programsSeeWhatTheModelSeesMovingPageByPage(@ForAll("programs") List<Step> steps) {
        new Run(PtlMode.MM, MoveMode.PAGE).all(steps);
    }

    private static final class Run {
        private final MmFixture m;
        private final MemoryFile file;
        private final MemoryModel.Content fileModel = new MemoryModel.Content(FILE_PAGES, true);
        private final List<Space> spaces = new ArrayList<>();
        private Space s;

        Run(PtlMode ptl, MoveMode move) {
            m = new MmFixture(
                    MemoryConfig.defaults().withMemBytes(8L << 20).withPtl(ptl).withMove(move), MmLimits.ROOT);
            file = m.file(FILE_PAGES);
            spaces.add(new Space(m.mm, m.cpu, new MemoryModel()));
        }

        void all(List<Step> steps) {
            try (m) {
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
            }
        }

        private static long at(int page) {
            return AREA + page * PAGE;
        }

        private void run(Step step) {
            int page = step.page;
            int count = Math.min(step.count, PAGES - page);
            int prot = step.value & 3;
            switch (step.kind) {
                case LOAD -> load(page);
                case STORE -> store(page, step.value);
                case STORE_ALL -> {
                    for (int i = 0; i < count; i++) {
                        store(page + i, step.value + i & 0xff);
                    }
                }
                case MAP_PRIVATE -> map(page, count, prot, false, null, 0);
                case MAP_SHARED -> map(page, count, prot, true, null, 0);
                case MAP_FILE_PRIVATE -> map(page, count, prot, false, fileModel, step.other % FILE_PAGES);
                case MAP_FILE_SHARED -> map(page, count, prot, true, fileModel, step.other % FILE_PAGES);
                case UNMAP -> {
                    assertThat(m.sys.munmap().run(s.mm, at(page), count * PAGE)).isZero();
                    s.model.unmap(page, count);
                }
                case PROTECT -> {
                    long result = m.sys.mprotect().run(s.mm, m.ctx, at(page), count * PAGE, prot);
                    assertThat(result).isEqualTo(s.model.protect(page, count, prot) ? 0 : -Errno.ENOMEM);
                }
                case MOVE -> move(page, count, step.other, false);
                case MOVE_KEEP -> move(page, count, step.other, true);
                case RESIZE -> resize(page, count, 1 + step.value % 8);
                case DUPLICATE -> duplicate(page, count, step.other);
                case DONTNEED -> dontNeed(page, count);
                case ADVISE -> {
                    int[] advice = {Madv.NORMAL, Madv.RANDOM, Madv.SEQUENTIAL, Madv.WILLNEED, Madv.COLD, Madv.DONTDUMP};
                    m.sys.madvise().run(s.mm, m.ctx, at(page), count * PAGE, advice[step.value % advice.length]);
                }
                case LOCK -> m.sys.mlock().mlock(s.mm, m.ctx, at(page), count * PAGE);
                case UNLOCK -> m.sys.mlock().munlock(s.mm, at(page), count * PAGE);
                case FORK -> fork();
                case EXIT -> exit();
            }
        }

        private void load(int page) {
            int seen;
            try {
                seen = s.cpu.load(at(page));
            } catch (ModelCpu.Signal signal) {
                seen = -signal.signo;
            }
            assertThat(seen).as("load of page %d", page).isEqualTo(s.model.load(page));
        }

        private void store(int page, int value) {
            int seen = 0;
            try {
                s.cpu.store(at(page), value);
            } catch (ModelCpu.Signal signal) {
                seen = -signal.signo;
            }
            assertThat(seen).as("store to page %d", page).isEqualTo(s.model.store(page, value));
        }

        private void map(int page, int count, int prot, boolean shared, MemoryModel.Content object, int index) {
            int flags = MmapFlags.FIXED
                    | (shared ? MmapFlags.SHARED : MmapFlags.PRIVATE)
                    | (object == null ? MmapFlags.ANONYMOUS : 0);
            long result = m.sys.mmap()
                    .doMmap(s.mm, m.ctx, at(page), count * PAGE, prot, flags, object == null ? null : file, index);
            assertThat(result).isEqualTo(at(page));
            MemoryModel.Content behind = object != null || !shared ? object : new MemoryModel.Content(count, false);
            s.model.map(page, count, prot, shared, behind, index);
        }

        private void move(int page, int count, int wanted, boolean keep) {
            int to = Math.min(wanted, PAGES - count);
            int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (keep ? MREMAP_DONTUNMAP : 0);
            long result = m.sys.mremap().run(s.mm, m.ctx, at(page), count * PAGE, count * PAGE, flags, at(to));
            if (to < page + count && page < to + count) {
                assertThat(result).isEqualTo(-Errno.EINVAL);
            } else if (!s.model.pages.containsKey(page)) {
                assertThat(result).isEqualTo(-Errno.EFAULT);
            } else {
                assertThat(result).isEqualTo(at(to));
                s.model.move(page, count, to, keep);
            }
        }

        /** In place; whether a growth is possible depends on where mappings end, which the model does not know. */
        private void resize(int page, int count, int wanted) {
            int size = Math.min(wanted, PAGES - page);
            long result = m.sys.mremap().run(s.mm, m.ctx, at(page), count * PAGE, size * PAGE, 0, 0);
            if (!s.model.pages.containsKey(page)) {
                assertThat(result).isEqualTo(-Errno.EFAULT);
            } else if (size <= count) {
                assertThat(result).isEqualTo(at(page));
                s.model.unmap(page + size, count - size);
            } else if (!Errno.isError(result)) {
                assertThat(result).isEqualTo(at(page));
                MemoryModel.Page last = s.model.pages.get(page + count - 1);
                int more = size - count;
                for (int i = 0; i < more; i++) {
                    assertThat(s.model.pages).doesNotContainKey(page + count + i);
                }
                s.model.map(page + count, more, last.prot, last.shared, last.object, last.index + 1);
            } else {
                assertThat(result).isIn((long) -Errno.EFAULT, (long) -Errno.ENOMEM);
            }
        }

        private void duplicate(int page, int count, int wanted) {
            int to = Math.min(wanted, PAGES - count);
            MemoryModel.Page first = s.model.pages.get(page);
            long result =
                    m.sys.mremap().run(s.mm, m.ctx, at(page), 0, count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to));
            if (Errno.isError(result)) {
                boolean possible = first != null && first.shared && (page < to || page >= to + count);
                assertThat(possible).isFalse();
                if (page == to && first != null && first.shared) {
                    s.model.unmap(to, count); // the destination is cleared first, and the source with it
                }
            } else {
                s.model.map(to, count, first.prot, true, first.object, first.index);
            }
        }

        private void dontNeed(int page, int count) {
            long result = m.sys.madvise().run(s.mm, m.ctx, at(page), count * PAGE, Madv.DONTNEED);
            if (result == -Errno.EINVAL) {
                m.sys.mlock().munlock(s.mm, at(0), PAGES * PAGE);
                m.sys.madvise().run(s.mm, m.ctx, at(page), count * PAGE, Madv.DONTNEED_LOCKED);
            }
            s.model.dontNeed(page, count);
        }

        private void fork() {
            if (spaces.size() == 3) {
                return;
            }
            MmStruct child = m.newMm(MmLimits.ROOT);
            assertThat(m.sys.fork().dupMmap(child, s.mm, m.ctx)).isZero();
            spaces.add(new Space(child, m.newCpu(child), s.model.fork()));
        }

        private void exit() {
            if (spaces.size() > 1 && s.mm != m.mm) {
                spaces.remove(s);
                m.sys.exitMmap(s.mm);
            }
        }
    }
}

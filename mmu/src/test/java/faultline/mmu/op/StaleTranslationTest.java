package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.FIXED;
import static faultline.mmu.system.MmFixture.PAGE;
import static faultline.mmu.system.MmFixture.RW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Named.named;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.mm.RemapMode;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.MoveMode;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Two processors that keep every translation until it is flushed: after a call none of them may know more than the page
 * tables say, be it another frame, or a right to write that has gone.
 */
class StaleTranslationTest {
    private static final int SHARED = MmapFlags.SHARED | MmapFlags.FIXED;
    private static final int PRIVATE = MmapFlags.PRIVATE | MmapFlags.FIXED;
    private static final int MOVE = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED;
    private static final int PAGES = 70;
    private static final long BYTES = PAGES * PAGE;
    private static final long HUGE = 2L << 20;

    /** Memory of each kind, used by both processors; each range lies in two page tables. */
    private static final class Scene implements AutoCloseable {
        private static final long ANON = BASE + HUGE - 30 * PAGE;
        private static final long FILE = ANON + 2 * HUGE;
        private static final long COPY = ANON + 4 * HUGE;
        private static final long WHOLE = BASE + 16 * HUGE;
        private static final long ELSEWHERE = BASE + 64 * HUGE + 5 * PAGE;

        final MmFixture m;
        final MemoryFile file;
        final ModelCpu other;

        Scene(MoveMode move, RemapMode remap) {
            MemoryConfig config = MemoryConfig.defaults()
                    .withMemBytes(64L << 20)
                    .withSwapBytes(16L << 20)
                    .withMove(move)
                    .withRemap(remap);
            m = new MmFixture(config, MmLimits.ROOT);
            file = m.file(2 * PAGES);
            other = m.newCpu(m.mm);
            m.map(ANON, PAGES);
            MmFixture.ok(m.mmap(FILE, BYTES, RW, SHARED, file, 0));
            MmFixture.ok(m.mmap(COPY, BYTES, RW, PRIVATE, file, PAGES));
            m.map(WHOLE, 1024);
            MmFixture.ok(m.madvise(WHOLE, 2 * HUGE, Madv.HUGEPAGE));
            use(m.cpu);
            use(other);
            assertKnowsAll(m.cpu);
            assertThat(stale()).isEmpty();
        }

        /** Reads all, and writes all but every third page of the private mapping, which goes on showing the file. */
        private static void use(ModelCpu cpu) {
            for (int i = 0; i < PAGES; i++) {
                cpu.store(ANON + i * PAGE, i);
                cpu.store(FILE + i * PAGE, i);
                cpu.load(COPY + i * PAGE);
                if (i % 3 != 0) {
                    cpu.store(COPY + i * PAGE, i);
                }
            }
            for (int i = 0; i < 1024; i += 64) {
                cpu.store(WHOLE + i * PAGE, i & 0xff);
            }
        }

        private static void assertKnowsAll(ModelCpu cpu) {
            for (long start : new long[] {ANON, FILE, COPY, WHOLE}) {
                assertThat(cpu.knows(start, start + BYTES, true)).isTrue();
            }
        }

        List<String> stale() {
            return Stream.concat(m.cpu.staleTranslations().stream(), other.staleTranslations().stream())
                    .toList();
        }

        void advise(int advice) {
            for (long start : new long[] {ANON, FILE, COPY}) {
                m.madvise(start + PAGE, BYTES - 2 * PAGE, advice);
            }
            m.madvise(WHOLE, HUGE, advice);
            m.madvise(WHOLE + HUGE + 3 * PAGE, 9 * PAGE, advice);
        }

        void protect(int prot) {
            for (long start : new long[] {ANON, FILE, COPY}) {
                assertThat(m.mprotect(start + PAGE, BYTES - 2 * PAGE, prot)).isZero();
            }
            assertThat(m.mprotect(WHOLE, HUGE, prot)).isZero();
            assertThat(m.mprotect(WHOLE + HUGE + 3 * PAGE, 9 * PAGE, prot)).isZero();
        }

        @Override
        public void close() {
            m.close();
        }
    }

    /** One call, or several of a kind. */
    @FunctionalInterface
    private interface Call {
        void on(Scene scene);
    }

    private static Named<Call> call(String name, Call call) {
        return named(name, call);
    }

    static Stream<Named<Call>> calls() {
        return Stream.of(
                call("munmap", s -> {
                    s.m.munmap(Scene.ANON + PAGE, BYTES);
                    s.m.munmap(Scene.FILE, BYTES - PAGE);
                    s.m.munmap(Scene.COPY, BYTES);
                    s.m.munmap(Scene.WHOLE, HUGE + 5 * PAGE);
                }),
                call("mmap over it", s -> {
                    MmFixture.ok(s.m.mmap(Scene.ANON, BYTES, Prot.READ, PRIVATE, s.file, 0));
                    MmFixture.ok(s.m.mmap(Scene.FILE, BYTES, RW, FIXED));
                    MmFixture.ok(s.m.mmap(Scene.COPY, BYTES, RW, SHARED, s.file, 0));
                }),
                call("mprotect to reading", s -> s.protect(Prot.READ)),
                call("mprotect to nothing", s -> s.protect(Prot.NONE)),
                call("mprotect to and fro", s -> {
                    s.protect(Prot.NONE);
                    s.protect(RW);
                }),
                call("MADV_DONTNEED", s -> s.advise(Madv.DONTNEED)),
                call("MADV_FREE", s -> s.advise(Madv.FREE)),
                call("MADV_COLD", s -> s.advise(Madv.COLD)),
                call("MADV_PAGEOUT", s -> s.advise(Madv.PAGEOUT)),
                call("MADV_REMOVE", s -> s.advise(Madv.REMOVE)),
                call("MADV_GUARD_INSTALL", s -> s.advise(Madv.GUARD_INSTALL)),
                call("MADV_COLLAPSE", s -> {
                    s.m.mprotect(Scene.WHOLE + 3 * PAGE, PAGE, Prot.READ);
                    s.m.mprotect(Scene.WHOLE + 3 * PAGE, PAGE, RW);
                    s.m.madvise(Scene.WHOLE, HUGE, Madv.COLLAPSE);
                }),
                call("mremap", s -> {
                    long to = Scene.ELSEWHERE;
                    for (long start : new long[] {Scene.ANON, Scene.FILE, Scene.COPY}) {
                        assertThat(s.m.mremap(start, BYTES, BYTES, MOVE, to)).isEqualTo(to);
                        to += HUGE;
                    }
                    assertThat(s.m.mremap(Scene.WHOLE, HUGE, HUGE, MOVE, to)).isEqualTo(to);
                }),
                call("mremap of whole tables", s -> {
                    long to = BASE + 128 * HUGE;
                    assertThat(s.m.mremap(Scene.WHOLE, 2 * HUGE, 2 * HUGE, MOVE, to))
                            .isEqualTo(to);
                }),
                call("mremap that shrinks", s -> s.m.mremap(Scene.ANON, BYTES, PAGE, 0, 0)),
                call("mremap that leaves the mapping", s -> {
                    int flags = MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_DONTUNMAP;
                    MmFixture.ok(s.m.mremap(Scene.ANON, BYTES, BYTES, flags, 0));
                }),
                call("fork", StaleTranslationTest::fork),
                call("writes of both sides after fork", s -> {
                    ModelCpu child = s.m.newCpu(fork(s));
                    Scene.use(s.other);
                    Scene.use(child);
                    Scene.use(s.m.cpu);
                    assertThat(child.staleTranslations()).isEmpty();
                }),
                call("truncate", s -> s.file.mapping().truncate(2 * PAGES * PAGE / 3, s.file::resizeTo)),
                call("truncate below private copies", s -> s.file.mapping().truncate(3 * PAGE, s.file::resizeTo)),
                call("write-back", s -> s.file.mapping().writeback(0, Long.MAX_VALUE)),
                call("reclaim", s -> {
                    for (int i = 0; i < 8; i++) {
                        s.m.sys.reclaimer().reclaim(0);
                    }
                    assertThat(s.m.sys.reclaimer().stolen()).isPositive();
                }),
                call("reclaim and touch", s -> {
                    for (int i = 0; i < 8; i++) {
                        s.m.sys.reclaimer().reclaim(0);
                    }
                    Scene.use(s.other);
                }),
                call(
                        "clear_refs of soft-dirty bits",
                        s -> ClearRefs.run(s.m.sys.tables(), s.m.mm, ClearRefs.SOFT_DIRTY)),
                call("clear_refs of accessed bits", s -> ClearRefs.run(s.m.sys.tables(), s.m.mm, ClearRefs.ALL)),
                call("remap_file_pages", s -> {
                    FaultContext ctx = new FaultContext();
                    RemapFilePages remap = s.m.sys.remapFilePages();
                    for (int i = 0; i < PAGES; i += 7) {
                        assertThat(remap.run(s.m.mm, ctx, Scene.FILE + i * PAGE, 7 * PAGE, 0, PAGES - i, i % 2))
                                .isZero();
                    }
                }),
                call("exit", s -> s.m.sys.exitMmap(s.m.mm)));
    }

    private static MmStruct fork(Scene s) {
        MmStruct child = s.m.newMm(MmLimits.ROOT);
        assertThat(s.m.sys.fork().dupMmap(child, s.m.mm, s.m.ctx)).isZero();
        return child;
    }

    @ParameterizedTest
    @MethodSource("calls")
    void afterTheCallNoProcessorKnowsMoreThanTheTables(Call call) {
        try (Scene scene = new Scene(MoveMode.PMD, RemapMode.EMULATE)) {
            call.on(scene);
            assertThat(scene.stale()).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("calls")
    void theSameWithOtherMovers(Call call) {
        for (MoveMode move : new MoveMode[] {MoveMode.PAGE, MoveMode.EXTENT}) {
            try (Scene scene = new Scene(move, RemapMode.NONLINEAR)) {
                call.on(scene);
                assertThat(scene.stale()).isEmpty();
            }
        }
    }
}

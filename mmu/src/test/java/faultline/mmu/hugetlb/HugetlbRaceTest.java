package faultline.mmu.hugetlb;

import static faultline.mmu.hugetlb.HugetlbFixture.BASE;
import static faultline.mmu.hugetlb.HugetlbFixture.HUGE;
import static faultline.mmu.hugetlb.HugetlbFixture.PRIVATE;
import static faultline.mmu.hugetlb.HugetlbFixture.SHARED;
import static faultline.mmu.system.MmFixture.ok;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several tasks at one pool, one file, one huge page; the books are audited after each round. */
@Timeout(120)
class HugetlbRaceTest {
    private static final int ROUNDS = Race.ROUNDS / 4;
    private static final int LOOKS = 10_000;
    /** Pages of the pool that three quarters of memory make. */
    private static final int MOST = 24;

    /** The pool has one page: a second one wanted for the same place, be it for a moment, would be a SIGBUS. */
    @Test
    void manyFirstTouchesOfOnePageTakeOne() throws Exception {
        for (int flags : new int[] {PRIVATE, SHARED}) {
            try (HugetlbFixture f = new HugetlbFixture(1)) {
                ModelCpu other = f.m.newCpu(f.m.mm);
                Race.run(
                        ROUNDS,
                        _ -> ok(f.map(1, flags)),
                        round -> {
                            assertThat(f.cpu.load(BASE)).isEqualTo(round & 0xff);
                            assertThat(f.cpu.load(BASE + HUGE - 1)).isEqualTo(round & 0xff);
                            f.m.audit();
                            ok(f.m.munmap(BASE, HUGE));
                            assertThat(f.counts()).isEqualTo("1 1 0 0");
                        },
                        round -> f.cpu.store(BASE, round),
                        round -> other.store(BASE + HUGE - 1, round));
            }
        }
    }

    /** Two processes first-touch one page of a file through mappings of their own. */
    @Test
    void twoProcessesBringInOnePageOfAFile() throws Exception {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            ok(f.map(1, SHARED));
            ModelCpu child = f.m.newCpu(f.fork());
            Race.run(
                    ROUNDS,
                    _ -> ok(f.m.madvise(BASE, HUGE, Madv.REMOVE)),
                    _ -> {
                        assertThat(f.cpu.load(BASE + 1)).isEqualTo(2);
                        assertThat(child.load(BASE)).isEqualTo(1);
                        f.m.audit();
                    },
                    _ -> f.cpu.store(BASE, 1),
                    _ -> child.store(BASE + 1, 2));
        }
    }

    /** A page dropped by one task is reserved for the next touch of another: never is there a SIGBUS in between. */
    @Test
    void droppedPagesAreThereForWhoTouchesNext() throws Exception {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            ok(f.map(1, PRIVATE));
            ModelCpu other = f.m.newCpu(f.m.mm);
            Race.run(
                    ROUNDS,
                    _ -> f.cpu.store(BASE, 1),
                    _ -> f.m.audit(),
                    _ -> ok(f.m.sys.madvise().run(f.m.mm, f.cpu.ctx, BASE, HUGE, Madv.DONTNEED)),
                    _ -> other.store(BASE + 1, 1));
        }
    }

    @Test
    void forkAndWritesOfTheParentLeaveEachItsOwnContent() throws Exception {
        try (HugetlbFixture f = new HugetlbFixture(2)) {
            ok(f.map(1, PRIVATE));
            ModelCpu other = f.m.newCpu(f.m.mm);
            MmStruct[] child = new MmStruct[1];
            Race.run(
                    ROUNDS,
                    round -> {
                        f.cpu.store(BASE, round);
                        child[0] = f.m.newMm(MmLimits.ROOT);
                    },
                    round -> {
                        ModelCpu cpu = f.m.newCpu(child[0]);
                        assertThat(cpu.load(BASE)).isEqualTo(round & 0xff);
                        assertThat(other.load(BASE + 1)).isEqualTo(round & 0xff);
                        other.store(BASE, round + 1);
                        assertThat(cpu.load(BASE)).isEqualTo(round & 0xff);
                        f.m.audit();
                        f.m.sys.exitMmap(child[0]);
                        f.m.audit();
                    },
                    _ -> assertThat(f.m.sys.fork().dupMmap(child[0], f.m.mm, f.cpu.ctx))
                            .isZero(),
                    round -> other.store(BASE + 1, round));
        }
    }

    /**
     * The owner takes the page from the child, which reads at the same time: old content, or SIGBUS, and no page lost.
     */
    @Test
    void anOwnerTakesThePageOfAChildThatReads() throws Exception {
        try (HugetlbFixture f = new HugetlbFixture(1)) {
            ok(f.map(1, PRIVATE));
            ModelCpu[] child = new ModelCpu[1];
            MmStruct[] mm = new MmStruct[1];
            Race.run(
                    ROUNDS,
                    round -> {
                        f.cpu.store(BASE, round);
                        mm[0] = f.fork();
                        child[0] = f.m.newCpu(mm[0]);
                    },
                    round -> {
                        assertThat(f.cpu.load(BASE)).isEqualTo(round + 1 & 0xff);
                        f.m.audit();
                        f.m.sys.exitMmap(mm[0]);
                        assertThat(f.counts()).isEqualTo("1 0 0 0");
                    },
                    round -> f.cpu.store(BASE, round + 1),
                    round -> {
                        try {
                            assertThat(child[0].load(BASE)).isEqualTo(round & 0xff);
                        } catch (ModelCpu.Signal signal) {
                            assertThat(signal.signo).isEqualTo(7);
                        }
                    });
        }
    }

    /** Cutting a file against touching it: what is beyond the end afterwards is in nobody's page tables. */
    @Test
    void nothingBeyondTheEndSurvivesACut() throws Exception {
        try (HugetlbFixture f = new HugetlbFixture(4)) {
            HugetlbInode inode = f.inode(2);
            ok(f.mapFile(inode, BASE, 2, MmapFlags.SHARED, 0));
            ok(f.mapFile(inode, BASE + 8 * HUGE, 2, MmapFlags.PRIVATE | MmapFlags.NORESERVE, 0));
            ModelCpu other = f.m.newCpu(f.m.mm);
            Race.run(
                    ROUNDS,
                    _ -> new HugetlbFileCalls(inode).truncate(2 * HUGE),
                    _ -> {
                        f.m.audit();
                        HugetlbFixture.expectSigbus(() -> f.cpu.load(BASE + HUGE));
                        HugetlbFixture.expectSigbus(() -> f.cpu.load(BASE + 9 * HUGE));
                        assertThat(inode.mapping().cachedPages()).isLessThanOrEqualTo(1);
                    },
                    _ -> assertThat(new HugetlbFileCalls(inode).truncate(HUGE)).isZero(),
                    _ -> touch(f.cpu, BASE + HUGE),
                    _ -> touch(other, BASE + 9 * HUGE));
        }
    }

    private static void touch(ModelCpu cpu, long address) {
        try {
            cpu.store(address, 1);
        } catch (ModelCpu.Signal signal) {
            assertThat(signal.signo).isEqualTo(7);
        }
    }

    /** Three tasks want two pages each of four: each either gets its mapping, and can use it, or is refused. */
    @Test
    void whoeverGetsAMappingFromAnExhaustedPoolCanUseIt() throws Exception {
        try (HugetlbFixture f = new HugetlbFixture(4)) {
            ModelCpu[] cpus = {f.cpu, f.m.newCpu(f.m.mm), f.m.newCpu(f.m.mm)};
            Race.Part[] parts = new Race.Part[cpus.length];
            for (int i = 0; i < cpus.length; i++) {
                long at = BASE + i * 8L * HUGE;
                ModelCpu cpu = cpus[i];
                int flags = (i == 0 ? SHARED : PRIVATE) | MmapFlags.FIXED;
                parts[i] = round -> {
                    long got = f.m.sys.mmap().doMmap(f.m.mm, cpu.ctx, at, 2 * HUGE, 3, flags, null, 0);
                    if (got == -Errno.ENOMEM) {
                        return;
                    }
                    cpu.store(ok(got), round);
                    cpu.store(at + HUGE, round);
                    assertThat(cpu.load(at)).isEqualTo(round & 0xff);
                    ok(f.m.munmap(at, 2 * HUGE));
                };
            }
            Race.run(
                    ROUNDS,
                    _ -> {},
                    _ -> {
                        f.m.audit();
                        assertThat(f.counts()).isEqualTo("4 4 0 0");
                    },
                    parts);
        }
    }

    /** Reclaim takes a reference to a frame that it knew as a small page, whatever the frame is by now. */
    @Test
    void thePoolGrowsAndShrinksWhileReclaimLooksAtFrames() throws Exception {
        try (HugetlbFixture f = new HugetlbFixture(0)) {
            FrameTable frames = f.m.sys.phys().frames();
            Race.run(
                    ROUNDS,
                    _ -> {},
                    _ -> {
                        assertThat(f.counts()).isEqualTo(MOST + " " + MOST + " 0 0");
                        f.m.audit();
                    },
                    _ -> {
                        f.pool.resize(0);
                        f.pool.resize(MOST);
                    },
                    _ -> {
                        for (int look = 0; look < LOOKS; look++) {
                            long pfn = HUGE / Page.SIZE * (look % (frames.count() * Page.SIZE / HUGE));
                            if (frames.getUnlessZero(pfn)) {
                                f.m.sys.phys().allocator().putPage(pfn);
                            }
                        }
                    });
        }
    }
}

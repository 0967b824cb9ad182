package faultline.mmu.gup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultFixture;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.SharedMemory;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.table.Pte;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FollowPageTest {
    private static final long BASE = FaultFixture.BASE;
    private FaultFixture f;
    private FrameTable frames;
    private MmStruct mm;
    private ModelCpu cpu;
    private FollowPage follow;
    private FaultContext ctx;

    @BeforeEach
    void setUp() {
        f = new FaultFixture();
        frames = f.phys.frames();
        mm = f.newMm();
        cpu = f.newCpu(mm);
        follow = new FollowPage(f.env);
        ctx = new FaultContext();
    }

    @AfterEach
    void tearDown() {
        f.close();
    }

    @Test
    void lookingWithoutFlagsChangesNothing() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE, 1);
        long entry = f.pte(mm, BASE);
        long pfn = Pte.pfn(entry);
        frames.clear(pfn, PageFlags.REFERENCED);

        assertThat(follow.followPage(mm, BASE, 0, ctx)).isEqualTo(pfn);

        assertThat(f.pte(mm, BASE)).isEqualTo(entry);
        assertThat(frames.refcount(pfn)).isEqualTo(1);
        assertThat(frames.test(pfn, PageFlags.REFERENCED | PageFlags.DIRTY)).isFalse();
    }

    @Test
    void touchMarksThePageAccessedAndNotDirty() {
        f.mapFile(mm, BASE, 1, FaultFixture.RO, new MemoryFile(f.cache, 1), 0);
        cpu.load(BASE);
        long pfn = Pte.pfn(f.pte(mm, BASE));
        frames.clear(pfn, PageFlags.REFERENCED);

        follow.followPage(mm, BASE, FollFlags.TOUCH, ctx);

        assertThat(frames.test(pfn, PageFlags.REFERENCED)).isTrue();
        assertThat(frames.test(pfn, PageFlags.DIRTY)).isFalse();
    }

    @Test
    void touchWithWriteDirtiesThePageOfACleanWritableEntry() {
        AddressSpace shmem = AddressSpace.shmem(f.cache, Page.SIZE);
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, new SharedMemory(shmem), 0);
        cpu.load(BASE);
        long pfn = Pte.pfn(f.pte(mm, BASE));
        assertThat(Pte.isDirty(f.pte(mm, BASE))).isFalse();

        assertThat(follow.followPage(mm, BASE, FollFlags.WRITE | FollFlags.TOUCH, ctx)).isEqualTo(pfn);

        assertThat(frames.test(pfn, PageFlags.DIRTY)).isTrue();
        assertThat(shmem.dirtyPages()).isEqualTo(1);
    }

    @Test
    void getTakesAReferenceThatOutlivesTheMapping() {
        Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.store(BASE, 1);

        long pfn = follow.followPage(mm, BASE, FollFlags.GET, ctx);
        f.dontNeed(vma, vma.start(), vma.end());

        assertThat(frames.refcount(pfn)).isEqualTo(1);
        f.phys.allocator().putPage(pfn);
    }

    @Test
    void writeFindsOnlyWritableEntries() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        cpu.load(BASE);

        assertThat(follow.followPage(mm, BASE, FollFlags.WRITE, ctx)).isEqualTo(FollowPage.NONE);
        cpu.store(BASE, 1);
        assertThat(follow.followPage(mm, BASE, FollFlags.WRITE, ctx)).isNotEqualTo(FollowPage.NONE);
    }

    @Test
    void anonGivesThePageOfZerosWhereThereIsNoTableAndNothingWhereThereIsOne() {
        f.mapAnon(mm, BASE, 1024, FaultFixture.RW);
        cpu.store(BASE, 1);

        assertThat(follow.followPage(mm, BASE + Page.SIZE, FollFlags.ANON, ctx)).isEqualTo(FollowPage.NONE);
        assertThat(follow.followPage(mm, BASE + Page.PMD_SIZE, FollFlags.ANON, ctx)).isEqualTo(f.env.zeroPfn());
        assertThat(follow.followPage(mm, BASE + Page.PMD_SIZE, 0, ctx)).isEqualTo(FollowPage.NONE);
    }

    @Test
    void anonWithGetCountsAReferenceOnThePageOfZeros() {
        int before = frames.refcount(f.env.zeroPfn());

        follow.followPage(mm, BASE, FollFlags.ANON | FollFlags.GET, ctx);

        assertThat(frames.refcount(f.env.zeroPfn())).isEqualTo(before + 1);
        f.phys.allocator().putPage(f.env.zeroPfn());
    }

    @Test
    void anonWithWriteIsAMistakeOfTheCaller() {
        assertThatThrownBy(() -> follow.followPage(mm, BASE, FollFlags.ANON | FollFlags.WRITE, ctx))
                .isInstanceOf(IllegalArgumentException.class);
    }
}

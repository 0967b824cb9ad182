package faultline.mmu.gup;

import static faultline.mmu.gup.FollFlags.ANON;
import static faultline.mmu.gup.FollFlags.GET;
import static faultline.mmu.gup.FollFlags.TOUCH;
import static faultline.mmu.gup.FollFlags.WRITE;
import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.mmu.fault.MemoryFile;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Prot;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import faultline.mmu.table.Pte;
import faultline.mmu.table.PtlMode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Seed 001, flag by flag: what is found, and what the finding does to page, reference count and entry. */
class FollowPageTest {
    private static final long HUGE = 2L << 20;
    private static final int MARKS = PageFlags.REFERENCED | PageFlags.DIRTY;

    private final MmFixture m =
            new MmFixture(MemoryConfig.defaults().withMemBytes(64L << 20).withPtl(PtlMode.MM), MmLimits.ROOT);
    private final FollowPage follow = new FollowPage(m.sys.faultEnv());
    private final FrameTable frames = m.sys.phys().frames();

    @AfterEach
    void close() {
        m.close();
    }

    /** Looks up as its callers do, and sees that the page-table lock is taken inside, and released. */
    private long follow(long address, int flags) {
        long taken = m.mm.pageTableLock().acquisitions();
        m.mm.mmapLock().readLock();
        try {
            return follow.followPage(m.mm, address, flags, m.ctx);
        } finally {
            m.mm.mmapLock().readUnlock();
            assertThat(m.mm.pageTableLock().isLocked()).isFalse();
            assertThat(m.mm.pageTableLock().acquisitions() - taken).isLessThanOrEqualTo(1);
        }
    }

    private long entryAddress(long address) {
        return m.sys.tables().pteOffset(m.sys.tables().walkToPmd(m.mm.pgd(), address), address);
    }

    private long entry(long address) {
        return m.sys.phys().getLong(entryAddress(address));
    }

    /** A page of the mapping, written, with nothing noted of it in page or entry. */
    private long cleanPage() {
        m.map(BASE, 2);
        m.cpu.store(BASE, 7);
        long pte = entryAddress(BASE);
        m.sys.tables().setPte(pte, entry(BASE) & ~(Pte.DIRTY | Pte.ACCESSED));
        m.mm.tlb().flushAll();
        long pfn = Pte.pfn(entry(BASE));
        frames.clear(pfn, MARKS);
        return pfn;
    }

    @Test
    void withoutFlagsThePageIsFoundAndNothingIsNoted() {
        long pfn = cleanPage();
        long before = entry(BASE);
        assertThat(follow(BASE, 0)).isEqualTo(pfn);
        assertThat(frames.refcount(pfn)).isEqualTo(1);
        assertThat(frames.test(pfn, MARKS)).isFalse();
        assertThat(entry(BASE)).isEqualTo(before);
    }

    @Test
    void getTakesOneReferenceAndNotesNothing() {
        long pfn = cleanPage();
        assertThat(follow(BASE, GET)).isEqualTo(pfn);
        assertThat(frames.refcount(pfn)).isEqualTo(2);
        assertThat(frames.mapcount(pfn)).isEqualTo(1);
        assertThat(frames.test(pfn, MARKS)).isFalse();
        m.sys.phys().allocator().putPage(pfn);
    }

    @Test
    void touchMarksThePageAccessedButNotTheEntry() {
        long pfn = cleanPage();
        long before = entry(BASE);
        assertThat(follow(BASE, TOUCH)).isEqualTo(pfn);
        assertThat(frames.flags(pfn) & MARKS).isEqualTo(PageFlags.REFERENCED);
        assertThat(entry(BASE)).isEqualTo(before);
    }

    @Test
    void writeAloneAsksForAWritableEntryAndMarksNothingDirty() {
        long pfn = cleanPage();
        assertThat(follow(BASE, WRITE)).isEqualTo(pfn);
        assertThat(frames.test(pfn, MARKS)).isFalse();
        m.mprotect(BASE, PAGE, Prot.READ);
        assertThat(follow(BASE, WRITE)).isEqualTo(FollowPage.NONE);
        assertThat(follow(BASE, WRITE | TOUCH | GET)).isEqualTo(FollowPage.NONE);
        assertThat(frames.refcount(pfn)).isEqualTo(1);
        assertThat(frames.test(pfn, MARKS)).isFalse();
        assertThat(follow(BASE, 0)).isEqualTo(pfn);
    }

    @Test
    void touchToWriteMarksACleanPageDirty() {
        long pfn = cleanPage();
        assertThat(follow(BASE, WRITE | TOUCH)).isEqualTo(pfn);
        assertThat(frames.flags(pfn) & MARKS).isEqualTo(MARKS);
        assertThat(Pte.isDirty(entry(BASE))).isFalse();
    }

    @Test
    void aDirtyEntryWillSayItselfThatThePageIs() {
        long pfn = cleanPage();
        m.cpu.store(BASE, 8);
        assertThat(Pte.isDirty(entry(BASE))).isTrue();
        assertThat(follow(BASE, WRITE | TOUCH)).isEqualTo(pfn);
        assertThat(frames.flags(pfn) & MARKS).isEqualTo(PageFlags.REFERENCED);
    }

    @Test
    void dirtOfAFilesPageIsToldToTheFile() {
        MemoryFile file = m.file(1);
        MmFixture.ok(m.mmap(BASE, PAGE, MmFixture.RW, MmapFlags.SHARED | MmapFlags.FIXED, file, 0));
        m.cpu.store(BASE, 7);
        long pte = entryAddress(BASE);
        file.mapping().writeback(0, Long.MAX_VALUE);
        m.sys.tables().setPte(pte, Pte.mkWrite(entry(BASE)));
        assertThat(file.mapping().dirtyPages()).isZero();
        assertThat(follow(BASE, TOUCH)).isNotNegative();
        assertThat(file.mapping().dirtyPages()).isZero();
        assertThat(follow(BASE, WRITE | TOUCH)).isNotNegative();
        assertThat(file.mapping().dirtyPages()).isOne();
    }

    @Test
    void anEmptyEntryIsNothingWhateverIsWanted() {
        cleanPage();
        for (int flags : new int[] {0, WRITE, TOUCH, GET, ANON, ANON | GET}) {
            assertThat(follow(BASE + PAGE, flags)).isEqualTo(FollowPage.NONE);
        }
    }

    /** At each level: no PUD table, no PMD table, no table. */
    @Test
    void whereThereIsNoTableAnonGivesThePageOfZeros() {
        m.map(BASE, 1);
        m.cpu.store(BASE, 1);
        long zeros = m.sys.faultEnv().zeroPfn();
        int references = frames.refcount(zeros);
        long tables = m.mm.pageTableBytes();
        for (long distance : new long[] {1L << 21, 1L << 30, 1L << 39}) {
            assertThat(follow(BASE + distance, 0)).isEqualTo(FollowPage.NONE);
            assertThat(follow(BASE + distance, GET | TOUCH)).isEqualTo(FollowPage.NONE);
            assertThat(follow(BASE + distance, ANON)).isEqualTo(zeros);
            assertThat(frames.refcount(zeros)).isEqualTo(references);
            assertThat(follow(BASE + distance, ANON | GET)).isEqualTo(zeros);
            assertThat(frames.refcount(zeros)).isEqualTo(references + 1);
            m.sys.phys().allocator().putPage(zeros);
            assertThatThrownBy(() -> follow(BASE + distance, ANON | WRITE))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(m.mm.pageTableBytes()).isEqualTo(tables);
    }

    @Test
    void memoryWithoutRightsIsFoundAllTheSame() {
        long pfn = cleanPage();
        m.mprotect(BASE, PAGE, Prot.NONE);
        assertThat(follow(BASE, 0)).isEqualTo(pfn);
        assertThat(follow(BASE, WRITE)).isEqualTo(FollowPage.NONE);
    }

    @Test
    void inAHugePageTheFrameIsTheAddressesAndWhatIsNotedIsOfTheWhole() {
        m.map(BASE, 512);
        MmFixture.ok(m.madvise(BASE, HUGE, Madv.HUGEPAGE));
        m.cpu.store(BASE, 1);
        long head = follow(BASE, 0);
        assertThat(frames.test(head, PageFlags.HEAD)).isTrue();
        frames.clear(head, MARKS);
        assertThat(follow(BASE + 9 * PAGE, WRITE)).isEqualTo(head + 9);
        assertThat(frames.test(head, MARKS)).isFalse();
        assertThat(follow(BASE + 9 * PAGE, TOUCH)).isEqualTo(head + 9);
        assertThat(frames.flags(head) & MARKS).isEqualTo(PageFlags.REFERENCED);
        int references = frames.refcount(head);
        assertThat(follow(BASE + 511 * PAGE, GET)).isEqualTo(head + 511);
        assertThat(frames.refcount(head)).isEqualTo(references + 1);
        m.sys.phys().allocator().putPage(head);
        m.mprotect(BASE, HUGE, Prot.READ);
        assertThat(follow(BASE + 9 * PAGE, WRITE)).isEqualTo(FollowPage.NONE);
    }
}

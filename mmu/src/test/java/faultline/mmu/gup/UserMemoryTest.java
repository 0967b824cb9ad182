package faultline.mmu.gup;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultFixture;
import faultline.mmu.fault.MemoryFile;
import faultline.mmu.fault.ModelCpu;
import faultline.mmu.fault.Race;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.Page;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class UserMemoryTest {
    private static final long BASE = FaultFixture.BASE;
    private FaultFixture f;
    private MmStruct mm;
    private ModelCpu cpu;
    private UserMemory user;
    private FaultContext ctx;

    @BeforeEach
    void setUp() {
        f = new FaultFixture();
        mm = f.newMm();
        cpu = f.newCpu(mm);
        user = new UserMemory(f.faults);
        ctx = new FaultContext();
    }

    @AfterEach
    void tearDown() {
        f.close();
    }

    @Test
    void copiesAcrossPagesFaultingThemInAndCounting() {
        f.mapAnon(mm, BASE, 3, FaultFixture.RW);
        byte[] out = new byte[6000];
        Arrays.fill(out, (byte) 7);

        long left = user.copyToUser(mm, ctx, BASE + 3000, MemorySegment.ofArray(out), 0, out.length);
        byte[] in = new byte[6000];
        long leftIn = user.copyFromUser(mm, ctx, BASE + 3000, in, 0, in.length);

        assertThat(left).isZero();
        assertThat(leftIn).isZero();
        assertThat(in).isEqualTo(out);
        assertThat(ctx.minFlt).isEqualTo(3);
        assertThat(cpu.load(BASE + 3000)).isEqualTo(7);
        assertThat(cpu.load(BASE + 2999)).isZero();
    }

    @Test
    void copyStopsAtTheFirstPageThatIsNotThere() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);

        assertThat(user.copyToUser(mm, ctx, BASE + 4000, new byte[200], 0, 200)).isEqualTo(104);
    }

    @Test
    void writingReadOnlyMemoryAndReadingProtNoneFail() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RO);
        f.mapAnon(mm, BASE + Page.SIZE, 1, FaultFixture.RO & ~1L);

        assertThat(user.putInt(mm, ctx, BASE, 1)).isEqualTo(-Errno.EFAULT);
        assertThat(user.getInt(mm, ctx, BASE)).isZero();
        assertThat(ctx.value).isZero();
        assertThat(user.getInt(mm, ctx, BASE + Page.SIZE)).isEqualTo(-Errno.EFAULT);
    }

    @Test
    void addressesOfTheKernelHalfAreRefused() {
        assertThat(UserMemory.accessOk(MmLayout.TASK_SIZE - 8, 8)).isTrue();
        assertThat(UserMemory.accessOk(MmLayout.TASK_SIZE - 7, 8)).isFalse();
        assertThat(UserMemory.accessOk(-4096, 8)).isFalse();
        assertThat(UserMemory.accessOk(16, -1)).isFalse();
        assertThat(user.copyFromUser(mm, ctx, -4096, new byte[8], 0, 8)).isEqualTo(8);
    }

    @Test
    void stringEndsAtItsNulOrAtTheLimitOrInEfault() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        byte[] text = "page fault".getBytes();
        long at = BASE + Page.SIZE - 11;
        user.copyToUser(mm, ctx, at, text, 0, text.length);
        byte[] got = new byte[64];

        assertThat(user.strncpyFromUser(mm, ctx, at, got, 0, 64)).isEqualTo(10);
        assertThat(Arrays.copyOf(got, 10)).isEqualTo(text);
        assertThat(user.strncpyFromUser(mm, ctx, at, got, 0, 4)).isEqualTo(4);
        cpu.store(BASE + Page.SIZE - 1, 'x');
        assertThat(user.strncpyFromUser(mm, ctx, at, got, 0, 64)).isEqualTo(-Errno.EFAULT);
    }

    @Test
    void valuesCrossingAPageAreWhole() {
        f.mapAnon(mm, BASE, 2, FaultFixture.RW);

        user.putLong(mm, ctx, BASE + Page.SIZE - 3, 0x1122_3344_5566_7788L);

        assertThat(user.getLong(mm, ctx, BASE + Page.SIZE - 3)).isZero();
        assertThat(ctx.value).isEqualTo(0x1122_3344_5566_7788L);
        assertThat(cpu.load(BASE + Page.SIZE)).isEqualTo(0x55);
    }

    @Test
    void compareAndExchangeTellsWhatWasFound() {
        f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        user.putInt(mm, ctx, BASE, -2);

        assertThat(user.cmpxchgInt(mm, ctx, BASE, -2, 5)).isZero();
        assertThat(ctx.value).isEqualTo(0xffff_fffeL);
        assertThat(user.cmpxchgInt(mm, ctx, BASE, -2, 6)).isZero();
        assertThat(ctx.value).isEqualTo(5);
        assertThat(user.cmpxchgInt(mm, ctx, BASE + 2, 0, 6)).isEqualTo(-Errno.EFAULT);
    }

    @Test
    void writingAPrivateFilePageMakesACopyFirst() {
        MemoryFile file = new MemoryFile(f.cache, 1);
        f.mapFile(mm, BASE, 1, FaultFixture.RW, file, 0);

        assertThat(user.clearUser(mm, ctx, BASE, 16)).isZero();

        assertThat(cpu.load(BASE)).isZero();
        file.mapping().writeback(0, Long.MAX_VALUE);
        assertThat(file.byteAt(0)).isEqualTo((byte) 1);
    }

    @Test
    void writingASharedPageIsWrittenBack() {
        MemoryFile file = new MemoryFile(f.cache, 1);
        f.mapFile(mm, BASE, 1, FaultFixture.SHARED_RW, file, 0);

        user.putInt(mm, ctx, BASE + 8, 0x01020304);
        file.mapping().writeback(0, Long.MAX_VALUE);

        assertThat(file.byteAt(8)).isEqualTo((byte) 4);
    }

    @Test
    void copyingWhileAnotherTaskDiscardsNeverReadsAForeignFrame() throws Exception {
        Vma vma = f.mapAnon(mm, BASE, 1, FaultFixture.RW);
        MmStruct other = f.newMm();
        Vma reuse = f.mapAnon(other, BASE, 1, FaultFixture.RW);
        ModelCpu foreign = f.newCpu(other);
        byte[] page = new byte[4096];
        Race.run(
                Race.ROUNDS,
                r -> cpu.store(BASE, 1),
                r -> f.dontNeed(reuse, reuse.start(), reuse.end()),
                r -> {
                    for (int i = 0; i < 8; i++) {
                        user.copyFromUser(mm, ctx, BASE, page, 0, 4096);
                        assertThat(page[2000]).isZero();
                    }
                },
                r -> {
                    f.dontNeed(vma, vma.start(), vma.end());
                    foreign.store(BASE + 2000, 0x66);
                });
    }
}

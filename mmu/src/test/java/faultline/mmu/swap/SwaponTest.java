package faultline.mmu.swap;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.Madv;
import faultline.mmu.mm.MmLimits;
import faultline.mmu.system.MemoryConfig;
import faultline.mmu.system.MmFixture;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes a swap area, and which of several gets the next page. */
class SwaponTest {
    private final MmFixture f = new MmFixture(MemoryConfig.defaults().withMemBytes(8L << 20), MmLimits.ROOT);

    @AfterEach
    void close() {
        f.close();
    }

    private long swapon(SwapImage image, int flags) {
        return f.sys.swapon().run(image, image.size(), flags);
    }

    private SwapImage image(int pages) {
        return new SwapImage("/swap", pages);
    }

    private SwapArea area(int type) {
        return f.sys.swap().areas().get(type);
    }

    private List<Integer> priorities() {
        return f.sys.swap().areas().all().stream().map(SwapArea::priority).toList();
    }

    private long swapoff(int type) {
        return f.sys.swapoff().run(area(type), () -> false);
    }

    @Test
    void aHeaderThatDoesNotFitIsRefused() {
        assertThat(swapon(image(10).putHeader(2, 9, 0), 0)).isEqualTo(-Errno.EINVAL);
        assertThat(swapon(image(10).putSignature("SWAP-SPACE"), 0)).isEqualTo(-Errno.EINVAL);
        assertThat(swapon(image(10).putHeader(1, 0, 0), 0)).isEqualTo(-Errno.EINVAL);
        assertThat(swapon(image(10).putHeader(1, 10, 0), 0))
                .as("longer than the file")
                .isEqualTo(-Errno.EINVAL);
        assertThat(swapon(image(10).putHeader(1, -1, 0), 0)).isEqualTo(-Errno.EINVAL);
        assertThat(swapon(image(10).putHeader(1, 9, 1), 0))
                .as("bad pages in a file")
                .isEqualTo(-Errno.EINVAL);
        assertThat(f.sys.swapon().run(image(1), 4095, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(f.sys.swap().areas().all()).isEmpty();
    }

    @Test
    void anAreaMayBeShorterThanItsFileAndOfTheOtherByteOrder() {
        assertThat(swapon(image(10).putHeader(1, 5, 0), 0)).isZero();
        assertThat(swapon(image(10).putHeader(1 << 24, 9 << 24, 0), 0)).isZero();
        assertThat(area(0).size()).isEqualTo(5);
        assertThat(area(1).size()).isEqualTo(9);
        assertThat(f.sys.swap().totalSlots()).isEqualTo(14);
    }

    @Test
    void aHeaderThatCannotBeReadIsAnError() {
        SwapImage image = image(10);
        image.setUnreadable(slot -> true);
        assertThat(swapon(image, 0)).isEqualTo(-Errno.EIO);
    }

    @Test
    void onlyKnownFlagsAreValid() {
        assertThat(Swapon.areValid(0x7ffff)).isTrue();
        assertThat(Swapon.areValid(0x80000)).isFalse();
        assertThat(Swapon.areValid(Integer.MIN_VALUE)).isFalse();
    }

    @Test
    void thereAreTwentyEightAreasAtMost() {
        for (int i = 0; i < 28; i++) {
            assertThat(swapon(image(2), 0)).isZero();
        }
        assertThat(f.sys.swap().areas().areFull()).isTrue();
        assertThat(swapon(image(2), 0)).isEqualTo(-Errno.EPERM);
        assertThat(swapoff(5)).isZero();
        assertThat(swapon(image(7), 0)).isZero();
        assertThat(area(5).size()).as("the number is given again").isEqualTo(6);
    }

    @Test
    void prioritiesThatNobodyAskedForGoDownwardsAndCloseUpWhenOneGoes() {
        swapon(image(10), 0);
        swapon(image(10), 0);
        swapon(image(10), 7);
        assertThat(priorities()).as("without SWAP_FLAG_PREFER").containsExactly(-2, -3, -4);
        swapoff(1);
        assertThat(priorities()).containsExactly(-2, -3);
        swapon(image(10), 0);
        swapon(image(10), Swapon.PREFER | 3);
        assertThat(priorities()).containsExactly(-2, -4, -3, 3);
        swapoff(0);
        assertThat(priorities()).containsExactly(-3, -2, 3);
    }

    @Test
    void theHighestPriorityIsFilledFirstAndEqualOnesTakeTurns() {
        swapon(image(1001), 0);
        swapon(image(51), Swapon.PREFER | 9);
        swapon(image(101), Swapon.PREFER | 3);
        swapon(image(101), Swapon.PREFER | 3);
        f.map(MmFixture.BASE, 300);
        f.fill(MmFixture.BASE, 300, 1);
        pageOut(0, 70);
        assertThat(inUse()).containsExactly(0, 50, 10, 10);
        pageOut(70, 300);
        assertThat(inUse()).containsExactly(50, 50, 100, 100);
        assertThat(f.sys.swap().freeSlots()).isEqualTo(950);
        f.audit();
        for (int i = 0; i < 300; i++) {
            assertThat(f.cpu.load(MmFixture.BASE + i * MmFixture.PAGE) & 0xff).isEqualTo(i + 1 & 0xff);
        }
    }

    private void pageOut(int from, int to) {
        f.madvise(MmFixture.BASE + from * MmFixture.PAGE, (to - from) * MmFixture.PAGE, Madv.PAGEOUT);
    }

    private List<Integer> inUse() {
        return f.sys.swap().areas().all().stream().map(SwapArea::inUse).toList();
    }

    @Test
    void moreSwapMeansThatMoreMayBePromised() {
        long pages = f.sys.phys().frameCount();
        assertThat(f.sys.commit().charge(pages + 50)).isEqualTo(-Errno.ENOMEM);
        swapon(image(101), 0);
        assertThat(f.sys.commit().charge(pages + 50)).isZero();
        f.sys.commit().uncharge(pages + 50);
        swapoff(0);
        assertThat(f.sys.commit().charge(pages + 50)).isEqualTo(-Errno.ENOMEM);
    }
}

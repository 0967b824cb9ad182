package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.plugins.weave.ShapesApi;
import faultline.plugins.weave.WeavingClassLoader;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Linux' fault-injection attributes one by one, on an allocation that may wait, called directly and by another
 * function.
 */
class FailKnobsTest {
    private static final long NO_MEMORY = -12;
    private static final long HEAP = FakeGuest.HEAP;
    private static final long ELSEWHERE = 0x5000;

    private final WeavingClassLoader loader = new WeavingClassLoader(FailKnobsTest.class.getClassLoader());
    private final FakeGuest guest = new FakeGuest();
    private ShapesApi woven;
    private Injector injector;

    @BeforeEach
    void load() throws ReflectiveOperationException {
        woven = (ShapesApi) loader.loadClass("faultline.plugins.sample.Shapes")
                .getConstructor()
                .newInstance();
    }

    private void fail(String... specs) {
        injector = new Injector(Arrays.stream(specs).map(FailSpec::parse).toList(), guest, 1);
        injector.attach(loader.registry());
    }

    private boolean fails(long address, int order) {
        return woven.alloc(address, order) == NO_MEMORY;
    }

    private boolean fails() {
        return fails(HEAP, 0);
    }

    /** Numbers of the calls that fail, from 1. */
    private List<Long> failing(int calls) {
        return LongStream.rangeClosed(1, calls).filter(i -> fails()).boxed().toList();
    }

    @Test
    void probabilityIsPerCentOfTheCallsThatPassTheRest() {
        fail("sample/alloc:probability=25");
        assertThat(failing(1000)).hasSizeBetween(180, 320);
    }

    @Test
    void probabilityOfZeroFailsNothing() {
        fail("sample/alloc:probability=0");
        assertThat(failing(100)).isEmpty();
    }

    @Test
    void intervalCountsOnlyCallsThatPassTheFilters() {
        fail("sample/alloc:interval=3,syscall=mmap");
        guest.syscall = "brk";
        assertThat(failing(5)).isEmpty();
        guest.syscall = "mmap";
        assertThat(failing(7)).containsExactly(3L, 6L);
    }

    @Test
    void timesOfMinusOneHasNoEndAndOneIsTransient() {
        fail("sample/alloc:times=-1");
        assertThat(failing(4)).hasSize(4);
        injector.close();
        fail("sample/alloc:times=1");
        assertThat(failing(4)).containsExactly(1L);
    }

    @Test
    void spaceIsSpentInBytesBeforeAnythingFails() {
        fail("sample/alloc:space=16385");
        assertThat(fails(HEAP, 1)).isFalse();
        assertThat(fails(HEAP, 1)).isFalse();
        assertThat(fails(HEAP, 0)).as("one byte is left, less than a page").isTrue();
    }

    @Test
    void taskFilterSparesTasksThatAreNotToFail() {
        fail("sample/alloc:task-filter=Y");
        assertThat(fails()).isFalse();
        guest.makeItFail = true;
        assertThat(fails()).isTrue();
    }

    @Test
    void callerIsRequiredAmongTheCallers() {
        fail("sample/alloc:caller=sample_caller");
        assertThat(fails()).isFalse();
        assertThat(woven.allocFor(HEAP, 0)).isEqualTo(NO_MEMORY);
    }

    @Test
    void rejectedCallerSparesTheCall() {
        fail("sample/alloc:reject=sample_caller");
        assertThat(woven.allocFor(HEAP, 0)).isEqualTo(HEAP);
        assertThat(fails()).isTrue();
    }

    @Test
    void rejectionWinsOverRequirement() {
        fail("sample/alloc:caller=sample_alloc,reject=sample_c*");
        assertThat(woven.allocFor(HEAP, 0)).isEqualTo(HEAP);
        assertThat(fails()).isTrue();
    }

    @Test
    void depthLimitsWhichCallersCount() {
        fail("sample/alloc:caller=sample_caller,depth=1");
        assertThat(woven.allocFor(HEAP, 0)).as("the innermost is sample_alloc").isEqualTo(HEAP);
        injector.close();
        fail("sample/alloc:caller=sample_caller,depth=2");
        assertThat(woven.allocFor(HEAP, 0)).isEqualTo(NO_MEMORY);
        injector.close();
        fail("sample/alloc:caller=*,depth=0");
        assertThat(woven.allocFor(HEAP, 0)).as("no caller is looked at").isEqualTo(HEAP);
    }

    @Test
    void minOrderSparesSmallAllocations() {
        fail("sample/alloc:min-order=2");
        assertThat(fails(HEAP, 1)).isFalse();
        assertThat(fails(HEAP, 2)).isTrue();
        assertThat(fails(HEAP, 3)).isTrue();
    }

    @Test
    void ignoreGfpWaitSparesAllocationsThatMayWait() {
        fail("sample/*:ignore-gfp-wait=Y");
        assertThat(fails()).isFalse();
        assertThat(woven.small(1)).isEqualTo(-14);
    }

    @Test
    void addressRangeAndMappingAreFilters() {
        fail("sample/alloc:address=0x1000..0x2000");
        assertThat(fails(HEAP + 0xfff, 0)).isTrue();
        assertThat(fails(ELSEWHERE, 0)).isFalse();
        injector.close();
        fail("sample/alloc:vma=[heap]");
        assertThat(fails(HEAP, 0)).isTrue();
        assertThat(fails(ELSEWHERE, 0)).isFalse();
    }

    @Test
    void mappingNamedByAPatternIsAFilter() {
        fail("sample/alloc:vma=?heap?");
        assertThat(fails(HEAP, 0)).isTrue();
        assertThat(fails(ELSEWHERE, 0)).isFalse();
    }

    @Test
    void verboseSaysHowMuchIsTold() {
        fail("sample/alloc:verbose=0,times=1", "sample/alloc:verbose=1,times=1", "sample/alloc:times=1");
        failing(3);
        assertThat(injector.fired()).extracting(FiredFailure::told).containsExactly(false, true, true);
        assertThat(injector.fired())
                .extracting(failure -> failure.kernelStack().isEmpty())
                .containsExactly(true, true, false);
        assertThat(injector.fired().getLast().kernelStack()).startsWith("sample_alloc");
        assertThat(injector.fired().getLast().guestStack()).containsExactly("main+0x1");
    }

    @Test
    void firstSpecThatSaysSoWinsAndEachHasItsOwnCounters() {
        fail("sample/alloc:nth=2", "sample/alloc:nth=2,errno=EIO");
        assertThat(woven.alloc(HEAP, 0)).isEqualTo(HEAP);
        assertThat(woven.alloc(HEAP, 0)).isEqualTo(NO_MEMORY);
        assertThat(woven.alloc(HEAP, 0))
                .as("the second spec was not asked while the first failed")
                .isEqualTo(-5);
    }

    @Test
    void failNthCountsDownAndComesBeforeProbabilityTimesAndTask() {
        fail("sample/alloc:probability=0,times=0,task=other");
        guest.failNth = 3;
        assertThat(failing(5)).containsExactly(3L);
        assertThat(guest.failNth).isZero();
    }

    @Test
    void nothingElseFailsWhileFailNthCounts() {
        fail("sample/alloc");
        guest.failNth = 2;
        assertThat(failing(4)).containsExactly(2L, 3L, 4L);
    }

    @Test
    void failNthPassesOverWhatOrderWaitAndCallersLeaveOut() {
        fail("sample/alloc:min-order=1,reject=sample_caller");
        guest.failNth = 1;
        assertThat(fails(HEAP, 0)).isFalse();
        assertThat(woven.allocFor(HEAP, 1)).isEqualTo(2 * HEAP);
        assertThat(guest.failNth).isEqualTo(1);
        assertThat(fails(HEAP, 1)).isTrue();
    }

    @Test
    void failNthLeavesSystemCallsAlone() {
        fail();
        guest.failNth = 1;
        assertThat(injector.decideSyscall("mmap")).isEqualTo(Long.MIN_VALUE);
        assertThat(guest.failNth).isEqualTo(1);
    }
}

package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.plugins.guest.GuestView;
import faultline.plugins.weave.ShapesApi;
import faultline.plugins.weave.WeavingClassLoader;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class InjectorTest {
    private final WeavingClassLoader loader = new WeavingClassLoader(InjectorTest.class.getClassLoader());
    private ShapesApi woven;
    private final FakeGuest guest = new FakeGuest();

    @BeforeEach
    void load() throws ReflectiveOperationException {
        woven = (ShapesApi) loader.loadClass("faultline.plugins.sample.Shapes")
                .getConstructor()
                .newInstance();
    }

    private Injector injector(String... specs) {
        var injector = new Injector(Arrays.stream(specs).map(FailSpec::parse).toList(), guest, 1);
        injector.attach(loader.registry());
        return injector;
    }

    @Test
    void nthCallFailsWithThePointsErrorAndIsReported() {
        try (Injector injector = injector("sample/int:nth=2")) {
            assertThat(woven.small(1)).isEqualTo(2);
            assertThat(woven.small(1)).isEqualTo(-14);
            assertThat(woven.small(1)).isEqualTo(2);
            assertThat(injector.hits()).containsEntry("sample/int", 3L);
            FiredFailure fired = injector.fired().getFirst();
            assertThat(fired).hasToString("sample/int hit 2 returned -EFAULT in worker/42 in mmap");
            assertThat(fired.guestStack()).containsExactly("main+0x1");
        }
        assertThat(woven.small(1)).isEqualTo(2);
    }

    @Test
    void errnoOfTheSpecReplacesThePointsOwn() {
        injector("sample/*:errno=EIO,times=1");
        assertThat(woven.small(1)).isEqualTo(-5);
    }

    @Test
    void booleanPointsFailWithFalseAndObjectsWithNull() {
        injector("sample/flag", "sample/object");
        assertThat(woven.flag()).isFalse();
        assertThat(woven.object("a")).isNull();
    }

    @Test
    void filtersByTaskAndSystemCallDoNotCountOthersHits() {
        Injector injector = injector("sample/int:nth=1,task=other,syscall=mmap");
        assertThat(woven.small(1)).isEqualTo(2);
        guest.comm = "other";
        assertThat(woven.small(1)).isEqualTo(-14);
        assertThat(injector.fired()).extracting(FiredFailure::hit).containsExactly(1L);
        assertThat(injector("sample/int:syscall=brk").fired()).isEmpty();
    }

    @Test
    void threadsThatAreNoTaskNeverFail() {
        guest.tid = GuestView.NO_TASK;
        Injector injector = injector("sample/*");
        assertThat(woven.small(1)).isEqualTo(2);
        assertThat(injector.hits()).isEmpty();
    }

    @Test
    void systemCallsArePointsToo() {
        var injector = injector("sys/m*:nth=2,errno=EAGAIN");
        assertThat(injector.decideSyscall("mmap")).isEqualTo(Long.MIN_VALUE);
        assertThat(injector.decideSyscall("brk")).isEqualTo(Long.MIN_VALUE);
        assertThat(injector.decideSyscall("munmap")).isEqualTo(-11);
    }
}

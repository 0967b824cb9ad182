package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FailSpecTest {
    private static List<Long> failing(String spec, long seed, int calls) {
        var knobs = new FailKnobs(FailSpec.parse(spec), seed);
        var failed = new ArrayList<Long>();
        for (int i = 0; i < calls; i++) {
            long hit = knobs.hit(4096);
            if (hit != 0) {
                failed.add(hit);
            }
        }
        return failed;
    }

    @Test
    void nthFailsOnceUnlessTimesSaysMore() {
        assertThat(failing("a:nth=3", 0, 10)).containsExactly(3L);
        assertThat(failing("a:nth=8,times=-1", 0, 10)).containsExactly(8L, 9L, 10L);
        assertThat(failing("a:nth=3,times=2", 0, 10)).containsExactly(3L, 4L);
    }

    @Test
    void withoutKnobsEveryCallFails() {
        assertThat(failing("a", 0, 3)).containsExactly(1L, 2L, 3L);
    }

    @Test
    void intervalFailsEveryFewCallsAndTimesLimitsThem() {
        assertThat(failing("a:interval=4,times=2", 0, 20)).containsExactly(4L, 8L);
    }

    @Test
    void spaceLetsSoManyBytesThroughFirst() {
        assertThat(failing("a:space=12288,times=1", 0, 20)).containsExactly(3L);
    }

    @Test
    void probabilityIsAFunctionOfTheSeed() {
        List<Long> first = failing("a:probability=20", 7, 2000);
        assertThat(failing("a:probability=20", 7, 2000)).isEqualTo(first);
        assertThat(failing("a:probability=20", 8, 2000)).isNotEqualTo(first);
        assertThat(first).hasSizeBetween(300, 500);
        assertThat(failing("a:probability=0", 7, 100)).isEmpty();
    }

    @Test
    void errnoIsNamedOrNumbered() {
        assertThat(FailSpec.parse("a:errno=EIO").error()).isEqualTo(-5);
        assertThat(FailSpec.parse("a:errno=12").error()).isEqualTo(-12);
        assertThat(FailSpec.parse("a").error()).isEqualTo(FailSpec.POINTS_OWN);
    }

    @Test
    void addressRangeExcludesItsEnd() {
        FailSpec spec = FailSpec.parse("a:address=0x1000..0x3000");
        assertThat(spec.addressFrom()).isEqualTo(0x1000);
        assertThat(spec.addressTo()).isEqualTo(0x2fff);
        assertThat(FailSpec.parse("a").addressTo()).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                ":nth=1",
                "a:nth",
                "a:nth=x",
                "a:nth=-1",
                "a:nht=1",
                "a:nth=1,nth=2",
                "a:address=5",
                "a:errno=EWHAT",
                "a:",
                "a:interval=0"
            })
    void nonsenseIsRefusedWithAReason(String spec) {
        assertThatThrownBy(() -> FailSpec.parse(spec))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .isNotBlank();
    }

    @ParameterizedTest
    @CsvSource({"-12, -ENOMEM", "-1, -EPERM", "5, 5", "-100000, -100000"})
    void resultsAreShownByErrorName(long value, String shown) {
        assertThat(ErrnoNames.result(value)).isEqualTo(shown);
    }
}

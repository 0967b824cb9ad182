package faultline.plugins.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
    @CsvSource(
            delimiter = '|',
            value = {
                "''|1|point is missing",
                ":nth=1|1|point is missing",
                "mm/a:nth|9|'nth' needs a value",
                "mm/a:nth=x|10|takes a number",
                "mm/a:nth=-1|10|at least 0",
                "mm/a:nht=1|6|did you mean 'nth'",
                "mm/a:nth=1,nth=2|12|given twice",
                "mm/a:address=5|14|LOW..HIGH",
                "mm/a:address=5..x|17|takes a number",
                "mm/a:address=5..5|17|is empty",
                "mm/a:errno=ENOMME|12|did you mean 'ENOMEM'",
                "mm/a:errno=-5|12|at least 1",
                "mm/a:errno=4096|12|at most 4095",
                "mm/a:|6|KNOB=VALUE is missing",
                "mm/a:nth=1,|12|KNOB=VALUE is missing",
                "mm/a:interval=0|15|at least 1",
                "mm/a:probability=101|18|at most 100",
                "mm/a:verbose=3|14|at most 2",
                "mm/a:task=|11|needs a pattern",
                "mm/a:task-filter=x|18|takes Y or N",
                "mm/c|1|did you mean 'mm/a'",
                "mm,sys/mmpa|4|did you mean 'sys/mmap'",
                "mm:syscall=mmpa|12|did you mean 'mmap'",
                "mm:caller=pte_aloc|11|did you mean 'pte_alloc'",
                "mm:reject=no_such|11|no kernel function 'no_such'",
            })
    void nonsenseIsRefusedWithAReasonAndItsColumn(String spec, int column, String reason) {
        var known = new FailSpec.Vocabulary(Set.of("mm/a", "mm/b", "sys/mmap"), Set.of("mmap"), Set.of("pte_alloc"));
        assertThatThrownBy(() -> FailSpec.parse(spec, known))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("at column " + column + ", ")
                .hasMessageContaining(reason);
    }

    @Test
    void namesAreTakenByPatternsAndByWhatStandsAboveThem() {
        var known = new FailSpec.Vocabulary(Set.of("mm/page/alloc"), Set.of("mmap"), Set.of("pte_alloc"));
        assertThat(FailSpec.parse("mm/page:syscall=m*,caller=pte_*", known).covers("mm/page/alloc"))
                .isTrue();
        assertThat(FailSpec.parse("*", known).covers("mm/page/alloc")).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"-12, -ENOMEM", "-1, -EPERM", "5, 5", "-100000, -100000"})
    void resultsAreShownByErrorName(long value, String shown) {
        assertThat(ErrnoNames.result(value)).isEqualTo(shown);
    }
}

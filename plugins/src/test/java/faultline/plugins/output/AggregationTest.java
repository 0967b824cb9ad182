package faultline.plugins.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.output.Aggregation.Kind;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AggregationTest {
    private static final List<EventType> FAULTS = List.of(Events.FAULT_USER, Events.FAULT_KERNEL);

    private static Aggregation parse(String text) {
        return Aggregation.parse(text, FAULTS);
    }

    @Test
    void callsMayStandInAnyOrder() {
        assertThat(parse("count()")).isEqualTo(new Aggregation(Kind.COUNT, null, List.of()));
        assertThat(parse(" hist( ns ) by( comm , symbol )"))
                .isEqualTo(new Aggregation(Kind.HIST, "ns", List.of("comm", "symbol")));
        assertThat(parse("by(path)stack()")).isEqualTo(new Aggregation(Kind.COUNT, null, List.of("path", "stack")));
        assertThat(parse("sum(ptl_ns)").field()).isEqualTo("ptl_ns");
        assertThat(parse("sum()").field()).isEqualTo("ns");
        assertThat(parse("by(path)stack()").needsStacks()).isTrue();
        assertThat(parse("by(path)").needsStacks()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "cout()|1|did you mean 'count'",
                "count() by(com)|12|did you mean 'comm'",
                "count() by(comm, pth)|18|did you mean 'path'",
                "count() by()|12|needs a field",
                "count(ns)|7|takes no field",
                "count() hist(ns)|9|only one",
                "sum(comm)|5|field with a number",
                "sum(ns|1|expected",
                "count() x|9|expected",
                "count() by(syscall)|12|no field 'syscall'",
            })
    void whatIsWrongIsPointedAt(String text, int column, String problem) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(problem)
                .hasMessageStartingWith("at column " + column + ", ");
    }
}

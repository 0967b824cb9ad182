package faultline.plugins.filter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FilterCompilerTest {
    private final StringTable strings = new StringTable();
    private final long[] record = new long[EventType.WORDS];

    private boolean test(String expression) {
        return FilterCompiler.compile(expression, Events.FAULT_USER, strings).test(record, 0);
    }

    private void set(String field, long value) {
        record[Events.FAULT_USER.field(field).word()] = value;
    }

    @Test
    void combinesBitsOfTheErrorCodeVmaAndCommand() {
        String filter = "write && !present && address in [heap] && comm == \"worker\"";
        set("error_code", 0b110);
        set("vma", strings.number("[heap]"));
        set("comm", strings.number("worker"));
        assertThat(test(filter)).isTrue();
        set("error_code", 0b111);
        assertThat(test(filter)).isFalse();
        set("error_code", 0b110);
        set("vma", strings.number("[stack]"));
        assertThat(test(filter)).isFalse();
    }

    @Test
    void rangeIsUnsignedAndExcludesItsEnd() {
        set("address", 0x2000);
        assertThat(test("address in 0x1000..0x3000")).isTrue();
        assertThat(test("address in 0x1000..0x2000")).isFalse();
        assertThat(test("address in 8K..12K")).isTrue();
        set("address", -4096);
        assertThat(test("address in 0x1000..0x2000")).isFalse();
        assertThat(test("address in 0x1000..0xffffffffffffffff")).isTrue();
    }

    @Test
    void timesHaveUnits() {
        set("ns", 2500);
        assertThat(test("ns > 2us && ns < 3us")).isTrue();
        assertThat(test("ns >= 1ms")).isFalse();
    }

    @Test
    void narrowFieldsAreUnsigned() {
        record[EventType.TASK] = 0xffff_ffff_0000_0007L;
        assertThat(test("tid == 7 && pid == 0xffffffff")).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "write &&|9", "wrote|1", "write && (present|18", "comm == 5|9", "ns == \"x\"|7", "comm|1",
                        "comm < \"x\"|6",
                "ns =~ \"x\"|1", "comm =~ x|9", "ns > 5q|7", "comm == \"x|9", "ns # 5|4", "ns 5|4",
                        "address in [heap|12",
                "address in 1|13", "''|1", "99999999999999999999|1", "-comm|2", "write && comm|10",
            })
    void errorNamesTheColumn(String expression, int column) {
        assertThatThrownBy(() -> test(expression))
                .isInstanceOf(FilterSyntaxException.class)
                .hasMessageStartingWith("at column " + column + ", ")
                .extracting(e -> ((FilterSyntaxException) e).column())
                .isEqualTo(column);
    }

    @Test
    void overlongAndOverdeepExpressionsAreRefusedNotDied() {
        assertThatThrownBy(() -> test("!".repeat(1000) + "write")).hasMessageContaining("nested too deeply");
        assertThatThrownBy(() -> test("(".repeat(1000) + "write")).hasMessageContaining("nested too deeply");
        assertThatThrownBy(() -> test("-".repeat(1000) + "1")).hasMessageContaining("nested too deeply");
        assertThatThrownBy(() -> test("write||".repeat(1000) + "write")).hasMessageContaining("longer than");
    }
}

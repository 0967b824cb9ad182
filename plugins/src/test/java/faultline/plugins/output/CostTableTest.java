package faultline.plugins.output;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CostTableTest {
    @Test
    void dearestComesFirstAndTheSumLast() {
        var table = new CostTable();
        table.add("cheap", 100);
        table.add("dear", 1_000_000);
        table.add("dear", 2_000_000);
        assertThat(table.text("event").lines().map(String::stripLeading))
                .containsExactly(
                        "% time     seconds   ns/call      max ns     calls event",
                        "------ ----------- --------- ----------- --------- " + "-".repeat(40),
                        "100.00    0.003000   1500000     2000000         2 dear",
                        "0.00    0.000000       100         100         1 cheap",
                        "------ ----------- --------- ----------- --------- " + "-".repeat(40),
                        "100.00    0.003000   1000033     2000000         3 total");
    }

    @Test
    void nothingIsATableToo() {
        assertThat(new CostTable().text("event").lines().toList().getLast()).endsWith(" 0 total");
    }
}

package faultline.plugins.weave;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GlobTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "pte_*|pte_alloc|true",
                "pte_*|pmd_alloc|false",
                "*|x|true",
                "*_lock|spin_lock|true",
                "*_lock|spin_unlock_irq|false",
                "p?d_alloc|pud_alloc|true",
                "p[gu]d_alloc|pud_alloc|true",
                "p[gu]d_alloc|pmd_alloc|false",
                "p[!gu]d_alloc|pmd_alloc|true",
                "p[a-n]d_alloc|pmd_alloc|true",
                "a,b|b|true",
                "a,b|c|false",
                "a*b*c|aXbYc|true",
                "abc|ab|false",
                "ab|abc|false",
                "[|[|true",
                "[heap]|[heap]|true",
                "x,[heap]|[heap]|true",
                "[heap]|[stack]|false",
            })
    void matchesAsAShellDoes(String pattern, String name, boolean expected) {
        assertThat(Glob.of(pattern).matches(name)).isEqualTo(expected);
    }
}

package faultline.plugins.words;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SuggestionTest {
    @ParameterizedTest
    @CsvSource({"abc, abc, 0", "abc, acb, 1", "abc, ab, 1", "ab, abc, 1", "abc, axc, 1", "abc, xyz, 3", "'', ab, 2"})
    void distanceIsTheFewestSlips(String one, String other, int slips) {
        assertThat(Suggestion.distance(one, other)).isEqualTo(slips);
    }

    @Test
    void nearestWordIsSuggestedWhenItIsNear() {
        List<String> known = List.of("mm/pmd_alloc", "mm/pte_alloc", "mm/vma/alloc");
        assertThat(Suggestion.of("mm/pte_aloc", known)).isEqualTo(" (did you mean 'mm/pte_alloc'?)");
        assertThat(Suggestion.of("something", known)).isEmpty();
        assertThat(Suggestion.of("x", List.of())).isEmpty();
    }

    @Test
    void markStandsBelowTheColumnWhateverTheTextHolds() {
        assertThat(Caret.at("no\nfield", "a\tb\nc", 3)).isEqualTo("at column 3, no field\n  a b c\n    ^");
    }
}

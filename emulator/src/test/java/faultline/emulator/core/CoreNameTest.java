package faultline.emulator.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** What kernel.core_pattern makes of a name. */
class CoreNameTest {
    private static final Map<Character, String> VALUES =
            Map.of('p', "17", 'e', "../na/me", 's', "6", 'E', "/usr/bin/x", 'h', "", 'f', "..");

    private static String name(String pattern) {
        return CoreName.of(pattern, VALUES, false);
    }

    @Test
    void lettersStandForValues() {
        assertThat(name("a-%p.%s%%")).isEqualTo("a-17.6%");
    }

    @Test
    void unknownLettersAndALastPercentSignStandForNothing() {
        assertThat(name("a%qb%")).isEqualTo("ab");
    }

    @Test
    void directoriesArePartOfThePatternOnly() {
        assertThat(name("/var/%e")).isEqualTo("/var/..!na!me");
        assertThat(name("%E")).isEqualTo("!usr!bin!x");
    }

    @Test
    void aValueIsNeitherEmptyNorADirectoryOfItsOwn() {
        assertThat(name("%h/%f/core")).isEqualTo("!/!./core");
    }

    @Test
    void theProcessIdFollowsWhereThePatternHasNone() {
        assertThat(CoreName.of("core", VALUES, true)).isEqualTo("core.17");
        assertThat(CoreName.of("core-%p", VALUES, true)).isEqualTo("core-17");
        assertThat(CoreName.of("core-%%p", VALUES, true)).isEqualTo("core-%p.17");
    }
}

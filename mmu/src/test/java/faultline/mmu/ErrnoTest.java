package faultline.mmu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ErrnoTest {
    private static final Set<String> ALIASES = Set.of("EWOULDBLOCK", "EDEADLOCK");

    @Test
    void everyConstantHasItsOwnName() throws IllegalAccessException {
        int constants = 0;
        for (Field field : Errno.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers())
                    && field.getName().startsWith("E")
                    && !ALIASES.contains(field.getName())) {
                assertThat(Errno.name(-field.getInt(null))).isEqualTo(field.getName());
                constants++;
            }
        }
        assertThat(constants).isEqualTo(131);
    }

    @Test
    void numbersWithoutANameAreShownAsNumbers() {
        assertThat(Errno.name(41)).isEqualTo("errno 41");
        assertThat(Errno.name(-600)).isEqualTo("errno 600");
        assertThat(Errno.name(0)).isEqualTo("errno 0");
    }

    @Test
    void errorsAreTheLast4095Numbers() {
        assertThat(Errno.isError(-Errno.ENOMEM)).isTrue();
        assertThat(Errno.isError(-4095)).isTrue();
        assertThat(Errno.isError(-4096)).isFalse();
        assertThat(Errno.isError(0)).isFalse();
        assertThat(Errno.isError(0xffff_8000_0000_0000L)).isFalse();
    }
}

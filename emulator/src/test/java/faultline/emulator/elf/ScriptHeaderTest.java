package faultline.emulator.elf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ScriptHeaderTest {
    private static ScriptHeader parse(String text) throws ElfException {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        return ScriptHeader.parse(bytes, bytes.length);
    }

    @Test
    void splitsPathAndOneArgument() throws ElfException {
        assertThat(parse("#!/bin/sh\necho")).isEqualTo(new ScriptHeader("/bin/sh", null));
        assertThat(parse("#! \t/usr/bin/env  python3 -u \t\n"))
                .isEqualTo(new ScriptHeader("/usr/bin/env", "python3 -u"));
        assertThat(parse("#!/bin/sh")).isEqualTo(new ScriptHeader("/bin/sh", null));
    }

    @Test
    void refusesAnEmptyLineAndAPathThatIsCutOff() {
        assertThatThrownBy(() -> parse("#!  \n")).isInstanceOf(ElfException.class);
        assertThatThrownBy(() -> parse("#!/" + "x".repeat(300))).isInstanceOf(ElfException.class);
    }

    @Test
    void cutsAnArgumentOffAfter256Bytes() throws ElfException {
        ScriptHeader header = parse("#!/bin/sh " + "y".repeat(300));

        assertThat(header.argument()).hasSize(ScriptHeader.LOOKED_AT - "#!/bin/sh ".length());
    }
}

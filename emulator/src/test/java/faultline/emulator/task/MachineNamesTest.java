package faultline.emulator.task;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The machine's names as settings. */
class MachineNamesTest {
    private final MachineNames names = new MachineNames("host");

    @Test
    void aSettingRenamesTheMachineAlone() {
        assertThat(names.set("kernel/hostname", "guest")).isZero();
        assertThat(names.host()).isEqualTo("guest");
        assertThat(new MachineNames("host").get("kernel/hostname")).isEqualTo("host");
    }

    @Test
    void aNameThatIsTooLongIsCut() {
        names.set("kernel/domainname", "x".repeat(100));
        assertThat(names.domain()).hasSize(MachineNames.MOST);
    }

    @Test
    void otherSettingsAreNotItsOwn() {
        assertThat(names.get("kernel/osrelease")).isNull();
    }
}

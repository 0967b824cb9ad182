package faultline.emulator.task;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.emulator.task.CodePlaces.Places;
import org.junit.jupiter.api.Test;

/** Where code lies is drawn once a machine, or at each execve. */
class CodePlacesTest {
    @Test
    void aMachinesProgramsLieAtTheSamePlaces() {
        CodePlaces places = new CodePlaces(GuestRandom.of(null), "machine");
        assertThat(places.next()).isEqualTo(places.next());
    }

    @Test
    void anotherMachinesLieElsewhere() {
        Places one = new CodePlaces(GuestRandom.of(1L), "machine").next();
        Places two = new CodePlaces(GuestRandom.of(2L), "machine").next();
        assertThat(one.mappings()).isNotEqualTo(two.mappings());
        assertThat(one.program()).isNotEqualTo(two.program());
    }

    @Test
    void placesAreDrawnAnewWhereThatIsAsked() {
        CodePlaces places = new CodePlaces(GuestRandom.of(1L), "exec");
        assertThat(places.next()).isNotEqualTo(places.next());
    }

    @Test
    void placesArePagesWithinLinuxRange() {
        CodePlaces places = new CodePlaces(GuestRandom.of(1L), "exec");
        for (int i = 0; i < 100; i++) {
            Places next = places.next();
            assertThat(next.mappings() | next.program()).isBetween(0L, (1L << 40) - 1);
            assertThat((next.mappings() | next.program()) & 4095).isZero();
        }
    }
}

package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A program that reads its own faults from kernel memory, through /dev/faultline. */
@Timeout(60)
class FaultRingTest {
    @Test
    void aProgramFindsItsFaultsInTheRingThatItMaps() throws Exception {
        try (Guests guests = new Guests()) {
            GuestResult result =
                    guests.run(List.of(TestPrograms.program("fault_ring").toString()));

            assertThat(result.trouble()).isEmpty();
            assertThat(result.output()).isEqualTo("""
                    magic FLTFAULT, version 1, records of 64 bytes, room for 4096
                    8 pages written: 8 faults found
                    all and one page more: EINVAL
                    past the end: EINVAL
                    private: EINVAL
                    writable, though opened for reading: EACCES
                    mprotect of it to writing: EACCES
                    read: EINVAL
                    lines of maps: 1
                    after close: 0 faults, the ring is still there: FLTFAULT
                    """);
            assertThat(result.status()).isZero();
            assertThat(result.audit()).isEmpty();
        }
    }
}

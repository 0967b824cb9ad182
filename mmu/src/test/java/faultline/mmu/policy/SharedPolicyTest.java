package faultline.mmu.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Policies of shared memory by ranges: the last one set for a page is the one it has. */
class SharedPolicyTest {
    private static final Mempolicy[] POLICIES = {
        null, Mempolicy.of(Mempolicy.BIND, NodeMask.ONLINE), Mempolicy.of(Mempolicy.LOCAL, NodeMask.EMPTY)
    };

    @Test
    void aRangeInTheMiddleLeavesBothEnds() {
        SharedPolicy shared = new SharedPolicy();
        shared.set(2, 10, POLICIES[1]);
        shared.set(4, 6, POLICIES[2]);
        shared.set(7, 8, null);

        assertThat(shared.lookup(1)).isNull();
        assertThat(shared.lookup(3)).isEqualTo(POLICIES[1]);
        assertThat(shared.lookup(5)).isEqualTo(POLICIES[2]);
        assertThat(shared.lookup(6)).isEqualTo(POLICIES[1]);
        assertThat(shared.lookup(7)).isNull();
        assertThat(shared.lookup(9)).isEqualTo(POLICIES[1]);
        assertThat(shared.lookup(10)).isNull();
    }

    @Test
    void randomRangesAgreeWithAnArray() {
        Random random = new Random(7);
        SharedPolicy shared = new SharedPolicy();
        Mempolicy[] model = new Mempolicy[64];
        for (int round = 0; round < 2000; round++) {
            int from = random.nextInt(64);
            int end = from + 1 + random.nextInt(64 - from);
            Mempolicy policy = POLICIES[random.nextInt(POLICIES.length)];
            shared.set(from, end, policy);
            Arrays.fill(model, from, end, policy);
            for (int page = 0; page < model.length; page++) {
                assertThat(shared.lookup(page)).isEqualTo(model[page]);
            }
        }
    }
}

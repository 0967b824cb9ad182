package faultline.mmu.op;

import static faultline.mmu.system.MmFixture.BASE;
import static faultline.mmu.system.MmFixture.PAGE;
import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.Errno;
import faultline.mmu.mm.MmapFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.policy.Mempolicy;
import faultline.mmu.policy.NodeMask;
import faultline.mmu.system.MmFixture;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Memory policies of mappings: what mbind splits, what may merge, what is copied along. */
class MbindTest {
    private static final NodeMask ABSENT = NodeMask.of(new long[] {2});

    private final MmFixture m = new MmFixture();

    @AfterEach
    void booksInOrder() {
        assertThat(m.sys.audit()).isEmpty();
        m.close();
    }

    private long mbind(long start, long pages, int mode) {
        NodeMask nodes = mode == Mempolicy.DEFAULT || mode == Mempolicy.LOCAL ? NodeMask.EMPTY : NodeMask.ONLINE;
        return m.sys.mbind().run(m.mm, start, pages * PAGE, mode, nodes, 0, true);
    }

    /** Pages and policy of each mapping. */
    private List<String> shape() {
        List<String> shape = new ArrayList<>();
        for (Vma v = m.mm.vmas().first(); v != null; v = v.next()) {
            shape.add(v.pages() + " " + Mempolicy.text(v.policy()));
        }
        return shape;
    }

    @Test
    void aPartBecomesAMappingAndJoinsEqualNeighbours() {
        m.map(BASE, 8);
        mbind(BASE + 2 * PAGE, 2, Mempolicy.BIND);
        assertThat(shape()).containsExactly("2 default", "2 bind:0", "4 default");
        mbind(BASE + 4 * PAGE, 4, Mempolicy.BIND);
        assertThat(shape()).containsExactly("2 default", "6 bind:0");
        mbind(BASE, 8, Mempolicy.DEFAULT);
        assertThat(shape()).containsExactly("8 default");
    }

    @Test
    void aFreshMappingDoesNotJoinOneWithAPolicy() {
        m.map(BASE, 2);
        mbind(BASE, 2, Mempolicy.INTERLEAVE);
        m.map(BASE + 2 * PAGE, 2);
        assertThat(shape()).containsExactly("2 interleave:0", "2 default");
    }

    @Test
    void aMoveTakesThePolicyAlong() {
        long at = m.map(BASE, 2);
        m.fill(at, 2, 1);
        mbind(at, 2, Mempolicy.LOCAL);
        m.mremap(at, 2 * PAGE, 4 * PAGE, MmapFlags.MREMAP_MAYMOVE | MmapFlags.MREMAP_FIXED, BASE + 64 * PAGE);
        assertThat(shape()).containsExactly("4 local");
    }

    @Test
    void nodesThatAreNotThereAreRefusedUnlessCountedRound() {
        m.map(BASE, 1);
        Mbind mbind = m.sys.mbind();
        assertThat(mbind.run(m.mm, BASE, PAGE, Mempolicy.BIND, ABSENT, 0, true)).isEqualTo(-Errno.EINVAL);
        assertThat(mbind.run(m.mm, BASE, PAGE, Mempolicy.BIND | Mempolicy.RELATIVE_NODES, ABSENT, 0, true))
                .isZero();
        assertThat(shape()).containsExactly("1 bind=relative:0");
    }

    @Test
    void moreMappingsThanAllowedAreRefused() {
        m.map(BASE, 3);
        m.sys.sysctl().maxMapCount = 1;
        assertThat(mbind(BASE + PAGE, 1, Mempolicy.BIND)).isEqualTo(-Errno.ENOMEM);
        assertThat(shape()).containsExactly("3 default");
    }

    @Test
    void randomPoliciesAgreeWithAnArrayOfPages() {
        Random random = new Random(11);
        int[] modes = {Mempolicy.DEFAULT, Mempolicy.BIND, Mempolicy.INTERLEAVE, Mempolicy.LOCAL};
        Mempolicy[] model = new Mempolicy[32];
        m.map(BASE, model.length);
        m.fill(BASE, model.length, 3);
        for (int round = 0; round < 500; round++) {
            int from = random.nextInt(model.length);
            int pages = 1 + random.nextInt(model.length - from);
            int mode = modes[random.nextInt(modes.length)];
            assertThat(mbind(BASE + from * PAGE, pages, mode)).isZero();
            Arrays.fill(
                    model,
                    from,
                    from + pages,
                    Mempolicy.of(mode, mode == Mempolicy.LOCAL ? NodeMask.EMPTY : NodeMask.ONLINE));
            int mappings = 0;
            for (Vma v = m.mm.vmas().first(); v != null; v = v.next(), mappings++) {
                for (long at = v.start(); at < v.end(); at += PAGE) {
                    assertThat(v.policy()).isEqualTo(model[(int) ((at - BASE) / PAGE)]);
                }
                assertThat(v.prev() == null || !Objects.equals(v.prev().policy(), v.policy()))
                        .as("equal neighbours are one")
                        .isTrue();
            }
            assertThat(mappings).isPositive();
        }
    }
}

package faultline.mmu.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

class IntervalTreeProperties {
    /** Against a list: every overlap query finds the same mappings, whatever was linked and unlinked. */
    @Property(tries = 200)
    void findsExactlyTheOverlappingMappings(@ForAll long seed, @ForAll @IntRange(min = 1, max = 60) int span) {
        Random random = new Random(seed);
        IntervalTree tree = new IntervalTree();
        List<IntervalNode> model = new ArrayList<>();
        for (int step = 0; step < 200; step++) {
            if (model.isEmpty() || random.nextInt(3) != 0) {
                IntervalNode node = new IntervalNode(null);
                long first = random.nextInt(500);
                tree.insert(node, first, first + random.nextInt(span));
                model.add(node);
            } else {
                tree.remove(model.remove(random.nextInt(model.size())));
            }
            long from = random.nextInt(520);
            check(tree, model, from, from + random.nextInt(span));
        }
        assertThat(tree.size()).isEqualTo(model.size());
    }

    private static void check(IntervalTree tree, List<IntervalNode> model, long first, long last) {
        Set<IntervalNode> expected = new HashSet<>();
        for (IntervalNode node : model) {
            if (node.first() <= last && node.last() >= first) {
                expected.add(node);
            }
        }
        Set<IntervalNode> found = new HashSet<>();
        long previous = -1;
        for (IntervalNode n = tree.firstOverlap(first, last); n != null; n = tree.nextOverlap(n, first, last)) {
            assertThat(n.first()).isGreaterThanOrEqualTo(previous);
            assertThat(found.add(n)).isTrue();
            previous = n.first();
        }
        assertThat(found).isEqualTo(expected);
    }
}

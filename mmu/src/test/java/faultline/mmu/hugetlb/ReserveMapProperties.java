package faultline.mmu.hugetlb;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class ReserveMapProperties {
    private static final int PLACES = 64;

    /** Against a bit a place: what is reserved, how many, and how many a removal gives up. */
    @Property(tries = 300)
    void holdsWhatWasAddedAndNotRemoved(@ForAll long seed) {
        Random random = new Random(seed);
        ReserveMap map = new ReserveMap();
        BitSet model = new BitSet();
        for (int step = 0; step < 100; step++) {
            int from = random.nextInt(PLACES);
            int to = from + random.nextInt(PLACES - from + 1);
            if (random.nextBoolean() && model.get(from, to).isEmpty()) {
                map.add(from, to);
                model.set(from, to);
            } else {
                assertThat(map.remove(from, to)).isEqualTo(model.get(from, to).cardinality());
                model.clear(from, to);
            }
            assertThat(map.count()).isEqualTo(model.cardinality());
            for (int place = 0; place < PLACES; place++) {
                assertThat(map.contains(place)).as("place %d", place).isEqualTo(model.get(place));
            }
        }
    }
}

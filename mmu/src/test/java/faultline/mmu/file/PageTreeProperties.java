package faultline.mmu.file;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class PageTreeProperties {
    private static final long[] SCALES = {10, 100, 5_000, 1L << 20, 1L << 40, 1L << 51};

    /** Against sorted collections: look-ups, the next page, the next dirty page, counts. */
    @Property(tries = 200)
    void agreesWithASortedMap(@ForAll long seed) {
        Random random = new Random(seed);
        PageTree tree = new PageTree();
        TreeMap<Long, Long> model = new TreeMap<>();
        TreeSet<Long> dirty = new TreeSet<>();
        for (int step = 0; step < 400; step++) {
            long index = pick(random, model);
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    if (!model.containsKey(index)) {
                        tree.put(index, step);
                        model.put(index, (long) step);
                    }
                }
                case 2 -> {
                    Long frame = model.remove(index);
                    dirty.remove(index);
                    assertThat(tree.remove(index)).isEqualTo(frame == null ? -1 : frame);
                }
                case 3 -> assertThat(tree.setDirty(index)).isEqualTo(model.containsKey(index) && dirty.add(index));
                default -> assertThat(tree.clearDirty(index)).isEqualTo(dirty.remove(index));
            }
            compare(tree, model, dirty, pick(random, model), pick(random, model));
        }
    }

    private static long pick(Random random, TreeMap<Long, Long> model) {
        if (!model.isEmpty() && random.nextBoolean()) {
            Long near = model.ceilingKey(random.nextLong(1L << 52));
            return near == null ? model.lastKey() : near;
        }
        return random.nextLong(SCALES[random.nextInt(SCALES.length)]);
    }

    private static void compare(PageTree tree, TreeMap<Long, Long> model, TreeSet<Long> dirty, long from, long last) {
        assertThat(tree.get(from)).isEqualTo(model.getOrDefault(from, -1L));
        Long next = model.ceilingKey(from);
        assertThat(tree.next(from, last)).isEqualTo(next == null || next > last ? -1 : next);
        Long nextDirty = dirty.ceiling(from);
        assertThat(tree.nextDirty(from, last)).isEqualTo(nextDirty == null || nextDirty > last ? -1 : nextDirty);
        assertThat(tree.count()).isEqualTo(model.size());
        assertThat(tree.dirtyCount()).isEqualTo(dirty.size());
    }
}

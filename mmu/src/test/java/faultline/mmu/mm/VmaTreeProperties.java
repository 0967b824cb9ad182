package faultline.mmu.mm;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.tlb.AddressSpaceTlb;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** The tree of mappings against a sorted map and searches by brute force. */
class VmaTreeProperties {
    private static final int SPACE = 200;

    private record Step(int kind, int at, int length) {}

    @Provide
    Arbitrary<List<Step>> steps() {
        return Combinators.combine(
                        Arbitraries.integers().between(0, 3),
                        Arbitraries.integers().between(0, SPACE - 1),
                        Arbitraries.integers().between(1, 12))
                .as(Step::new)
                .list()
                .ofMaxSize(200);
    }

    @Property(tries = 300, seed = "1962")
    void agreesWithASortedMap(@ForAll("steps") List<Step> steps) {
        MmStruct mm = new MmStruct(
                1, 0, new MmSysctl(), new CommitAccount(CommitAccount.Mode.ALWAYS, 0, 0, 0), MmLimits.ROOT);
        assertThat(mm.tlb()).isSameAs(AddressSpaceTlb.NONE);
        VmaTree tree = mm.vmas();
        TreeMap<Long, Vma> model = new TreeMap<>();
        for (Step step : steps) {
            apply(mm, tree, model, step);
            assertThat(tree.check()).isNull();
            assertThat(tree.size()).isEqualTo(model.size());
        }
        for (long at = 0; at < SPACE + 20; at++) {
            assertThat(tree.find(at)).isSameAs(findByModel(model, at));
        }
        for (int length = 1; length < 30; length += 3) {
            searchGaps(tree, model, length);
        }
    }

    private static void apply(MmStruct mm, VmaTree tree, TreeMap<Long, Vma> model, Step step) {
        long end = step.at + step.length;
        Map.Entry<Long, Vma> near = model.floorEntry((long) step.at);
        switch (step.kind) {
            case 0, 1 -> {
                Map.Entry<Long, Vma> below = model.lowerEntry(end);
                if (below == null || below.getValue().end() <= step.at) {
                    Vma v = new Vma(mm, step.at, end, 0, 0);
                    tree.insert(v);
                    model.put((long) step.at, v);
                }
            }
            case 2 -> {
                if (near != null) {
                    tree.remove(near.getValue());
                    model.remove(near.getKey());
                }
            }
            default -> {
                if (near != null) {
                    resize(tree, model, near.getValue(), step.length);
                }
            }
        }
    }

    private static void resize(VmaTree tree, TreeMap<Long, Vma> model, Vma v, int by) {
        Map.Entry<Long, Vma> above = model.higherEntry(v.start());
        Map.Entry<Long, Vma> below = model.lowerEntry(v.start());
        long room = above == null ? SPACE : above.getKey();
        long floor = below == null ? 0 : below.getValue().end();
        long start = by % 2 == 0 ? Math.max(floor, v.start() - by) : Math.min(v.start() + by, v.end() - 1);
        long end = by % 3 == 0 ? Math.min(Math.max(room, v.end()), v.end() + by) : Math.max(start + 1, v.end() - by);
        model.remove(v.start());
        tree.setBounds(v, start, end, 0);
        model.put(start, v);
    }

    private static Vma findByModel(TreeMap<Long, Vma> model, long at) {
        return model.values().stream().filter(v -> v.end() > at).findFirst().orElse(null);
    }

    private static void searchGaps(VmaTree tree, TreeMap<Long, Vma> model, int length) {
        long low = 10;
        long high = SPACE - 10;
        long lowest = -1;
        long highest = -1;
        for (long at = low; at + length <= high; at++) {
            Vma next = findByModel(model, at);
            if (next == null || next.start() >= at + length) {
                lowest = lowest < 0 ? at : lowest;
                highest = at;
            }
        }
        assertThat(tree.lowestGap(length, low, high)).isEqualTo(lowest);
        assertThat(tree.highestGap(length, low, high)).isEqualTo(highest);
    }
}

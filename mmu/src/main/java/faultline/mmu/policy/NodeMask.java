package faultline.mmu.policy;

import faultline.mmu.annotation.KernelFunction;
import java.util.Arrays;

/** A set of nodes, as system calls pass it: a bit each. Never changes. */
@KernelFunction("nodemask_t")
public final class NodeMask {
    /** How many nodes a mask has bits for (MAX_NUMNODES). */
    public static final int BITS = 1024;

    /** How many nodes the machine can have (nr_node_ids). */
    public static final int POSSIBLE = 1;

    public static final NodeMask EMPTY = new NodeMask(new long[BITS / Long.SIZE]);

    /** The node there is. */
    public static final NodeMask ONLINE = ofFirstWord(1);

    private final long[] words;

    private NodeMask(long[] words) {
        this.words = words;
    }

    /** @param words {@link #BITS} bits, copied */
    public static NodeMask of(long[] words) {
        return new NodeMask(Arrays.copyOf(words, BITS / Long.SIZE));
    }

    private static NodeMask ofFirstWord(long word) {
        return of(new long[] {word});
    }

    /** The bits of nodes 0 to 63. */
    public long firstWord() {
        return words[0];
    }

    /** Whether no node is in it. */
    @KernelFunction("nodes_empty")
    public boolean isEmpty() {
        return equals(EMPTY);
    }

    /** Whether the machine's node is among them. */
    public boolean hasOnline() {
        return (words[0] & ONLINE.words[0]) != 0;
    }

    /** Whether there are only nodes of the machine among them. */
    @KernelFunction("nodes_subset")
    public boolean isOnline() {
        return isEmpty() || equals(ONLINE);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof NodeMask mask && Arrays.equals(words, mask.words);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(words);
    }
}

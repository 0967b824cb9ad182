package faultline.plugins.event;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Numbers for guest call stacks, given once each (as BPF's stack map does). 0 is the empty stack. Any thread. */
public final class StackTable {
    /** More different stacks than this are counted as the empty one. */
    public static final int CAPACITY = 1 << 16;

    private final Map<Key, Integer> numbers = new HashMap<>();
    private final List<long[]> stacks = new ArrayList<>();

    public StackTable() {
        number(new long[0], 0);
    }

    /**
     * The number of a stack.
     *
     * @param frames instruction addresses, the innermost first
     * @param depth how many of them count
     */
    public synchronized int number(long[] frames, int depth) {
        var key = new Key(Arrays.copyOf(frames, depth));
        Integer known = numbers.get(key);
        if (known != null) {
            return known;
        }
        if (stacks.size() == CAPACITY) {
            return 0;
        }
        stacks.add(key.frames);
        numbers.put(key, stacks.size() - 1);
        return stacks.size() - 1;
    }

    /** The frames of a stack, the innermost first; not to be changed. */
    public synchronized long[] frames(int number) {
        return stacks.get(number);
    }

    private static final class Key {
        private final long[] frames;

        Key(long[] frames) {
            this.frames = frames;
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Key key && Arrays.equals(frames, key.frames);
        }

        @Override
        public int hashCode() {
            return Arrays.hashCode(frames);
        }
    }
}

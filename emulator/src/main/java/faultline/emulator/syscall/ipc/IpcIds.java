package faultline.emulator.syscall.ipc;

import faultline.mmu.annotation.KernelFunction;
import java.util.Collection;
import java.util.TreeMap;

/** The objects of one kind by id. Guarded by the monitor of their table. */
@KernelFunction("ipc_ids")
final class IpcIds<T extends IpcObject> {
    static final int IPC_CREAT = 01000;
    static final int IPC_EXCL = 02000;
    /** Most objects that a limit can be set to (IPCMNI). */
    static final int MOST_INDEX = 1 << 15;

    static final int SEQUENCE_SHIFT = 15;
    /** Ids stay positive. */
    private static final int MOST_SEQUENCE = (1 << 31 - SEQUENCE_SHIFT) - 1;

    private final TreeMap<Integer, T> byIndex = new TreeMap<>();
    private int lastIndex = -1;
    private int sequence;

    /** The object with this key, which is not IPC_PRIVATE; or null. */
    T byKey(int key) {
        for (T object : byIndex.values()) {
            if (object.key == key) {
                return object;
            }
        }
        return null;
    }

    /** The object with this id, or null: it never was, or is gone. */
    T find(int id) {
        T object = id < 0 ? null : byIndex.get(id & MOST_INDEX - 1);
        return object != null && object.id == id ? object : null;
    }

    /** The object at an index, or null. */
    T at(int index) {
        return byIndex.get(index);
    }

    /** All objects, in the order of their indices. */
    Collection<T> all() {
        return byIndex.values();
    }

    /** The highest index in use; 0 when there is none. */
    int highest() {
        return byIndex.isEmpty() ? 0 : byIndex.lastKey();
    }

    int count() {
        return byIndex.size();
    }

    void add(T object) {
        byIndex.put(object.id & MOST_INDEX - 1, object);
    }

    void remove(T object) {
        byIndex.remove(object.id & MOST_INDEX - 1);
    }

    /**
     * An id of the next index that is free; a new round gives ids another sequence number, so that old ids stay
     * invalid.
     *
     * @param wanted an id that is taken, or one with the next free index; -1 for any
     */
    @KernelFunction(value = "ipc_idr_alloc", file = "ipc/util.c")
    int newId(int wanted) {
        int index = wanted >= 0 ? (wanted & MOST_INDEX - 1) - 1 : lastIndex;
        do {
            index = (index + 1) % MOST_INDEX;
        } while (byIndex.containsKey(index));
        if (wanted >= 0) {
            return wanted & -MOST_INDEX | index;
        }
        if (index <= lastIndex) {
            sequence = sequence == MOST_SEQUENCE ? 0 : sequence + 1;
        }
        lastIndex = index;
        return sequence << SEQUENCE_SHIFT | index;
    }
}

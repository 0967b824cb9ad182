package faultline.mmu.op;

import faultline.mmu.mm.Prot;
import java.util.HashMap;
import java.util.Map;

/**
 * An address space as a program understands it: for each page its rights and where its content comes from. No mappings,
 * no page tables, no sharing tricks, so that nothing of what it checks is in it.
 */
final class MemoryModel {
    /** What a page of shared memory or of a file holds: one byte a page is enough. */
    static final class Content {
        final int[] bytes;
        /** Pages there are; beyond them an access ends in SIGBUS. */
        final int size;

        Content(int size, boolean file) {
            this.size = size;
            bytes = new int[size];
            for (int i = 0; file && i < size; i++) {
                bytes[i] = i + 1;
            }
        }
    }

    /** One page. Private pages of an object show the object until they are written. */
    static final class Page {
        int prot;
        final boolean shared;
        final Content object;
        final int index;
        Integer own;

        Page(int prot, boolean shared, Content object, int index) {
            this.prot = prot;
            this.shared = shared;
            this.object = object;
            this.index = index;
        }

        Page copy() {
            Page copy = new Page(prot, shared, object, index);
            copy.own = own;
            return copy;
        }

        boolean beyondEnd() {
            return object != null && index >= object.size && own == null;
        }
    }

    final Map<Integer, Page> pages = new HashMap<>();

    MemoryModel fork() {
        MemoryModel child = new MemoryModel();
        pages.forEach((at, page) -> child.pages.put(at, page.copy()));
        return child;
    }

    void map(int at, int count, int prot, boolean shared, Content object, int index) {
        for (int i = 0; i < count; i++) {
            pages.put(at + i, new Page(prot, shared, object, index + i));
        }
    }

    void unmap(int at, int count) {
        for (int i = 0; i < count; i++) {
            pages.remove(at + i);
        }
    }

    /** Changes rights up to the first hole. @return whether there was none */
    boolean protect(int at, int count, int prot) {
        for (int i = 0; i < count; i++) {
            Page page = pages.get(at + i);
            if (page == null) {
                return false;
            }
            page.prot = prot;
        }
        return true;
    }

    /** What a load gives: a byte, or minus the signal's number. */
    int load(int at) {
        Page page = pages.get(at);
        if (page == null || (page.prot & (Prot.READ | Prot.WRITE | Prot.EXEC)) == 0) {
            return -11;
        }
        if (page.own != null) {
            return page.own;
        }
        if (page.beyondEnd()) {
            return -7;
        }
        return page.object == null ? 0 : page.object.bytes[page.index];
    }

    /** 0, or minus the signal's number. */
    int store(int at, int value) {
        Page page = pages.get(at);
        if (page == null || (page.prot & Prot.WRITE) == 0) {
            return -11;
        }
        if (page.beyondEnd()) {
            return -7;
        }
        if (page.shared) {
            page.object.bytes[page.index] = value;
        } else {
            page.own = value;
        }
        return 0;
    }

    /** Forgets what private pages hold of their own. */
    void dontNeed(int at, int count) {
        for (int i = 0; i < count; i++) {
            Page page = pages.get(at + i);
            if (page != null && !page.shared) {
                page.own = null;
            }
        }
    }

    /** Moves pages; holes leave the destination as it is. */
    void move(int from, int count, int to, boolean keep) {
        for (int i = 0; i < count; i++) {
            Page page = pages.get(from + i);
            if (page == null) {
                continue;
            }
            pages.put(to + i, page);
            pages.remove(from + i);
            if (keep) {
                Page left = page.copy();
                left.own = null;
                pages.put(from + i, left);
            }
        }
    }
}

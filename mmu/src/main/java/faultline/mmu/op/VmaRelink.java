package faultline.mmu.op;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.annotation.RequiresLock;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.mm.Vma;
import faultline.mmu.rmap.AnonVma;

/**
 * Changes bounds of up to three mappings of one object as one step for everybody who finds them through the object.
 *
 * <p>A truncation or a reclaim that walks the object's mappings sees them all as they were, or all as they became; if a
 * part changed hands between two separate steps, a truncation in between would clear neither owner of it.
 *
 * <pre>
 * try (VmaRelink _ = VmaRelink.open(prev, middle, next)) { … VmaTree.setBounds, insert, remove … }
 * </pre>
 *
 * Mappings that are in no tree when it closes stay unlinked.
 */
@KernelFunction(value = "vma_prepare", file = "mm/vma.c")
final class VmaRelink implements AutoCloseable {
    private final Vma[] vmas;
    private final AddressSpace mapping;
    private final AnonVma family;

    private VmaRelink(Vma... vmas) {
        this.vmas = vmas;
        AddressSpace foundMapping = null;
        AnonVma foundFamily = null;
        for (Vma v : vmas) {
            if (v != null && v.file() != null) {
                foundMapping = v.file().mapping();
            }
            if (v != null && v.anonVma() != null) {
                foundFamily = (AnonVma) v.anonVma();
            }
        }
        mapping = foundMapping;
        family = foundFamily;
    }

    /**
     * Locks what the mappings are linked into and unlinks them; null ones are skipped. All have the same file, and
     * those that have a family have the same.
     */
    @RequiresLock("MMAP_LOCK")
    static VmaRelink open(Vma... vmas) {
        VmaRelink change = new VmaRelink(vmas);
        change.lock();
        for (Vma v : vmas) {
            if (v != null && v.sharedNode().isLinked()) {
                change.mapping.areas().unlinkLocked(v);
            }
            if (v != null && v.anonNode().isLinked()) {
                change.family.unlinkLocked(v);
            }
        }
        return change;
    }

    private void lock() {
        if (mapping != null) {
            mapping.areas().lock().lock();
        }
        if (family != null) {
            family.lock().lock();
        }
    }

    @Override
    @KernelFunction(value = "vma_complete", file = "mm/vma.c")
    public void close() {
        for (Vma v : vmas) {
            if (v != null && v.isLinked()) {
                if (mapping != null) {
                    mapping.areas().linkLocked(v);
                }
                if (v.anonVma() != null) {
                    family.linkLocked(v);
                }
            }
        }
        if (family != null) {
            family.lock().unlock();
        }
        if (mapping != null) {
            mapping.areas().lock().unlock();
        }
    }

    /** A mapping just put into the tree becomes known to its object. */
    static void link(Vma v) {
        if (v.file() != null && v.file().mapping() != null) {
            v.file().mapping().areas().link(v);
        }
        if (v.anonVma() != null && !v.anonNode().isLinked()) {
            ((AnonVma) v.anonVma()).link(v);
        }
    }

    /** A mapping whose page tables are empty is forgotten by its object. */
    static void unlink(Vma v) {
        if (v.sharedNode().isLinked()) {
            v.file().mapping().areas().unlink(v);
        }
        unlinkAnon(v);
    }

    /** A mapping whose anonymous pages have all moved elsewhere starts anew. */
    static void unlinkAnon(Vma v) {
        if (v.anonNode().isLinked()) {
            ((AnonVma) v.anonVma()).unlink(v);
        }
        v.setAnonVma(null);
    }
}

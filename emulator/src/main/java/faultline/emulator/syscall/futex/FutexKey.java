package faultline.emulator.syscall.futex;

/**
 * What makes two addresses the same futex.
 *
 * <p>Private memory: the address space and the address. Shared mappings: the mapped object and the offset in it,
 * whatever the address.
 *
 * @param space an {@code MmStruct}, or what a shared object is known by ({@code BackingStore.identity}): a file is the
 *     same when its last mapping has gone and another came
 * @param offset address, or byte offset in the object
 */
record FutexKey(Object space, long offset) {
    @Override
    public boolean equals(Object other) {
        return other instanceof FutexKey key && key.offset == offset && key.space.equals(space);
    }

    @Override
    public int hashCode() {
        return space.hashCode() * 31 + Long.hashCode(offset >>> 2) * 0x9e3779b1;
    }
}

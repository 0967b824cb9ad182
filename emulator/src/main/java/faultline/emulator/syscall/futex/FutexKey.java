package faultline.emulator.syscall.futex;

/**
 * What makes two addresses the same futex.
 *
 * <p>Private memory: the address space and the address. Shared mappings: the mapped object and the offset in it,
 * whatever the address.
 *
 * @param space an {@code MmStruct} or a file's {@code AddressSpace}; compared by identity
 * @param offset address, or byte offset in the object
 */
record FutexKey(Object space, long offset) {
    @Override
    public boolean equals(Object other) {
        return other instanceof FutexKey key && key.space == space && key.offset == offset;
    }

    @Override
    public int hashCode() {
        return System.identityHashCode(space) * 31 + Long.hashCode(offset >>> 2) * 0x9e3779b1;
    }
}

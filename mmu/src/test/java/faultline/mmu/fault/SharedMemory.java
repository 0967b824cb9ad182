package faultline.mmu.fault;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;

/** The file behind a shared anonymous mapping. */
public record SharedMemory(AddressSpace mapping) implements MappedFile {
    @Override
    public boolean readable() {
        return true;
    }

    @Override
    public boolean writable() {
        return true;
    }

    @Override
    public boolean noexec() {
        return false;
    }

    @Override
    public String path() {
        return "/dev/zero (deleted)";
    }

    @Override
    public long dev() {
        return 0;
    }

    @Override
    public long ino() {
        return 0;
    }

    @Override
    public void get() {
        // collected with the mappings
    }

    @Override
    public void put() {
        // collected with the mappings
    }
}

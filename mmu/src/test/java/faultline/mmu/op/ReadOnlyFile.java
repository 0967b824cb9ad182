package faultline.mmu.op;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.file.MappedFile;

/** A file as somebody has it open who may only read it. */
record ReadOnlyFile(MappedFile file) implements MappedFile {
    @Override
    public AddressSpace mapping() {
        return file.mapping();
    }

    @Override
    public boolean readable() {
        return true;
    }

    @Override
    public boolean writable() {
        return false;
    }

    @Override
    public boolean noexec() {
        return file.noexec();
    }

    @Override
    public String path() {
        return file.path();
    }

    @Override
    public long dev() {
        return file.dev();
    }

    @Override
    public long ino() {
        return file.ino();
    }

    @Override
    public void get() {
        file.get();
    }

    @Override
    public void put() {
        file.put();
    }
}

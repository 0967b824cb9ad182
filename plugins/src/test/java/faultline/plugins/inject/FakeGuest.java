package faultline.plugins.inject;

import faultline.plugins.guest.GuestView;
import java.util.List;

/** A guest for tests of what fails when: a task in mmap, with a heap of one address. */
final class FakeGuest implements GuestView {
    static final long HEAP = 0x1000;

    int tid = 42;
    String comm = "worker";
    String syscall = "mmap";
    int failNth;
    boolean makeItFail;

    @Override
    public int tid() {
        return tid;
    }

    @Override
    public int pid() {
        return 40;
    }

    @Override
    public String comm() {
        return comm;
    }

    @Override
    public String syscall() {
        return syscall;
    }

    @Override
    public String vma(long address) {
        return address == HEAP ? "[heap]" : "";
    }

    @Override
    public boolean hasFailNth() {
        return failNth != 0;
    }

    @Override
    public boolean countFailNth() {
        return --failNth == 0;
    }

    @Override
    public boolean makeItFail() {
        return makeItFail;
    }

    @Override
    public List<String> stack() {
        return List.of("main+0x1");
    }
}

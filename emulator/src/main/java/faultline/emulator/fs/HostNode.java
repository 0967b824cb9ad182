package faultline.emulator.fs;

/** A name of the virtual tree for which the host's file is used: a device, or the object behind a descriptor. */
final class HostNode extends VirtualNode {
    private final OpenFile held;
    private final boolean mayChange;
    private final boolean mayWrite;

    private HostNode(String path, String counterpart, OpenFile held, boolean mayChange, boolean mayWrite) {
        super(path, counterpart);
        this.held = held;
        this.mayChange = mayChange;
        this.mayWrite = mayWrite;
    }

    /** A host file that may be read, and written where its own permissions allow, but whose metadata stay. */
    static HostNode of(String path, String hostPath) {
        return new HostNode(path, hostPath, null, false, false);
    }

    /** A device that a confined guest may use: opened for writing too. */
    static HostNode device(String path) {
        return new HostNode(path, path, null, false, true);
    }

    /** What a guest descriptor refers to. Takes over the reference. */
    static HostNode descriptor(String path, OpenFile file) {
        return new HostNode(path, "/proc/self/fd/" + file.hostFd(), file, true, true);
    }

    @Override
    public boolean isHost() {
        return true;
    }

    @Override
    public boolean mayChange() {
        return mayChange;
    }

    @Override
    boolean refusesWrites() {
        // What was handed to the guest open for writing may be opened so again.
        return held != null && held.onReadOnlyMount() && !held.writable();
    }

    @Override
    Mount mount() {
        return held == null ? null : held.mount();
    }

    @Override
    public boolean mayWrite() {
        return mayWrite;
    }

    @Override
    public void release() {
        if (held != null) {
            held.put();
        }
    }
}

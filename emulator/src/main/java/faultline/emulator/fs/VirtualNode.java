package faultline.emulator.fs;

import faultline.mmu.Errno;

/**
 * A name in the guest's tree that the emulator answers for, in place of the host's file of that name.
 *
 * <p>Metadata come from a {@link #counterpart} on the host that looks alike (the host's own /proc/self/maps for the
 * guest's), so that stat(2), access(2) and statfs(2) pass through; content and link targets are the emulator's.
 */
public abstract class VirtualNode {
    private final String path;
    private final String counterpart;

    /**
     * @param path absolute guest path, normalised
     * @param counterpart host path whose metadata stand for the node's
     */
    protected VirtualNode(String path, String counterpart) {
        this.path = path;
        this.counterpart = counterpart;
    }

    /** The absolute guest path. */
    public String path() {
        return path;
    }

    /** The host path whose metadata stand for it. */
    public String counterpart() {
        return counterpart;
    }

    /** Whether the host's file is what the guest is to use: every call passes to {@link #counterpart}. */
    public boolean isHost() {
        return false;
    }

    /** Whether calls that change metadata (chmod, utimensat, …) may pass to the counterpart. */
    public boolean mayChange() {
        return false;
    }

    /** Whether a confined guest may open the counterpart for writing. */
    public boolean mayWrite() {
        return false;
    }

    /** Whether the host's file behind this may not be written because its mount is read-only (EROFS). */
    boolean refusesWrites() {
        return false;
    }

    /** The mount on which the host's file behind this lies; null for none of the machine's own. */
    Mount mount() {
        return null;
    }

    /** An absolute guest path that stands for this one: resolution begins anew with it. Null for none. */
    public String redirect() {
        return null;
    }

    /** Lets go of what the node holds; called once by whoever looked it up. */
    public void release() {
        // Most nodes hold nothing.
    }

    /** A symbolic link's target; null for anything else. */
    public String target() {
        return null;
    }

    /**
     * Opens the node.
     *
     * @param flags open(2)'s
     */
    public Opened open(int flags) {
        return Opened.failed(-Errno.EACCES);
    }
}

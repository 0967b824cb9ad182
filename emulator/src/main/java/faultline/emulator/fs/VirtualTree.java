package faultline.emulator.fs;

/** The part of the guest's tree that is not the host's: /proc, and some names under /dev and /sys. */
public interface VirtualTree {
    /** Nothing virtual: every path is the host's. */
    VirtualTree NONE = (caller, path, follow) -> null;

    /**
     * Looks a name up.
     *
     * @param path absolute, normalised lexically (no "." or "..", single slashes)
     * @param follow whether a symbolic link at the end is followed
     * @return the node; {@link #ABSENT} when the name is ours and does not exist, {@link #NOT_DIRECTORY}
     *     when it goes through a file; null when the name is not ours
     */
    VirtualNode lookup(Caller caller, String path, boolean follow);

    /** The name goes through something that is no directory: ENOTDIR. */
    VirtualNode NOT_DIRECTORY = new VirtualNode("", "") {};

    /** The name is in the virtual part and there is no such file: ENOENT. */
    VirtualNode ABSENT = new VirtualNode("", "") {};
}

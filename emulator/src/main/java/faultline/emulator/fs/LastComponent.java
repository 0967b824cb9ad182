package faultline.emulator.fs;

/** What a call wants of the last component of a path. */
public enum LastComponent {
    /** The object it names, through symbolic links. */
    FOLLOW,
    /** The object it names; a symbolic link is the object. */
    NO_FOLLOW,
    /** The name itself, in its directory: to be made, removed or renamed. */
    NAME
}

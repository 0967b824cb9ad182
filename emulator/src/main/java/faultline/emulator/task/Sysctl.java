package faultline.emulator.task;

/** Settings of one part of the machine, as files below /proc/sys. Any thread. */
public interface Sysctl {
    /** A setting's text by its path below /proc/sys, such as {@code "kernel/sem"}; null when it is none of these. */
    String get(String name);

    /**
     * Changes a setting that {@link #get} knows.
     *
     * @param value without white space around it
     * @return 0 or -errno
     * @throws NumberFormatException when the value has something that is no number where one is wanted
     */
    long set(String name, String value);
}

package faultline.plugins.inject;

import java.util.List;

/**
 * A failure that happened.
 *
 * @param point the injection point's id
 * @param location class and method
 * @param hit number of the hit among those that the spec counts, from 1
 * @param tid the task, and with it its command name
 * @param syscall what it was doing, {@code "none"} for a page fault
 * @param result what the call returned
 * @param kernelStack kernel functions, innermost first; empty unless the spec is verbose
 * @param guestStack guest functions, innermost first; likewise
 * @param told whether reports for people mention it
 */
public record FiredFailure(
        String point,
        String location,
        long hit,
        int tid,
        String comm,
        String syscall,
        String result,
        List<String> kernelStack,
        List<String> guestStack,
        boolean told) {

    @Override
    public String toString() {
        return point + " hit " + hit + " returned " + result + " in " + comm + "/" + tid
                + (syscall.equals("none") ? " in a page fault" : " in " + syscall);
    }
}

package faultline.emulator.host;

import faultline.mmu.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The descriptors that whoever started the emulator handed on to the program.
 *
 * <p>By the time Java code runs, Java has files of its own open among them: the launcher looks before, and tells the
 * numbers in the property {@code faultline.descriptors}, with commas between. Without it they are 0, 1 and 2.
 *
 * <p>Those above 2 are for the first guest of a command alone, who takes them away from the emulator, so that the other
 * end of a pipe sees when the guest has closed it. The emulator keeps 0, 1 and 2 for its own messages.
 */
public final class InheritedDescriptors {
    private static final String PROPERTY = "faultline.descriptors";
    private static final int F_DUPFD_CLOEXEC = 1030;
    /** Lowest number that is not a standard one. */
    private static final int BEHIND_STDIO = 3;

    private static final AtomicBoolean TAKEN = new AtomicBoolean();

    /**
     * One for a guest.
     *
     * @param number what it is called there
     * @param hostFd the host's, close-on-exec, owned by who asked
     */
    public record Descriptor(int number, int hostFd) {}

    private InheritedDescriptors() {}

    /** Copies of 0, 1 and 2 as far as they are inherited, and for the first who asks all others. */
    public static List<Descriptor> take() {
        List<Descriptor> taken = new ArrayList<>();
        boolean first = TAKEN.compareAndSet(false, true);
        for (String word : System.getProperty(PROPERTY, "0,1,2").split(",")) {
            if (word.isEmpty()) {
                continue;
            }
            int number = Integer.parseInt(word);
            if (number < BEHIND_STDIO || first) {
                take(number, taken);
            }
        }
        return taken;
    }

    private static void take(int number, List<Descriptor> taken) {
        long copy = Libc.call(Nr.FCNTL, number, F_DUPFD_CLOEXEC, BEHIND_STDIO);
        if (copy >= 0) {
            taken.add(new Descriptor(number, (int) copy));
        } else if (copy != -Errno.EBADF) {
            throw new IllegalStateException("cannot take over descriptor " + number + ": errno " + -copy);
        }
        if (copy >= 0 && number >= BEHIND_STDIO) {
            Libc.call(Nr.CLOSE, number);
        }
    }
}

package faultline.emulator.cgroup;

import faultline.mmu.Errno;
import java.util.function.Function;
import java.util.function.ToLongBiFunction;

/**
 * One kind of file that groups have (Linux: {@code struct cftype}).
 *
 * @param controller whose it is: groups that have not got it have not got the file; null for all groups
 * @param onRoot whether the root group has it, too
 * @param reader null for a file that can only be written (EINVAL)
 * @param writer what a write of the whole text does: 0 or -errno; null for a file that can only be read (EINVAL)
 */
record ControlFile(
        String name,
        Controller controller,
        boolean onRoot,
        Function<Cgroup, String> reader,
        ToLongBiFunction<Cgroup, String> writer) {
    /** Permissions of the file. */
    int mode() {
        return reader == null ? 0200 : writer == null ? 0444 : 0644;
    }

    /** A file of numbers of pages in bytes, "max" for no limit, that can be set. */
    static long pages(String text, long unlimited) {
        String value = text.strip();
        if (value.equals("max")) {
            return unlimited;
        }
        int unit = value.isEmpty() ? -1 : "kmgt".indexOf(Character.toLowerCase(value.charAt(value.length() - 1)));
        String digits = unit < 0 ? value : value.substring(0, value.length() - 1);
        try {
            long bytes = Long.parseLong(digits);
            int shift = 10 * (unit + 1);
            if (bytes < 0 || bytes > Long.MAX_VALUE >>> shift) {
                return -Errno.EINVAL;
            }
            return Math.min(bytes << shift >>> 12, unlimited);
        } catch (NumberFormatException e) {
            return -Errno.EINVAL;
        }
    }

    /** Pages in bytes; "max" for no limit. */
    static String bytes(long pages, long unlimited) {
        return pages >= unlimited ? "max\n" : (pages << 12) + "\n";
    }
}

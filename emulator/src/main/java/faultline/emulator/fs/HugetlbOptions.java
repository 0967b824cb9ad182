package faultline.emulator.fs;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.phys.Page;

/**
 * Options of a mount of hugetlbfs. What limits its share of the pool (size, min_size, nr_inodes) is not among them.
 *
 * @param mode rights of its root directory, which belongs to {@code uid} and {@code gid}
 * @param log2 of the size of its pages
 */
public record HugetlbOptions(int mode, int uid, int gid, int log2) {
    private static final HugetlbOptions DEFAULT = new HugetlbOptions(0755, 0, 0, Page.PMD_SHIFT);

    /** @return null for what is no option, or a value that there is none of (EINVAL) */
    @KernelFunction(value = "hugetlbfs_parse_param", file = "fs/hugetlbfs/inode.c")
    public static HugetlbOptions parse(String text) {
        HugetlbOptions parsed = DEFAULT;
        for (String option : text.split(",")) {
            parsed = option.isEmpty() ? parsed : parsed.with(option.split("=", 2));
            if (parsed == null) {
                return null;
            }
        }
        return parsed;
    }

    /** With pages of another size; null when there are none of it. */
    private HugetlbOptions ofPages(long size) {
        boolean known = size == Page.PMD_SIZE || size == Page.PUD_SIZE;
        return known ? new HugetlbOptions(mode, uid, gid, Long.numberOfTrailingZeros(size)) : null;
    }

    /** A number that a letter may follow: k, m, g, each for a factor of 1024. */
    @KernelFunction(value = "memparse", file = "lib/cmdline.c")
    private static long memparse(String text) {
        int unit = "kmg".indexOf(Character.toLowerCase(text.isEmpty() ? '?' : text.charAt(text.length() - 1)));
        return Long.parseLong(unit < 0 ? text : text.substring(0, text.length() - 1)) << 10 * (unit + 1);
    }

    private HugetlbOptions with(String[] option) {
        if (option.length != 2) {
            return null;
        }
        try {
            return switch (option[0]) {
                case "mode" -> new HugetlbOptions(Integer.parseInt(option[1], 8) & 01777, uid, gid, log2);
                case "uid" -> new HugetlbOptions(mode, Integer.parseInt(option[1]), gid, log2);
                case "gid" -> new HugetlbOptions(mode, uid, Integer.parseInt(option[1]), log2);
                case "pagesize" -> ofPages(memparse(option[1]));
                default -> null;
            };
        } catch (NumberFormatException e) {
            return null;
        }
    }
}

package faultline.emulator.fs;

import faultline.mmu.annotation.KernelFunction;
import java.util.Set;

/**
 * Options of a mount of hugetlbfs. What limits its share of the pool (size, min_size, nr_inodes) is not among them.
 *
 * @param mode rights of its root directory, which belongs to {@code uid} and {@code gid}
 */
public record HugetlbOptions(int mode, int uid, int gid) {
    private static final HugetlbOptions DEFAULT = new HugetlbOptions(0755, 0, 0);
    private static final Set<String> PAGE_SIZES = Set.of("2m", "2M", "2048k", "2048K", "2097152");

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

    private HugetlbOptions with(String[] option) {
        if (option.length != 2) {
            return null;
        }
        try {
            return switch (option[0]) {
                case "mode" -> new HugetlbOptions(Integer.parseInt(option[1], 8) & 01777, uid, gid);
                case "uid" -> new HugetlbOptions(mode, Integer.parseInt(option[1]), gid);
                case "gid" -> new HugetlbOptions(mode, uid, Integer.parseInt(option[1]));
                case "pagesize" -> PAGE_SIZES.contains(option[1]) ? this : null;
                default -> null;
            };
        } catch (NumberFormatException e) {
            return null;
        }
    }
}

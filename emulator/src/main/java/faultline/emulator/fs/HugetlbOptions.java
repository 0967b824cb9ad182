package faultline.emulator.fs;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbSubpool;
import faultline.mmu.phys.Page;

/**
 * Options of a mount of hugetlbfs.
 *
 * @param mode rights of its root directory, which belongs to {@code uid} and {@code gid}; -1 for 0755
 * @param log2 of the size of its pages
 * @param size what its files may have of the pool (size)
 * @param least what they are sure to get (min_size)
 * @param inodes files and directories that there may be, the root being one; -1 for any number
 */
public record HugetlbOptions(int mode, int uid, int gid, int log2, Amount size, Amount least, long inodes) {
    private static final HugetlbOptions DEFAULT =
            new HugetlbOptions(-1, 0, 0, Page.PMD_SHIFT, Amount.NONE, Amount.NONE, -1);
    private static final int DEFAULT_MODE = 0755;

    /** A part of the pool: bytes, or per cent of what vm.nr_hugepages has asked for. */
    record Amount(long value, boolean isPercent) {
        static final Amount NONE = new Amount(-1, false);

        /** In pages of the pool; {@link HugetlbSubpool#NONE} when nobody has said. */
        @KernelFunction(value = "hugetlbfs_size_to_hpages", file = "fs/hugetlbfs/inode.c")
        long pages(HugetlbPool pool) {
            if (value < 0) {
                return HugetlbSubpool.NONE;
            }
            return isPercent ? value * pool.persistent() / 100 : value / pool.pageSize();
        }
    }

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
    private HugetlbOptions ofPages(long bytes) {
        boolean known = bytes == Page.PMD_SIZE || bytes == Page.PUD_SIZE;
        return known
                ? new HugetlbOptions(mode, uid, gid, Long.numberOfTrailingZeros(bytes), size, least, inodes)
                : null;
    }

    /**
     * Digits that a letter may follow: k, m, g, each for a factor of 1024. What comes behind is ignored, but for a per
     * cent sign.
     */
    @KernelFunction(value = "memparse", file = "lib/cmdline.c")
    private static Amount memparse(String text) {
        int end = 0;
        while (end < text.length() && Character.isDigit(text.charAt(end))) {
            end++;
        }
        long number = Long.parseLong(text.substring(0, end));
        int unit = end == text.length() ? -1 : "kmg".indexOf(Character.toLowerCase(text.charAt(end)));
        end += unit < 0 ? 0 : 1;
        return new Amount(number << 10 * (unit + 1), end < text.length() && text.charAt(end) == '%');
    }

    private HugetlbOptions with(String[] option) {
        if (option.length != 2) {
            return null;
        }
        String value = option[1];
        try {
            return switch (option[0]) {
                case "mode" ->
                    new HugetlbOptions(Integer.parseInt(value, 8) & 01777, uid, gid, log2, size, least, inodes);
                case "uid" -> new HugetlbOptions(mode, Integer.parseInt(value), gid, log2, size, least, inodes);
                case "gid" -> new HugetlbOptions(mode, uid, Integer.parseInt(value), log2, size, least, inodes);
                case "pagesize" -> ofPages(memparse(value).value());
                case "size" -> new HugetlbOptions(mode, uid, gid, log2, memparse(value), least, inodes);
                case "min_size" -> new HugetlbOptions(mode, uid, gid, log2, size, memparse(value), inodes);
                case "nr_inodes" ->
                    new HugetlbOptions(
                            mode, uid, gid, log2, size, least, memparse(value).value());
                default -> null;
            };
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Rights of the root directory. */
    int rootMode() {
        return mode < 0 ? DEFAULT_MODE : mode;
    }

    /** Whether its files have a share of the pool, and not what anybody may have. */
    boolean isLimited() {
        return size.value() >= 0 || least.value() >= 0;
    }

    /** Whether more is to be assured than allowed: EINVAL. */
    @KernelFunction(value = "hugetlbfs_validate", file = "fs/hugetlbfs/inode.c")
    boolean isContradiction(HugetlbPool pool) {
        return size.value() >= 0 && least.pages(pool) > size.pages(pool);
    }

    /** As /proc/mounts shows them, behind "rw". */
    @KernelFunction(value = "hugetlbfs_show_options", file = "fs/hugetlbfs/inode.c")
    String text(HugetlbPool pool) {
        StringBuilder out = new StringBuilder(",relatime");
        add(out, "uid", uid == 0 ? -1 : uid);
        add(out, "gid", gid == 0 ? -1 : gid);
        if (mode >= 0 && mode != DEFAULT_MODE) {
            out.append(",mode=").append(Integer.toOctalString(mode));
        }
        add(out, "nr_inodes", inodes);
        out.append(log2 == Page.PMD_SHIFT ? ",pagesize=2M" : ",pagesize=1024M");
        add(out, "size", pool.pageSize() * size.pages(pool));
        add(out, "min_size", pool.pageSize() * least.pages(pool));
        return out.toString();
    }

    private static void add(StringBuilder out, String name, long value) {
        if (value >= 0) {
            out.append(',').append(name).append('=').append(value);
        }
    }
}

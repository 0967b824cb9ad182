package faultline.emulator.fs;

import faultline.emulator.fs.VirtualDirectory.Entry;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmSysctl;
import faultline.mmu.mm.ThpMode;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * /sys/kernel/mm/transparent_hugepage: when the guest's machine uses transparent huge pages, which the guest may
 * change.
 *
 * <p>A fault never waits for a huge page: what is written to defrag is told back, and of shared memory there are none.
 */
final class SysHugeModes {
    private static final String ALL = "/sys/kernel/mm/transparent_hugepage";
    private static final List<String> NAMES =
            List.of("defrag", "enabled", "hpage_pmd_size", "shmem_enabled", "use_zero_page");
    private static final List<String> MODES = List.of("always", "madvise", "never");
    private static final List<String> DEFRAG = List.of("always", "defer", "defer+madvise", "madvise", "never");
    private static final List<String> OF_SHARED_MEMORY =
            List.of("always", "within_size", "advise", "never", "deny", "force");
    /** What shared memory may be set to where it has no huge pages. */
    private static final Set<String> NONE = Set.of("never", "deny");

    private final MmSysctl sysctl;
    private volatile String defrag = "madvise";
    private volatile String sharedMemory = "never";

    SysHugeModes(MmSysctl sysctl) {
        this.sysctl = sysctl;
    }

    /** Looks up a normalised path; null when it is none of these. */
    VirtualNode lookup(String path) {
        if (!GuestPath.isUnder(path, ALL)) {
            return null;
        }
        if (path.equals(ALL)) {
            List<Entry> entries = NAMES.stream()
                    .map(name -> new Entry(name, VirtualDirectory.DT_REG))
                    .toList();
            return new VirtualFolder(path, path, () -> entries);
        }
        return switch (path.substring(ALL.length() + 1)) {
            case "enabled" -> new VirtualText(path, path, () -> choice(MODES, mode()), this::setMode);
            case "defrag" -> new VirtualText(path, path, () -> choice(DEFRAG, defrag), this::setDefrag);
            case "shmem_enabled" ->
                new VirtualText(path, path, () -> choice(OF_SHARED_MEMORY, sharedMemory), this::setSharedMemory);
            case "hpage_pmd_size" -> new VirtualText(path, path, () -> MmLayout.PMD_SIZE + "\n", null);
            case "use_zero_page" -> new VirtualText(path, path, () -> "1\n", null);
            default -> VirtualTree.ABSENT;
        };
    }

    private String mode() {
        return sysctl.thp.name().toLowerCase(Locale.ROOT);
    }

    /** All values, the one in force in brackets. */
    private static String choice(List<String> values, String chosen) {
        return String.join(" ", values)
                        .replaceAll("(^| )" + chosen.replace("+", "\\+") + "($| )", "$1[" + chosen + "]$2")
                + "\n";
    }

    @KernelFunction(value = "enabled_store", file = "mm/huge_memory.c")
    private long setMode(String written) {
        String wanted = written.strip();
        if (!MODES.contains(wanted)) {
            return -Errno.EINVAL;
        }
        sysctl.thp = ThpMode.valueOf(wanted.toUpperCase(Locale.ROOT));
        return 0;
    }

    @KernelFunction(value = "defrag_store", file = "mm/huge_memory.c")
    private long setDefrag(String written) {
        boolean known = DEFRAG.contains(written.strip());
        defrag = known ? written.strip() : defrag;
        return known ? 0 : -Errno.EINVAL;
    }

    @KernelFunction(value = "shmem_enabled_store", file = "mm/shmem.c")
    private long setSharedMemory(String written) {
        boolean known = NONE.contains(written.strip());
        sharedMemory = known ? written.strip() : sharedMemory;
        return known ? 0 : -Errno.EINVAL;
    }
}

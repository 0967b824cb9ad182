package faultline.mmu.mm;

/**
 * The machine's vm.* settings that memory calls obey. Set when the machine is built, or later by whoever plays
 * sysctl(8).
 */
public final class MmSysctl {
    /** vm.max_map_count: most mappings of one address space. */
    public volatile int maxMapCount = 65_530;
    /** vm.mmap_min_addr: lowest address an unprivileged program may map. */
    public volatile long mmapMinAddr = 65_536;
    /** Bytes kept free below a mapping that grows down (kernel parameter stack_guard_gap: 256 pages). */
    public volatile long stackGuardGap = 256 * MmLayout.PAGE_SIZE;
    /** Whether unhinted anonymous mappings of whole 2 MiB are placed on 2 MiB, as Linux does since 6.7. */
    public volatile boolean alignHuge = true;
    /** Which anonymous memory is mapped by huge pages. */
    public volatile ThpMode thp = ThpMode.MADVISE;
    /** vm.unprivileged_userfaultfd: whether anybody may have the kernel's own accesses wait for user space. */
    public volatile boolean unprivilegedUserfaultfd;
}

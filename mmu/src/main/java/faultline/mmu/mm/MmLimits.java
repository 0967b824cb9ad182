package faultline.mmu.mm;

/**
 * The resource limits and rights that memory calls ask for, as they are now: a live view of a process's rlimits.
 *
 * <p>Limits are bytes; {@link #INFINITY} (all ones, so compare unsigned) means none.
 */
public interface MmLimits {
    /** RLIM_INFINITY. */
    long INFINITY = -1L;

    /** RLIMIT_AS: size of the address space. */
    long as();

    /** RLIMIT_DATA: private writable memory. */
    long data();

    /** Hard limit of RLIMIT_DATA, which counts where the soft limit is 0. */
    long dataMax();

    /** RLIMIT_STACK: how far a stack may grow. */
    long stack();

    /** RLIMIT_MEMLOCK: locked memory. */
    long memlock();

    /** CAP_IPC_LOCK: RLIMIT_MEMLOCK does not bind. */
    boolean mayLockUnlimited();

    /** CAP_SYS_RAWIO: pages below vm.mmap_min_addr may be mapped. */
    boolean mayMapLow();

    /** RLIMIT_MEMLOCK is not 0, or does not bind (Linux: {@code can_do_mlock}). */
    default boolean canDoMlock() {
        return memlock() != 0 || mayLockUnlimited();
    }

    /** What a root shell on Linux has: no limits but 8 MiB of stack, and all rights. */
    MmLimits ROOT = new MmLimits() {
        @Override
        public long as() {
            return INFINITY;
        }

        @Override
        public long data() {
            return INFINITY;
        }

        @Override
        public long dataMax() {
            return INFINITY;
        }

        @Override
        public long stack() {
            return 8L << 20;
        }

        @Override
        public long memlock() {
            return 8L << 20;
        }

        @Override
        public boolean mayLockUnlimited() {
            return true;
        }

        @Override
        public boolean mayMapLow() {
            return true;
        }
    };
}

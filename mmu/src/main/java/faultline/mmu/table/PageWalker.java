package faultline.mmu.table;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;

/**
 * Walks the page tables as the processor does (Intel SDM volume 3, 5.5 "4-level paging"), with the control bits that
 * Linux sets: CR0.WP, EFER.NXE.
 *
 * <p>A right must be granted on each level: writable and user are the AND of all levels, no-execute the OR. Accessed is
 * set in each entry used, dirty in the leaf on a write. The processor does so with a locked compare-and-set: an entry
 * that changed since it was read makes the walk start over, so that no bit is ever set in an entry that the kernel side
 * has taken out or replaced. No lock is needed, only that no table goes away: whoever removes a table flushes this
 * walker's address space first.
 *
 * <p>Stateless, thread-safe, allocates nothing.
 */
public final class PageWalker {
    public static final int READ = 0;
    public static final int WRITE = 1;
    public static final int FETCH = 2;

    /** Error code bits of #PF (SDM volume 3, 4.7): the page was there, but the access is not allowed. */
    public static final int PF_PROT = 1;

    public static final int PF_WRITE = 1 << 1;
    public static final int PF_USER = 1 << 2;
    /** A bit that must be 0 is set in an entry. */
    public static final int PF_RSVD = 1 << 3;

    public static final int PF_INSTR = 1 << 4;

    /** In a result: the page may not be executed. Bit 62, so that bit 63 tells faults from hits. */
    public static final long NX = 1L << 62;

    /** An entry changed while we walked: no entry and no error code looks so. */
    private static final long RETRY = Long.MIN_VALUE;

    private static final long RIGHTS = Pte.RW | Pte.USER;
    /** Physical-address bits that no processor of this width (46) has. */
    private static final long RESERVED_ADDRESS = 0x000f_c000_0000_0000L;
    /** Bits between a huge page's PAT bit (12) and its frame. */
    private static final long RESERVED_PMD = Page.PMD_SIZE - 1 & ~0x1fffL;

    private static final long RESERVED_PUD = Page.PUD_SIZE - 1 & ~0x1fffL;

    private final PhysicalMemory memory;
    private final long limit;

    /** Walks the tables in {@code memory}. */
    public PageWalker(PhysicalMemory memory) {
        this.memory = memory;
        this.limit = memory.size();
    }

    /** Whether an address has its upper 17 bits alike: others raise #GP, not #PF, before any walk. */
    public static boolean isCanonical(long address) {
        return address << 16 >> 16 == address;
    }

    /**
     * Translates one access.
     *
     * @param pgd guest-physical address of the top table (CR3)
     * @param address what is accessed, any byte of the page
     * @param access {@link #READ}, {@link #WRITE} or {@link #FETCH}
     * @param user whether the access is made with CPL 3
     * @return when allowed, a number of 0 or more: the leaf entry with the physical address of the 4 KiB page (also
     *     inside of a huge page), rights as all levels together grant them, {@link #NX} in place of bit 63, accessed
     *     set, dirty set after a write. After a read or fetch of a page that is not dirty RW is left out, so that a TLB
     *     filled from it comes back with the first write. When not allowed, a negative number: {@code ~errorCode}
     */
    public long walk(long pgd, long address, int access, boolean user) {
        while (true) {
            long result = walkOnce(pgd, address, access, user);
            if (result != RETRY) {
                return result;
            }
        }
    }

    /** The error code in a result that is a fault. */
    public static int errorCode(long result) {
        return (int) ~result;
    }

    /** Whether the page that a successful walk found may be executed. */
    public static boolean isExec(long result) {
        return (result & NX) == 0;
    }

    private long walkOnce(long pgd, long address, int access, boolean user) {
        long pgdEntryAt = pgd + (address >>> Page.PGD_SHIFT - 3 & 0xff8);
        long pgdEntry = memory.getLongAcquire(pgdEntryAt);
        if ((pgdEntry & Pte.PRESENT) == 0) {
            return notPresent(access, user);
        }
        long pudTable = pgdEntry & Pte.PFN_MASK;
        if ((pgdEntry & (Pte.PSE | RESERVED_ADDRESS)) != 0 || pudTable >= limit) {
            return reserved(access, user);
        }

        long pudEntryAt = pudTable + (address >>> Page.PUD_SHIFT - 3 & 0xff8);
        long pudEntry = memory.getLongAcquire(pudEntryAt);
        if ((pudEntry & Pte.PRESENT) == 0) {
            return notPresent(access, user);
        }
        long rights = pgdEntry & pudEntry & RIGHTS;
        long nx = pgdEntry | pudEntry;
        long pmdTable = pudEntry & Pte.PFN_MASK;
        if ((pudEntry & (Pte.PSE | RESERVED_ADDRESS)) != 0 || pmdTable >= limit) {
            if ((pudEntry & (RESERVED_ADDRESS | RESERVED_PUD)) != 0 || (pudEntry & Pte.PSE) == 0) {
                return reserved(access, user);
            }
            long leaf = leaf(pudEntryAt, pudEntry, rights, nx, access, user);
            return leaf < 0 || touch(pgdEntryAt, pgdEntry) ? within(leaf, address, Page.PUD_SIZE) : RETRY;
        }

        long pmdEntryAt = pmdTable + (address >>> Page.PMD_SHIFT - 3 & 0xff8);
        long pmdEntry = memory.getLongAcquire(pmdEntryAt);
        if ((pmdEntry & Pte.PRESENT) == 0) {
            return notPresent(access, user);
        }
        rights &= pmdEntry;
        nx |= pmdEntry;
        long pteTable = pmdEntry & Pte.PFN_MASK;
        if ((pmdEntry & (Pte.PSE | RESERVED_ADDRESS)) != 0 || pteTable >= limit) {
            if ((pmdEntry & (RESERVED_ADDRESS | RESERVED_PMD)) != 0 || (pmdEntry & Pte.PSE) == 0) {
                return reserved(access, user);
            }
            long leaf = leaf(pmdEntryAt, pmdEntry, rights, nx, access, user);
            return leaf < 0 || touch(pgdEntryAt, pgdEntry) && touch(pudEntryAt, pudEntry)
                    ? within(leaf, address, Page.PMD_SIZE)
                    : RETRY;
        }

        long pteAt = pteTable + (address >>> Page.SHIFT - 3 & 0xff8);
        long pte = memory.getLongAcquire(pteAt);
        if ((pte & Pte.PRESENT) == 0) {
            return notPresent(access, user);
        }
        if ((pte & RESERVED_ADDRESS) != 0) {
            return reserved(access, user);
        }
        long leaf = leaf(pteAt, pte, rights & pte, nx | pte, access, user);
        if (leaf < 0 || (pgdEntry & pudEntry & pmdEntry & Pte.ACCESSED) != 0) {
            return leaf;
        }
        return touch(pgdEntryAt, pgdEntry) && touch(pudEntryAt, pudEntry) && touch(pmdEntryAt, pmdEntry) ? leaf : RETRY;
    }

    /**
     * Checks rights, and sets accessed and dirty in the leaf.
     *
     * @return as {@link #walk}, with the frame as the entry has it; or RETRY
     */
    private long leaf(long entryAt, long entry, long rights, long nx, int access, boolean user) {
        if (user && (rights & Pte.USER) == 0
                || access == WRITE && (rights & Pte.RW) == 0
                || access == FETCH && nx < 0) {
            return ~(long) (PF_PROT | code(access, user));
        }
        long wanted = access == WRITE ? Pte.ACCESSED | Pte.DIRTY : Pte.ACCESSED;
        long now = entry;
        if ((entry & wanted) != wanted) {
            now = entry | wanted;
            if (access == WRITE && (entry & Pte.DIRTY) == 0) {
                now |= Pte.SOFT_DIRTY;
            }
            if (!memory.casLong(entryAt, entry, now)) {
                return RETRY;
            }
        }
        long granted = (now & Pte.DIRTY) == 0 ? rights & ~Pte.RW : rights;
        return now & ~(RIGHTS | Pte.NX | NX) | granted | (nx < 0 ? NX : 0);
    }

    /** The entry of the 4 KiB page that holds an address, from that of the huge page around it. Faults pass through. */
    private static long within(long leaf, long address, long size) {
        if (leaf < 0) {
            return leaf;
        }
        // Bit 12 is the PAT bit of a huge entry, not an address bit.
        return leaf & ~(size - 1 & Page.MASK) | address & size - 1 & Page.MASK;
    }

    /** Sets accessed in an entry that points to a table. @return false when the entry has changed */
    private boolean touch(long entryAt, long entry) {
        return (entry & Pte.ACCESSED) != 0 || memory.casLong(entryAt, entry, entry | Pte.ACCESSED);
    }

    private static int code(int access, boolean user) {
        return (access == WRITE ? PF_WRITE : access == FETCH ? PF_INSTR : 0) | (user ? PF_USER : 0);
    }

    private static long notPresent(int access, boolean user) {
        return ~(long) code(access, user);
    }

    private static long reserved(int access, boolean user) {
        return ~(long) (PF_RSVD | PF_PROT | code(access, user));
    }
}

package faultline.mmu.table;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** The walker agrees with a model that reads the manual word by word, over random tables of random entries. */
class PageWalkerProperties {
    private static final PhysicalMemory MEMORY = PhysicalMemory.reserve(4 << 20);
    private static final long PGD = 0x1000;
    private static final int TABLES = 6;

    /**
     * Tables stand at 0x1000, 0x2000, …; only the first four entries of each are used, and point to one another as
     * chance wants, loops included.
     */
    @Property(tries = 3000, seed = "20260108")
    void walksAsTheManualSays(
            @ForAll @Size(TABLES * 4) List<@IntRange Integer> bits,
            @ForAll @IntRange(max = 255) int path,
            @ForAll @IntRange(max = 2) int access,
            @ForAll boolean user) {
        long[] before = new long[TABLES * 4];
        for (int i = 0; i < before.length; i++) {
            before[i] = entry(bits.get(i));
            MEMORY.putLong(at(i / 4, i % 4), before[i]);
        }
        long address = 0;
        for (int level = 3; level >= 0; level--) {
            address |= (long) (path >> 2 * level & 3) << 12 + 9 * level;
        }
        address |= 0x123;

        long result = new PageWalker(MEMORY).walk(PGD, address, access, user);

        Model model = new Model(address, access, user);
        model.walk();
        if (model.fault >= 0) {
            assertThat(result).isNegative();
            assertThat(PageWalker.errorCode(result)).isEqualTo(model.fault);
        } else {
            assertThat(result).isNotNegative();
            assertThat(Pte.address(result)).isEqualTo(model.page);
            assertThat(Pte.isUser(result)).isEqualTo(model.userMay);
            assertThat(PageWalker.isExec(result)).isEqualTo(!model.noExecute);
            assertThat(Pte.isWrite(result)).isEqualTo(model.writable && model.dirty);
        }
        for (int i = 0; i < before.length; i++) {
            long now = MEMORY.getLong(at(i / 4, i % 4));
            assertThat(now & ~(Pte.ACCESSED | Pte.DIRTY | Pte.SOFT_DIRTY))
                    .isEqualTo(before[i] & ~(Pte.ACCESSED | Pte.DIRTY | Pte.SOFT_DIRTY));
            boolean used = model.fault < 0 && model.used.contains(at(i / 4, i % 4));
            assertThat(Pte.isYoung(now)).isEqualTo(used || Pte.isYoung(before[i]));
            boolean dirtied = model.fault < 0 && access == PageWalker.WRITE && model.leafAt == at(i / 4, i % 4);
            assertThat(Pte.isDirty(now)).isEqualTo(dirtied || Pte.isDirty(before[i]));
        }
    }

    private static long at(int table, int index) {
        return PGD + table * Page.SIZE + 8L * index;
    }

    /** Mostly present, mostly a table, with all rights; each of the other cases now and then. */
    private static long entry(int random) {
        long bits = random & 0xffff_ffffL;
        long entry = Pte.of(1 + Integer.remainderUnsigned(random, TABLES), 0);
        entry |= (bits >> 4 & 15) != 0 ? Pte.PRESENT : 0;
        entry |= (bits >> 8 & 7) != 0 ? Pte.RW : 0;
        entry |= (bits >> 11 & 7) != 0 ? Pte.USER : 0;
        entry |= (bits >> 14 & 7) == 0 ? Pte.NX : 0;
        entry |= (bits >> 17 & 1) != 0 ? Pte.ACCESSED : 0;
        entry |= (bits >> 18 & 1) != 0 ? Pte.DIRTY : 0;
        if ((bits >> 19 & 7) == 0) {
            entry = entry & ~Pte.PFN_MASK
                    | Pte.PSE
                    | (bits >> 22 & 3) << 21
                    | (bits >> 24 & 1) << 30
                    | (bits >> 25 & 1) << 12;
        }
        entry |= (bits >> 26 & 15) == 0 ? 1L << 47 : 0;
        return entry;
    }

    private static final class Model {
        final long address;
        final int access;
        final boolean user;
        final List<Long> used = new ArrayList<>();
        boolean writable = true;
        boolean userMay = true;
        boolean noExecute;
        boolean dirty;
        long page;
        long leafAt;
        int fault = -1;

        Model(long address, int access, boolean user) {
            this.address = address;
            this.access = access;
            this.user = user;
        }

        void walk() {
            long table = PGD;
            for (int level = 4; level >= 1; level--) {
                int shift = 12 + 9 * (level - 1);
                long entryAt = table + 8 * (address >>> shift & 511);
                long entry = MEMORY.getLong(entryAt);
                int reason = (access == 1 ? 2 : 0) | (user ? 4 : 0) | (access == 2 ? 16 : 0);
                if ((entry & 1) == 0) {
                    fault = reason;
                    return;
                }
                boolean large = (entry & 1 << 7) != 0 && level > 1;
                boolean leaf = large || level == 1;
                // Bits 51 to 46 always, page size in the top level, and the low address bits of a large page but its
                // PAT bit.
                boolean reserved = (entry >>> 46 & 63) != 0
                        || large && level == 4
                        || large && (entry & (1L << shift) - 1 & 0x000f_ffff_ffff_e000L) != 0;
                if (reserved) {
                    fault = reason | 8 | 1;
                    return;
                }
                writable &= (entry & 2) != 0;
                userMay &= (entry & 4) != 0;
                noExecute |= entry < 0;
                used.add(entryAt);
                if (leaf) {
                    leafAt = entryAt;
                    dirty = (entry & 1 << 6) != 0 || access == 1;
                    long frame = entry & 0x000f_ffff_ffff_f000L & -(1L << shift);
                    page = frame | address & (1L << shift) - 1 & -4096L;
                    boolean denied = user && !userMay || access == 1 && !writable || access == 2 && noExecute;
                    fault = denied ? reason | 1 : -1;
                    return;
                }
                table = entry & 0x000f_ffff_ffff_f000L;
            }
        }
    }
}

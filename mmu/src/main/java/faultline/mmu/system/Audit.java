package faultline.mmu.system;

import faultline.mmu.file.AddressSpace;
import faultline.mmu.ksm.StableNode;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.VmFlags;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PageFlags;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.rmap.AnonVma;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * One check of a machine at rest.
 *
 * <p>From every page-table root down, counts what the tables hold, and compares with what everybody else believes: the
 * mappings, the resident counters, the frame table, the reverse maps, the page cache, the free lists. A frame that is
 * allocated and that nobody can account for is a leak.
 */
final class Audit {
    private static final int LIMIT = 50;

    private final MemorySystem system;
    private final PhysicalMemory phys;
    private final FrameTable frames;
    private final List<String> found = new ArrayList<>();
    /** Entries seen that map a frame. */
    private final int[] mapped;
    /** Entries seen that stand for a swap slot, by area and slot; null where there is no area. */
    private final int[][] swapped = new int[Pte.MAX_SWAP_TYPES][];

    /** Frames that are page tables reachable from some root. */
    private final BitSet tables = new BitSet();

    /** Frames on one of reclaim's lists, or in a batch. */
    private BitSet listed;

    private long accounted;

    Audit(MemorySystem system) {
        this.system = system;
        this.phys = system.phys();
        this.frames = phys.frames();
        this.mapped = new int[(int) phys.frameCount()];
        system.swap().areas().all().forEach(area -> swapped[area.type()] = new int[area.size() + 1]);
    }

    List<String> run() {
        for (MmStruct mm : system.mms()) {
            checkMm(mm);
        }
        listed = phys.allocator().auditLru(this::report);
        checkFrames();
        system.swap().audit(swapped, this::report);
        new HugetlbAudit(system, this::report).run();
        system.cache().memCgroups().audit(this::report);
        String lists = phys.allocator().audit();
        if (lists != null) {
            report(lists);
        }
        return found;
    }

    private void report(String what) {
        if (found.size() < LIMIT) {
            found.add(what);
        }
    }

    private void expect(boolean holds, MmStruct mm, String what) {
        if (!holds) {
            report(mm + ": " + what);
        }
    }

    private void expectEqual(long actual, long expected, MmStruct mm, String what) {
        expect(actual == expected, mm, what + " is " + actual + ", should be " + expected);
    }

    // ---- one address space ----

    private void checkMm(MmStruct mm) {
        expect(!mm.mmapLock().isLocked(), mm, "mmap lock is held");
        expect(!mm.pageTableLock().isLocked(), mm, "page-table lock is held");
        String tree = mm.vmas().check();
        expect(tree == null, mm, tree);
        checkVmas(mm);
        new TableCheck(mm).run();
    }

    private void checkVmas(MmStruct mm) {
        long total = 0;
        long data = 0;
        long exec = 0;
        long stack = 0;
        long locked = 0;
        for (Vma v = mm.vmas().first(); v != null; v = v.next()) {
            long pages = v.pages();
            total += pages;
            exec += VmFlags.isExec(v.flags()) ? pages : 0;
            stack += !VmFlags.isExec(v.flags()) && VmFlags.isStack(v.flags()) ? pages : 0;
            data += VmFlags.isData(v.flags()) ? pages : 0;
            locked += v.has(VmFlags.LOCKED) ? pages : 0;
            accounted += v.has(VmFlags.ACCOUNT) ? pages : 0;
            expect(v.mm() == mm, mm, v + " belongs to another address space");
            boolean inFile = v.file() != null && v.file().mapping() != null;
            expect(v.sharedNode().isLinked() == inFile, mm, v + " is wrongly linked to its file");
            expect(v.anonNode().isLinked() == (v.anonVma() != null), mm, v + " is wrongly linked to its family");
            checkNode(mm, v);
        }
        expectEqual(mm.totalVm(), total, mm, "total_vm");
        expectEqual(mm.dataVm(), data, mm, "data_vm");
        expectEqual(mm.execVm(), exec, mm, "exec_vm");
        expectEqual(mm.stackVm(), stack, mm, "stack_vm");
        expectEqual(mm.lockedVm(), locked, mm, "locked_vm");
    }

    private void checkNode(MmStruct mm, Vma v) {
        long last = v.pgoff() + v.pages() - 1;
        if (v.sharedNode().isLinked()) {
            expect(
                    v.sharedNode().first() == v.pgoff() && v.sharedNode().last() == last,
                    mm,
                    v + " stands wrong in its file's tree");
            expect(v.sharedNode().isNonlinear() == v.isNonlinear(), mm, v + " is among the wrong mappings of its file");
        }
        if (v.anonNode().isLinked()) {
            expect(
                    v.anonNode().first() == v.pgoff() && v.anonNode().last() == last,
                    mm,
                    v + " stands wrong in its family's tree");
        }
    }

    /** The user half of one address space's tables. */
    private final class TableCheck {
        private final MmStruct mm;
        private int ptes;
        private int pmds;
        private int puds;
        private final long[] rss = new long[5];

        TableCheck(MmStruct mm) {
            this.mm = mm;
        }

        void run() {
            useTable(Pte.of(mm.pgd() >>> 12, 0), "PGD");
            for (int i = 0; i < PageTables.ENTRIES / 2; i++) {
                long entry = phys.getLong(mm.pgd() + 8L * i);
                if (!Pte.isNone(entry)) {
                    puds++;
                    level(entry, (long) i << 39, 30);
                }
            }
            expectEqual(mm.nrPuds(), puds, mm, "number of PUD tables");
            expectEqual(mm.nrPmds(), pmds, mm, "number of PMD tables");
            expectEqual(mm.nrPtes(), ptes, mm, "number of PTE tables");
            for (int kind = 0; kind < rss.length; kind++) {
                expectEqual(mm.rssSum(kind), rss[kind], mm, "resident counter " + kind);
            }
        }

        private void useTable(long entry, String what) {
            long pfn = Pte.pfn(entry);
            expect(frames.test(pfn, PageFlags.TABLE), mm, what + " is no page table: " + frames.describe(pfn));
            expect(!tables.get((int) pfn), mm, what + " in frame " + pfn + " is used twice");
            tables.set((int) pfn);
        }

        /** A PUD table (shift 30), PMD table (21) or PTE table (12). */
        private void level(long tableEntry, long base, int shift) {
            useTable(tableEntry, "table at " + Long.toHexString(base));
            int huge = 0;
            for (int i = 0; i < PageTables.ENTRIES; i++) {
                long entry = phys.getLong(Pte.address(tableEntry) + 8L * i);
                long address = base + ((long) i << shift);
                if (Pte.isNone(entry)) {
                    continue;
                }
                if (shift == 12) {
                    leaf(entry, address);
                } else if (Pte.isHuge(entry)) {
                    hugeLeaf(entry, address, 1L << shift);
                    huge += system.tables().huge().hasDeposit(entry) ? 1 : 0;
                } else {
                    if (shift == 30) {
                        pmds++;
                    } else {
                        ptes++;
                    }
                    level(entry, address, shift - 9);
                }
            }
            if (shift == 21) {
                deposits(Pte.pfn(tableEntry), huge, base);
            }
        }

        private void hugeLeaf(long entry, long address, long size) {
            Vma v = mm.vmas().lookup(address);
            String at = Long.toHexString(address) + " huge " + Pte.toString(entry);
            if (v == null || v.end() < address + size) {
                report(mm + ": huge page reaches out of its mapping at " + at + " " + v);
                return;
            }
            checkRights(v, entry, at);
            long pfn = Pte.pfn(entry);
            expect(
                    system.tables().huge().sizeOf(entry) == size,
                    mm,
                    "no huge page at " + at + ": " + frames.describe(pfn));
            if (frames.test(pfn, PageFlags.RESERVED)) {
                return;
            }
            mapped[(int) pfn]++;
            boolean pooled = v.has(VmFlags.HUGETLB);
            expect(pooled == frames.test(pfn, PageFlags.HUGETLB), mm, "huge page of the wrong kind at " + at + " " + v);
            rss[pooled ? MmStruct.HUGETLBPAGES : MmStruct.ANONPAGES] += size >>> Page.SHIFT;
            boolean ofFile = pooled && !frames.test(pfn, PageFlags.ANON);
            Object owner = ofFile ? v.file().mapping() : v.anonVma();
            expect(frames.mapping(pfn) == owner, mm, "reverse map does not lead to " + at + " " + v);
            expect(
                    frames.index(pfn) == v.pageIndex(address),
                    mm,
                    "huge page " + frames.index(pfn) + " stands at " + at + " " + v);
        }

        /** As many tables are laid by as the entries of this PMD table are huge; they count as tables of PTEs. */
        private void deposits(long pmdTable, int huge, long base) {
            int deposited = 0;
            for (long table = frames.index(pmdTable); table != 0; table = frames.index(table)) {
                useTable(Pte.of(table, 0), "table laid by at " + Long.toHexString(base));
                deposited++;
            }
            ptes += deposited;
            expectEqual(deposited, huge, mm, "number of tables laid by at " + Long.toHexString(base));
        }

        private void leaf(long entry, long address) {
            Vma v = mm.vmas().lookup(address);
            String at = Long.toHexString(address) + " " + Pte.toString(entry);
            if (v == null) {
                report(mm + ": entry without mapping at " + at);
                return;
            }
            if (!Pte.isPresent(entry)) {
                if (Pte.isSwap(entry)) {
                    rss[MmStruct.SWAPENTS]++;
                    swapSlot(entry, at);
                }
                expect(
                        !Pte.isFile(entry) || v.isNonlinear(),
                        mm,
                        "entry names a page of a linear mapping at " + at + " " + v);
                return;
            }
            checkRights(v, entry, at);
            long pfn = Pte.pfn(entry);
            if (Pte.isSpecial(entry) || !frames.isValid(pfn) || frames.test(pfn, PageFlags.RESERVED)) {
                return;
            }
            mapped[(int) pfn]++;
            Object mapping = frames.mapping(pfn);
            boolean anon = frames.test(pfn, PageFlags.ANON);
            boolean shmem = mapping instanceof AddressSpace space && space.isTmpfs();
            rss[anon ? MmStruct.ANONPAGES : shmem ? MmStruct.SHMEMPAGES : MmStruct.FILEPAGES]++;
            if (anon) {
                boolean shared = mapping instanceof StableNode node && node.frame() == pfn;
                expect(
                        frames.test(pfn, PageFlags.KSM)
                                ? shared && v.anonVma() != null
                                : mapping instanceof AnonVma && mapping == v.anonVma(),
                        mm,
                        "reverse map does not lead to " + at + " " + v);
            } else {
                expect(
                        v.file() != null && v.file().mapping() == mapping,
                        mm,
                        "page of another file at " + at + " " + v);
            }
            if (anon ? !frames.test(pfn, PageFlags.KSM) : !v.isNonlinear()) {
                expect(
                        frames.index(pfn) == v.pageIndex(address),
                        mm,
                        "page " + frames.index(pfn) + " stands at " + at + " " + v);
            }
        }

        private void swapSlot(long entry, String at) {
            int[] slots = swapped[Pte.swapType(entry)];
            long slot = Pte.swapOffset(entry);
            if (slots == null || slot < 1 || slot >= slots.length) {
                report(mm + ": entry for a swap slot that there is not, at " + at);
            } else {
                slots[(int) slot]++;
            }
        }

        private void checkRights(Vma v, long entry, String at) {
            boolean write = Pte.isHardwarePresent(entry) && Pte.isWrite(entry);
            expect(!write || v.has(VmFlags.WRITE), mm, "writable entry at " + at + " in " + v);
            expect(!Pte.isHardwarePresent(entry) || v.isAccessible(), mm, "accessible entry at " + at + " in " + v);
            expect(
                    !Pte.isHardwarePresent(entry) || !Pte.isExec(entry) || v.has(VmFlags.EXEC),
                    mm,
                    "executable entry at " + at + " in " + v);
            long pfn = Pte.pfn(entry);
            if (write && !v.has(VmFlags.SHARED) && frames.isValid(pfn)) {
                boolean own = frames.test(pfn, PageFlags.ANON)
                        && frames.test(pfn, PageFlags.ANON_EXCLUSIVE)
                        && frames.mapcount(frames.head(pfn)) == 1;
                expect(own, mm, "writable entry to a page that is not its own: " + at + " " + frames.describe(pfn));
            }
        }
    }

    // ---- all frames ----

    private void checkFrames() {
        for (int pfn = 0; pfn < mapped.length; pfn++) {
            int references = frames.refcount(pfn);
            int maps = frames.mapcount(pfn);
            if (maps != mapped[pfn]) {
                report(frames.describe(pfn) + " is mapped by " + mapped[pfn] + " entries");
            }
            if (references != 0 && !frames.test(pfn, PageFlags.RESERVED | PageFlags.KERNEL | PageFlags.TAIL)) {
                checkUsed(pfn, references, maps);
            } else if (references == 0 && maps != 0 && !frames.test(pfn, PageFlags.TAIL)) {
                report(frames.describe(pfn) + " is free and mapped");
            }
            checkReclaimState(pfn, references);
        }
    }

    /** A page that reclaim may have to look at is on one of its lists, and no other frame is, nor bears its marks. */
    private void checkReclaimState(int pfn, int references) {
        boolean user =
                frames.test(pfn, PageFlags.ANON | PageFlags.SWAPCACHE) || frames.mapping(pfn) instanceof AddressSpace;
        int notOnLists = PageFlags.RESERVED | PageFlags.KERNEL | PageFlags.TAIL | PageFlags.HUGETLB | PageFlags.KSM;
        boolean belongs = references != 0 && user && !frames.test(pfn, notOnLists);
        if (belongs != frames.test(pfn, PageFlags.LRU) || belongs != listed.get(pfn)) {
            report(frames.describe(pfn) + (listed.get(pfn) ? " is on a list of reclaim" : " is on no list of reclaim"));
        }
        if (frames.test(pfn, PageFlags.KSM)) {
            return; // may be marked, on no list
        }
        boolean marked = frames.test(pfn, PageFlags.UNEVICTABLE | PageFlags.MLOCKED | PageFlags.RECLAIM);
        if (marked && !belongs || frames.test(pfn, PageFlags.UNEVICTABLE) != frames.test(pfn, PageFlags.MLOCKED)) {
            report(frames.describe(pfn) + " is wrongly marked by reclaim");
        }
        if (references == 0 && frames.mapping(pfn) != null && !frames.test(pfn, PageFlags.TAIL)) {
            report(frames.describe(pfn) + " is free and belongs to something");
        }
    }

    private void checkUsed(int pfn, int references, int maps) {
        if (frames.test(pfn, PageFlags.TABLE)) {
            if (!tables.get(pfn) && frames.privateData(pfn) != 4) {
                report(frames.describe(pfn) + " is a page table that nothing points to");
            }
            return;
        }
        if (frames.test(pfn, PageFlags.LOCKED)) {
            report(frames.describe(pfn) + " is locked");
        }
        int expected = maps;
        for (int tail = pfn + 1; tail < pfn + (1 << frames.order(pfn)); tail++) {
            expected += frames.mapcount(tail);
        }
        if (frames.test(pfn, PageFlags.SWAPCACHE)) {
            expected++;
        } else if (frames.mapping(pfn) instanceof AddressSpace space) {
            expected++;
            long cached = space.findPage(frames.index(pfn));
            if (cached >= 0) {
                phys.allocator().putPage(cached);
            }
            if (cached != pfn) {
                report(frames.describe(pfn) + " is not in its file's cache");
            }
        }
        if (references != expected) {
            report(frames.describe(pfn) + " has " + references + " references, accounted for " + expected);
        }
    }
}

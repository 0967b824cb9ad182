package faultline.mmu.system;

import faultline.mmu.hugetlb.HugetlbInode;
import faultline.mmu.hugetlb.HugetlbMapping;
import faultline.mmu.hugetlb.HugetlbPool;
import faultline.mmu.hugetlb.HugetlbSubpool;
import faultline.mmu.hugetlb.ReserveMap;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Checks the pools of huge pages of a machine at rest: every page is free or used, all of a pool together are its
 * total, and what files and mappings believe to be reserved is what the pool has promised.
 */
final class HugetlbAudit {
    private final MemorySystem system;
    private HugetlbPool pool;
    private final Consumer<String> report;

    HugetlbAudit(MemorySystem system, Consumer<String> report) {
        this.system = system;
        this.report = report;
    }

    void run() {
        for (HugetlbPool each : system.hugetlb().all()) {
            pool = each;
            run(each);
        }
    }

    private void run(HugetlbPool pool) {
        pages();
        promises();
        for (HugetlbInode inode : pool.inodes()) {
            if (inode.lock().isLocked()) {
                report.accept("a file of huge pages is locked");
            }
        }
    }

    private void pages() {
        FrameTable frames = system.phys().frames();
        Set<Long> free = new HashSet<>();
        for (long head : pool.freeHeads()) {
            free.add(head);
        }
        long total = 0;
        for (long pfn = 0; pfn < frames.count(); pfn += pool.frames()) {
            if (!frames.test(pfn, PageFlags.HUGETLB) || frames.order(pfn) != pool.order()) {
                continue;
            }
            total++;
            if (frames.refcount(pfn) == 0 != free.remove(pfn)) {
                report.accept(frames.describe(pfn) + " is free or used, and the pool does not know");
            }
        }
        if (!free.isEmpty()) {
            report.accept("free in the pool of huge pages and none of it: " + free);
        }
        expectEqual(pool.total(), total, "huge pages in all");
    }

    private void promises() {
        Set<ReserveMap> maps = Collections.newSetFromMap(new IdentityHashMap<>());
        for (HugetlbInode inode : pool.inodes()) {
            maps.add(inode.reserves());
        }
        for (MmStruct mm : system.mms()) {
            for (Vma v = mm.vmas().first(); v != null; v = v.next()) {
                if (HugetlbMapping.isOwner(v) && HugetlbInode.of(v).pool() == pool) {
                    maps.add(HugetlbMapping.privatePromises(v));
                }
            }
        }
        long ofMappings = maps.stream().mapToLong(ReserveMap::count).sum();
        long ofMounts = pool.subpools().stream().mapToLong(HugetlbSubpool::kept).sum();
        expectEqual(pool.reserved(), ofMappings + ofMounts, "huge pages reserved");
        if (pool.reserved() < 0 || pool.reserved() > pool.free()) {
            report.accept(pool.reserved() + " huge pages are reserved, " + pool.free() + " are free");
        }
        if (pool.surplus() < 0 || pool.surplus() > pool.total()) {
            report.accept(pool.surplus() + " of " + pool.total() + " huge pages are surplus");
        }
    }

    private void expectEqual(long counted, long found, String what) {
        if (counted != found) {
            report.accept(what + ": the pool counts " + counted + ", there are " + found);
        }
    }
}

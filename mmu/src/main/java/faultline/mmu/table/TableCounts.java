package faultline.mmu.table;

import java.util.concurrent.atomic.AtomicInteger;

/** How many page tables an address space has, by level; counted concurrently. */
public final class TableCounts {
    final AtomicInteger ptes = new AtomicInteger();
    final AtomicInteger pmds = new AtomicInteger();
    final AtomicInteger puds = new AtomicInteger();
}

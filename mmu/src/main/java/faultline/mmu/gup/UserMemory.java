package faultline.mmu.gup;

import faultline.mmu.Errno;
import faultline.mmu.annotation.Injectable;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultHandler;
import faultline.mmu.file.PageCache;
import faultline.mmu.mm.MmLayout;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.phys.Page;
import faultline.mmu.phys.PhysicalMemory;
import faultline.mmu.table.PageTables;
import faultline.mmu.table.Pte;
import java.lang.foreign.MemorySegment;

/**
 * The kernel's access to a program's memory (uaccess): through the page tables, with the mapping's rights, faulting in
 * what is absent and counting that as the task's faults.
 *
 * <p>Each page is copied with its page-table lock held. That stands for what the hardware gives the kernel: a processor
 * acknowledges a TLB shootdown only between two instructions, so nobody can free or replace a page in the middle of an
 * access to it. The mmap lock is held for reading meanwhile, so that the table itself stays. Neither is held while a
 * fault is handled.
 *
 * <p>No method may be called with the address space's mmap lock held. Nothing is allocated.
 */
public final class UserMemory {
    private final FaultHandler faults;
    private final PageTables tables;
    private final PhysicalMemory phys;
    private final PageCache cache;

    /** Access to user memory by way of {@code faults}. */
    public UserMemory(FaultHandler faults) {
        this.faults = faults;
        this.tables = faults.env().tables();
        this.cache = faults.env().cache();
        this.phys = cache.phys();
    }

    /** Whether {@code len} bytes at {@code uaddr} lie in the user's half. */
    @KernelFunction("access_ok")
    public static boolean accessOk(long uaddr, long len) {
        return uaddr >= 0 && len >= 0 && uaddr <= MmLayout.TASK_SIZE - len;
    }

    /**
     * Copies {@code len} bytes of {@code src} from {@code off} on to the program's memory.
     *
     * @return bytes NOT copied: 0, or more where a page is absent and cannot be faulted in or not written
     */
    @KernelFunction("copy_to_user")
    @Injectable(value = "mm/usercopy/to", error = 1)
    public long copyToUser(MmStruct mm, FaultContext ctx, long uaddr, MemorySegment src, long off, long len) {
        return copyOut(mm, ctx, uaddr, src, null, off, len);
    }

    /**
     * Copies {@code len} bytes of the program's memory into {@code dst} from {@code off} on.
     *
     * @return bytes NOT copied
     */
    @KernelFunction("copy_from_user")
    @Injectable(value = "mm/usercopy/from", error = 1)
    public long copyFromUser(MmStruct mm, FaultContext ctx, long uaddr, MemorySegment dst, long off, long len) {
        return copyIn(mm, ctx, uaddr, dst, null, off, len);
    }

    /** As {@link #copyToUser(MmStruct, FaultContext, long, MemorySegment, long, long)} from an array. */
    public long copyToUser(MmStruct mm, FaultContext ctx, long uaddr, byte[] src, int off, int len) {
        return copyOut(mm, ctx, uaddr, null, src, off, len);
    }

    /** As {@link #copyFromUser(MmStruct, FaultContext, long, MemorySegment, long, long)} into an array. */
    public long copyFromUser(MmStruct mm, FaultContext ctx, long uaddr, byte[] dst, int off, int len) {
        return copyIn(mm, ctx, uaddr, null, dst, off, len);
    }

    /** Writes {@code len} zero bytes; returns bytes NOT written. */
    @KernelFunction("clear_user")
    @Injectable(value = "mm/usercopy/clear", error = 1)
    public long clearUser(MmStruct mm, FaultContext ctx, long uaddr, long len) {
        return copyOut(mm, ctx, uaddr, null, null, 0, len);
    }

    /** To the program from whichever of the two is not null, or zeros; bytes NOT copied. */
    private long copyOut(
            MmStruct mm, FaultContext ctx, long uaddr, MemorySegment segment, byte[] array, long off, long len) {
        if (!accessOk(uaddr, len)) {
            return len;
        }
        long done = 0;
        while (done < len) {
            long pa = pin(mm, ctx, uaddr + done, true);
            if (pa < 0) {
                break;
            }
            long n = Math.min(len - done, Page.SIZE - Page.offset(pa));
            if (segment != null) {
                phys.write(pa, segment, off + done, n);
            } else if (array != null) {
                phys.write(pa, array, (int) (off + done), (int) n);
            } else {
                phys.zero(pa, n);
            }
            cache.instructionCache().flushFrame(Page.pfn(pa));
            unpin(mm, ctx);
            done += n;
        }
        return len - done;
    }

    /** From the program into whichever of the two is not null; bytes NOT copied. */
    private long copyIn(
            MmStruct mm, FaultContext ctx, long uaddr, MemorySegment segment, byte[] array, long off, long len) {
        if (!accessOk(uaddr, len)) {
            return len;
        }
        long done = 0;
        while (done < len) {
            long pa = pin(mm, ctx, uaddr + done, false);
            if (pa < 0) {
                break;
            }
            long n = Math.min(len - done, Page.SIZE - Page.offset(pa));
            if (segment != null) {
                phys.read(pa, segment, off + done, n);
            } else {
                phys.read(pa, array, (int) (off + done), (int) n);
            }
            unpin(mm, ctx);
            done += n;
        }
        return len - done;
    }

    /**
     * Copies a string up to and without its NUL.
     *
     * @param max most bytes to look at
     * @return length of the string; {@code max} when there is no NUL among {@code max} bytes; -EFAULT
     */
    @KernelFunction("strncpy_from_user")
    @Injectable(value = "mm/usercopy/string", error = -Errno.EFAULT)
    public int strncpyFromUser(MmStruct mm, FaultContext ctx, long uaddr, byte[] dst, int off, int max) {
        int done = 0;
        while (done < max) {
            long pa = accessOk(uaddr + done, 1) ? pin(mm, ctx, uaddr + done, false) : -1;
            if (pa < 0) {
                return -Errno.EFAULT;
            }
            int n = (int) Math.min(max - done, Page.SIZE - Page.offset(pa));
            int length = copyString(pa, dst, off + done, n);
            unpin(mm, ctx);
            done += length;
            if (length < n) {
                return done;
            }
        }
        return max;
    }

    private int copyString(long pa, byte[] dst, int off, int n) {
        for (int i = 0; i < n; i++) {
            byte b = phys.getByte(pa + i);
            if (b == 0) {
                return i;
            }
            dst[off + i] = b;
        }
        return n;
    }

    /**
     * Reads a value of 1, 2, 4 or 8 bytes into {@code ctx.value}, zero-extended.
     *
     * @return 0 or -EFAULT
     */
    @KernelFunction("get_user")
    @Injectable(value = "mm/usercopy/get", error = -Errno.EFAULT)
    public int get(MmStruct mm, FaultContext ctx, long uaddr, int size) {
        if (!accessOk(uaddr, size)) {
            return -Errno.EFAULT;
        }
        if (Page.offset(uaddr) + size > Page.SIZE) {
            return getCrossing(mm, ctx, uaddr, size);
        }
        long pa = pin(mm, ctx, uaddr, false);
        if (pa < 0) {
            return -Errno.EFAULT;
        }
        ctx.value = load(pa, size);
        unpin(mm, ctx);
        return 0;
    }

    /** Writes the low {@code size} bytes (1, 2, 4 or 8) of {@code value}; 0 or -EFAULT. */
    @KernelFunction("put_user")
    @Injectable(value = "mm/usercopy/put", error = -Errno.EFAULT)
    public int put(MmStruct mm, FaultContext ctx, long uaddr, int size, long value) {
        if (!accessOk(uaddr, size)) {
            return -Errno.EFAULT;
        }
        if (Page.offset(uaddr) + size > Page.SIZE) {
            return putCrossing(mm, ctx, uaddr, size, value);
        }
        long pa = pin(mm, ctx, uaddr, true);
        if (pa < 0) {
            return -Errno.EFAULT;
        }
        store(pa, size, value);
        cache.instructionCache().flushFrame(Page.pfn(pa));
        unpin(mm, ctx);
        return 0;
    }

    /** {@link #get} of 8 bytes; the value is in {@code ctx.value}. */
    public int getLong(MmStruct mm, FaultContext ctx, long uaddr) {
        return get(mm, ctx, uaddr, Long.BYTES);
    }

    /**
     * Reads an aligned 4-byte value into {@code ctx.value}, zero-extended, where that takes no fault: what may be done
     * with a lock held that the fault's handling could need.
     *
     * @return 0, or -EFAULT, also where the page is merely absent
     */
    @KernelFunction("futex_get_value_locked")
    public int getIntInatomic(MmStruct mm, FaultContext ctx, long uaddr) {
        long pa = accessOk(uaddr, Integer.BYTES) ? pinPresent(mm, ctx, uaddr, false) : -1;
        if (pa < 0) {
            return -Errno.EFAULT;
        }
        ctx.value = load(pa, Integer.BYTES);
        unpin(mm, ctx);
        return 0;
    }

    /**
     * Replaces the aligned 4-byte value at {@code uaddr} by {@code update} if it is {@code expect}, where that takes no
     * fault; what was found is in {@code ctx.value}, zero-extended.
     *
     * @return 0, or -EFAULT, also where the page is merely absent or not writable yet
     */
    @KernelFunction("futex_atomic_cmpxchg_inatomic")
    @Injectable(value = "mm/usercopy/cmpxchg", error = -Errno.EFAULT)
    public int cmpxchgIntInatomic(MmStruct mm, FaultContext ctx, long uaddr, int expect, int update) {
        long pa = accessOk(uaddr, Integer.BYTES) ? pinPresent(mm, ctx, uaddr, true) : -1;
        if (pa < 0) {
            return -Errno.EFAULT;
        }
        ctx.value = phys.exchangeIfInt(pa, expect, update) & 0xffff_ffffL;
        unpin(mm, ctx);
        return 0;
    }

    /**
     * Makes a byte's page present and writable without writing to it.
     *
     * @return 0, or -EFAULT where it cannot be
     */
    @KernelFunction(value = "fault_in_user_writeable", file = "kernel/futex/core.c")
    public int faultInWritable(MmStruct mm, FaultContext ctx, long uaddr) {
        long pa = accessOk(uaddr, 1) ? pin(mm, ctx, uaddr, true) : -1;
        if (pa < 0) {
            return -Errno.EFAULT;
        }
        unpin(mm, ctx);
        return 0;
    }

    private int getCrossing(MmStruct mm, FaultContext ctx, long uaddr, int size) {
        long value = 0;
        for (int i = 0; i < size; i++) {
            if (get(mm, ctx, uaddr + i, 1) != 0) {
                return -Errno.EFAULT;
            }
            value |= ctx.value << 8 * i;
        }
        ctx.value = value;
        return 0;
    }

    private int putCrossing(MmStruct mm, FaultContext ctx, long uaddr, int size, long value) {
        for (int i = 0; i < size; i++) {
            if (put(mm, ctx, uaddr + i, 1, value >>> 8 * i) != 0) {
                return -Errno.EFAULT;
            }
        }
        return 0;
    }

    private long load(long pa, int size) {
        return switch (size) {
            case 1 -> phys.getByte(pa) & 0xffL;
            case 2 -> phys.getShort(pa) & 0xffffL;
            case 4 -> phys.getInt(pa) & 0xffff_ffffL;
            case 8 -> phys.getLong(pa);
            default -> throw new IllegalArgumentException("no user value has " + size + " bytes");
        };
    }

    private void store(long pa, int size, long value) {
        switch (size) {
            case 1 -> phys.putByte(pa, (byte) value);
            case 2 -> phys.putShort(pa, (short) value);
            case 4 -> phys.putInt(pa, (int) value);
            case 8 -> phys.putLong(pa, value);
            default -> throw new IllegalArgumentException("no user value has " + size + " bytes");
        }
    }

    /**
     * The physical address of {@code uaddr}, access allowed and marked as the hardware would mark it, with the mmap
     * lock held for reading and the page-table lock held until {@link #unpin}; or -1, nothing held, where the access
     * faults for good.
     */
    private long pin(MmStruct mm, FaultContext ctx, long uaddr, boolean write) {
        for (; ; ) {
            long pa = pinPresent(mm, ctx, uaddr, write);
            if (pa >= 0 || !faultIn(mm, ctx, uaddr, write)) {
                return pa;
            }
        }
    }

    /** As {@link #pin}, but -1 also where a fault would help. */
    private long pinPresent(MmStruct mm, FaultContext ctx, long uaddr, boolean write) {
        mm.mmapLock().readLock();
        long pa = tryPin(mm, ctx, uaddr, write);
        if (pa < 0) {
            mm.mmapLock().readUnlock();
        }
        return pa;
    }

    private long tryPin(MmStruct mm, FaultContext ctx, long uaddr, boolean write) {
        long pmdEntry = tables.walkToEntry(mm.pgd(), uaddr);
        if (pmdEntry < 0) {
            return -1;
        }
        long pte = tables.pteOffsetMapLock(mm, pmdEntry, uaddr, ctx.accessGuard);
        if (pte < 0 && (pte != PageTables.HUGE || !tables.huge().lock(mm, pmdEntry, ctx.accessGuard))) {
            return -1;
        }
        boolean huge = pte < 0;
        pte = huge ? pmdEntry : pte;
        long entry = phys.getLong(pte);
        if (!Pte.isPresent(entry) || !Pte.isUser(entry) || (write && !Pte.isWrite(entry))) {
            tables.pteUnmapUnlock(pte, ctx.accessGuard);
            return -1;
        }
        long marked = Pte.mkYoung(write ? Pte.mkDirty(entry) : entry);
        if (marked != entry) {
            phys.getAndOrLong(pte, marked & ~entry);
        }
        ctx.accessPte = pte;
        return Page.address(Pte.pfn(entry)) + (huge ? tables.huge().offsetIn(entry, uaddr) : Page.offset(uaddr));
    }

    private void unpin(MmStruct mm, FaultContext ctx) {
        tables.pteUnmapUnlock(ctx.accessPte, ctx.accessGuard);
        mm.mmapLock().readUnlock();
    }

    private boolean faultIn(MmStruct mm, FaultContext ctx, long uaddr, boolean write) {
        boolean mayWait = ctx.mayWait;
        boolean mayBlock = ctx.mayBlock;
        ctx.mayWait = true;
        ctx.mayBlock = true;
        int outcome = faults.doUserAddrFault(mm, uaddr, write ? FaultHandler.PF_WRITE : 0, ctx);
        ctx.mayWait = mayWait;
        ctx.mayBlock = mayBlock;
        return outcome == FaultHandler.FAULT_DONE;
    }
}

package faultline.mmu.mm;

import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.IntervalNode;
import faultline.mmu.file.MappedArea;
import faultline.mmu.file.MappedFile;
import faultline.mmu.policy.Mempolicy;
import faultline.mmu.table.PageProt;

/**
 * One mapping: a range of addresses with one set of rights and one object behind it.
 *
 * <p>Fields are guarded by the mmap lock of {@link #mm()}: shared to read, alone to change. Bounds and offset of a
 * mapping that is linked into a file's or an anonymous reverse map change only with that map's lock held too.
 */
@KernelFunction("vm_area_struct")
public final class Vma implements MappedArea {
    private final MmStruct mm;
    private long start;
    private long end;
    private long pgoff;
    private long flags;
    private long pageProt;
    private MappedFile file;
    private VmOperations ops;
    private Object anonVma;
    private Object anonMergeKey;
    private Object userfault;
    private Mempolicy policy;
    /** Volatile: the owner of a huge page marks a forked child's mapping, with that one's i_mmap lock only. */
    private volatile Object privateData;

    private boolean fileShared;
    private final IntervalNode sharedNode = new IntervalNode(this);
    private final IntervalNode anonNode = new IntervalNode(this);

    // The tree's fields: see VmaTree.
    Vma left;
    Vma right;
    Vma parent;
    Vma prev;
    Vma next;
    int height;
    long maxGap;
    boolean linked;

    /**
     * A mapping that is in no tree yet.
     *
     * @param start first address, page-aligned
     * @param end first address behind, page-aligned
     * @param flags {@link VmFlags}
     * @param pgoff page of the object at {@code start}; for private anonymous memory {@code start} in pages
     */
    public Vma(MmStruct mm, long start, long end, long flags, long pgoff) {
        this.mm = mm;
        this.start = start;
        this.end = end;
        this.pgoff = pgoff;
        setFlags(flags);
    }

    /** A copy with other bounds, in no tree and linked to nothing; the file's reference is the caller's business. */
    @KernelFunction("vm_area_dup")
    public Vma duplicate(MmStruct forMm, long newStart, long newEnd, long newPgoff) {
        Vma copy = new Vma(forMm, newStart, newEnd, flags, newPgoff);
        copy.file = file;
        copy.ops = ops;
        copy.fileShared = fileShared;
        copy.userfault = userfault;
        copy.policy = policy;
        copy.pageProt = pageProt;
        copy.privateData = forMm == mm ? privateData : null;
        return copy;
    }

    @Override
    public long start() {
        return start;
    }

    @Override
    public long end() {
        return end;
    }

    /** Length in bytes. */
    public long length() {
        return end - start;
    }

    /** Length in pages. */
    @KernelFunction("vma_pages")
    public long pages() {
        return end - start >>> MmLayout.PAGE_SHIFT;
    }

    @Override
    public long pgoff() {
        return pgoff;
    }

    /** Page of the object that {@code address} shows (Linux: {@code linear_page_index}). */
    @KernelFunction("linear_page_index")
    public long pageIndex(long address) {
        return pgoff + (address - start >> MmLayout.PAGE_SHIFT);
    }

    @Override
    public long flags() {
        return flags;
    }

    /** Whether all of {@code bits} are set. */
    public boolean has(long bits) {
        return (flags & bits) == bits;
    }

    /** Whether any of {@code bits} is set. */
    public boolean hasAny(long bits) {
        return (flags & bits) != 0;
    }

    /** Sets the flags and the page protection that follows from them. */
    @KernelFunction("vm_flags_reset")
    public void setFlags(long newFlags) {
        flags = newFlags;
        updatePageProt();
    }

    /** Computes {@link #pageProt()} anew, after a change of what is behind the mapping. */
    @KernelFunction("vma_set_page_prot")
    private void updatePageProt() {
        long f = flags;
        if (fileShared && (f & (VmFlags.WRITE | VmFlags.SHARED)) == (VmFlags.WRITE | VmFlags.SHARED)) {
            // Write-notify: entries of a file's shared pages are read-only until the first write has been told to the
            // file.
            f &= ~VmFlags.SHARED;
        }
        pageProt = PageProt.ofFlags(f);
    }

    /** Page-table bits of a fresh entry, without the frame: writable only where no write needs to be noticed. */
    public long pageProt() {
        return pageProt;
    }

    /** The file, or null for anonymous memory and special mappings. Shared anonymous memory has one too. */
    public MappedFile file() {
        return file;
    }

    /**
     * Puts a file behind the mapping; the mapping takes over the caller's reference.
     *
     * @param writeNotify whether the first write to a shared page has to be noticed, as files with a backing store need
     */
    public void setFile(MappedFile newFile, boolean writeNotify) {
        file = newFile;
        fileShared = writeNotify;
        updatePageProt();
    }

    /** Operations of a special mapping, or null. */
    public VmOperations ops() {
        return ops;
    }

    /** Makes it a special mapping; before it is linked. */
    public void setOps(VmOperations newOps) {
        ops = newOps;
    }

    /**
     * What {@link #ops()} keeps for the mapping; parts that it is split into have it too, a forked child's copy has
     * none.
     */
    public Object privateData() {
        return privateData;
    }

    /** Sets what {@link #privateData} tells. Caller holds the mmap lock for writing. */
    public void setPrivateData(Object data) {
        privateData = data;
    }

    /**
     * Private or shared memory without file and operations: its pages are anonymous (Linux: {@code vma_is_anonymous}).
     */
    @KernelFunction("vma_is_anonymous")
    public boolean isAnonymous() {
        return file == null && ops == null;
    }

    /** Whether any access is allowed at all. */
    @KernelFunction("vma_is_accessible")
    public boolean isAccessible() {
        return (flags & VmFlags.ACCESS_FLAGS) != 0;
    }

    /** The anonymous reverse map's object, owned by package {@code rmap}; null before the first anonymous page. */
    public Object anonVma() {
        return anonVma;
    }

    /** Sets or, with null, forgets the family; linking is the business of package {@code rmap}. */
    public void setAnonVma(Object anonVma) {
        this.anonVma = anonVma;
        if (anonVma == null) {
            anonMergeKey = null;
        }
    }

    /**
     * What decides whether two neighbours with anonymous pages may become one: equal keys. It is the family, except
     * that every area of a forked child has a key of its own, shared only by the parts it is split into, as each gets
     * an anon_vma of its own on Linux.
     */
    public Object anonMergeKey() {
        return anonVma == null || anonMergeKey == null ? anonVma : anonMergeKey;
    }

    /** Whether the family was inherited by fork (Linux: {@code vma_is_fork_child}). */
    @KernelFunction("vma_is_fork_child")
    public boolean isForkChild() {
        return anonVma != null && anonMergeKey != null;
    }

    /** The mapping is a forked child's copy; called before it joins its parent's family. */
    public void setForkChild() {
        anonMergeKey = new Object();
    }

    /** Takes over the family and the key of {@code from}; linking into the family is the caller's business. */
    public void shareAnonVma(Vma from) {
        anonVma = from.anonVma;
        anonMergeKey = from.anonMergeKey;
    }

    /** The userfaultfd context this mapping is registered with, or null. */
    public Object userfault() {
        return userfault;
    }

    /** Registers with a context, or with none. Caller holds the mmap lock for writing. */
    public void setUserfault(Object context) {
        this.userfault = context;
    }

    /** The memory policy that mbind(2) gave the mapping; null for that of the task. */
    @KernelFunction("vma_policy")
    public Mempolicy policy() {
        return policy;
    }

    /** Sets or, with null, removes the policy. Caller holds the mmap lock for writing. */
    public void setPolicy(Mempolicy newPolicy) {
        policy = newPolicy;
    }

    @Override
    public boolean isNonlinear() {
        return (flags & VmFlags.NONLINEAR) != 0;
    }

    @Override
    public MmStruct mm() {
        return mm;
    }

    @Override
    public IntervalNode sharedNode() {
        return sharedNode;
    }

    @Override
    public IntervalNode anonNode() {
        return anonNode;
    }

    /** Whether the mapping is in its address space's tree. */
    public boolean isLinked() {
        return linked;
    }

    /** The mapping with the next lower addresses, or null. */
    public Vma prev() {
        return prev;
    }

    /** The mapping with the next higher addresses, or null. */
    public Vma next() {
        return next;
    }

    /**
     * The lowest address that other mappings must stay below: the guard gap of a stack is its own (Linux:
     * vm_start_gap).
     */
    @KernelFunction("vm_start_gap")
    public long startGap() {
        if ((flags & VmFlags.GROWSDOWN) == 0) {
            return start;
        }
        long gapped = start - mm.sysctl().stackGuardGap;
        return gapped < 0 ? 0 : gapped;
    }

    /** Changes bounds and offset; only {@link VmaTree#setBounds} and code that owns an unlinked mapping call it. */
    void setRange(long newStart, long newEnd, long newPgoff) {
        start = newStart;
        end = newEnd;
        pgoff = newPgoff;
    }

    @Override
    public String toString() {
        return Long.toHexString(start) + "-" + Long.toHexString(end) + " flags " + Long.toHexString(flags) + " pgoff "
                + Long.toHexString(pgoff) + (file != null ? " " + file.path() : "");
    }
}

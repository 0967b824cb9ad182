package faultline.plugins.guest;

import faultline.emulator.cpu.CpuState;
import faultline.emulator.task.Task;
import faultline.mmu.fault.FaultContext;
import faultline.mmu.fault.FaultEnv;
import faultline.mmu.file.MappedFile;
import faultline.mmu.mm.MmStruct;
import faultline.mmu.mm.Vma;
import faultline.plugins.event.StackTable;
import faultline.plugins.symbol.ModuleMap;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The guest of the emulator, as seen by the thread that asks: each task runs in a thread of its own. */
public final class EmulatorGuest implements GuestView {
    private static final int TRIES = 3;
    /** The command name before the program's first instruction, while it is being loaded. */
    private static final String SETUP = "exec";

    private final ModuleMap modules;
    private final StackTable stacks = new StackTable();
    private final GuestStack unwinder = new GuestStack(stacks);
    private final Set<Integer> stacksNoted = ConcurrentHashMap.newKeySet();
    private final Path root;

    /** @param root the guest's root directory on the host, or null for the host's own */
    public EmulatorGuest(Path root) {
        this.root = root;
        this.modules = ModuleMap.below(root);
    }

    /** Names of the guest's instruction addresses, as far as {@link #noteModule} has seen them. */
    public ModuleMap modules() {
        return modules;
    }

    /** The call stacks taken so far. */
    public StackTable stacks() {
        return stacks;
    }

    @Override
    public int tid() {
        Task task = Task.currentOrNull();
        return task == null ? NO_TASK : task.tid();
    }

    @Override
    public int pid() {
        Task task = Task.currentOrNull();
        return task == null ? NO_TASK : task.pid();
    }

    @Override
    public String comm() {
        Task task = Task.currentOrNull();
        return task == null ? SETUP : GuestText.of(task.name());
    }

    @Override
    public boolean hasFailNth() {
        Task task = Task.currentOrNull();
        return task != null && task.failures().nth() != 0;
    }

    @Override
    public boolean countFailNth() {
        Task task = Task.currentOrNull();
        return task != null && task.failures().countNth();
    }

    @Override
    public boolean makeItFail() {
        Task task = Task.currentOrNull();
        return task != null && task.failures().wanted();
    }

    @Override
    public String syscall() {
        Task task = Task.currentOrNull();
        return task == null || !task.inSyscall()
                ? "none"
                : task.kernel().syscalls().name(task.syscallNumber());
    }

    @Override
    public String vma(long address) {
        Task task = Task.currentOrNull();
        return task == null || task.mm() == null ? "" : lookUp(task.mm(), address);
    }

    /**
     * Finds the mapping under the mmap lock where that can be had at once. It cannot when this thread holds it already
     * and a writer waits, or holds it for writing; then nobody else changes the tree, and no lock is needed. In the one
     * case that remains, a caller without the lock and a busy writer, the answer may be that of a moment before or
     * none.
     */
    private static String lookUp(MmStruct mm, long address) {
        boolean locked = false;
        for (int i = 0; i < TRIES && !locked && !mm.mmapLock().isWriteLockedByCurrentThread(); i++) {
            locked = mm.mmapLock().tryReadLock();
        }
        try {
            Vma vma = mm.vmas().lookup(address);
            return vma == null ? "" : AddressSpaceView.name(vma);
        } finally {
            if (locked) {
                mm.mmapLock().readUnlock();
            }
        }
    }

    @Override
    public List<String> stack() {
        Task task = Task.currentOrNull();
        if (task == null || task.mm() == null) {
            return List.of();
        }
        boolean inCall = task.inSyscall();
        long ip = inCall ? task.cpuState().get(CpuState.RIP) : task.fault().ip;
        long frame = inCall ? task.cpuState().get(CpuState.RBP) : task.fault().bp;
        FaultEnv env = task.kernel().memory().faults().env();
        var names = new ArrayList<String>();
        for (long address : stacks.frames(unwinder.take(env, task.mm(), ip, frame))) {
            noteModule(task.mm(), task.pid(), address);
            names.add(modules.name(task.pid(), address));
        }
        return names;
    }

    /** The number of the call stack at a fault, whose code is noted. Precondition: the mmap lock is held. */
    public int takeStack(FaultEnv env, MmStruct mm, FaultContext context) {
        int number = unwinder.take(env, mm, context);
        if (stacksNoted.add(number)) {
            int pid = pid();
            for (long address : stacks.frames(number)) {
                noteModule(mm, pid, address);
            }
        }
        return number;
    }

    /**
     * Sees to it that the address has a name later. The mmap lock is held, or the address lies in code that is running.
     */
    public void noteModule(MmStruct mm, int pid, long address) {
        if (modules.knows(pid, address)) {
            return;
        }
        Vma vma = mm.vmas().lookup(address);
        if (vma != null) {
            String name = AddressSpaceView.name(vma);
            MappedFile file = vma.file();
            Path path = file == null ? null : root == null ? Path.of(name) : Path.of(root + name);
            String shortName = name.substring(name.lastIndexOf('/') + 1);
            modules.put(pid, vma.start(), vma.end(), vma.pgoff() << 12, shortName, path);
        }
    }
}

package faultline.plugins.symbol;

import faultline.plugins.output.Names;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which file lies where in the processes of a trace, as far as instruction addresses have been seen there.
 *
 * <p>Filled by the threads that events happen in, which can look at their own address space; asked by the writer thread.
 * A later mapping at the same place replaces an earlier one.
 */
public final class ModuleMap implements Names.Symbols {
    private record Module(long start, long end, long fileOffset, String name, ElfSymbols symbols) {}

    private final Map<Integer, TreeMap<Long, Module>> processes = new ConcurrentHashMap<>();
    private final Map<Path, ElfSymbols> files = new ConcurrentHashMap<>();

    /**
     * Notes a mapping.
     *
     * @param pid the process
     * @param fileOffset of {@code start}, in bytes
     * @param name what to call it where it has no symbol
     * @param file where to read symbols from, or null
     */
    public void put(int pid, long start, long end, long fileOffset, String name, Path file) {
        // read when first asked for would be cheaper, but the file may be gone by then
        ElfSymbols symbols = file == null ? null : files.computeIfAbsent(file, ElfSymbols::read);
        TreeMap<Long, Module> modules = processes.computeIfAbsent(pid, k -> new TreeMap<>());
        synchronized (modules) {
            modules.subMap(start, end).clear();
            modules.put(start, new Module(start, end, fileOffset, name, symbols));
        }
    }

    /** Whether some mapping of the process is known to hold the address. */
    public boolean knows(int pid, long address) {
        return find(pid, address) != null;
    }

    private Module find(int pid, long address) {
        TreeMap<Long, Module> modules = processes.get(pid);
        if (modules == null) {
            return null;
        }
        synchronized (modules) {
            var entry = modules.floorEntry(address);
            return entry == null || address >= entry.getValue().end ? null : entry.getValue();
        }
    }

    @Override
    public String name(int pid, long address) {
        Module module = find(pid, address);
        if (module == null) {
            return "0x" + Long.toHexString(address);
        }
        long offset = address - module.start + module.fileOffset;
        String symbol = module.symbols == null ? null : module.symbols.at(offset);
        return symbol != null ? symbol : module.name + "+0x" + Long.toHexString(offset);
    }
}

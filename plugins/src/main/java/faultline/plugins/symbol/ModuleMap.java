package faultline.plugins.symbol;

import faultline.plugins.dwarf.SourceLine;
import faultline.plugins.output.Names;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Which file lies where in the processes of a trace, as far as instruction addresses have been seen there.
 *
 * <p>Filled by the threads that events happen in, which can look at their own address space; asked by the writer
 * thread. A later mapping at the same place replaces an earlier one.
 */
public final class ModuleMap implements Names.Symbols {
    private record Module(long start, long end, long fileOffset, String name, ElfSymbols symbols) {}

    /** What was found out of an address; stands until a mapping is noted. */
    private record Place(int pid, long address, int version, String name, SourceLine line, String text) {}

    private static final int CACHED = 1 << 12;

    /** Places asked for lately, by a hash of process and address: most faults come from few instructions. */
    private final AtomicReferenceArray<Place> places = new AtomicReferenceArray<>(CACHED);

    private final AtomicInteger version = new AtomicInteger();
    private final Map<Integer, TreeMap<Long, Module>> processes = new ConcurrentHashMap<>();
    private final Map<Path, ElfSymbols> files = new ConcurrentHashMap<>();
    private final List<Path> debugDirectories;

    /** Looks for debugging information beside the files and in the host's {@value DebugFile#DIRECTORY}. */
    public ModuleMap() {
        this(List.of(Path.of(DebugFile.DIRECTORY)));
    }

    /** @param debugDirectories where files of debugging information are looked for */
    public ModuleMap(List<Path> debugDirectories) {
        this.debugDirectories = debugDirectories;
    }

    /** For a guest with a root of its own, null for the host's: it may have debugging information, too. */
    public static ModuleMap below(Path root) {
        Path host = Path.of(DebugFile.DIRECTORY);
        return root == null ? new ModuleMap() : new ModuleMap(List.of(Path.of(root + DebugFile.DIRECTORY), host));
    }

    /**
     * Notes a mapping.
     *
     * @param pid the process
     * @param fileOffset of {@code start}, in bytes
     * @param name what to call it where it has no symbol
     * @param file where to read symbols from, or null
     */
    public void put(int pid, long start, long end, long fileOffset, String name, Path file) {
        // mapped now: the file may be gone when somebody asks
        ElfSymbols symbols =
                file == null ? null : files.computeIfAbsent(file, f -> ElfSymbols.read(f, debugDirectories));
        TreeMap<Long, Module> modules = processes.computeIfAbsent(pid, k -> new TreeMap<>());
        synchronized (modules) {
            modules.subMap(start, end).clear();
            modules.put(start, new Module(start, end, fileOffset, name, symbols));
        }
        version.incrementAndGet();
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
        return found(pid, address).name;
    }

    @Override
    public SourceLine line(int pid, long address) {
        return found(pid, address).line;
    }

    @Override
    public String place(int pid, long address) {
        return found(pid, address).text;
    }

    private Place found(int pid, long address) {
        long hash = (address ^ (long) pid << 32) * 0x9e37_79b9_7f4a_7c15L;
        int slot = (int) (hash >>> 40) & CACHED - 1;
        Place place = places.get(slot);
        int now = version.get();
        if (place == null || place.address != address || place.pid != pid || place.version != now) {
            place = lookUp(pid, address, now);
            places.set(slot, place);
        }
        return place;
    }

    private Place lookUp(int pid, long address, int now) {
        Module module = find(pid, address);
        if (module == null) {
            String number = "0x" + Long.toHexString(address);
            return new Place(pid, address, now, number, null, number);
        }
        long offset = address - module.start + module.fileOffset;
        String symbol = module.symbols == null ? null : module.symbols.at(offset);
        String name = symbol != null ? symbol : module.name + "+0x" + Long.toHexString(offset);
        SourceLine line = module.symbols == null ? null : module.symbols.line(offset);
        return new Place(pid, address, now, name, line, line == null ? name : name + " " + line);
    }
}

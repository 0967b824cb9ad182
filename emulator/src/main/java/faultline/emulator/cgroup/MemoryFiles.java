package faultline.emulator.cgroup;

import faultline.emulator.task.Task;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.file.AddressSpace;
import faultline.mmu.memcg.MemCgroup;
import faultline.mmu.memcg.MemCgroups;
import faultline.mmu.memcg.PageCounter;
import faultline.mmu.phys.FrameTable;
import faultline.mmu.phys.PageFlags;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongPredicate;
import java.util.function.ObjLongConsumer;
import java.util.function.ToLongBiFunction;
import java.util.function.ToLongFunction;

/** The files of {@code memory.*} (mm/memcontrol.c). The root group has none of them. */
final class MemoryFiles {
    private final MemCgroups groups;
    private final FrameTable frames;

    private MemoryFiles(MemCgroups groups, FrameTable frames) {
        this.groups = groups;
        this.frames = frames;
    }

    static List<ControlFile> all(MemCgroups groups, FrameTable frames) {
        return new MemoryFiles(groups, frames).files();
    }

    private List<ControlFile> files() {
        return List.of(
                size("memory.current", group -> group.memory().usage(), null),
                size("memory.peak", group -> group.memory().peak(), null),
                size("memory.min", MemCgroup::min, MemCgroup::setMin),
                size("memory.low", MemCgroup::low, MemCgroup::setLow),
                size("memory.high", MemCgroup::high, this::setHigh),
                size("memory.max", group -> group.memory().max(), this::setMax),
                file("memory.events", group -> events(group, false), null),
                file("memory.events.local", group -> events(group, true), null),
                file("memory.stat", this::stat, null),
                file("memory.oom.group", group -> group.oomGroup() ? "1\n" : "0\n", MemoryFiles::setOomGroup),
                file("memory.reclaim", null, this::reclaim),
                size("memory.swap.current", group -> group.swap().usage(), null),
                size("memory.swap.peak", group -> group.swap().peak(), null),
                size(
                        "memory.swap.max",
                        group -> group.swap().max(),
                        (group, pages) -> group.swap().setMax(pages)),
                file("memory.swap.events", MemoryFiles::swapEvents, null));
    }

    /** A file of the group's memory; who has it open when the group loses the controller gets ENODEV. */
    private static ControlFile file(
            String name, Function<MemCgroup, String> reader, ToLongBiFunction<MemCgroup, String> writer) {
        return new ControlFile(
                name,
                Controller.MEMORY,
                false,
                reader == null ? null : group -> group.memory() == null ? null : reader.apply(group.memory()),
                writer == null
                        ? null
                        : (group, text) ->
                                group.memory() == null ? -Errno.ENODEV : writer.applyAsLong(group.memory(), text));
    }

    /** A file that holds a size. @param setter null for one that can only be read */
    private static ControlFile size(String name, ToLongFunction<MemCgroup> pages, ObjLongConsumer<MemCgroup> setter) {
        return file(
                name,
                group -> ControlFile.bytes(pages.applyAsLong(group), PageCounter.MAX),
                setter == null ? null : (group, text) -> set(group, text, setter));
    }

    @KernelFunction(value = "page_counter_memparse", file = "mm/page_counter.c")
    private static long set(MemCgroup group, String text, ObjLongConsumer<MemCgroup> setter) {
        long pages = ControlFile.pages(text, PageCounter.MAX);
        if (pages >= 0) {
            setter.accept(group, pages);
        }
        return Math.min(pages, 0);
    }

    private void setMax(MemCgroup group, long pages) {
        groups.limit(group, pages, () -> Task.currentOrNull().signalPending());
    }

    @KernelFunction(value = "memory_high_write", file = "mm/memcontrol.c")
    private void setHigh(MemCgroup group, long pages) {
        group.setHigh(pages);
        groups.reclaim(group, group.memory().usage() - pages);
    }

    private static long setOomGroup(MemCgroup group, String text) {
        String value = text.strip();
        if (!value.equals("0") && !value.equals("1")) {
            return -Errno.EINVAL;
        }
        group.setOomGroup(value.equals("1"));
        return 0;
    }

    @KernelFunction(value = "memory_reclaim", file = "mm/memcontrol.c")
    private long reclaim(MemCgroup group, String text) {
        long pages = ControlFile.pages(text, PageCounter.MAX);
        return pages < 0 ? pages : groups.reclaim(group, pages) < pages ? -Errno.EAGAIN : 0;
    }

    private static String events(MemCgroup group, boolean local) {
        StringBuilder text = new StringBuilder();
        for (MemCgroup.Event event : MemCgroup.Event.values()) {
            text.append(event.label())
                    .append(' ')
                    .append(local ? group.localEvents(event) : group.events(event))
                    .append('\n');
        }
        return text.toString();
    }

    private static String swapEvents(MemCgroup group) {
        return "high 0\nmax " + group.swapMaxEvents() + "\nfail " + group.swapFailEvents() + "\n";
    }

    // ---- memory.stat

    @KernelFunction(value = "memory_stat_format", file = "mm/memcontrol.c")
    private String stat(MemCgroup group) {
        return line(group, "anon", pfn -> !isOfFile(pfn))
                + line(group, "file", this::isOfFile)
                + line(group, "shmem", pfn -> frames.mapping(pfn) instanceof AddressSpace file && file.isShmem())
                + line(group, "file_mapped", pfn -> isOfFile(pfn) && frames.mapcount(pfn) > 0)
                + line(group, "file_dirty", pfn -> isOfFile(pfn) && frames.test(pfn, PageFlags.DIRTY))
                + line(group, "swapcached", pfn -> frames.test(pfn, PageFlags.SWAPCACHE))
                + line(group, "anon_thp", pfn -> frames.test(pfn, PageFlags.HEAD | PageFlags.TAIL));
    }

    private boolean isOfFile(long pfn) {
        return frames.mapping(pfn) instanceof AddressSpace;
    }

    private String line(MemCgroup group, String name, LongPredicate counted) {
        return name + " " + (groups.count(group, counted) << 12) + "\n";
    }
}

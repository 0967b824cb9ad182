package faultline.emulator.fs;

import faultline.emulator.fs.VirtualDirectory.Entry;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import faultline.mmu.ksm.Ksm;
import faultline.mmu.ksm.KsmKnobs;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * /sys/kernel/mm/ksm: same-page merging in the guest's machine, which root may set.
 *
 * <p>Of Linux's files those are missing that set what there is not: the advisor, and how often chains are pruned.
 */
final class SysKsm {
    private static final String ALL = "/sys/kernel/mm/ksm";
    private static final Pattern NUMBER = Pattern.compile("\\+?[0-9]+");
    private static final long MAX_UINT = 0xffff_ffffL;

    private static final Map<String, ToLongFunction<Ksm>> COUNTS = Map.of(
            "full_scans", Ksm::fullScans,
            "general_profit", Ksm::generalProfit,
            "pages_scanned", Ksm::pagesScanned,
            "pages_shared", Ksm::pagesShared,
            "pages_sharing", Ksm::pagesSharing,
            "pages_skipped", Ksm::pagesSkipped,
            "pages_unshared", Ksm::pagesUnshared,
            "pages_volatile", Ksm::pagesVolatile,
            "stable_node_chains", Ksm::stableNodeChains,
            "stable_node_dups", Ksm::stableNodeDups);
    private static final Set<String> KNOBS =
            Set.of("max_page_sharing", "pages_to_scan", "run", "sleep_millisecs", "smart_scan");

    private final Supplier<Ksm> ksm;

    SysKsm(Supplier<Ksm> ksm) {
        this.ksm = ksm;
    }

    /** Looks up a normalised path; null when it is none of these. */
    VirtualNode lookup(String path) {
        if (!GuestPath.isUnder(path, ALL)) {
            return null;
        }
        if (path.equals(ALL)) {
            List<Entry> entries = Stream.concat(COUNTS.keySet().stream(), KNOBS.stream())
                    .sorted()
                    .map(name -> new Entry(name, VirtualDirectory.DT_REG))
                    .toList();
            return new VirtualFolder(path, path, () -> entries);
        }
        String name = path.substring(ALL.length() + 1);
        if (COUNTS.containsKey(name)) {
            return new VirtualText(path, path, () -> COUNTS.get(name).applyAsLong(ksm.get()) + "\n", null);
        }
        return KNOBS.contains(name) ? knob(path, name, ksm.get()) : VirtualTree.ABSENT;
    }

    private static VirtualNode knob(String path, String name, Ksm ksm) {
        KsmKnobs knobs = ksm.knobs();
        return switch (name) {
            case "run" -> number(path, knobs::run, ksm::setRun);
            case "max_page_sharing" -> number(path, knobs::maxPageSharing, ksm::setMaxPageSharing);
            case "pages_to_scan" -> number(path, knobs::pagesToScan, telling(ksm, knobs::setPagesToScan));
            case "sleep_millisecs" -> number(path, knobs::sleepMillisecs, telling(ksm, knobs::setSleepMillisecs));
            default -> flag(path, knobs::smartScan, knobs::setSmartScan);
        };
    }

    /** A setter that refuses nothing; the scanner, which may be asleep, hears of the change. */
    private static LongUnaryOperator telling(Ksm ksm, LongConsumer setter) {
        return value -> {
            setter.accept(value);
            ksm.wake();
            return 0;
        };
    }

    private static VirtualNode number(String path, LongSupplier value, LongUnaryOperator setter) {
        return new SysctlText(path, () -> value.getAsLong() + "\n", written -> setNumber(written, setter));
    }

    @KernelFunction(value = "kstrtouint", file = "lib/kstrtox.c")
    private static long setNumber(String written, LongUnaryOperator setter) {
        String digits = line(written);
        if (!NUMBER.matcher(digits).matches() || digits.length() > 18 || Long.parseLong(digits) > MAX_UINT) {
            return -Errno.EINVAL;
        }
        return setter.applyAsLong(Long.parseLong(digits));
    }

    private static VirtualNode flag(String path, BooleanSupplier value, Consumer<Boolean> setter) {
        return new SysctlText(
                path, () -> (value.getAsBoolean() ? "1" : "0") + "\n", written -> setFlag(written, setter));
    }

    /** The first character says it; of "on" and "off" the second. */
    @KernelFunction(value = "kstrtobool", file = "lib/kstrtox.c")
    private static long setFlag(String written, Consumer<Boolean> setter) {
        String text = line(written).toLowerCase(Locale.ROOT);
        boolean on = text.startsWith("1") || text.startsWith("y") || text.startsWith("t") || text.startsWith("on");
        boolean off = text.startsWith("0") || text.startsWith("n") || text.startsWith("f") || text.startsWith("of");
        if (!on && !off) {
            return -Errno.EINVAL;
        }
        setter.accept(on);
        return 0;
    }

    private static String line(String written) {
        return written.endsWith("\n") ? written.substring(0, written.length() - 1) : written;
    }
}

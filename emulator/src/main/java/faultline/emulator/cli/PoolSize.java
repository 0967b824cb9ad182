package faultline.emulator.cli;

import faultline.emulator.task.GuestSpec;
import faultline.mmu.phys.Page;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What {@code --hugepages} says of one pool: {@code N}, {@code 2M:N} or {@code 1G:N}.
 *
 * @param pageSize bytes of a page
 * @param pages how many
 */
record PoolSize(long pageSize, long pages) {
    private static final List<String> SIZES = List.of("2M", "1G");

    /** The option of {@link GuestSpec} that it becomes. */
    String option() {
        return pageSize == Page.PUD_SIZE ? GuestSpec.GIGANTIC_PAGES : GuestSpec.HUGE_PAGES;
    }

    /** @param room bytes that all pools together may have */
    static void check(List<PoolSize> pools, long room) {
        long left = room;
        for (PoolSize pool : pools) {
            if (pool.pages < 0 || pool.pages > left / pool.pageSize) {
                throw new CommandException(
                        ExitStatus.TROUBLE,
                        "--hugepages: from 0 to what --mem has room for beside 16M, not " + pool.pages);
            }
            left -= pool.pages * pool.pageSize;
        }
    }

    /** Reads one. */
    static final class Converter implements ITypeConverter<PoolSize> {
        @Override
        public PoolSize convert(String text) {
            int colon = text.indexOf(':');
            String size = colon < 0 ? "2M" : text.substring(0, colon);
            try {
                if (SIZES.contains(size)) {
                    long pageSize = size.equals("1G") ? Page.PUD_SIZE : Page.PMD_SIZE;
                    return new PoolSize(pageSize, Long.parseLong(text.substring(colon + 1)));
                }
            } catch (NumberFormatException e) {
                throw new TypeConversionException("'" + text + "' has no number of pages");
            }
            throw new TypeConversionException("'" + size + "' is no size of huge pages: 2M or 1G");
        }
    }
}

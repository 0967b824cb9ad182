package faultline.emulator.cli;

import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Converts sizes such as {@code 512M}, {@code 4g} or {@code 1048576} to bytes; K, M, G, T are powers of 1024. */
public final class MemorySize implements ITypeConverter<Long> {
    private static final String UNITS = "KMGT";

    @Override
    public Long convert(String text) {
        String digits = text.toUpperCase(Locale.ROOT).replaceFirst("(?<=[KMGT])I?B$", "");
        int unit = digits.isEmpty() ? -1 : UNITS.indexOf(digits.charAt(digits.length() - 1));
        if (unit >= 0) {
            digits = digits.substring(0, digits.length() - 1);
        }
        try {
            long value = Long.parseLong(digits);
            int shift = 10 * (unit + 1);
            if (value < 0 || value > Long.MAX_VALUE >> shift) {
                throw new TypeConversionException("'" + text + "' is out of range");
            }
            return value << shift;
        } catch (NumberFormatException e) {
            throw new TypeConversionException("'" + text + "' is not a size such as 512M or 4G");
        }
    }
}

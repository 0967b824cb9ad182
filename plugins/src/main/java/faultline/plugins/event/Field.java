package faultline.plugins.event;

/**
 * A named value within an event's record.
 *
 * @param name as printed and as filters know it
 * @param kind how the number is meant
 * @param word index of the long that holds it
 * @param shift lowest bit within that long
 * @param bits how many bits; 64 for the whole long
 * @param printed whether formats print it; the others exist for filters, being parts of one that is printed
 */
public record Field(String name, FieldKind kind, int word, int shift, int bits, boolean printed) {

    public Field {
        if (shift < 0 || bits < 1 || shift + bits > 64) {
            throw new IllegalArgumentException(name + " does not fit into a long");
        }
    }

    /** The field's value in the record that starts at {@code base}; narrower ones are unsigned. */
    public long get(long[] records, int base) {
        long value = records[base + word];
        return bits == 64 ? value : value >>> shift & (1L << bits) - 1;
    }
}

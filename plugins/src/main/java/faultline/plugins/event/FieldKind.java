package faultline.plugins.event;

/** How a field's number is meant, for output and for the types of filter expressions. */
public enum FieldKind {
    /** An address, entry or bit set, printed as {@code 0x…}. */
    HEX,
    /** A plain signed number. */
    DEC,
    /** A duration in nanoseconds. */
    NS,
    /** One bit: {@code true} or {@code false} in filters. */
    BOOL,
    /** A guest instruction address, printed with symbol and offset where they are known. */
    SYMBOL,
    /** A number of the trace's {@link StringTable}. */
    STRING;

    /** Whether filters treat it as text. */
    public boolean isText() {
        return this == STRING;
    }
}

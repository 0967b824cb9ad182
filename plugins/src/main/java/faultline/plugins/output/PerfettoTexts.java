package faultline.plugins.output;

import java.util.HashMap;
import java.util.Map;

/**
 * The interned texts of a Perfetto trace: each is written once, and its number stands for it afterwards. Categories,
 * event names, names of annotations and their values are numbered apart, from 1.
 */
final class PerfettoTexts {
    // perfetto.protos.InternedData, and the two fields that all of its entries have
    static final int CATEGORIES = 1;
    static final int EVENT_NAMES = 2;
    static final int ANNOTATION_NAMES = 3;
    static final int VALUES = 29;
    private static final int IID = 1;
    private static final int TEXT = 2;

    /** Takes a message of the type InternedData, before the number in it is used. */
    @FunctionalInterface
    interface Output {
        void write(ProtoWriter interned);
    }

    private final int kind;
    private final Output output;
    private final Map<String, Integer> numbers = new HashMap<>();

    /** @param kind one of the constants */
    PerfettoTexts(int kind, Output output) {
        this.kind = kind;
        this.output = output;
    }

    /** The number of a text. */
    int number(String text) {
        Integer known = numbers.get(text);
        return known != null ? known : add(text);
    }

    private int add(String text) {
        int number = numbers.size() + 1;
        numbers.put(text, number);
        output.write(new ProtoWriter()
                .message(kind, new ProtoWriter().number(IID, number).text(TEXT, text)));
        return number;
    }
}

package faultline.plugins.filter;

import static org.assertj.core.api.Assertions.assertThat;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Random expressions, right and wrong ones: each agrees with the naive interpreter or names a column. */
class FilterFuzzTest {
    private static final int ROUNDS = Integer.getInteger("faultline.fuzz.rounds", 10_000);
    private static final EventType TYPE = Events.FAULT_USER;
    private static final String[] TEXTS = {"[heap]", "[stack]", "worker", "main", "", "libc.so.6"};
    private static final String[] NUMERIC = {
        "address", "ip", "error_code", "major", "ns", "tid", "pid", "write", "present", "user", "exec", "mmap_lock_ns"
    };
    private static final String[] TEXTUAL = {"comm", "vma", "path", "result"};
    private static final String[] NUMBERS = {
        "0", "1", "2", "0xfff", "4K", "3us", "0x7ffffffff000", "18446744073709551615"
    };

    private final StringTable strings = new StringTable();
    private final Random random = new Random(25);

    @Test
    void everyExpressionAgreesWithTheNaiveInterpreterOrNamesAColumn() {
        int refused = 0;
        int passed = 0;
        for (int i = 0; i < ROUNDS; i++) {
            String text = condition(4);
            if (i % 3 == 0) {
                text = damage(text);
            }
            try {
                Node tree = Parser.parse(text, TYPE.fields());
                EventPredicate compiled = FilterCompiler.compile(tree, TYPE, strings);
                for (int j = 0; j < 8; j++) {
                    long[] record = record();
                    boolean expected = new NaiveInterpreter(TYPE, strings, record).holds(tree);
                    assertThat(compiled.test(record, 0)).as(text).isEqualTo(expected);
                    passed += expected ? 1 : 0;
                }
            } catch (FilterSyntaxException e) {
                assertThat(e.column()).as(text).isBetween(1, text.length() + 1);
                assertThat(i % 3)
                        .as("well-formed but refused: %s\n%s", text, e.getMessage())
                        .isZero();
                refused++;
            }
        }
        // the test would say nothing if all were refused, or no condition ever held
        assertThat(refused).isBetween(ROUNDS / 20, ROUNDS / 3);
        assertThat(passed).isBetween(ROUNDS, 7 * ROUNDS);
    }

    private String pick(String... from) {
        return from[random.nextInt(from.length)];
    }

    private String condition(int depth) {
        if (depth == 0) {
            return pick("write", "present", "major", "exec");
        }
        return switch (random.nextInt(9)) {
            case 0 -> condition(depth - 1) + " && " + condition(depth - 1);
            case 1 -> "(" + condition(depth - 1) + " || " + condition(depth - 1) + ")";
            case 2 -> "!" + "(" + condition(depth - 1) + ")";
            case 3 -> number(depth - 1) + pick("==", "!=", "<", "<=", ">", ">=") + number(depth - 1);
            case 4 -> pick(TEXTUAL) + pick("==", " != ") + '"' + pick(TEXTS) + '"';
            case 5 -> pick(TEXTUAL) + " =~ '" + pick("*", "w*", "[!a-z]*", "?ain", "x") + "'";
            case 6 -> number(depth - 1) + " in " + number(depth - 1) + ".." + number(depth - 1);
            case 7 -> pick("address", "ip") + " in [" + pick("heap", "stack", "libc.so.6") + "]";
            default -> pick(NUMERIC);
        };
    }

    private String number(int depth) {
        if (depth <= 0) {
            return random.nextBoolean() ? pick(NUMBERS) : pick(NUMERIC);
        }
        return switch (random.nextInt(5)) {
            case 0 ->
                "(" + number(depth - 1) + pick("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>") + number(depth - 1)
                        + ")";
            case 1 -> pick("-", "~") + "(" + number(depth - 1) + ")";
            case 2 -> "(" + condition(depth - 1) + ")";
            case 3 -> pick(NUMBERS);
            default -> pick(NUMERIC);
        };
    }

    private String damage(String text) {
        var damaged = new StringBuilder(text);
        for (int i = 0; i <= random.nextInt(2) && damaged.length() > 0; i++) {
            int at = random.nextInt(damaged.length());
            switch (random.nextInt(3)) {
                case 0 -> damaged.deleteCharAt(at);
                case 1 -> damaged.insert(at, pick("(", ")", "]", "&", "\"", "'", "..", "in", "§", "9", "-", " "));
                default -> damaged.setCharAt(at, (char) (32 + random.nextInt(95)));
            }
        }
        return damaged.toString();
    }

    private long[] record() {
        var record = new long[EventType.WORDS];
        TYPE.fields().values().forEach(field -> {
            if (field.bits() == 64) {
                record[field.word()] = field.kind().isText()
                        ? strings.number(pick(TEXTS))
                        : random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(5);
            }
        });
        record[EventType.TASK] = random.nextLong();
        return record;
    }
}

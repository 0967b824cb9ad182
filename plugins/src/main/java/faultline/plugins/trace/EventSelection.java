package faultline.plugins.trace;

import faultline.plugins.event.EventType;
import faultline.plugins.event.Events;
import faultline.plugins.event.StringTable;
import faultline.plugins.filter.EventPredicate;
import faultline.plugins.filter.FilterCompiler;
import faultline.plugins.filter.FilterSyntaxException;
import faultline.plugins.weave.Glob;
import faultline.plugins.words.Caret;
import faultline.plugins.words.Suggestion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Which events a trace takes: by category or name, and by a filter. A filter holds for no event that lacks one of its
 * fields.
 */
public final class EventSelection {
    private static final EventPredicate ALL = (records, base) -> true;

    /** By the type's id: null where the type is not wanted. */
    private final EventPredicate[] filters = new EventPredicate[Events.ALL.size()];

    /**
     * @param wanted categories or patterns over names, with commas between: {@code "fault,tlb:*"}
     * @param filter an expression, or null
     * @throws IllegalArgumentException when a word of {@code wanted} selects nothing
     * @throws FilterSyntaxException when the filter suits none of the events
     */
    public EventSelection(String wanted, String filter, StringTable strings) {
        List<EventType> types = types(wanted);
        FilterSyntaxException refused = null;
        boolean any = false;
        for (EventType type : types) {
            try {
                filters[type.id()] = filter == null ? ALL : FilterCompiler.compile(filter, type, strings);
                any = true;
            } catch (FilterSyntaxException e) {
                refused = refused == null ? e : refused;
            }
        }
        if (!any && refused != null) {
            throw refused;
        }
    }

    private static List<EventType> types(String wanted) {
        var types = new ArrayList<EventType>();
        int column = 1;
        for (String word : wanted.split(",", -1)) {
            Glob glob = Glob.of(word);
            List<EventType> chosen = Events.ALL.stream()
                    .filter(type -> word.equals("all")
                            ? isInAll(type)
                            : type.category().equals(word) || glob.matches(type.name()))
                    .toList();
            if (chosen.isEmpty()) {
                throw new IllegalArgumentException(Caret.at(unknown(word), wanted, column));
            }
            types.addAll(chosen);
            column += word.length() + 1;
        }
        return types;
    }

    private static String unknown(String word) {
        var known = new LinkedHashSet<String>(List.of("all"));
        Events.ALL.forEach(type -> known.add(type.category()));
        String categories = String.join(", ", known);
        Events.ALL.forEach(type -> known.add(type.name()));
        return "no event is called '" + word + "'" + Suggestion.of(word, known) + "; there are " + categories + ", and "
                + String.join(", ", Events.ALL.stream().map(EventType::name).toList());
    }

    /**
     * What "all" means: not every entry and step, which drown the rest, and not the fills of the translation cache.
     * Unicorn changes its size by the host's clock, so that fills, unlike all else, are no function of the seed.
     */
    private static boolean isInAll(EventType type) {
        return !type.category().equals("pte") && !type.category().equals("step") && type != Events.TLB_FILL;
    }

    /** Those of which some may pass. */
    public List<EventType> types() {
        return Events.ALL.stream().filter(this::wants).toList();
    }

    /** Whether any event of the type may pass. */
    public boolean wants(EventType type) {
        return filters[type.id()] != null;
    }

    /** Whether any event of one of the types may pass. */
    public boolean wantsAny(EventType... types) {
        return Arrays.stream(types).anyMatch(this::wants);
    }

    /** Whether this record passes. */
    public boolean passes(long[] record) {
        EventPredicate filter = filters[(int) record[EventType.TYPE]];
        return filter != null && filter.test(record, 0);
    }
}

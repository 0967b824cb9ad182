package faultline.plugins.words;

import java.util.Collection;
import java.util.Comparator;

/** The known word that is nearest to one that does not exist. */
public final class Suggestion {
    /** A word is near when at most one letter of so many differs. */
    private static final int LETTERS_PER_SLIP = 3;

    private Suggestion() {}

    /** {@code " (did you mean 'pte_alloc'?)"}, or nothing when no known word is near. */
    public static String of(String word, Collection<String> known) {
        return known.stream()
                .min(Comparator.<String>comparingInt(each -> distance(word, each))
                        .thenComparing(each -> each))
                .filter(each -> distance(word, each) <= Math.max(1, word.length() / LETTERS_PER_SLIP))
                .map(each -> " (did you mean '" + each + "'?)")
                .orElse("");
    }

    /** As above, and all that there are: for short lists. */
    public static String among(String word, Collection<String> known) {
        return of(word, known) + "; there are " + String.join(", ", known);
    }

    /** Letters to insert, delete, replace, or exchange with the next, until one word is the other. */
    static int distance(String one, String other) {
        int[] before = new int[other.length() + 1];
        int[] last = new int[other.length() + 1];
        for (int j = 0; j <= other.length(); j++) {
            last[j] = j;
        }
        for (int i = 1; i <= one.length(); i++) {
            int[] row = new int[other.length() + 1];
            row[0] = i;
            for (int j = 1; j <= other.length(); j++) {
                boolean same = one.charAt(i - 1) == other.charAt(j - 1);
                row[j] = Math.min(last[j - 1] + (same ? 0 : 1), Math.min(last[j], row[j - 1]) + 1);
                if (i > 1
                        && j > 1
                        && one.charAt(i - 1) == other.charAt(j - 2)
                        && one.charAt(i - 2) == other.charAt(j - 1)) {
                    row[j] = Math.min(row[j], before[j - 2] + 1);
                }
            }
            before = last;
            last = row;
        }
        return last[other.length()];
    }
}

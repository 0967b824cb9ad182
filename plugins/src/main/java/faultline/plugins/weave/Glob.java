package faultline.plugins.weave;

/**
 * Shell patterns over names: {@code *}, {@code ?}, {@code [a-z]}, {@code [!a-z]}; alternatives by {@code ','}. A
 * pattern matches itself, too, so that {@code [heap]} is the mapping of that name.
 */
public final class Glob {
    private final String[] patterns;

    private Glob(String[] patterns) {
        this.patterns = patterns;
    }

    /** @param text one pattern, or several with commas between; {@code "*"} matches every name */
    public static Glob of(String text) {
        return new Glob(text.split(","));
    }

    /** Whether one of the patterns covers all of {@code name}. */
    public boolean matches(String name) {
        for (String pattern : patterns) {
            if (pattern.equals(name) || matches(pattern, 0, name, 0)) {
                return true;
            }
        }
        return false;
    }

    private static boolean matches(String p, int pi, String s, int si) {
        while (pi < p.length()) {
            char c = p.charAt(pi);
            if (c == '*') {
                for (int i = si; i <= s.length(); i++) {
                    if (matches(p, pi + 1, s, i)) {
                        return true;
                    }
                }
                return false;
            }
            if (si == s.length()) {
                return false;
            }
            int close = c == '[' ? p.indexOf(']', pi + 2) : -1;
            if (close > 0) {
                if (!inSet(p.substring(pi + 1, close), s.charAt(si))) {
                    return false;
                }
                pi = close + 1;
            } else {
                if (c != '?' && c != s.charAt(si)) {
                    return false;
                }
                pi++;
            }
            si++;
        }
        return si == s.length();
    }

    private static boolean inSet(String set, char c) {
        boolean negated = set.charAt(0) == '!' && set.length() > 1;
        boolean found = false;
        for (int i = negated ? 1 : 0; i < set.length(); i++) {
            boolean range = i + 2 < set.length() && set.charAt(i + 1) == '-';
            char high = range ? set.charAt(i + 2) : set.charAt(i);
            found |= c >= set.charAt(i) && c <= high;
            i += range ? 2 : 0;
        }
        return found != negated;
    }

    @Override
    public String toString() {
        return String.join(",", patterns);
    }
}

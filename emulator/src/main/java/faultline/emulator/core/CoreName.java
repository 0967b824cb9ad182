package faultline.emulator.core;

import faultline.mmu.annotation.KernelFunction;
import java.util.Map;

/**
 * The name of a core file: kernel.core_pattern with its {@code %} letters replaced.
 *
 * <table>
 * <caption>Letters</caption>
 * <tr><td>%%</td><td>a percent sign</td><td>%p %P</td><td>process</td></tr>
 * <tr><td>%i %I</td><td>thread</td><td>%u %g</td><td>real user and group</td></tr>
 * <tr><td>%s</td><td>signal</td><td>%t</td><td>seconds since 1970</td></tr>
 * <tr><td>%h</td><td>the machine's name</td><td>%e</td><td>the thread's name</td></tr>
 * <tr><td>%f %E</td><td>the program's name, its path</td><td>%c</td><td>RLIMIT_CORE</td></tr>
 * <tr><td>%d</td><td>what PR_GET_DUMPABLE says</td><td>%C</td><td>the processor</td></tr>
 * </table>
 *
 * Others, and a percent sign at the end, stand for nothing.
 */
@KernelFunction(value = "format_corename", file = "fs/coredump.c")
final class CoreName {
    /** Letters whose text may hold anything: a name that a program gave itself must not lead elsewhere. */
    private static final String FREE_TEXTS = "hefE";

    private CoreName() {}

    /**
     * @param values what the letters stand for, but for the percent sign
     * @param usesPid whether a name without {@code %p} ends in the process' id
     */
    static String of(String pattern, Map<Character, String> values, boolean usesPid) {
        StringBuilder name = new StringBuilder();
        boolean hasPid = false;
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c != '%') {
                name.append(c);
                continue;
            }
            if (++i == pattern.length()) {
                break;
            }
            char letter = pattern.charAt(i);
            hasPid |= letter == 'p';
            String value = letter == '%' ? "%" : values.getOrDefault(letter, "");
            name.append(FREE_TEXTS.indexOf(letter) >= 0 ? harmless(value) : value);
        }
        return usesPid && !hasPid ? name + "." + values.get('p') : name.toString();
    }

    /** A text that is part of a file's name, and of no directory's. */
    @KernelFunction(value = "cn_esc_printf", file = "fs/coredump.c")
    private static String harmless(String text) {
        return switch (text) {
            case "", "." -> "!";
            case ".." -> "!.";
            default -> text.replace('/', '!');
        };
    }
}

package faultline.plugins.weave;

import java.util.ArrayList;
import java.util.List;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;

/** Decides whether a method is a site and under which name. */
final class SiteNaming {
    private SiteNaming() {}

    /**
     * The site that a method makes, or null. Constructors, class initialisers, and methods without a body are none.
     *
     * @param internalName the class, with slashes
     * @param ofClass the class's annotations
     * @param ofMethod the method's annotations
     * @param names parameter names found, may be shorter than the parameter list
     */
    static SiteInfo site(
            String internalName,
            Annotations ofClass,
            int access,
            String method,
            String descriptor,
            Annotations ofMethod,
            List<String> names) {
        if (method.startsWith("<")
                || (access & (Opcodes.ACC_ABSTRACT | Opcodes.ACC_NATIVE | Opcodes.ACC_SYNTHETIC)) != 0) {
            return null;
        }
        String name = ofMethod.kernelName;
        String file = ofMethod.kernelFile;
        if (name == null && ofClass.kernelName != null && isEntryOf(ofClass.kernelName, method)) {
            name = ofClass.kernelName;
            file = ofClass.kernelFile;
        }
        if (name == null && ofMethod.injectId != null) {
            name = ofMethod.injectId
                    .substring(ofMethod.injectId.indexOf('/') + 1)
                    .replace('/', '_');
        }
        if (name == null) {
            return null;
        }
        return new SiteInfo(
                name,
                file,
                internalName.replace('/', '.'),
                method,
                descriptor,
                (access & Opcodes.ACC_STATIC) != 0,
                complete(names, Type.getArgumentTypes(descriptor).length),
                ofMethod.injectId,
                ofMethod.injectError,
                ofMethod.mayWait);
    }

    private static boolean isEntryOf(String kernelName, String method) {
        return method.equals("run") || method.equals(javaSpelling(kernelName));
    }

    /** {@code move_page_tables} → {@code movePageTables}. */
    static String javaSpelling(String kernelName) {
        var text = new StringBuilder();
        boolean upper = false;
        for (char c : kernelName.toCharArray()) {
            if (c == '_') {
                upper = !text.isEmpty();
            } else {
                text.append(upper ? Character.toUpperCase(c) : c);
                upper = false;
            }
        }
        return text.toString();
    }

    private static List<String> complete(List<String> names, int count) {
        var all = new ArrayList<>(names.subList(0, Math.min(count, names.size())));
        while (all.size() < count) {
            all.add("arg" + all.size());
        }
        return List.copyOf(all);
    }
}

package faultline.plugins.weave;

import java.util.List;
import org.objectweb.asm.Type;

/**
 * What is known of a woven method from its class file alone.
 *
 * @param name the kernel's name of the function, by which the site is selected
 * @param file the kernel source file named by the annotation, or empty
 * @param className binary name of the declaring class, with dots
 * @param method the method's Java name
 * @param descriptor the method's descriptor
 * @param isStatic whether there is no receiver
 * @param argumentNames names of the declared parameters, {@code argN} where the class file has none
 * @param injectId the injection point's id, or null where the method may not be made to fail
 * @param injectError what the method returns when made to fail and the experiment names no other value
 * @param mayWait whether it is an allocation that may wait for memory
 */
public record SiteInfo(
        String name,
        String file,
        String className,
        String method,
        String descriptor,
        boolean isStatic,
        List<String> argumentNames,
        String injectId,
        long injectError,
        boolean mayWait) {

    /** Whether experiments may replace this method's body by an error return. */
    public boolean injectable() {
        return injectId != null;
    }

    /** Simple names of the parameter types, in order. */
    public List<String> argumentTypes() {
        return java.util.Arrays.stream(Type.getArgumentTypes(descriptor))
                .map(SiteInfo::simpleName)
                .toList();
    }

    /** Simple name of the result's type. */
    public String returnType() {
        return simpleName(Type.getReturnType(descriptor));
    }

    /** Class and method, as a reader looks for it in the sources: {@code PageTables.pteAlloc}. */
    public String shortLocation() {
        return className.substring(className.lastIndexOf('.') + 1) + "." + method;
    }

    /** The declaration: {@code int pte_alloc(PageTableOwner mm, long pmdEntry, long addr)}. */
    public String signature() {
        var text = new StringBuilder(returnType()).append(' ').append(name).append('(');
        List<String> types = argumentTypes();
        for (int i = 0; i < types.size(); i++) {
            text.append(i == 0 ? "" : ", ").append(types.get(i)).append(' ').append(argumentNames.get(i));
        }
        return text.append(')').toString();
    }

    private static String simpleName(Type type) {
        String name = type.getClassName();
        return name.substring(Math.max(name.lastIndexOf('.'), name.lastIndexOf('$')) + 1);
    }
}

package faultline.plugins.inject;

import faultline.mmu.annotation.KernelFunction;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** The calling thread's kernel functions: the Java methods on its stack, by the kernel's names. */
final class KernelStack {
    /** More callers than this are looked at by nobody (Linux: MAX_STACK_TRACE_DEPTH). */
    static final int MAX_DEPTH = 32;

    private static final StackWalker WALKER = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);
    private static final Map<String, String> NAMES = new ConcurrentHashMap<>();

    private KernelStack() {}

    /** Innermost first, at most {@code depth} of them; methods without a kernel's name are passed over. */
    static List<String> functions(int depth) {
        return WALKER.walk(frames -> frames.filter(frame -> frame.getClassName().startsWith("faultline.")
                        && !frame.getClassName().startsWith("faultline.plugins.inject")
                        && !frame.getClassName().startsWith("faultline.plugins.weave"))
                .map(KernelStack::name)
                .filter(name -> !name.isEmpty())
                .limit(depth)
                .collect(Collectors.toList()));
    }

    private static String name(StackWalker.StackFrame frame) {
        String key = frame.getClassName() + "." + frame.getMethodName() + frame.getDescriptor();
        String known = NAMES.get(key);
        if (known == null) {
            known = find(frame);
            NAMES.put(key, known);
        }
        return known;
    }

    private static String find(StackWalker.StackFrame frame) {
        for (Method method : frame.getDeclaringClass().getDeclaredMethods()) {
            if (method.getName().equals(frame.getMethodName())
                    && java.lang.invoke.MethodType.methodType(method.getReturnType(), method.getParameterTypes())
                            .equals(frame.getMethodType())) {
                KernelFunction function = method.getAnnotation(KernelFunction.class);
                return function == null ? "" : function.value();
            }
        }
        return "";
    }
}

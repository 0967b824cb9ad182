package faultline.plugins.weave;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Method handles that call sites are put together from. */
final class Handles {
    /** {@code long → boolean}: whether an injector let the body run. */
    static final MethodHandle IS_RUN_BODY = find(MethodHandles.lookup(), "isRunBody", boolean.class, long.class);

    private Handles() {}

    static MethodHandle find(MethodHandles.Lookup in, String name, Class<?> result, Class<?>... arguments) {
        try {
            return in.findStatic(in.lookupClass(), name, MethodType.methodType(result, arguments));
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    static boolean isRunBody(long injected) {
        return injected == ProbeSite.RUN_BODY;
    }

    /**
     * Fits a handle that takes the first few arguments of a hook, perhaps by wider types, to the hook's full type.
     *
     * @throws java.lang.invoke.WrongMethodTypeException when a parameter cannot be converted
     */
    static MethodHandle fit(MethodHandle handle, MethodType type) {
        int taken = handle.type().parameterCount();
        if (taken > type.parameterCount()) {
            throw new java.lang.invoke.WrongMethodTypeException(handle.type() + " takes more than " + type + " offers");
        }
        MethodType prefix = type.dropParameterTypes(taken, type.parameterCount());
        MethodHandle exact = handle.asType(prefix.changeReturnType(type.returnType()));
        return MethodHandles.dropArguments(exact, taken, type.parameterList().subList(taken, type.parameterCount()));
    }
}

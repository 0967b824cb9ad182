package faultline.emulator.task;

import faultline.emulator.host.QuitSignal;
import faultline.emulator.signal.Signals;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Signals that the host sends to the emulator (the terminal's keys, kill) and that are meant for the guest.
 *
 * <p>Uses the JDK's own handling ({@code sun.misc.Signal}, reached reflectively because the compiler warns of each
 * mention), so that no handler of ours runs in signal context; SIGQUIT, which it does not give out, is heard by {@link
 * QuitSignal} when there is a terminal. {@link #close} puts the earlier handlers back.
 */
final class HostSignals implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HostSignals.class);

    /** Names and numbers of what is passed on. */
    private static final Map<String, Integer> FORWARDED =
            Map.of("HUP", 1, "INT", 2, "USR2", 12, "TERM", 15, "CONT", 18, "TSTP", 20, "WINCH", 28, "IO", 29);

    private final Map<Object, Object> before = new HashMap<>();

    private QuitSignal quit;

    private HostSignals() {}

    /** Passes signals on to the first process' group from now on. */
    static HostSignals forwardTo(Kernel kernel) {
        HostSignals signals = new HostSignals();
        FORWARDED.forEach((name, number) -> signals.forward(kernel, name, number));
        if (kernel.terminals().hasHostTerminal()) {
            // Without a terminal nobody types Ctrl-\, and tools for Java use the signal to get at the machine.
            signals.quit = QuitSignal.hear(() -> kernel.signalFromHost(Signals.SIGQUIT));
        }
        return signals;
    }

    private void forward(Kernel kernel, String name, int number) {
        try {
            Class<?> signalType = Class.forName("sun.misc.Signal");
            Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
            Object signal = signalType.getConstructor(String.class).newInstance(name);
            Object handler = Proxy.newProxyInstance(
                    HostSignals.class.getClassLoader(), new Class<?>[] {handlerType}, (proxy, method, args) -> {
                        if (method.getName().equals("handle")) {
                            kernel.signalFromHost(number);
                            return null;
                        }
                        return switch (method.getName()) {
                            case "hashCode" -> System.identityHashCode(proxy);
                            case "equals" -> proxy == args[0];
                            default -> "forward to guest";
                        };
                    });
            Method handle = signalType.getMethod("handle", signalType, handlerType);
            before.put(signal, handle.invoke(null, signal, handler));
        } catch (ReflectiveOperationException | IllegalArgumentException e) {
            // the JVM keeps this one for itself (-Xrs, or a signal it uses): it does not reach the guest
            LOG.debug("host signal {} is not forwarded", name, e);
        }
    }

    @Override
    public void close() {
        if (quit != null) {
            quit.close();
        }
        before.forEach((signal, handler) -> {
            try {
                Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
                signal.getClass()
                        .getMethod("handle", signal.getClass(), handlerType)
                        .invoke(null, signal, handler);
            } catch (ReflectiveOperationException e) {
                LOG.debug("host signal handler could not be put back", e);
            }
        });
    }
}

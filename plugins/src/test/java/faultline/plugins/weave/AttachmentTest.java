package faultline.plugins.weave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@SuppressWarnings("try") // attachments are closed at the end of a block, and need no other use
class AttachmentTest {
    private static final AtomicLong SUM = new AtomicLong();

    private final WeavingClassLoader loader = new WeavingClassLoader(AttachmentTest.class.getClassLoader());
    private final AtomicLong entries = new AtomicLong();
    private ShapesApi woven;

    @BeforeEach
    void load() throws ReflectiveOperationException {
        woven = (ShapesApi) loader.loadClass("faultline.plugins.sample.Shapes")
                .getConstructor()
                .newInstance();
        SUM.set(0);
    }

    private final ProbeListener counter = new ProbeListener() {
        @Override
        public void entry(ProbeSite site, Object receiver, Object[] arguments) {
            entries.incrementAndGet();
        }
    };

    @Test
    void closedAttachmentIsNoLongerCalled() {
        Attachment attachment = loader.registry().attach("test", "sample_add", counter);
        woven.add(1, 1);
        attachment.close();
        woven.add(1, 1);
        assertThat(entries).hasValue(1);
    }

    @Test
    void attachesToAMethodThatHasRunBefore() {
        woven.add(1, 1);
        loader.registry().attach("test", "sample_add", counter);
        woven.add(1, 1);
        assertThat(entries).hasValue(1);
    }

    @Test
    void attachesToClassesThatLoadLater() throws ReflectiveOperationException {
        var fresh = new WeavingClassLoader(getClass().getClassLoader());
        fresh.registry().attach("test", "sample_*", counter);
        ((ShapesApi) fresh.loadClass("faultline.plugins.sample.Shapes")
                        .getConstructor()
                        .newInstance())
                .add(1, 1);
        assertThat(entries).hasValue(1);
    }

    @Test
    void twoAttachmentsAreBothCalledAndLeaveOneByOne() {
        Attachment first = loader.registry().attach("first", "sample_add", counter);
        Attachment second = loader.registry().attach("second", "sample_a*", counter);
        woven.add(1, 1);
        assertThat(entries).hasValue(2);
        first.close();
        woven.add(1, 1);
        assertThat(entries).hasValue(3);
        second.close();
        woven.add(1, 1);
        assertThat(entries).hasValue(3);
    }

    @Test
    void throwingListenerIsDetachedAndTheMethodReturnsAsUsual() {
        var attachment = loader.registry().attach("bad", "sample_add", new ProbeListener() {
            @Override
            public void entry(ProbeSite site, Object receiver, Object[] arguments) {
                entries.incrementAndGet();
                throw new AssertionError("listener's own fault");
            }
        });
        assertThat(woven.add(2, 3)).isEqualTo(5);
        assertThat(woven.add(2, 3)).isEqualTo(5);
        assertThat(entries).hasValue(1);
        assertThat(attachment.failure()).hasMessage("listener's own fault");
    }

    @Test
    void listenerThatCallsWovenCodeIsNotCalledForIt() {
        loader.registry().attach("test", "sample_*", new ProbeListener() {
            @Override
            public void entry(ProbeSite site, Object receiver, Object[] arguments) {
                entries.incrementAndGet();
                woven.branches(1);
            }
        });
        woven.add(1, 1);
        assertThat(entries).hasValue(1);
    }

    static void take(Object receiver, long a) {
        SUM.addAndGet(a);
    }

    static long injected(Object receiver) {
        return SUM.get();
    }

    static void wrong(int notTheReceiver) {
        SUM.set(notTheReceiver);
    }

    private static MethodHandle handle(String name, MethodType type) {
        try {
            return MethodHandles.lookup().findStatic(AttachmentTest.class, name, type);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void typedHandleTakesTheFirstArgumentsByWiderTypes() {
        loader.registry()
                .attach(
                        "typed",
                        info -> info.name().equals("sample_add"),
                        (site, hook, type) -> hook == Hook.ENTRY
                                ? handle("take", MethodType.methodType(void.class, Object.class, long.class))
                                : null);
        woven.add(40, 1);
        woven.add(2, 1);
        assertThat(SUM).hasValue(42);
    }

    @Test
    void handleThatDoesNotFitIsReportedAndTheSiteStaysDetached() {
        Attachment attachment = loader.registry()
                .attach(
                        "misfit",
                        info -> true,
                        (site, hook, type) -> handle("wrong", MethodType.methodType(void.class, int.class)));
        assertThat(woven.add(1, 1)).isEqualTo(2);
        assertThat(attachment.failure()).isInstanceOf(java.lang.invoke.WrongMethodTypeException.class);
    }

    private Attachment inject(String id) {
        return loader.registry()
                .attach(
                        "inject",
                        info -> id.equals(info.injectId()),
                        (site, hook, type) -> hook == Hook.INJECT
                                ? handle("injected", MethodType.methodType(long.class, Object.class))
                                : null);
    }

    @Test
    void injectedResultReplacesTheBodyAndPassesTheExitHook() {
        SUM.set(-12);
        var results = new java.util.ArrayList<Object>();
        loader.registry().attach("exit", "sample_loop", new ProbeListener() {
            @Override
            public void exit(ProbeSite site, Object receiver, Object result) {
                results.add(result);
            }
        });
        try (Attachment injector = inject("sample/loop")) {
            assertThat(woven.loop(20, null)).isEqualTo(-12);
        }
        assertThat(woven.loop(20, null)).isEqualTo(8);
        assertThat(results).containsExactly(-12L, 8L);
    }

    @Test
    void injectedIntBooleanAndObjectResultsAreConverted() {
        SUM.set(0);
        inject("sample/flag");
        inject("sample/object");
        assertThat(woven.flag()).isFalse();
        assertThat(woven.object("a")).isNull();
        SUM.set(-14);
        inject("sample/int");
        assertThat(woven.small(1)).isEqualTo(-14);
    }

    @Test
    void injectorThatLetsTheBodyRunGivesWayToTheNext() {
        SUM.set(ProbeSite.RUN_BODY);
        inject("sample/int");
        assertThat(woven.small(1)).isEqualTo(2);
        loader.registry()
                .attach(
                        "second",
                        info -> "sample/int".equals(info.injectId()),
                        (site, hook, type) -> hook == Hook.INJECT ? MethodHandles.constant(long.class, -5L) : null);
        assertThat(woven.small(1)).isEqualTo(-5);
    }

    @Test
    void attachAndDetachWhileAnotherThreadRunsTheSite() throws InterruptedException {
        var stop = new AtomicBoolean();
        var wrong = new AtomicLong();
        Thread runner = Thread.ofPlatform().start(() -> {
            for (long i = 1; !stop.get(); i++) {
                if (woven.branches(i) != 2 * i) {
                    wrong.incrementAndGet();
                }
            }
        });
        for (int i = 0; i < 50; i++) {
            long before = entries.get();
            try (Attachment attachment = loader.registry().attach("test", "sample_branches", counter)) {
                while (entries.get() == before && runner.isAlive()) {
                    Thread.onSpinWait();
                }
            }
        }
        stop.set(true);
        runner.join();
        assertThat(wrong).hasValue(0);
        long after = entries.get();
        woven.branches(1);
        assertThat(entries).hasValue(after);
    }

    @Test
    void attachingToAPlainClassIsImpossible() {
        assertThat(WeavingClassLoader.registryOf(faultline.plugins.sample.Shapes.class))
                .isNull();
        assertThat(WeavingClassLoader.registryOf(woven.getClass())).isSameAs(loader.registry());
        assertThatThrownBy(() -> loader.loadClass("faultline.plugins.sample.Missing"))
                .isInstanceOf(ClassNotFoundException.class);
    }
}

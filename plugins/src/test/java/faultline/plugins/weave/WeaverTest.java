package faultline.plugins.weave;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.Opcodes;
import org.objectweb.asm.Type;
import org.objectweb.asm.tree.ClassNode;
import org.objectweb.asm.tree.MethodNode;
import org.objectweb.asm.util.CheckClassAdapter;

@SuppressWarnings("try") // attachments are closed at the end of a block, and need no other use
class WeaverTest {
    private final WeavingClassLoader loader = new WeavingClassLoader(WeaverTest.class.getClassLoader());
    private final List<String> seen = new ArrayList<>();
    private ShapesApi woven;

    @BeforeEach
    void load() throws ReflectiveOperationException {
        woven = (ShapesApi) loader.loadClass("faultline.plugins.sample.Shapes")
                .getConstructor()
                .newInstance();
    }

    private final ProbeListener recorder = new ProbeListener() {
        @Override
        public void entry(ProbeSite site, Object receiver, Object[] arguments) {
            seen.add("> " + site.name() + Arrays.toString(arguments) + (receiver == null ? " static" : ""));
        }

        @Override
        public void exit(ProbeSite site, Object receiver, Object result) {
            seen.add("< " + site.name() + " " + result);
        }

        @Override
        public void thrown(ProbeSite site, Throwable thrown) {
            seen.add("! " + site.name() + " " + thrown.getMessage());
        }
    };

    private static void behavesAsWritten(ShapesApi shapes) {
        assertThat(shapes.add(2, 40)).isEqualTo(42);
        assertThat(shapes.branches(-5)).isEqualTo(-1);
        assertThat(shapes.branches(0)).isZero();
        assertThat(shapes.branches(21)).isEqualTo(42);
        assertThat(shapes.fail(null)).isEqualTo("none");
        assertThatThrownBy(() -> shapes.fail("broken")).hasMessage("broken");
        assertThat(shapes.loop(20, "x")).isEqualTo(8);
        assertThat(shapes.handlers(0)).isZero();
        assertThat(shapes.handlers(1)).isEqualTo(100);
        assertThatThrownBy(() -> shapes.handlers(2)).isInstanceOf(UnsupportedOperationException.class);
        assertThat(shapes.calls()).isEqualTo(30);
        shapes.count();
        assertThat(shapes.calls()).isEqualTo(31);
        assertThat(shapes.object("a", "b")).containsExactly("a", "b");
        assertThat(shapes.flag()).isTrue();
        assertThat(shapes.small(1)).isEqualTo(2);
        assertThat(shapes.real(1, 2, (short) 3, (char) 4, (byte) 5, true)).isEqualTo(16);
        assertThat(shapes.callStatic(4)).isEqualTo(8);
        assertThat(shapes.allocFor(3, 2)).isEqualTo(12);
    }

    @Test
    void wovenClassBehavesAsThePlainOneWhileNobodyListens() {
        behavesAsWritten(new faultline.plugins.sample.Shapes());
        behavesAsWritten(woven);
    }

    @Test
    void wovenClassBehavesAsThePlainOneWhileAllIsListenedTo() {
        try (Attachment all = loader.registry().attach("test", "*", recorder)) {
            behavesAsWritten(woven);
            assertThat(all.failure()).isNull();
        }
        assertThat(seen).contains("> sample_add[2, 40]", "< sample_add 42", "! sample_fail broken");
    }

    @Test
    void everyReturnReportsItsResult() {
        try (Attachment all = loader.registry().attach("test", "sample_branches", recorder)) {
            woven.branches(-5);
            woven.branches(0);
            woven.branches(4);
        }
        assertThat(seen)
                .containsExactly(
                        "> sample_branches[-5]", "< sample_branches -1",
                        "> sample_branches[0]", "< sample_branches 0",
                        "> sample_branches[4]", "< sample_branches 8");
    }

    @Test
    void entryComesBeforeExitAndAVoidMethodReportsNull() {
        try (Attachment all = loader.registry().attach("test", "sample_count", recorder)) {
            woven.count();
        }
        assertThat(seen).containsExactly("> sample_count[]", "< sample_count null");
    }

    @Test
    void exceptionThatTheMethodHandlesItselfIsNotReported() {
        try (Attachment all = loader.registry().attach("test", "sample_handlers", recorder)) {
            woven.handlers(1);
        }
        assertThat(seen).containsExactly("> sample_handlers[1]", "< sample_handlers 100");
    }

    @Test
    void staticMethodHasNoReceiver() {
        try (Attachment all = loader.registry().attach("test", "sample_static", recorder)) {
            woven.callStatic(4);
        }
        assertThat(seen).containsExactly("> sample_static[4] static", "< sample_static 8");
    }

    @Test
    void runMethodOfAnAnnotatedClassIsItsSite() throws ReflectiveOperationException {
        try (Attachment all = loader.registry().attach("test", "move_*", recorder)) {
            var mover = (LongUnaryOperator) loader.loadClass("faultline.plugins.sample.Mover")
                    .getConstructor()
                    .newInstance();
            assertThat(mover.applyAsLong(5)).isEqualTo(5);
        }
        assertThat(seen).containsExactly("> move_sample[5]", "< move_sample 4");
    }

    @Test
    void defaultMethodAndTheOneThatOverridesItAreTwoSites() throws ReflectiveOperationException {
        var locked = (LongUnaryOperator) loader.loadClass("faultline.plugins.sample.Twice$Locked")
                .getConstructor()
                .newInstance();
        assertThat(locked.applyAsLong(4)).isEqualTo(9);
        try (Attachment all = loader.registry().attach("test", "sample_*", recorder)) {
            assertThat(locked.applyAsLong(5)).isEqualTo(11);
        }
        assertThat(locked.applyAsLong(6)).isEqualTo(13);
        assertThat(seen)
                .containsExactly("> sample_locked[5]", "> sample_twice[5]", "< sample_twice 10", "< sample_locked 11");
    }

    @Test
    void detachedMethodHasAGuardAndOtherwiseItsOwnCode() throws IOException {
        byte[] plain = bytesOf("faultline/plugins/sample/Shapes.class");
        var woven = new ClassNode();
        new ClassReader(Weaver.weave(plain, info -> 0)).accept(woven, ClassReader.SKIP_FRAMES);
        var original = new ClassNode();
        new ClassReader(plain).accept(original, ClassReader.SKIP_FRAMES);
        for (int i = 0, j = 0; i < woven.methods.size(); i++) {
            MethodNode method = woven.methods.get(i);
            if (method.name.endsWith(ProbedMethod.SUFFIX)) {
                continue;
            }
            MethodNode before = original.methods.get(j++);
            boolean site = instructions(method) != instructions(before);
            assertThat(calls(method) - calls(before)).as(method.name).isEqualTo(site ? 1 : 0);
            assertThat(method.tryCatchBlocks).hasSameSizeAs(before.tryCatchBlocks);
            // guard and branch, then arguments, call and return
            int arguments =
                    Type.getArgumentTypes(method.desc).length + ((method.access & Opcodes.ACC_STATIC) == 0 ? 1 : 0);
            assertThat(instructions(method) - instructions(before)).isEqualTo(site ? 2 + arguments + 2 : 0);
        }
    }

    private static long instructions(MethodNode method) {
        return Arrays.stream(method.instructions.toArray())
                .filter(i -> i.getOpcode() >= 0)
                .count();
    }

    private static long calls(MethodNode method) {
        return Arrays.stream(method.instructions.toArray())
                .filter(i -> i.getOpcode() == Opcodes.INVOKEDYNAMIC)
                .count();
    }

    @Test
    void wovenBytesPassTheBytecodeVerifierOfAsm() throws IOException {
        byte[] woven = Weaver.weave(bytesOf("faultline/plugins/sample/Shapes.class"), info -> 0);
        var problems = new StringWriter();
        CheckClassAdapter.verify(new ClassReader(woven), getClass().getClassLoader(), false, new PrintWriter(problems));
        assertThat(problems.toString()).isEmpty();
    }

    @Test
    void classWithoutSitesIsLeftByteForByte() throws IOException {
        byte[] plain = bytesOf("faultline/plugins/weave/Glob.class");
        assertThat(Weaver.weave(plain, info -> 0)).isSameAs(plain);
    }

    @Test
    void sitesAreListedWithNamesAndTypesOfTheirArguments() throws IOException {
        List<SiteInfo> sites = Weaver.sites(bytesOf("faultline/plugins/sample/Shapes.class"));
        assertThat(sites)
                .extracting(SiteInfo::signature)
                .contains(
                        "int sample_add(int a, long b)",
                        "List object(String[] names)",
                        "double sample_double(double a, float b, short c, char d, byte e, boolean f)");
        assertThat(sites)
                .filteredOn(SiteInfo::injectable)
                .extracting(SiteInfo::injectId)
                .containsExactlyInAnyOrder("sample/loop", "sample/object", "sample/flag", "sample/int", "sample/alloc");
    }

    private static byte[] bytesOf(String path) throws IOException {
        try (InputStream in = WeaverTest.class.getClassLoader().getResourceAsStream(path)) {
            return in.readAllBytes();
        }
    }
}

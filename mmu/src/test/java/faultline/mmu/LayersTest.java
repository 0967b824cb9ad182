package faultline.mmu;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The layers of the memory manager: a package uses only those under it. */
class LayersTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("faultline.mmu");

    /** From the ground up. The root package itself holds the error numbers only, and stands beside the annotations. */
    private static final List<String> LAYERS = List.of(
            "annotation",
            "",
            "lock",
            "phys",
            "memcg",
            "tlb",
            "table",
            "policy",
            "file",
            "mm",
            "hugetlb",
            "rmap",
            "swap",
            "fault",
            "gup",
            "ksm",
            "op",
            "kernel",
            "view",
            "system");

    private static String packageOf(String layer) {
        return layer.isEmpty() ? "faultline.mmu" : "faultline.mmu." + layer;
    }

    @Test
    void aLayerUsesOnlyThoseUnderIt() {
        for (int layer = 0; layer < LAYERS.size(); layer++) {
            String[] above = LAYERS.subList(layer + 1, LAYERS.size()).stream()
                    .map(LayersTest::packageOf)
                    .toArray(String[]::new);
            if (above.length > 0) {
                noClasses()
                        .that()
                        .resideInAPackage(packageOf(LAYERS.get(layer)))
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(above)
                        .allowEmptyShould(true)
                        .check(CLASSES);
            }
        }
    }

    @Test
    void everyPackageIsALayer() {
        classes()
                .should()
                .resideInAnyPackage(LAYERS.stream().map(LayersTest::packageOf).toArray(String[]::new))
                .check(CLASSES);
    }

    @Test
    void theMemoryManagerKnowsNothingOfWhatStandsOnIt() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("faultline.emulator..", "faultline.plugins..", "faultline.plugin..")
                .check(CLASSES);
    }

    @Test
    void onlyTheLockPackageUsesTheLibrarysLocks() {
        noClasses()
                .that()
                .resideOutsideOfPackage("faultline.mmu.lock")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("java.util.concurrent.locks")
                .orShould()
                .callMethod(Object.class, "wait")
                .orShould()
                .callMethod(Object.class, "notifyAll")
                .check(CLASSES);
    }

    @Test
    void nothingIsSynchronized() {
        classes()
                .should(new ArchCondition<JavaClass>("have no synchronized methods") {
                    @Override
                    public void check(JavaClass javaClass, ConditionEvents events) {
                        for (JavaMethod method : javaClass.getMethods()) {
                            if (method.getModifiers().contains(JavaModifier.SYNCHRONIZED)) {
                                events.add(SimpleConditionEvent.violated(
                                        method, method.getFullName() + " is synchronized"));
                            }
                        }
                    }
                })
                .check(CLASSES);
    }
}

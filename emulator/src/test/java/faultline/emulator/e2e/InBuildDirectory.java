package faultline.emulator.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

/** Makes temporary directories where the project is built, and not in /tmp, which may be memory. */
final class InBuildDirectory implements TempDirFactory {
    @Override
    public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context) throws IOException {
        Path target = TestPrograms.project().resolve("emulator/target");
        return Files.createTempDirectory(Files.createDirectories(target), "guest");
    }
}

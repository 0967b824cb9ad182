package faultline.plugins.cli;

import faultline.emulator.syscall.SyscallTable;
import faultline.plugins.inject.FailSpec;
import faultline.plugins.weave.SiteInfo;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;

/** The names that {@code --fail} may speak of, from the class files. */
final class FailVocabulary {
    /** Id of the point that stands for all system calls. */
    static final String SYSCALLS = "sys";

    private FailVocabulary() {}

    static FailSpec.Vocabulary read() throws IOException {
        Set<String> syscalls = new HashSet<>(SyscallTable.allNames());
        Set<String> points = new HashSet<>();
        Set<String> functions = new HashSet<>();
        for (SiteInfo site : SiteCatalogue.all()) {
            functions.add(site.name());
            if (site.injectable() && !site.injectId().equals(SYSCALLS)) {
                points.add(site.injectId());
            }
        }
        syscalls.forEach(name -> points.add(SYSCALLS + "/" + name));
        syscalls.add("none");
        return new FailSpec.Vocabulary(points, syscalls, functions);
    }
}

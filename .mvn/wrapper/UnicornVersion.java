import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** Exits with 0 when the libunicorn named by the first argument has at least the version that the second one says. */
class UnicornVersion {
    public static void main(String[] args) throws Throwable {
        SymbolLookup library = SymbolLookup.libraryLookup(Path.of(args[0]), Arena.global());
        // unsigned uc_version(unsigned *major, unsigned *minor): the result holds major, minor, patch and extra, a byte
        // each
        int version = (int) Linker.nativeLinker()
                .downcallHandle(
                        library.find("uc_version").orElseThrow(),
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS))
                .invokeExact(MemorySegment.NULL, MemorySegment.NULL);
        String[] wanted = args[1].split("\\.");
        for (int i = 0; i < wanted.length; i++) {
            int have = version >>> 24 - 8 * i & 0xff;
            int want = Integer.parseInt(wanted[i]);
            if (have != want) {
                System.exit(have > want ? 0 : 1);
            }
        }
    }
}

package faultline.emulator.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.emulator.task.GuestSpec;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Guests that try to reach what the isolation options keep from them; where Linux has mounts to compare with, they get
 * the same errno for every call.
 */
class IsolationTest {
    private static final String IN_NAMESPACE = "unshare --user --map-root-user --mount true";

    private static Guests guests;

    @BeforeAll
    static void start() throws IOException {
        guests = new Guests();
    }

    @AfterAll
    static void stop() throws IOException {
        guests.close();
    }

    private static String program(String name) {
        Path program = TestPrograms.program(name);
        assumeTrue(Files.exists(program), program + " was not built: testbins/build.sh says why");
        return program.toString();
    }

    private static GuestResult run(List<String> argv, Path root, Path cwd, String option, String value)
            throws IOException {
        GuestRequest request = guests.request(argv, root, "split", "pmd", Guests.SECONDS);
        GuestResult result = guests.run(request.in(cwd).withOptions(Map.of(option, value)));
        assertThat(result.trouble()).as("trouble; %s", result.errors()).isEmpty();
        assertThat(result.audit()).as("audit").isEmpty();
        return result;
    }

    /** Runs a shell command natively where it may mount. */
    private static GuestResult inNamespace(String command) throws Exception {
        GuestResult allowed = guests.nativeRun(List.of(IN_NAMESPACE.split(" ")));
        assumeTrue(allowed.status() == 0, "user namespaces are not allowed here");
        return guests.nativeRun(List.of("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", command));
    }

    @Test
    void noWayLeadsOutOfTheRoot() throws Exception {
        Path top = Files.createDirectories(guests.directory().resolve("confined"));
        Path root = Files.createDirectories(top.resolve("root"));
        Files.createDirectories(root.resolve("dir/deep"));
        Files.writeString(top.resolve("secret"), "outside");
        Files.copy(Path.of(program("escape")), root.resolve("escape"));
        try (ServerSocketChannel outside = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            outside.bind(UnixDomainSocketAddress.of(top.resolve("secret.sock")));

            List<String> argv = List.of("/escape", top.resolve("secret").toString());
            GuestResult result = run(argv, root, Path.of("/"), "overcommit", "0");

            assertThat(result.output()).startsWith("0 of ");
            assertThat(result.status()).isZero();
            assertThat(top.resolve("secret")).hasContent("outside");
            assertThat(top.resolve("socket")).doesNotExist();
        }
    }

    @Test
    void readOnlyRefusesWhatAReadOnlyMountRefuses() throws Exception {
        Path tree = Files.createDirectories(guests.directory().resolve("readonly"));
        Files.createDirectories(tree.resolve("dir"));
        Files.writeString(tree.resolve("file"), "content");
        Files.createFile(tree.resolve("dir/inner"));
        Files.createSymbolicLink(tree.resolve("link"), Path.of("file"));
        guests.nativeRun(List.of("mkfifo", tree.resolve("fifo").toString()));
        String program = program("read_only");

        GuestResult actual = run(List.of(program), null, tree, GuestSpec.READ_ONLY, "");

        GuestResult expected =
                inNamespace("mount --bind %1$s %1$s && mount -o remount,bind,ro %1$s && cd %1$s && exec %2$s"
                        .formatted(tree, program));
        assertThat(actual.output()).isEqualTo(expected.output());
        assertThat(actual.status()).isEqualTo(expected.status());
        assertThat(tree.resolve("file")).hasContent("content");
    }

    @Test
    void hostMountsAreMadeAndTakenAwayBesideTheMachinesOwn() throws Exception {
        GuestResult allowed = guests.nativeRun(List.of("unshare", "--mount", "true"));
        assumeTrue(allowed.status() == 0, "only root may mount");
        Path tree = Files.createDirectories(guests.directory().resolve("mounts"));
        List<String> argv = List.of(program("host_mounts"), tree.toString());

        GuestResult expected = guests.nativeRun(List.of("unshare", "--mount", argv.getFirst(), argv.getLast()));
        GuestResult actual = run(argv, null, guests.directory(), GuestSpec.HOST_ADMIN, "");

        assertThat(actual.output()).isEqualTo(expected.output());
        assertThat(actual.status()).isEqualTo(expected.status()).isZero();
    }

    @Test
    void aTmpfsIsAsLinuxHasIt() throws Exception {
        Path tree = Files.createDirectories(guests.directory().resolve("memory"));
        Path outside = Files.createDirectories(guests.directory().resolve("outside"));
        List<String> argv = List.of(program("memory_tree"), tree.toString(), outside.toString());

        GuestResult actual = run(argv, null, guests.directory(), GuestSpec.TMPFS, tree + ":" + (1 << 20));

        GuestResult expected = inNamespace(
                "mount -t tmpfs -o size=1m,mode=1777,nosuid,nodev none " + tree + " && exec " + String.join(" ", argv));
        assertThat(actual.output()).isEqualTo(expected.output());
        assertThat(actual.status()).isEqualTo(expected.status());
        assertThat(tree).isEmptyDirectory();
    }

    @Test
    void withoutNetworkOnlyUnixSocketsAreLeft() throws Exception {
        GuestResult result = run(List.of(program("no_network")), null, guests.directory(), GuestSpec.NO_NET, "");

        assertThat(result.output()).isEqualTo("""
                inet stream: EAFNOSUPPORT
                inet datagram: EAFNOSUPPORT
                inet6: EAFNOSUPPORT
                netlink: EAFNOSUPPORT
                packet: EAFNOSUPPORT
                vsock: EAFNOSUPPORT
                /proc/net: ENOENT
                bind 0 listen 0 connect 0
                getsockname 20 bytes: a name of our own
                getpeername 20 bytes: a name of our own
                autobind 0, 8 bytes, sends 1
                socketpair: 0
                """);
        assertThat(result.status()).isZero();
    }

    @Test
    void theHostsMachineIsNotTheGuestsToChange() throws Exception {
        Path name = Path.of("/proc/sys/kernel/hostname");
        String before = Files.readString(name);

        GuestResult result = run(List.of(program("administrator")), null, guests.directory(), "overcommit", "0");

        assertThat(result.output()).doesNotContain("DONE").endsWith("0 done\n");
        assertThat(Files.readString(name)).isEqualTo(before);
        assertThat(result.status()).isZero();
    }
}

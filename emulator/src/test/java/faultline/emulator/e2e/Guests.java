package faultline.emulator.e2e;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** Runs programs natively and in Faultline, with the same environment and input. */
final class Guests implements AutoCloseable {
    static final long MEMORY = 256L << 20;
    static final int SECONDS = 60;
    /** How long the emulator may take to end a guest that it was told to kill. */
    private static final int GRACE = 15;

    private static final String JAVA =
            Path.of(System.getProperty("java.home"), "bin", "java").toString();

    private final Path directory = Files.createTempDirectory("faultline-e2e");
    private final ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    private final Path input = directory.resolve("input");
    private Process server;
    private SocketChannel channel;
    private DataInputStream in;
    private DataOutputStream out;

    Guests() throws IOException {
        listener.bind(UnixDomainSocketAddress.of(directory.resolve("socket")));
        Files.write(input, new byte[0]);
    }

    /** A directory for the programs' files, the same for both kinds of run. */
    Path directory() {
        return directory;
    }

    /** The environment of both kinds of run. */
    List<String> environment() {
        return List.of("PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=/", "TMPDIR=" + directory, "FAULTLINE_TEST=1");
    }

    void setInput(byte[] bytes) throws IOException {
        Files.write(input, bytes);
    }

    /** Runs on the host's kernel. */
    GuestResult nativeRun(List<String> argv) throws IOException, InterruptedException {
        Path output = directory.resolve("native.out");
        Path errors = directory.resolve("native.err");
        ProcessBuilder builder = new ProcessBuilder(argv)
                .directory(directory.toFile())
                .redirectInput(input.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile());
        builder.environment().clear();
        for (String variable : environment()) {
            int equals = variable.indexOf('=');
            builder.environment().put(variable.substring(0, equals), variable.substring(equals + 1));
        }
        Process process = builder.start();
        boolean ended = process.waitFor(SECONDS, TimeUnit.SECONDS);
        if (!ended) {
            process.destroyForcibly().waitFor();
        }
        return new GuestResult(process.exitValue(), text(output), text(errors), "", !ended, "");
    }

    /** Runs in Faultline, with its defaults. */
    GuestResult run(List<String> argv) throws IOException {
        return run(request(argv, null, "split", "pmd", SECONDS));
    }

    GuestRequest request(List<String> argv, Path root, String ptl, String move, int seconds) {
        return new GuestRequest(
                argv,
                environment(),
                root == null ? directory : Path.of("/"),
                root,
                input,
                directory.resolve("guest.out"),
                directory.resolve("guest.err"),
                MEMORY,
                ptl,
                move,
                seconds,
                null,
                Map.of());
    }

    /** Runs in Faultline. A JVM that crashes or hangs is the result's trouble, and is replaced for the next run. */
    GuestResult run(GuestRequest request) throws IOException {
        if (server == null) {
            startServer();
        }
        try {
            out.writeBoolean(true);
            request.send(out);
            CompletableFuture<GuestResult> answer = CompletableFuture.supplyAsync(() -> read(request));
            return answer.get(request.seconds() + GRACE, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException | InterruptedException | IOException e) {
            String how = e instanceof TimeoutException ? "the emulator hangs" : "the JVM died: " + e;
            stopServer();
            return new GuestResult(
                    -1, text(request.output()), text(request.errors()), how, e instanceof TimeoutException, "");
        }
    }

    private GuestResult read(GuestRequest request) {
        try {
            int status = in.readInt();
            String trouble = in.readUTF();
            boolean timedOut = in.readBoolean();
            String audit = in.readUTF();
            return new GuestResult(status, text(request.output()), text(request.errors()), trouble, timedOut, audit);
        } catch (EOFException e) {
            throw new UncheckedIOException("end of file", e);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The JVM that runs the guests. */
    Process server() {
        return server;
    }

    private void startServer() throws IOException {
        server = new ProcessBuilder(
                        JAVA,
                        "-Xms384m",
                        "-Xmx384m",
                        "-XX:+AlwaysPreTouch",
                        "-XX:+UseSerialGC",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:ErrorFile=" + directory.resolve("hs_err"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        GuestServer.class.getName(),
                        directory.resolve("socket").toString())
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("server.log").toFile())
                .start();
        channel = listener.accept();
        in = new DataInputStream(Channels.newInputStream(channel));
        out = new DataOutputStream(Channels.newOutputStream(channel));
    }

    private void stopServer() throws IOException {
        if (server != null) {
            channel.close();
            server.destroyForcibly();
            server = null;
        }
    }

    private static String text(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
    }

    @Override
    public void close() throws IOException {
        stopServer();
        listener.close();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}

package faultline.emulator.e2e;

import faultline.emulator.task.GuestSpec;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A guest to run, on its way to a {@link GuestServer}.
 *
 * @param argv program and arguments
 * @param env the whole environment, {@code NAME=value} each
 * @param cwd working directory
 * @param root directory that confines the guest, or null
 * @param input file that is the guest's standard input
 * @param output file that receives its standard output
 * @param errors file that receives its standard error, and that of the emulator
 * @param memBytes guest memory
 * @param ptl page-table lock, as {@code --ptl} says it
 * @param move how mremap moves, as {@code --mremap} says it
 * @param seconds how long it may take before it is killed
 * @param seed as {@code --seed} says it, or null
 * @param options further switches by name, see {@link GuestSpec#options()}
 */
record GuestRequest(
        List<String> argv,
        List<String> env,
        Path cwd,
        Path root,
        Path input,
        Path output,
        Path errors,
        long memBytes,
        String ptl,
        String move,
        int seconds,
        Long seed,
        Map<String, String> options) {

    GuestSpec spec() {
        return new GuestSpec(argv.getFirst(), argv, env, root, cwd, memBytes, seed, ptl, move, options);
    }

    GuestRequest withSeed(long newSeed) {
        return new GuestRequest(
                argv, env, cwd, root, input, output, errors, memBytes, ptl, move, seconds, newSeed, options);
    }

    GuestRequest withMemory(long bytes) {
        return new GuestRequest(argv, env, cwd, root, input, output, errors, bytes, ptl, move, seconds, seed, options);
    }

    GuestRequest withOptions(Map<String, String> newOptions) {
        return new GuestRequest(
                argv, env, cwd, root, input, output, errors, memBytes, ptl, move, seconds, seed, newOptions);
    }

    /** In another directory. */
    GuestRequest in(Path directory) {
        return new GuestRequest(
                argv, env, directory, root, input, output, errors, memBytes, ptl, move, seconds, seed, options);
    }

    void send(DataOutputStream out) throws IOException {
        out.writeInt(argv.size());
        for (String argument : argv) {
            out.writeUTF(argument);
        }
        out.writeInt(env.size());
        for (String variable : env) {
            out.writeUTF(variable);
        }
        out.writeUTF(cwd.toString());
        out.writeUTF(root == null ? "" : root.toString());
        out.writeUTF(input.toString());
        out.writeUTF(output.toString());
        out.writeUTF(errors.toString());
        out.writeLong(memBytes);
        out.writeUTF(ptl);
        out.writeUTF(move);
        out.writeInt(seconds);
        out.writeBoolean(seed != null);
        out.writeLong(seed == null ? 0 : seed);
        out.writeInt(options.size());
        for (Map.Entry<String, String> option : options.entrySet()) {
            out.writeUTF(option.getKey());
            out.writeUTF(option.getValue());
        }
        out.flush();
    }

    static GuestRequest receive(DataInputStream in) throws IOException {
        List<String> argv = strings(in);
        List<String> env = strings(in);
        Path cwd = Path.of(in.readUTF());
        String root = in.readUTF();
        return new GuestRequest(
                argv,
                env,
                cwd,
                root.isEmpty() ? null : Path.of(root),
                Path.of(in.readUTF()),
                Path.of(in.readUTF()),
                Path.of(in.readUTF()),
                in.readLong(),
                in.readUTF(),
                in.readUTF(),
                in.readInt(),
                seed(in),
                options(in));
    }

    private static Map<String, String> options(DataInputStream in) throws IOException {
        Map<String, String> options = new HashMap<>();
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            String name = in.readUTF();
            options.put(name, in.readUTF());
        }
        return options;
    }

    private static Long seed(DataInputStream in) throws IOException {
        boolean given = in.readBoolean();
        long seed = in.readLong();
        return given ? seed : null;
    }

    private static List<String> strings(DataInputStream in) throws IOException {
        List<String> strings = new ArrayList<>();
        int count = in.readInt();
        for (int i = 0; i < count; i++) {
            strings.add(in.readUTF());
        }
        return strings;
    }
}

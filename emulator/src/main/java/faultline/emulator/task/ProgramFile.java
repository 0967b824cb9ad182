package faultline.emulator.task;

import faultline.emulator.elf.ElfException;
import faultline.emulator.elf.ElfImage;
import faultline.emulator.elf.ElfSource;
import faultline.emulator.elf.ScriptHeader;
import faultline.emulator.fs.FsContext;
import faultline.emulator.fs.OpenFile;
import faultline.emulator.fs.Opened;
import faultline.emulator.fs.Waiter;
import faultline.emulator.fs.WriteAccess;
import faultline.emulator.host.HostScratch;
import faultline.emulator.host.HostStat;
import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.emulator.host.OpenFlags;
import faultline.mmu.Errno;
import faultline.mmu.annotation.KernelFunction;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to be executed, found and checked before the old program is given up: scripts resolved to their interpreters,
 * the ELF headers parsed, the dynamic loader opened.
 */
final class ProgramFile implements AutoCloseable {
    /** Scripts whose interpreters are scripts: as many as Linux follows. */
    private static final int MOST_SCRIPTS = 5;

    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int AT_EACCESS = 0x200;
    private static final int X_OK = 1;

    private final Executable file;
    private final ElfImage image;
    private final Executable interpreterFile;
    private final ElfImage interpreter;
    private final List<String> argv;
    private final String execfn;

    /** An open file that nobody can write to meanwhile. */
    private record Executable(OpenFile open, WriteAccess.Denial denial) implements AutoCloseable {
        @Override
        public void close() {
            denial.close();
            open.put();
        }
    }

    private ProgramFile(
            Executable file,
            ElfImage image,
            Executable interpreterFile,
            ElfImage interpreter,
            List<String> argv,
            String execfn) {
        this.file = file;
        this.image = image;
        this.interpreterFile = interpreterFile;
        this.interpreter = interpreter;
        this.argv = argv;
        this.execfn = execfn;
    }

    /**
     * Opens a program.
     *
     * @param base directory that a relative path starts from; null for the working directory
     * @param path Latin-1
     * @throws ElfException with execve(2)'s errno
     */
    static ProgramFile open(Task task, FsContext fs, OpenFile base, String path, List<String> argv, int openFlags)
            throws ElfException {
        List<String> arguments = new ArrayList<>(argv.isEmpty() ? List.of("") : argv);
        String name = path;
        OpenFile directory = base;
        for (int depth = 0; ; depth++) {
            Executable file = openExecutable(task, fs, directory, name, openFlags);
            boolean done = false;
            try {
                byte[] start = new byte[ScriptHeader.LOOKED_AT];
                int length = source(file.open).read(0, start, 0, start.length);
                if (!ScriptHeader.hasMagic(start, length)) {
                    ElfImage image = ElfImage.parse(source(file.open));
                    ProgramFile program = withInterpreter(task, fs, file, image, arguments, path);
                    done = true;
                    return program;
                }
                if (depth == MOST_SCRIPTS) {
                    throw new ElfException(Errno.ELOOP, name + ": scripts interpreted by scripts too deep");
                }
                ScriptHeader script = ScriptHeader.parse(start, length);
                arguments.set(0, name);
                if (script.argument() != null) {
                    arguments.add(0, script.argument());
                }
                arguments.add(0, script.interpreter());
                name = script.interpreter();
                directory = null;
            } catch (ElfException e) {
                throw e.about(name);
            } finally {
                if (!done) {
                    file.close();
                }
            }
        }
    }

    private static ProgramFile withInterpreter(
            Task task, FsContext fs, Executable file, ElfImage image, List<String> argv, String execfn)
            throws ElfException {
        if (file.open.mapped() == null) {
            throw new ElfException(Errno.EACCES, "cannot be mapped");
        }
        if (image.interpreter() == null) {
            return new ProgramFile(file, image, null, null, argv, execfn);
        }
        Executable loader = openExecutable(task, fs, null, image.interpreter(), 0);
        try {
            ElfImage loaderImage = ElfImage.parse(source(loader.open));
            return new ProgramFile(file, image, loader, loaderImage, argv, execfn);
        } catch (ElfException e) {
            loader.close();
            throw new ElfException(
                    e.errno() == Errno.ENOEXEC ? Errno.ELIBBAD : e.errno(),
                    "interpreter " + image.interpreter() + ": " + e.getMessage());
        }
    }

    @KernelFunction(value = "do_open_execat", file = "fs/exec.c")
    private static Executable openExecutable(Task task, FsContext fs, OpenFile base, String path, int flags)
            throws ElfException {
        Opened opened = fs.open(task, base, path, OpenFlags.O_RDONLY | flags, 0);
        if (opened.file() == null) {
            throw new ElfException((int) -opened.error(), path + ": " + Errno.name((int) -opened.error()));
        }
        OpenFile file = opened.file();
        int errno = permission(file);
        if (errno != 0) {
            file.put();
            throw new ElfException(errno, path + ": not an executable file");
        }
        WriteAccess.Denial denial = fs.root().writeAccess().deny(file);
        if (denial == null) {
            file.put();
            throw new ElfException(Errno.ETXTBSY, path + ": open for writing");
        }
        return new Executable(file, denial);
    }

    private static int permission(OpenFile file) {
        MemorySegment stat = HostScratch.get().struct();
        if (file.fstat(stat) < 0 || (HostStat.mode(stat) & HostStat.S_IFMT) != HostStat.S_IFREG) {
            return Errno.EACCES;
        }
        if (file.hostFd() < 0) {
            return Errno.EACCES;
        }
        long empty = HostScratch.get().path("");
        return (int) -Libc.call(Nr.FACCESSAT2, file.hostFd(), empty, X_OK, AT_EMPTY_PATH | AT_EACCESS);
    }

    private static ElfSource source(OpenFile file) {
        return (offset, to, start, length) -> {
            MemorySegment buffer = HostScratch.get().bounce(length);
            int done = 0;
            while (done < length) {
                long got = file.pread(Waiter.UNINTERRUPTIBLE, buffer, length - done, offset + done, 0);
                if (got < 0) {
                    return (int) got;
                }
                if (got == 0) {
                    break;
                }
                MemorySegment.copy(buffer, 0, MemorySegment.ofArray(to), start + done, got);
                done += (int) got;
            }
            return done;
        };
    }

    OpenFile file() {
        return file.open;
    }

    /** What keeps others from writing to {@link #file}; this object's own. */
    WriteAccess.Denial denial() {
        return file.denial;
    }

    ElfImage image() {
        return image;
    }

    /** Null for a static program. */
    OpenFile interpreterFile() {
        return interpreterFile == null ? null : interpreterFile.open;
    }

    ElfImage interpreter() {
        return interpreter;
    }

    /** The arguments, with those that scripts put in front. */
    List<String> argv() {
        return argv;
    }

    /** The path as it was given to execve. */
    String execfn() {
        return execfn;
    }

    @Override
    public void close() {
        file.close();
        if (interpreterFile != null) {
            interpreterFile.close();
        }
    }
}

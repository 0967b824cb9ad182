package faultline.emulator.syscall.file;

import faultline.emulator.syscall.SyscallFamily;
import faultline.emulator.syscall.SyscallTable;
import java.util.List;

/** All system calls on files, descriptors and paths. */
public final class FileSystemCalls implements SyscallFamily {
    private final List<SyscallFamily> themes = List.of(
            new ReadWriteCalls(),
            new OpenCalls(),
            new FcntlCalls(),
            new IoctlCalls(),
            new StatCalls(),
            new DirectoryCalls(),
            new MountCalls(),
            new AttributeCalls(),
            new XattrCalls(),
            new ContentCalls(),
            new DescriptorCalls(),
            new PollCalls(),
            new EpollCalls(),
            new CopyCalls(),
            new PipeMemoryCalls(),
            new SocketCalls(),
            new AioCalls(),
            new SwapCalls());

    @Override
    public void register(SyscallTable table) {
        themes.forEach(theme -> theme.register(table));
    }
}

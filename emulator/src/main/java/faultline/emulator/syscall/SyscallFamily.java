package faultline.emulator.syscall;

/** A theme's system calls (memory, files, signals, …): puts its handlers into the table of one machine. */
public interface SyscallFamily {
    void register(SyscallTable table);
}

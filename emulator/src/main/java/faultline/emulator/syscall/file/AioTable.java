package faultline.emulator.syscall.file;

import faultline.mmu.annotation.KernelFunction;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The completion queues of one address space (Linux: {@code kioctx_table}); none is handed on by fork. Guards itself.
 */
public final class AioTable {
    private final Map<Long, AioContext> contexts = new HashMap<>();

    synchronized void add(AioContext context) {
        contexts.put(context.id(), context);
    }

    /** The queue with an id, or null. */
    @KernelFunction(value = "lookup_ioctx", file = "fs/aio.c")
    synchronized AioContext find(long id) {
        return contexts.get(id);
    }

    /** Takes a queue out; null when there is none, or somebody else took it. */
    synchronized AioContext remove(long id) {
        return contexts.remove(id);
    }

    /** The places of all queues together. */
    synchronized long places() {
        return contexts.values().stream().mapToLong(AioContext::places).sum();
    }

    /** The address space goes. */
    @KernelFunction(value = "exit_aio", file = "fs/aio.c")
    public void close() {
        List<AioContext> all;
        synchronized (this) {
            all = List.copyOf(contexts.values());
            contexts.clear();
        }
        all.forEach(AioContext::kill);
    }
}

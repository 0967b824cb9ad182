package faultline.mmu.swap;

import faultline.mmu.Errno;
import faultline.mmu.phys.Page;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A swap store in a sparse host file that is deleted when it is closed, or when the process ends. */
public final class FileSwapStore implements SwapStore {
    private static final Logger LOG = LoggerFactory.getLogger(FileSwapStore.class);

    private static final String PATH = "/swapfile";

    private final FileChannel channel;

    /**
     * @param directory where the file is made
     * @throws UncheckedIOException when it cannot be
     */
    public FileSwapStore(Path directory) {
        try {
            Path file = Files.createTempFile(directory, "faultline-swap", null);
            channel = FileChannel.open(
                    file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
        } catch (IOException e) {
            throw new UncheckedIOException("no swap file can be made in " + directory, e);
        }
    }

    /** What a guest sees: the host's file has a name for a moment only. */
    @Override
    public String path() {
        return PATH;
    }

    @Override
    public int read(long slot, MemorySegment page) {
        ByteBuffer buffer = page.asByteBuffer();
        long at = slot << Page.SHIFT;
        try {
            while (buffer.hasRemaining()) {
                int bytes = channel.read(buffer, at + buffer.position());
                if (bytes < 0) {
                    LOG.warn("swap slot {} lies behind the end of the swap file", slot);
                    return -Errno.EIO;
                }
            }
            return 0;
        } catch (IOException e) {
            LOG.warn("swap slot {} cannot be read", slot, e);
            return -Errno.EIO;
        }
    }

    @Override
    public int write(long slot, MemorySegment page) {
        ByteBuffer buffer = page.asByteBuffer();
        long at = slot << Page.SHIFT;
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer, at + buffer.position());
            }
            return 0;
        } catch (IOException e) {
            LOG.warn("swap slot {} cannot be written", slot, e);
            return -Errno.EIO;
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LOG.warn("the swap file cannot be closed", e);
        }
    }
}

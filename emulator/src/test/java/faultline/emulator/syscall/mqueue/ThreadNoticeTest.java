package faultline.emulator.syscall.mqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import faultline.emulator.host.Libc;
import faultline.emulator.host.Nr;
import faultline.mmu.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the socket of a notification by a thread receives. */
class ThreadNoticeTest {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int LAST = ThreadNotice.COOKIE_BYTES - 1;
    private static final int WOKEN_UP = 1;
    private static final int REMOVED = 2;

    private final byte[] cookie =
            Arrays.copyOf("cookie".getBytes(StandardCharsets.US_ASCII), ThreadNotice.COOKIE_BYTES);

    private int socket;

    @BeforeEach
    void open() {
        long fd = Libc.call(Nr.SOCKET, AF_NETLINK, SOCK_RAW, 0);
        assumeTrue(fd >= 0, "the host has no netlink sockets");
        socket = (int) fd;
    }

    @AfterEach
    void close() {
        Libc.call(Nr.CLOSE, socket);
    }

    /** The message that waits at the socket, or null. */
    private byte[] received() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment room = arena.allocate(64);
            long n = Libc.call(Nr.RECVFROM, socket, room.address(), room.byteSize(), MSG_DONTWAIT, 0, 0);
            if (n == -Errno.EAGAIN) {
                return null;
            }
            byte[] bytes = new byte[(int) n];
            MemorySegment.copy(room, 0, MemorySegment.ofArray(bytes), 0, n);
            return bytes;
        }
    }

    private byte[] expected(int what) {
        byte[] bytes = cookie.clone();
        bytes[LAST] = (byte) what;
        return bytes;
    }

    @Test
    void aMessageSendsTheCookieOnce() {
        ThreadNotice notice = new ThreadNotice(cookie, socket);
        assertThat(notice.arm()).isZero();
        assertThat(received()).isNull();
        notice.wake();
        assertThat(received()).isEqualTo(expected(WOKEN_UP));
        assertThat(received()).isNull();
    }

    @Test
    void takingItBackSendsTheCookieOnce() {
        ThreadNotice notice = new ThreadNotice(cookie, socket);
        assertThat(notice.arm()).isZero();
        notice.remove();
        assertThat(received()).isEqualTo(expected(REMOVED));
        assertThat(received()).isNull();
    }

    @Test
    void twoQueuesShareASocket() {
        ThreadNotice first = new ThreadNotice(cookie, socket);
        ThreadNotice second = new ThreadNotice(cookie, socket);
        assertThat(first.arm()).isZero();
        assertThat(second.arm()).isZero();
        second.remove();
        first.wake();
        assertThat(received()).isEqualTo(expected(REMOVED));
        assertThat(received()).isEqualTo(expected(WOKEN_UP));
    }

    @Test
    void aDescriptorThatIsNoNetlinkSocketIsRefused() {
        assertThat(new ThreadNotice(cookie, -1).arm()).isEqualTo(-Errno.EBADF);
        assertThat(new ThreadNotice(cookie, 0).arm()).isEqualTo(-Errno.ENOTSOCK);
    }
}

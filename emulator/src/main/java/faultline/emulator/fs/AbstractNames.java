package faultline.emulator.fs;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Abstract names of Unix sockets in a machine without network.
 *
 * <p>On Linux they belong to the network namespace. Here each stands on the host for a name that nobody can guess, made
 * of the guest's and of random bytes: the machine's processes meet under it, the host's do not.
 */
public final class AbstractNames {
    /** Bytes of a host name, of at most 107 that a Unix address has room for. */
    private static final int HOST_BYTES = 32;

    private static final int AUTOBIND_NAMES = 0x100000;

    private final byte[] secret = new byte[HOST_BYTES];
    private final Map<ByteBuffer, byte[]> guestNames = new ConcurrentHashMap<>();
    private final AtomicInteger nextUnnamed = new AtomicInteger();

    AbstractNames() {
        new SecureRandom().nextBytes(secret);
    }

    /** The host's name for one of the guest's; neither has the zero byte in front. */
    public byte[] toHost(byte[] guest) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(secret);
            byte[] host = digest.digest(guest);
            guestNames.putIfAbsent(ByteBuffer.wrap(host), guest.clone());
            return host;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** The guest's name behind one of the host's; the name itself when it is not of this machine. */
    public byte[] toGuest(byte[] host) {
        return guestNames.getOrDefault(ByteBuffer.wrap(host), host);
    }

    /** A name for a socket that is bound without one: five hexadecimal digits, as Linux gives. */
    public byte[] unnamed() {
        String name = "%05x".formatted(nextUnnamed.getAndIncrement() % AUTOBIND_NAMES);
        return name.getBytes(StandardCharsets.US_ASCII);
    }
}

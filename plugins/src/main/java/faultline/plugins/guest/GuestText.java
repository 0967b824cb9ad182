package faultline.plugins.guest;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** Names that the guest gave: bytes, which need not be text. */
public final class GuestText {
    private static final int ASCII = 0x80;

    private GuestText() {}

    /**
     * UTF-8 as text, and of what is none the bytes beyond ASCII as {@code \xff}.
     *
     * @param bytes a character a byte (Latin-1), as the emulator keeps names
     */
    public static String of(String bytes) {
        if (bytes.chars().allMatch(c -> c < ASCII)) {
            return bytes;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.getBytes(StandardCharsets.ISO_8859_1)))
                    .toString();
        } catch (CharacterCodingException e) {
            var text = new StringBuilder();
            bytes.chars().forEach(c -> text.append(c < ASCII ? Character.toString(c) : String.format("\\x%02x", c)));
            return text.toString();
        }
    }
}

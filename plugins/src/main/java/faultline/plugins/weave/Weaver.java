package faultline.plugins.weave;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;

/** From class-file bytes to woven class-file bytes. Loads no class. */
public final class Weaver {
    private Weaver() {}

    /**
     * Weaves every site of a class.
     *
     * @param register is told of each site and gives its number, or {@link SiteVisitor#NOT_WOVEN}
     * @return the woven class, or {@code plain} itself when it has no site
     */
    static byte[] weave(byte[] plain, ToIntFunction<SiteInfo> register) {
        if (!mayHaveSites(plain)) {
            return plain;
        }
        var reader = new ClassReader(plain);
        // frames are kept or written by hand: only stack sizes are computed, which needs no other class
        var writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
        var count = new int[1];
        reader.accept(
                new SiteVisitor(writer, info -> {
                    int id = register.applyAsInt(info);
                    count[0] += id == SiteVisitor.NOT_WOVEN ? 0 : 1;
                    return id;
                }),
                0);
        return count[0] == 0 ? plain : writer.toByteArray();
    }

    /** The sites of a class file, without weaving it. */
    public static List<SiteInfo> sites(byte[] plain) {
        var found = new ArrayList<SiteInfo>();
        if (mayHaveSites(plain)) {
            new ClassReader(plain)
                    .accept(
                            new SiteVisitor(null, info -> {
                                found.add(info);
                                return SiteVisitor.NOT_WOVEN;
                            }),
                            ClassReader.SKIP_FRAMES);
        }
        return found;
    }

    /** A class without either annotation's name in its constant pool has no site; most classes end here. */
    private static boolean mayHaveSites(byte[] plain) {
        var reader = new ClassReader(plain);
        var buffer = new char[reader.getMaxStringLength()];
        for (int i = 1; i < reader.getItemCount(); i++) {
            int offset = reader.getItem(i);
            if (offset > 0 && reader.readByte(offset - 1) == 1) {
                int length = reader.readUnsignedShort(offset);
                if (length == Annotations.KERNEL_FUNCTION.length() || length == Annotations.INJECTABLE.length()) {
                    String text = readUtf8(reader, offset, length, buffer);
                    if (text.equals(Annotations.KERNEL_FUNCTION) || text.equals(Annotations.INJECTABLE)) {
                        return true;
                    }
                }
            }
        }
        return false;
    }

    /** Plain ASCII is all that has to be told apart. */
    private static String readUtf8(ClassReader reader, int offset, int length, char[] buffer) {
        for (int i = 0; i < length; i++) {
            buffer[i] = (char) (reader.readByte(offset + 2 + i) & 0x7f);
        }
        return new String(buffer, 0, length);
    }
}

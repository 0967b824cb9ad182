package faultline.plugins.output;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A protocol-buffer message taken apart without its schema, strictly: unknown wire types and short data are errors. */
final class ProtoMessage {
    private final Map<Integer, List<Object>> fields = new TreeMap<>();

    static ProtoMessage parse(byte[] bytes) {
        var message = new ProtoMessage();
        var at = new int[1];
        while (at[0] < bytes.length) {
            long tag = varint(bytes, at);
            Object value =
                    switch ((int) tag & 7) {
                        case 0 -> varint(bytes, at);
                        case 2 -> {
                            int length = (int) varint(bytes, at);
                            byte[] inner = java.util.Arrays.copyOfRange(bytes, at[0], at[0] + length);
                            if (at[0] + length > bytes.length) {
                                throw new AssertionError("field " + (tag >>> 3) + " ends beyond its message");
                            }
                            at[0] += length;
                            yield inner;
                        }
                        default -> throw new AssertionError("wire type " + (tag & 7));
                    };
            message.fields
                    .computeIfAbsent((int) (tag >>> 3), k -> new ArrayList<>())
                    .add(value);
        }
        return message;
    }

    private static long varint(byte[] bytes, int[] at) {
        long value = 0;
        for (int shift = 0; shift < 70; shift += 7) {
            byte b = bytes[at[0]++];
            value |= (b & 0x7fL) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw new AssertionError("endless varint");
    }

    boolean has(int field) {
        return fields.containsKey(field);
    }

    long number(int field) {
        return (Long) fields.get(field).getFirst();
    }

    String text(int field) {
        return texts(field).getFirst();
    }

    List<String> texts(int field) {
        return raw(field).stream()
                .map(b -> new String(b, StandardCharsets.UTF_8))
                .toList();
    }

    List<ProtoMessage> messages(int field) {
        return raw(field).stream().map(ProtoMessage::parse).toList();
    }

    List<Long> packed(int field) {
        var numbers = new ArrayList<Long>();
        byte[] bytes = raw(field).getFirst();
        for (var at = new int[1]; at[0] < bytes.length; ) {
            numbers.add(varint(bytes, at));
        }
        return numbers;
    }

    private List<byte[]> raw(int field) {
        return fields.getOrDefault(field, List.of()).stream()
                .map(byte[].class::cast)
                .toList();
    }
}

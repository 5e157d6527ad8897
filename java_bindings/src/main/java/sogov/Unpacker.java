package sogov;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads what the natives packed. */
final class Unpacker {
    private final ByteBuffer packed;

    Unpacker(byte[] packed) {
        this.packed = ByteBuffer.wrap(packed).order(ByteOrder.nativeOrder());
    }

    long number() {
        return packed.getLong();
    }

    int index() {
        return Math.toIntExact(number());
    }

    boolean flag() {
        return number() != 0;
    }

    /** Empty for null. */
    byte[] data() {
        byte[] data = new byte[Math.max(0, index())];
        packed.get(data);
        return data;
    }

    String text() {
        return text(data());
    }

    static String text(byte[] utf8) {
        return new String(utf8, StandardCharsets.UTF_8);
    }
}

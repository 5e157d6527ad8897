package sogov;

import java.nio.ByteBuffer;

/** Bytes that a caller gave, as the natives take them: an array, or a direct buffer where it lies. */
record Data(byte[] array, ByteBuffer direct, int offset, int length) {
    static Data of(byte[] bytes) {
        return new Data(bytes, null, 0, bytes.length);
    }

    /** What lies between position and limit, which stay. A read-only buffer of the heap is copied. */
    static Data of(ByteBuffer bytes) {
        if (bytes.isDirect()) {
            return new Data(null, bytes, bytes.position(), bytes.remaining());
        }
        if (bytes.hasArray()) {
            return new Data(bytes.array(), null, bytes.arrayOffset() + bytes.position(), bytes.remaining());
        }
        return of(copyOf(bytes));
    }

    static byte[] copyOf(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return copy;
    }
}

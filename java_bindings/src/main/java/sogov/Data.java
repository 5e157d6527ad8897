package sogov;

import java.nio.ByteBuffer;

/** Bytes that a caller gave, as the natives take them: an array, or a direct buffer where it lies. */
record Data(byte[] array, ByteBuffer direct, int offset, int length) {
    static Data of(byte[] bytes) {
        return new Data(bytes, null, 0, bytes.length);
    }

    /** What lies between position and limit, which stay. A read-only buffer of the heap is copied. */
    static Data of(ByteBuffer bytes) {
        int position = bytes.position();
        int length = length(bytes, position);
        if (bytes.isDirect()) {
            return new Data(null, bytes, position, length);
        }
        if (bytes.hasArray()) {
            return new Data(bytes.array(), null, bytes.arrayOffset() + position, length);
        }
        return of(copyOf(bytes));
    }

    /**
     * How much lies behind a position that was read. The natives check nothing, and another thread may move the buffer
     * meanwhile: of numbers that are each read once, none leads out of it.
     */
    static int length(ByteBuffer bytes, int position) {
        return Math.max(0, bytes.limit() - position);
    }

    static byte[] copyOf(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        return copy;
    }
}

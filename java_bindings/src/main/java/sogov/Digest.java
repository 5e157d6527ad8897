package sogov;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;

/** A digest of 32 bytes: SM3 (GB/T 32905-2016), or the tree digest, which is that of plugin files. */
public final class Digest {
    /** Bytes of a digest. */
    static final int LENGTH = 32;

    private final byte[] bytes;

    Digest(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * SM3 of some data.
     *
     * @param data any number of bytes
     * @return the digest
     */
    public static Digest sm3(byte[] data) {
        return of(DigestAlgorithm.SM3, Data.of(data));
    }

    /**
     * SM3 of what lies between a buffer's position and its limit, which stay.
     *
     * @param data a buffer, best a direct one
     * @return the digest
     */
    public static Digest sm3(ByteBuffer data) {
        return of(DigestAlgorithm.SM3, Data.of(data));
    }

    /**
     * The tree digest of docs/conventions.md: faster for data of more than some leaves of 64 KiB.
     *
     * @param data any number of bytes
     * @return the digest
     */
    public static Digest sm3Tree(byte[] data) {
        return of(DigestAlgorithm.SM3_TREE, Data.of(data));
    }

    /**
     * The tree digest of what lies between a buffer's position and its limit, which stay.
     *
     * @param data a buffer, best a direct one
     * @return the digest
     */
    public static Digest sm3Tree(ByteBuffer data) {
        return of(DigestAlgorithm.SM3_TREE, Data.of(data));
    }

    /**
     * The digest.
     *
     * @return a copy of the 32 bytes
     */
    public byte[] bytes() {
        return bytes.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Digest digest && Arrays.equals(bytes, digest.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /**
     * The digest as text.
     *
     * @return 64 lower-case hexadecimal digits
     */
    @Override
    public String toString() {
        return HexFormat.of().formatHex(bytes);
    }

    private static Digest of(DigestAlgorithm algorithm, Data data) {
        return new Digest(Native.digest(algorithm.number(), data.array(), data.direct(), data.offset(), data.length()));
    }
}

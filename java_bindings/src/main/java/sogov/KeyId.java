package sogov;

import java.util.Arrays;
import java.util.HexFormat;

/**
 * The identifier of a key: the SM3 digest of its public part as SubjectPublicKeyInfo in DER. Both halves of a pair have the
 * same.
 */
public final class KeyId {
    private final byte[] bytes;

    KeyId(byte[] bytes) {
        this.bytes = bytes;
    }

    /**
     * Reads the text form.
     *
     * @param text "sm3:" and 64 hexadecimal digits; {@link SogovException} with {@link Status#INVALID_ARGUMENT} for
     *     another text
     * @return the identifier
     */
    public static KeyId parse(String text) {
        return new KeyId(Native.keyIdParse(Packer.of(text)));
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
        return other instanceof KeyId id && Arrays.equals(bytes, id.bytes);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(bytes);
    }

    /**
     * The text form.
     *
     * @return "sm3:" and 64 lower-case hexadecimal digits
     */
    @Override
    public String toString() {
        return "sm3:" + HexFormat.of().formatHex(bytes);
    }
}

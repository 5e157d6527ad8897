package sogov;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A signature to be verified: that of a key over a message. What it names is not copied before it is used.
 *
 * @param key a public key, or a private one, whose public part is used
 * @param message what lies between position and limit
 * @param signature in the encoding of the options that it is verified with
 * @param userId the signer's SM2 user id; null: that of the options
 */
public record Verification(Key key, ByteBuffer message, byte[] signature, byte[] userId) {
    /**
     * Checks that nothing is missing.
     *
     * @param key a public key, or a private one, whose public part is used
     * @param message what lies between position and limit
     * @param signature in the encoding of the options that it is verified with
     * @param userId the signer's SM2 user id; null: that of the options
     */
    public Verification {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(message, "message");
        Objects.requireNonNull(signature, "signature");
    }

    /**
     * A signature by the user id of the options.
     *
     * @param key a public key, or a private one, whose public part is used
     * @param message any number of bytes
     * @param signature in the encoding of the options that it is verified with
     */
    public Verification(Key key, byte[] message, byte[] signature) {
        this(key, ByteBuffer.wrap(message), signature, null);
    }
}

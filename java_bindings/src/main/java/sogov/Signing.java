package sogov;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A message to be signed by a key. What it names is not copied before it is used.
 *
 * @param key the key
 * @param message what lies between position and limit
 * @param userId the signer's SM2 user id; null: that of the options
 */
public record Signing(PrivateKey key, ByteBuffer message, byte[] userId) {
    /**
     * Checks that nothing is missing.
     *
     * @param key the key
     * @param message what lies between position and limit
     * @param userId the signer's SM2 user id; null: that of the options
     */
    public Signing {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(message, "message");
    }

    /**
     * A message to be signed by the user id of the options.
     *
     * @param key the key
     * @param message any number of bytes
     */
    public Signing(PrivateKey key, byte[] message) {
        this(key, ByteBuffer.wrap(message), null);
    }
}

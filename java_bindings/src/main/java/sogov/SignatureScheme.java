package sogov;

/**
 * A signature scheme of the host's; see {@link Sogov#registerScheme}. Its methods are called on any thread, on several at once.
 * What they are given is theirs. What they throw is a signature that is not valid, or that could not be made, and goes to the
 * thread's handler of uncaught exceptions.
 */
@FunctionalInterface
public interface SignatureScheme {
    /**
     * Verifies.
     *
     * @param key the public key's bytes
     * @param message what was signed
     * @param signature what is claimed to be the signature
     * @return whether it is
     */
    boolean verify(byte[] key, byte[] message, byte[] signature);

    /**
     * Signs. A scheme that does not override this verifies only.
     *
     * @param key the private key's bytes
     * @param message what is to be signed
     * @return the signature, at most 8,192 bytes; null where it cannot be made
     */
    default byte[] sign(byte[] key, byte[] message) {
        return null;
    }
}

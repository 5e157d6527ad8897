package sogov;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;

/**
 * What both halves of a pair can do. Immutable: any number of threads may use a key at once.
 *
 * <p>{@link #close} frees it, and so does the garbage collector where nobody did. Calls that are inside on other threads end
 * as they would have, and the last one frees it; later ones are an IllegalStateException.
 */
public abstract sealed class Key implements AutoCloseable permits PrivateKey, PublicKey {
    private final Handle handle;
    private final Cleaner.Cleanable abandoned;

    Key(long address) {
        handle = new Handle("key", address, Native::keyFree);
        abandoned = Natives.CLEANER.register(this, handle);
    }

    /**
     * The identifier.
     *
     * @return equal for both halves of a pair
     */
    public KeyId id() {
        return new KeyId(using(Native::keyId));
    }

    /**
     * Verifies a signature by the default user id, in the raw encoding.
     *
     * @param message any number of bytes
     * @param signature 64 bytes, R and S
     * @throws SignatureException if it is not valid, or malformed
     */
    public void verify(byte[] message, byte[] signature) {
        verify(message, signature, SignatureOptions.DEFAULT);
    }

    /**
     * Verifies a signature. A key that verifies again and again is prepared: see {@link #prepare}. A private key verifies by
     * its public part.
     *
     * @param message any number of bytes
     * @param signature in the encoding of the options
     * @param options those of the signer
     * @throws SignatureException if it is not valid, or malformed
     */
    public void verify(byte[] message, byte[] signature, SignatureOptions options) {
        verify(Data.of(message), signature, options);
    }

    /**
     * Verifies the signature of what lies between a buffer's position and its limit, which stay.
     *
     * @param message any number of bytes, best in a direct buffer
     * @param signature in the encoding of the options
     * @param options those of the signer
     * @throws SignatureException if it is not valid, or malformed
     */
    public void verify(ByteBuffer message, byte[] signature, SignatureOptions options) {
        verify(Data.of(message), signature, options);
    }

    /**
     * Whether a signature is valid.
     *
     * @param message any number of bytes
     * @param signature in the encoding of the options
     * @param options those of the signer
     * @return false when it is not valid, or malformed
     */
    public boolean isValid(byte[] message, byte[] signature, SignatureOptions options) {
        try {
            verify(message, signature, options);
            return true;
        } catch (SignatureException invalid) {
            return false;
        }
    }

    /**
     * Tells where the secret part of the key is kept.
     *
     * @return {@link Custody#NONE} for a public key
     */
    public Custody custody() {
        return Custody.of(using(Native::keyCustody));
    }

    /**
     * Makes the table that verifying by this key is fast with (256 KiB) now, rather than after some verifications. The
     * process keeps those of the keys that were used lately; see {@link Sogov#preparedKeysLimit}.
     */
    public void prepare() {
        use(Native::keyPrepare);
    }

    /**
     * Whether this key was closed.
     *
     * @return true after {@link #close}
     */
    public boolean isClosed() {
        return handle.isClosed();
    }

    /** Frees the key; a private one is wiped. A second time does nothing. */
    @Override
    public void close() {
        abandoned.clean();
    }

    /**
     * The key for people.
     *
     * @return its kind and its identifier; never its bytes
     */
    @Override
    public String toString() {
        String kind = getClass().getSimpleName();
        try {
            return kind + " " + id();
        } catch (IllegalStateException closed) {
            return kind + ", closed";
        }
    }

    /** For who uses several keys in one call: the address, good until {@link #leave}. */
    final long enter() {
        return handle.enter();
    }

    final void leave() {
        handle.leave();
        Reference.reachabilityFence(this);
    }

    final <T> T using(LongFunction<T> body) {
        long address = enter();
        try {
            return body.apply(address);
        } finally {
            leave();
        }
    }

    final void use(LongConsumer body) {
        long address = enter();
        try {
            body.accept(address);
        } finally {
            leave();
        }
    }

    /** Arguments with a secret in them, wiped after the call. */
    final byte[] export(KeyFormat format, byte[] password) {
        byte[] arguments = new Packer().number(format.number()).data(password).doneWithSecret();
        try {
            return using(address -> Native.keyExport(address, arguments));
        } finally {
            Arrays.fill(arguments, (byte) 0);
        }
    }

    private void verify(Data message, byte[] signature, SignatureOptions options) {
        byte[] arguments = options.pack(new Packer().data(signature)).done();
        try {
            use(address -> Native.verify(
                    address, message.array(), message.direct(), message.offset(), message.length(), arguments));
        } finally {
            Reference.reachabilityFence(message);
        }
    }
}

package sogov;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.function.LongFunction;

/**
 * A private key of RSA or SM2 that opens packages. Immutable: any number of threads may use it at once.
 *
 * <p>{@link #close} frees and wipes it, and so does the garbage collector where nobody did.
 */
public final class RecipientKey implements AutoCloseable {
    private final Handle handle;
    private final Cleaner.Cleanable abandoned;

    private RecipientKey(long address) {
        handle = new Handle("recipient key", address, Native::recipientKeyFree);
        abandoned = Natives.CLEANER.register(this, handle);
    }

    /**
     * Reads a key that is not encrypted; see {@link #load(byte[], byte[], byte[])}.
     *
     * @param file PKCS#8 of RSA or SM2, or SEC1 of SM2, PEM or DER
     * @return a key, to be closed
     */
    public static RecipientKey load(byte[] file) {
        return load(file, null, null);
    }

    /**
     * Reads PKCS#8 of RSA (3072 to 8192 bits) or SM2, or SEC1 of SM2, PEM or DER.
     *
     * @param file at most 64 KiB; the caller's to wipe
     * @param password for an encrypted key, the caller's to wipe; otherwise null
     * @param certificate the key's, or null: then up to eight recipients are tried that a package names by certificates
     * @return a key, to be closed; {@link SogovException} with {@link Status#KEY_INVALID} for another format or algorithm, a
     *     wrong or missing password, or the certificate of another key
     */
    public static RecipientKey load(byte[] file, byte[] password, byte[] certificate) {
        byte[] arguments = new Packer().data(file).data(password).data(certificate).doneWithSecret();
        try {
            return new RecipientKey(Native.recipientKeyRead(arguments));
        } finally {
            Arrays.fill(arguments, (byte) 0);
        }
    }

    /** Frees it. A second time does nothing. */
    @Override
    public void close() {
        abandoned.clean();
    }

    <T> T using(LongFunction<T> body) {
        long address = handle.enter();
        try {
            return body.apply(address);
        } finally {
            handle.leave();
            Reference.reachabilityFence(this);
        }
    }
}

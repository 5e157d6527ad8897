package sogov;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;

/**
 * A public key of RSA or SM2 that packages are encrypted for. Immutable: any number of threads may use it at once.
 *
 * <p>{@link #close} frees it, and so does the garbage collector where nobody did.
 */
public final class Recipient implements AutoCloseable {
    private final Handle handle;
    private final Cleaner.Cleanable abandoned;

    private Recipient(long address) {
        handle = new Handle("recipient", address, Native::recipientFree);
        abandoned = Natives.CLEANER.register(this, handle);
    }

    /**
     * Reads a certificate, whose chain and dates are not looked at, or a SubjectPublicKeyInfo.
     *
     * @param file PEM or DER, at most 64 KiB
     * @return a recipient, to be closed; {@link SogovException} with {@link Status#KEY_INVALID} for another format, or another
     *     algorithm than RSA (3072 to 8192 bits) and SM2
     */
    public static Recipient load(byte[] file) {
        return new Recipient(Native.recipientRead(new Packer().data(file).done()));
    }

    /** Frees it. A second time does nothing. */
    @Override
    public void close() {
        abandoned.clean();
    }

    long enter() {
        return handle.enter();
    }

    void leave() {
        handle.leave();
        Reference.reachabilityFence(this);
    }
}

package sogov;

/** The public half of a pair: verifies, and is named in trust directories. See {@link PrivateKey}. */
public final class PublicKey extends Key {
    PublicKey(long address) {
        super(address);
    }

    /**
     * Reads SubjectPublicKeyInfo of SM2, P-256 or RSA (3072 to 8192 bits).
     *
     * @param file PEM or DER, at most 64 KiB; {@link SogovException} with {@link Status#KEY_INVALID} for another format or
     *     curve, or a point off the curve
     * @return a key, to be closed
     */
    public static PublicKey load(byte[] file) {
        return new PublicKey(Native.keyLoadPublic(new Packer().data(file).done()));
    }

    /**
     * Makes the public key of a scheme of the host's; see {@link Sogov#registerScheme}.
     *
     * @param scheme a name that begins with "x-"
     * @param bytes 1 to 8,192 bytes
     * @return a key, to be closed
     */
    public static PublicKey ofRaw(String scheme, byte[] bytes) {
        return new PublicKey(Native.keyLoadRaw(new Packer().text(scheme).data(bytes).data((byte[]) null).done()));
    }

    /**
     * The key as a file.
     *
     * @return SubjectPublicKeyInfo, PEM
     */
    public byte[] toPem() {
        return export(KeyFormat.SPKI_PEM, null);
    }

    /**
     * The key as a file.
     *
     * @return SubjectPublicKeyInfo, DER (RFC 5280, section 4.1)
     */
    public byte[] toDer() {
        return export(KeyFormat.SPKI_DER, null);
    }
}

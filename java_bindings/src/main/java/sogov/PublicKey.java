package sogov;

/** The public half of a pair: verifies, and is named in trust directories. See {@link PrivateKey}. */
public final class PublicKey extends Key {
    PublicKey(long address) {
        super(address);
    }

    /**
     * Reads SubjectPublicKeyInfo.
     *
     * @param file PEM or DER, at most 64 KiB; {@link SogovException} with {@link Status#KEY_INVALID} for another format or
     *     curve, or a point off the curve
     * @return a key, to be closed
     */
    public static PublicKey load(byte[] file) {
        return new PublicKey(Native.keyLoadPublic(new Packer().data(file).done()));
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

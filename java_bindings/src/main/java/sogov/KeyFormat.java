package sogov;

/** The file formats that keys are written in. */
enum KeyFormat {
    /** SubjectPublicKeyInfo, DER (RFC 5280, section 4.1); of a private key, its public part. */
    SPKI_DER(1),
    /** The same, PEM. */
    SPKI_PEM(2),
    /** PKCS#8, DER (RFC 5958), not encrypted. */
    PKCS8_DER(3),
    /** PKCS#8, PEM; with a password, encrypted (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC). */
    PKCS8_PEM(4),
    /** The bytes that keys of hmac-sha256 and of registered schemes are made of. */
    RAW(5);

    private final int number;

    KeyFormat(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}

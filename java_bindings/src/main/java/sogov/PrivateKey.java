package sogov;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;

/** A key that signs messages and plugin files. What holds it in Java's heap, such as {@link #toPem}, is the caller's to wipe. */
public final class PrivateKey extends Key {
    private static final String SCHEME = "sm2-sm3";

    private PrivateKey(long address) {
        super(address);
    }

    /**
     * Makes a key for SM2 with SM3 from the operating system's randomness.
     *
     * @return a key, to be closed
     */
    public static PrivateKey generate() {
        return generate(SCHEME);
    }

    /**
     * Makes a key from the operating system's randomness.
     *
     * @param scheme "sm2-sm3", "ecdsa-p256" or "hmac-sha256"; {@link SogovException} with {@link Status#UNSUPPORTED} for
     *     another
     * @return a key, to be closed
     */
    public static PrivateKey generate(String scheme) {
        return new PrivateKey(Native.keyGenerate(Packer.of(scheme)));
    }

    /**
     * Reads a key that is not encrypted; see {@link #load(byte[], byte[])}.
     *
     * @param file PKCS#8 or SEC1, PEM or DER
     * @return a key, to be closed
     */
    public static PrivateKey load(byte[] file) {
        return load(file, null);
    }

    /**
     * Reads PKCS#8 (plain, or encrypted by PBES2) or SEC1, PEM or DER, told apart by the content.
     *
     * @param file at most 64 KiB
     * @param password for an encrypted key, the caller's to wipe; otherwise not looked at, and may be null
     * @return a key, to be closed; {@link SogovException} with {@link Status#KEY_INVALID} for another format or curve, or a
     *     wrong or missing password
     */
    public static PrivateKey load(byte[] file, byte[] password) {
        byte[] arguments = new Packer().data(file).data(password).doneWithSecret();
        try {
            return new PrivateKey(Native.keyLoadPrivate(arguments));
        } finally {
            Arrays.fill(arguments, (byte) 0);
        }
    }

    /**
     * Opens the key that a URI names: {@code file:PATH?pin-source=file:PATH}, whose file is read into memory that is wiped,
     * {@code pkcs11:token=T;object=O?module-path=PATH&pin-source=file:PATH} (RFC 7512), or
     * {@code sdf:library=PATH;index=N;pin-source=file:PATH} (GM/T 0018).
     *
     * @param uri paths in it are absolute; PINs and passwords come from files only
     * @return a key, to be closed; {@link SogovException} with {@link Status#CUSTODY_FAILED} when the token or the device
     *     refused
     */
    public static PrivateKey open(String uri) {
        return new PrivateKey(Native.keyOpen(Packer.of(uri)));
    }

    /**
     * Makes a key of hmac-sha256, or the key pair of a scheme of the host's; see {@link Sogov#registerScheme}.
     *
     * @param scheme "hmac-sha256", or a name that begins with "x-"
     * @param publicBytes the public key, 1 to 8,192 bytes; null for hmac-sha256
     * @param privateBytes what the scheme signs with; for hmac-sha256 the secret, 16 to 1,024 bytes. The caller's to wipe
     * @return a key, to be closed; {@link SogovException} with {@link Status#KEY_INVALID} for other lengths
     */
    public static PrivateKey ofRaw(String scheme, byte[] publicBytes, byte[] privateBytes) {
        byte[] arguments = new Packer().text(scheme).data(publicBytes).data(privateBytes).doneWithSecret();
        try {
            return new PrivateKey(Native.keyLoadRaw(arguments));
        } finally {
            Arrays.fill(arguments, (byte) 0);
        }
    }

    /**
     * The public half, as a key of its own.
     *
     * @return a key, to be closed; {@link SogovException} with {@link Status#INVALID_ARGUMENT} for a key of hmac-sha256,
     *     which has none
     */
    public PublicKey publicKey() {
        return new PublicKey(using(Native::keyPublic));
    }

    /**
     * Signs a message by the default user id, in the raw encoding.
     *
     * @param message any number of bytes; see {@link #sign(byte[], SignatureOptions)}
     * @return 64 bytes, R and S
     */
    public byte[] sign(byte[] message) {
        return sign(message, SignatureOptions.DEFAULT);
    }

    /**
     * Signs a message under the scheme of the key: sm2-sm3 (GB/T 32918.2-2016) or ecdsa-p256 (FIPS 186-5) with a fresh nonce
     * each time, hmac-sha256, or a registered one.
     *
     * @param message any number of bytes; {@link SogovException} with {@link Status#INVALID_ARGUMENT} for one that begins
     *     with a tag of what vouches for plugins, trust directories, packages and audit trails ("sogov.sig.v1" and a NUL, and
     *     its like)
     * @param options user id and encoding
     * @return the signature
     */
    public byte[] sign(byte[] message, SignatureOptions options) {
        return sign(Data.of(message), options);
    }

    /**
     * Signs what lies between a buffer's position and its limit, which stay.
     *
     * @param message any number of bytes, best in a direct buffer
     * @param options user id and encoding
     * @return the signature
     */
    public byte[] sign(ByteBuffer message, SignatureOptions options) {
        return sign(Data.of(message), options);
    }

    /**
     * Signs a plugin file. The result appears whole or not at all; strip first, sign last.
     *
     * @param source the unsigned plugin
     * @param target where the signed copy goes, or with {@link FileFacts.Builder#detached} the signature file; null:
     *     {@code source} itself, or {@code source} with ".sogsig" behind it, where loading looks for it
     * @param facts what is stated
     * @return the artifact's digest; {@link SogovException} with {@link Status#IMAGE_REJECTED} when {@code source} is no
     *     shared object, {@link BusyException} when it is signed already (use {@link #addSignature})
     */
    public Digest signFile(Path source, Path target, FileFacts facts) {
        byte[] arguments = facts.pack(new Packer().path(source).path(target)).done();
        return using(address -> new Digest(Native.fileSign(address, arguments)));
    }

    /**
     * Adds a signature over the statement that a signed plugin or a signature file carries, by the default user id.
     *
     * @param file replaced whole; see {@link #addSignature(Path, byte[])}
     */
    public void addSignature(Path file) {
        addSignature(file, null);
    }

    /**
     * Adds a signature over the statement that a signed plugin or a signature file carries.
     *
     * @param file replaced whole; {@link TrustException} with {@link Status#UNSIGNED} when there is no statement, {@link
     *     SogovException} with {@link Status#LIMIT_EXCEEDED} when the space that the first signer reserved is used up
     * @param userId the SM2 user id; null: the default
     */
    public void addSignature(Path file, byte[] userId) {
        byte[] arguments = new Packer().path(file).data(userId).done();
        use(address -> Native.fileAddSignature(address, arguments));
    }

    /**
     * The key as a file that is not encrypted.
     *
     * @return PKCS#8, PEM; the caller's to wipe
     */
    public byte[] toPem() {
        return export(KeyFormat.PKCS8_PEM, null);
    }

    /**
     * The key as an encrypted file.
     *
     * @param password not empty
     * @return PKCS#8, PEM (PBES2: PBKDF2-HMAC-SHA256, AES-256-CBC)
     */
    public byte[] toPem(byte[] password) {
        if (password.length == 0) {
            throw new IllegalArgumentException("password: expected one, found nothing");
        }
        return export(KeyFormat.PKCS8_PEM, password);
    }

    /**
     * The key as a file that is not encrypted.
     *
     * @return PKCS#8, DER (RFC 5958); the caller's to wipe
     */
    public byte[] toDer() {
        return export(KeyFormat.PKCS8_DER, null);
    }

    private byte[] sign(Data message, SignatureOptions options) {
        byte[] arguments = options.pack(new Packer()).done();
        try {
            return using(address -> Native.sign(
                    address, message.array(), message.direct(), message.offset(), message.length(), arguments));
        } finally {
            Reference.reachabilityFence(message);
        }
    }
}

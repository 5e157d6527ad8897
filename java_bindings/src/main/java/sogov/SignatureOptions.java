package sogov;

import java.util.Objects;

/** What a signature is made or checked with: the signer's and the verifier's must be the same. Immutable. */
public final class SignatureOptions {
    /** The user id "1234567812345678" (GM/T 0009, section 10), and 64 bytes R||S. */
    public static final SignatureOptions DEFAULT = new SignatureOptions(null, SignatureEncoding.RAW);

    private final byte[] userId;
    private final SignatureEncoding encoding;

    private SignatureOptions(byte[] userId, SignatureEncoding encoding) {
        this.userId = userId;
        this.encoding = encoding;
    }

    /**
     * The same with another SM2 user id, the signer's distinguishing identifier.
     *
     * @param id at most 8,191 bytes, copied; none is the empty id, which OpenSSL uses where none is given
     * @return other options
     */
    public SignatureOptions userId(byte[] id) {
        return new SignatureOptions(id.clone(), encoding);
    }

    /**
     * The same with another encoding.
     *
     * @param encoding raw or DER
     * @return other options
     */
    public SignatureOptions encoding(SignatureEncoding encoding) {
        return new SignatureOptions(userId, Objects.requireNonNull(encoding, "encoding"));
    }

    /** What message.c reads. */
    Packer pack(Packer into) {
        return into.data(userId).number(encoding.number());
    }

    /** The same for an item that may have a user id of its own. */
    Packer pack(Packer into, byte[] itsUserId) {
        return into.data(itsUserId == null ? userId : itsUserId).number(encoding.number());
    }
}

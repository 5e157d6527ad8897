package sogov;

/** The signature does not belong to these bytes, this key and this user id, or is malformed. */
public class SignatureException extends SogovException {
    private static final long serialVersionUID = 1;

    SignatureException(String reason) {
        super(Status.SIGNATURE_INVALID.number(), reason);
    }
}

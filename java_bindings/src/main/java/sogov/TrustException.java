package sogov;

/**
 * The artifact is not one that the trust directory lets run, or that directory is unsound: the statuses of the 4xx. Nothing
 * was loaded.
 */
public final class TrustException extends SogovException {
    private static final long serialVersionUID = 1;

    TrustException(int code, String reason) {
        super(code, reason);
    }
}

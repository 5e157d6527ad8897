package sogov;

/** Why a call of sogov failed. */
public final class SogovException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** A sogov_status. */
    public static final int CLOSED = 101;
    public static final int BUSY = 103;
    public static final int LEASE_GONE = 602;
    public static final int PLUGIN_FAILED = 700;
    public static final int PLUGIN_CRASHED = 701;

    /** The sogov_status of the failed call. */
    public final int status;

    public SogovException(int status, String message) {
        super(status + ": " + message);
        this.status = status;
    }
}

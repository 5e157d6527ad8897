package sogov;

/**
 * A call failed. The message is one line that names the thing, what was expected and what was found, and the status; it never
 * holds key bytes. There are subclasses for what hosts catch: {@link TrustException}, {@link SignatureException}, {@link
 * BusyException} and {@link PluginException}; all others are told apart by {@link #status}.
 *
 * <p>What is wrong with the program is not a SogovException: use after close is an IllegalStateException, an argument that
 * Java can tell is an IllegalArgumentException.
 */
public class SogovException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** What became of the call. */
    private final Status status;
    /** The number of the status. */
    private final int code;
    /** What the engine says. */
    private final String reason;

    SogovException(int code, String reason) {
        super(reason + " (" + Native.statusName(code) + ")");
        this.code = code;
        this.status = Status.of(code);
        this.reason = reason;
    }

    /**
     * What became of the call.
     *
     * @return the status; {@link Status#UNKNOWN} for a code that this release does not know
     */
    public Status status() {
        return status;
    }

    /**
     * The number of the status, as it stands in sogov.h.
     *
     * @return 100 to 999
     */
    public int code() {
        return code;
    }

    /**
     * What the engine says, without the status.
     *
     * @return one line
     */
    public String reason() {
        return reason;
    }
}

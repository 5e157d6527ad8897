package sogov;

/** The thing exists already or is in use, or there is no room at the moment; nothing was changed. */
public final class BusyException extends SogovException {
    private static final long serialVersionUID = 1;

    BusyException(String reason) {
        super(Status.BUSY.number(), reason);
    }
}

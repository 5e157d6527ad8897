package sogov;

/** The steps of an update, in their order. Some are left out, as the options say. */
public enum UpdateStep {
    /** Signatures and statement. */
    VERIFY(0),
    /** What can be found out about the image before it runs in this process. */
    PREFLIGHT(1),
    /** Mapping, constructors, {@code start} and {@code health}. */
    LOAD(2),
    /** The old version's state as it stands, into the new one. */
    IMPORT_STATE(3),
    /** The request that the plugin declares for it. */
    SELF_TEST(4),
    /** Copies of requests. */
    SHADOW(5),
    /** A share of the requests. */
    GRAY(6),
    /** Requests wait while the state moves. */
    HANDOVER(7),
    /** All requests, while the old version is still the stable one. */
    PROBATION(8),
    /** The new version becomes the stable one. */
    PROMOTE(9),
    /** The update is complete. */
    DONE(10),
    /** The update failed: what served before serves. */
    ROLLED_BACK(11);

    private final int number;

    UpdateStep(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static UpdateStep of(int number) {
        for (UpdateStep one : values()) {
            if (one.number == number) {
                return one;
            }
        }
        throw new IllegalStateException("UpdateStep: found the number " + number + ", which is of a newer library");
    }
}

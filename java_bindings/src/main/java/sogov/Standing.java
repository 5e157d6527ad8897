package sogov;

/** Where a version stands in its service. */
public enum Standing {
    /** Loaded; no request reaches it yet. */
    LOADED(0),
    /** Serves the requests that the route policy sends it. */
    GRAY(1),
    /** Serves by default. */
    STABLE(2),
    /** Takes no new requests; still mapped, so that rollback or promotion brings it back at once. */
    RETIRED(3),
    /** Stopped, but mapped by necessity for the rest of the process; the report has the reason. */
    PINNED(4);

    private final int number;

    Standing(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static Standing of(int number) {
        for (Standing one : values()) {
            if (one.number == number) {
                return one;
            }
        }
        throw new IllegalStateException("Standing: found the number " + number + ", which is of a newer library");
    }
}

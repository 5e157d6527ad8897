package sogov;

/** What happened to a version. */
public enum EventKind {
    /** Too many calls failed: requests go to a stable version instead. */
    BREAKER_OPENED(1),
    /** One request is let through to a broken version, to see whether it has recovered. */
    BREAKER_PROBING(2),
    /** The probe failed: the breaker stays open for its whole time again. */
    BREAKER_REOPENED(3),
    /** The version has recovered and serves again. */
    BREAKER_CLOSED(4),
    /** The version crashed in a call. It serves no more in this process and stays mapped. */
    QUARANTINED(5),
    /** The version was to be unmapped and has to stay mapped. */
    PINNED(6),
    /** The version was unmapped. */
    UNMAPPED(7),
    /** The version is trusted no more; the detail says why and what became of it. */
    REVOKED(8),
    /** The machine's clock was set back, or jumped ahead by more than a day. It concerns no service: the names are empty. */
    CLOCK(9),
    /** One that this release does not know. */
    UNKNOWN(-1);

    private final int number;

    EventKind(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static EventKind of(int number) {
        for (EventKind one : values()) {
            if (one.number == number) {
                return one;
            }
        }
        return UNKNOWN;
    }
}

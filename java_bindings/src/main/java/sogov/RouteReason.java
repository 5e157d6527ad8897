package sogov;

/** Why a request went to the version it went to, in the order of precedence. */
public enum RouteReason {
    /** No version was reached. */
    NONE(0),
    /** The policy's kill switch. */
    KILL_SWITCH(1),
    /** The user is pinned. */
    PIN(2),
    /** A header rule. */
    RULE(3),
    /** The user's bucket lies in a gray version's share. */
    FRACTION(4),
    /** The stable version, by default. */
    STABLE(5),
    /** The stable version, as the user is unknown. */
    MISSING_KEY(6),
    /** Drawn at random, as the user is unknown and the policy says so. */
    RANDOM(7),
    /**
     * The version that it would have been has an open breaker: the stable version, or the last stable one before
     * it.
     */
    BREAKER(8),
    /** The version's breaker is open, and this request was let through to see whether the version has recovered. */
    PROBE(9);

    private final int number;

    RouteReason(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }


    private static final RouteReason[] ALL = values();

    /** NONE for one that this release does not know. The numbers are those of the order. */
    static RouteReason of(int number) {
        return number < ALL.length ? ALL[number] : NONE;
    }
}

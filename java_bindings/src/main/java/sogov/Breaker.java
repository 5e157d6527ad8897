package sogov;

/** Where a breaker stands. */
public enum Breaker {
    /** Requests reach the version. */
    CLOSED(0),
    /** They do not. */
    OPEN(1),
    /** One of them does, to see whether the version has recovered. */
    PROBING(2),
    /** The version crashed and serves no more in this process. */
    QUARANTINED(3);

    private final int number;

    Breaker(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static Breaker of(int number) {
        for (Breaker one : values()) {
            if (one.number == number) {
                return one;
            }
        }
        throw new IllegalStateException("Breaker: found the number " + number + ", which is of a newer library");
    }
}

package sogov;

/** How the calls under a lease went, as the caller saw it. */
public enum Outcome {
    /** The version answered as it should. */
    SUCCESS(0),
    /** The version failed: its fault, not the request's. */
    FAILURE(1),
    /** Nothing was learned about the version (the request was bad, or was given up before the call). */
    NEUTRAL(2);

    private final int number;

    Outcome(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}

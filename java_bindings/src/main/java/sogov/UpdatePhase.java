package sogov;

/** Where in a step a report comes from. */
public enum UpdatePhase {
    /** The step begins. */
    BEGINS(0),
    /** The step is under way; at least every 50 ms where it waits. */
    WAITS(1),
    /** The step ended well. */
    ENDS(2);

    private final int number;

    UpdatePhase(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static UpdatePhase of(int number) {
        for (UpdatePhase one : values()) {
            if (one.number == number) {
                return one;
            }
        }
        throw new IllegalStateException("UpdatePhase: found the number " + number + ", which is of a newer library");
    }
}

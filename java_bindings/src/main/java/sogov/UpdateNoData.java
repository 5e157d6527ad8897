package sogov;

/** What a step comes to that ends with fewer calls than it asks for. */
public enum UpdateNoData {
    /** The update fails. */
    FAIL(0),
    /** The next step follows. */
    PASS(1),
    /** The step goes on until there are enough, or the update is cancelled. */
    HOLD(2);

    private final int number;

    UpdateNoData(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}

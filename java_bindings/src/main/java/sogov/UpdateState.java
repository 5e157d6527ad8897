package sogov;

/** What becomes of the state in an update. */
public enum UpdateState {
    /** Nothing: there is none, or the new version begins with its own. */
    NONE(0),
    /** Exported while the old version serves; what changes afterwards is not in the new version. */
    COPY(1),
    /**
     * The same as a rehearsal; then requests wait, calls in flight end, and the state is moved. Nothing is lost.
     */
    HANDOVER(2);

    private final int number;

    UpdateState(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}

package sogov;

/** What is to be said of the machine's clock. */
public enum ClockVerdict {
    /** It is believed. */
    BELIEVED,
    /** It was set back; the latest time that was seen or signed counts. */
    SET_BACK,
    /** It jumped ahead by more than a day, and is not believed where that matters until {@link Engine#confirmTime}. */
    JUMPED_AHEAD,
    /** One that this release does not know. */
    UNKNOWN;

    static ClockVerdict of(int number) {
        return number >= 0 && number < UNKNOWN.ordinal() ? values()[number] : UNKNOWN;
    }
}

package sogov;

/** How much a line of the log matters. */
public enum LogLevel {
    /** Something was refused or lost; somebody should look. */
    ERROR(1),
    /** Works, but not as it should for good. */
    WARNING(2),
    /** A change that was asked for has happened. */
    INFO(3);

    private final int number;

    LogLevel(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }


    /** INFO for one that this release does not know. */
    static LogLevel of(int number) {
        for (LogLevel one : values()) {
            if (one.number == number) {
                return one;
            }
        }
        return INFO;
    }
}

package sogov;

/** Whether versions are tried in a child process before they enter this one. */
public enum Preflight {
    /** Without a passed preflight nothing is loaded. */
    REQUIRED(0),
    /** Versions are loaded without one. */
    OFF(1);

    private final int number;

    Preflight(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}

package sogov;

/** What becomes of a plugin that exports and uses symbols which the program defines too. */
public enum SymbolCollisions {
    /** It is refused. */
    REFUSE(0),
    /** It is loaded, the log says so, and the program's are used. */
    WARN(1),
    /** It is loaded so that its own are used, and those of the libraries that it needs before the program's. */
    OWN_FIRST(2);

    private final int number;

    SymbolCollisions(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}

package sogov;

/** How an installed file stands to the receipt of its installation. */
public enum PackageStanding {
    /** It is the file that was installed, with its content. */
    UNTOUCHED(0),
    /** Its content is another; loading refuses it. */
    REPLACED(1),
    /** Its content is the one that was installed, in another file, as after a restore from a backup. */
    MOVED(2);

    private final int number;

    PackageStanding(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static PackageStanding of(int number) {
        for (PackageStanding standing : values()) {
            if (standing.number == number) {
                return standing;
            }
        }
        throw new IllegalStateException("package standing: expected a known number, found " + number);
    }
}

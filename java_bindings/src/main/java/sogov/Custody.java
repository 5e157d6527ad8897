package sogov;

/** Where the secret part of a key is kept. */
public enum Custody {
    /** Nowhere: the key is a public one. */
    NONE(0),
    /** In the native heap. */
    HEAP(1),
    /** In pages of their own that dumps leave out and a forked child loses, but that could not be locked. */
    UNLOCKED(2),
    /** In such pages, locked into memory. */
    LOCKED(3),
    /** In such pages, which the kernel hides from debuggers and /proc as well. */
    SECRET(4),
    /** In a PKCS#11 token. */
    TOKEN(5),
    /** In an SDF device. */
    DEVICE(6);

    private final int number;

    Custody(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static Custody of(int number) {
        for (Custody custody : values()) {
            if (custody.number == number) {
                return custody;
            }
        }
        throw new IllegalStateException("custody: expected a number of this release, found " + number);
    }
}

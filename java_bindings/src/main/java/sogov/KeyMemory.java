package sogov;

/** What happens to private keys where memory cannot be locked. */
public enum KeyMemory {
    /** The key is kept all the same, and says so: {@link Custody#UNLOCKED}. */
    DEGRADE(0),
    /** It is refused: {@link SogovException} with {@link Status#LIMIT_EXCEEDED}. */
    REQUIRE(1);

    private final int number;

    KeyMemory(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}

package hosts;

/**
 * Faults of Java's own code that the JVM makes exceptions of, by signals. The methods must be interpreted (the Makefile says
 * so to the JVM): compiled, a check that fails often becomes a branch, and no signal comes any more.
 */
final class Faults {
    private int field;

    private Faults() {}

    /** Throws an AssertionError unless an access through null and a division by zero are exceptions. */
    static void check() {
        if (!nullCheckThrows(null) || !divisionThrows(0)) {
            throw new AssertionError("expected a null check and a division to throw");
        }
    }

    private static boolean nullCheckThrows(Faults nothing) {
        try {
            return nothing.field < 0;
        } catch (NullPointerException thrown) {
            return true;
        }
    }

    private static boolean divisionThrows(int divisor) {
        try {
            return 1 / divisor < 0;
        } catch (ArithmeticException thrown) {
            return true;
        }
    }

    /** The same of a recursion without end. */
    static void checkOverflow() {
        try {
            overflow(1);
        } catch (StackOverflowError thrown) {
            return;
        }
        throw new AssertionError("expected a stack overflow to throw");
    }

    private static int overflow(int depth) {
        return overflow(depth + 1) + 1;
    }
}

import java.time.Duration;
import java.util.Locale;

/** Lines with times, and what must hold. For one thread. */
final class PaymentReport {
    private final long begin = System.nanoTime();
    private int wrong;

    void say(String topic, String line) {
        System.out.printf(Locale.ROOT, "%10.3f ms  %-8s  %s%n", (System.nanoTime() - begin) / 1e6, topic, line);
    }

    /** Prints the line and remembers that something was wrong, unless it holds. */
    void must(boolean holds, String line) {
        if (!holds) {
            wrong++;
            say("WRONG", line);
        }
    }

    boolean isGood() {
        return wrong == 0;
    }

    /** How long it takes, as text. */
    static String timed(Runnable work) {
        long begin = System.nanoTime();
        work.run();
        return String.format(Locale.ROOT, "%.3f ms", Duration.ofNanos(System.nanoTime() - begin).toNanos() / 1e6);
    }
}

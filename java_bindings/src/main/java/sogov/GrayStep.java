package sogov;

import java.time.Duration;
import java.util.Objects;

/**
 * A time of an update in which the new version gets a share of the requests.
 *
 * @param share 1 to 10,000, of 10,000; shares grow from step to step
 * @param calls for how many calls of the new version at least; with fewer nothing is said about failures
 * @param hold for how long at least
 */
public record GrayStep(int share, long calls, Duration hold) {
    /**
     * Checks that there is a time.
     *
     * @param share 1 to 10,000, of 10,000
     * @param calls for how many calls of the new version at least
     * @param hold for how long at least
     */
    public GrayStep {
        Objects.requireNonNull(hold, "hold");
    }

    /**
     * A step that ends after some calls.
     *
     * @param share 1 to 10,000, of 10,000
     * @param calls how many calls of the new version
     * @return a step that lasts no longer
     */
    public static GrayStep ofCalls(int share, long calls) {
        return new GrayStep(share, calls, Duration.ZERO);
    }

    Packer pack(Packer into) {
        return into.number(share).milliseconds(hold).number(calls);
    }
}

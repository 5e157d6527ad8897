package sogov;

import java.time.Duration;
import java.util.Objects;

/** How a version is unloaded. Immutable. */
public final class UnloadOptions {
    /** Leases are waited for 5 seconds, and a version that is in use then stays. */
    public static final UnloadOptions DEFAULT = new UnloadOptions(Change.UNNAMED, 0, false);

    private final Change change;
    private final long drainMs;
    private final boolean force;

    private UnloadOptions(Change change, long drainMs, boolean force) {
        this.change = Objects.requireNonNull(change, "change");
        this.drainMs = drainMs;
        this.force = force;
    }

    /**
     * Says who asks, and why.
     *
     * @param change actor and reason
     * @return other options
     */
    public UnloadOptions change(Change change) {
        return new UnloadOptions(change, drainMs, force);
    }

    /**
     * Says for how long to wait for leases.
     *
     * @param timeout more than nothing; in whole milliseconds, rounded up
     * @return other options
     */
    public UnloadOptions drain(Duration timeout) {
        long milliseconds = Packer.millisecondsOf(timeout);
        if (milliseconds == 0) {
            // The header takes 0 for its default.
            throw new IllegalArgumentException("timeout: expected more than nothing, found " + timeout);
        }
        return new UnloadOptions(change, milliseconds, force);
    }

    /**
     * Gives up on a version on which leases are left after the wait. {@link Status#PINNED} says so: it stays mapped for
     * ever, its label is free, and {@link Sogov#process} says for ever that a restart is wanted.
     *
     * @return other options
     */
    public UnloadOptions force() {
        return new UnloadOptions(change, drainMs, true);
    }

    Packer pack(Packer into) {
        return change.pack(into, drainMs, null, force, false, null);
    }
}

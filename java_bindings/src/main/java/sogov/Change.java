package sogov;

import java.nio.file.Path;
import java.util.Objects;

/** Who asks for a change and why, for the log; and whether the caller waits until it is on the disk. Immutable. */
public final class Change {
    /** Nobody in particular asks, and nothing is waited for. */
    public static final Change UNNAMED = new Change("", "", false);

    private final String actor;
    private final String reason;
    private final boolean durable;

    private Change(String actor, String reason, boolean durable) {
        this.actor = Objects.requireNonNull(actor, "actor");
        this.reason = Objects.requireNonNull(reason, "reason");
        this.durable = durable;
    }

    /**
     * A change that somebody asks for.
     *
     * @param actor the person or program
     * @return a change without a reason
     */
    public static Change by(String actor) {
        return new Change(actor, "", false);
    }

    /**
     * The same with a reason.
     *
     * @param reason why
     * @return another change
     */
    public Change because(String reason) {
        return new Change(actor, reason, durable);
    }

    /**
     * The same, and the call returns only when the new state is on the disk. Not for loading and unloading.
     *
     * @return another change
     */
    public Change durable() {
        return new Change(actor, reason, true);
    }

    String actor() {
        return actor;
    }

    String reason() {
        return reason;
    }

    boolean isDurable() {
        return durable;
    }

    /** What engine.c reads: those of this class, then drain, signature file, force, isolated, bill of materials. */
    Packer pack(Packer into, long drainMs, Path signature, boolean force, boolean isolated, Path sbom) {
        return into.text(actor).text(reason).flag(durable).number(drainMs).path(signature).flag(force).flag(isolated)
                .path(sbom);
    }

    Packer pack(Packer into) {
        return pack(into, 0, null, false, false, null);
    }
}

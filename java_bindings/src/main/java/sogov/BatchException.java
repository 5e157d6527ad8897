package sogov;

import java.util.List;

/** Not every signature of a batch is valid. */
public final class BatchException extends SignatureException {
    private static final long serialVersionUID = 1;

    /** One for each item. */
    private final transient List<Status> results;

    BatchException(String reason, List<Status> results) {
        super(reason);
        this.results = results;
    }

    /**
     * What became of each item.
     *
     * @return in the order of the items, {@link Status#OK} or what was wrong; not kept in a serialized exception
     */
    public List<Status> results() {
        return results == null ? List.of() : results;
    }
}

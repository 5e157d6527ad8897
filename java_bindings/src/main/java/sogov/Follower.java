package sogov;

import java.util.function.Predicate;

/** Hands the progress of an update to its host, whose exception cancels the update and is kept. */
final class Follower {
    private final Predicate<? super UpdateProgress> follow;
    private RuntimeException failure;
    private Error error;

    Follower(Predicate<? super UpdateProgress> follow) {
        this.follow = follow;
    }

    /** Whether the update goes on; throws nothing. */
    boolean tell(byte[] progress) {
        try {
            return follow.test(UpdateProgress.read(new Unpacker(progress)));
        } catch (RuntimeException thrown) {
            failure = failure == null ? thrown : failure;
        } catch (Error thrown) {
            error = error == null ? thrown : error;
        }
        return false;
    }

    /** Throws what was kept. */
    void rethrow() {
        if (error != null) {
            throw error;
        }
        if (failure != null) {
            throw failure;
        }
    }
}

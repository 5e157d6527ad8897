package sogov;

import java.util.Optional;

/**
 * How far an update has come.
 *
 * @param step the step
 * @param phase where in it
 * @param share the new version's share of the requests, in 10,000
 * @param elapsedMs milliseconds since the step began
 * @param calls calls of the new version since the step began
 * @param failures those that failed
 * @param compared copies of requests whose answers were compared
 * @param mismatched those that were answered otherwise
 * @param dropped copies for which there was no room
 * @param mismatch one of the first mismatches
 * @param message with {@link UpdateStep#ROLLED_BACK} why; empty otherwise
 */
public record UpdateProgress(
        UpdateStep step, UpdatePhase phase, int share, long elapsedMs, long calls, long failures, long compared,
        long mismatched, long dropped, Optional<UpdateMismatch> mismatch, String message) {
    static UpdateProgress read(Unpacker from) {
        return new UpdateProgress(
                UpdateStep.of(from.index()), UpdatePhase.of(from.index()), from.index(), from.number(), from.number(),
                from.number(), from.number(), from.number(), from.number(),
                from.flag() ? Optional.of(UpdateMismatch.read(from)) : Optional.empty(), from.text());
    }
}

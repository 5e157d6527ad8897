package sogov;

/**
 * What was found in an audit trail that is as it was written.
 *
 * @param first the number of the first record that is kept; 0 for none
 * @param head the last record
 * @param segments how many files
 * @param checkpoints how many checkpoints
 * @param signedUpTo the number of the last checkpoint; 0 where there is none, or no key was given
 * @param recovered how many times the rest of a record that a crash had torn was taken away
 */
public record AuditReport(
        long first, AuditPosition head, long segments, long checkpoints, long signedUpTo, long recovered) {
    static AuditReport read(Unpacker from) {
        long first = from.number();
        AuditPosition head = AuditPosition.read(from);
        return new AuditReport(first, head, from.number(), from.number(), from.number(), from.number());
    }
}

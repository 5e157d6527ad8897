package sogov;

/**
 * A place in an audit trail: everything up to it is fixed by the hash.
 *
 * @param record the number of a record; 0 for none
 * @param hash its hash
 */
public record AuditPosition(long record, Digest hash) {
    static AuditPosition read(Unpacker from) {
        long record = from.number();
        return new AuditPosition(record, new Digest(from.data()));
    }
}

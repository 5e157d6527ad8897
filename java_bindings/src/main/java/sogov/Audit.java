package sogov;

import java.nio.file.Path;
import java.util.List;

/** Audit trails, looked at from outside. */
public final class Audit {
    private Audit() {}

    /**
     * Looks whether an audit trail is as it was written. Engines may be writing it meanwhile.
     *
     * @param directory the state directory, or the directory of a trail, which must belong to this user or to root
     * @param keys one of them must have signed each checkpoint, of which there must be one then; none: signatures are not
     *     looked at
     * @param expected a record that must be there, from {@link Engine#auditHead} or an earlier report; null: none
     * @return what was found; {@link SogovException} with {@link Status#AUDIT_BROKEN}, whose message names the file, the record,
     *     what was expected and what was found, or with {@link Status#NOT_FOUND} where there is no trail
     */
    public static AuditReport verify(Path directory, List<? extends Key> keys, AuditPosition expected) {
        List<Key> all = List.copyOf(keys);
        Packer packer = new Packer().path(directory).flag(expected != null);
        if (expected != null) {
            packer.number(expected.record()).data(expected.hash().bytes());
        }
        packer.number(all.size());
        int entered = 0;
        try {
            for (; entered < all.size(); entered++) {
                packer.number(all.get(entered).enter());
            }
            return AuditReport.read(new Unpacker(Native.auditVerify(packer.done())));
        } finally {
            for (int i = 0; i < entered; i++) {
                all.get(i).leave();
            }
        }
    }
}

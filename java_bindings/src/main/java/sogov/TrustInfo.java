package sogov;

import java.time.Instant;

/**
 * How trust stands.
 *
 * @param documentEpoch the epoch of trust.json
 * @param denylistNumber the number of denylist.json; 0: there is none
 * @param rootSet the number of the set of root keys in force; 0 in the development mode
 * @param revoked loaded versions that are revoked
 * @param revokedServing those among them that serve
 * @param time what decisions go by; where the clock is not believed, the earliest that it can be
 * @param clock what is to be said of the machine's clock
 * @param durable whether what was accepted is remembered in the state directory, and not in this process only
 */
public record TrustInfo(
        long documentEpoch, long denylistNumber, long rootSet, long revoked, long revokedServing, Instant time,
        ClockVerdict clock, boolean durable) {
    static TrustInfo read(Unpacker from) {
        return new TrustInfo(
                from.number(), from.number(), from.number(), from.number(), from.number(),
                Instant.ofEpochSecond(from.number()), ClockVerdict.of(from.index()), from.flag());
    }
}

package sogov;

/**
 * A version as it stood at one moment.
 *
 * @param service the service's name
 * @param version the version's label
 * @param standing where the version stands
 * @param development whether the engine takes trust.json without a signature by root keys
 * @param digest the artifact's digest
 * @param epoch the epoch of its statement, unsigned
 * @param inFlight leases that are out, calls included
 * @param calls leases released with success or failure
 * @param failures leases released with failure
 * @param pinReason why it is pinned: a word such as tls, thread or lease, a colon and the evidence; empty otherwise
 * @param breaker where its breaker stands
 * @param breakerOpenMs for how many milliseconds the breaker stays open; 0 when it is not
 * @param breakerOpened how often the breaker opened
 * @param isolated whether it has a namespace of its own
 */
public record VersionInfo(
        String service, String version, Standing standing, boolean development, Digest digest, long epoch, long inFlight,
        long calls, long failures, String pinReason, Breaker breaker, long breakerOpenMs, long breakerOpened,
        boolean isolated) {
    static VersionInfo read(Unpacker from) {
        return new VersionInfo(
                from.text(), from.text(), Standing.of(from.index()), from.flag(), new Digest(from.data()), from.number(),
                from.number(), from.number(), from.number(), from.text(), Breaker.of(from.index()), from.number(),
                from.number(), from.flag());
    }
}

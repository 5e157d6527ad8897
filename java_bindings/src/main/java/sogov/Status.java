package sogov;

/**
 * What became of a call. Each code belongs to a family by its hundreds: 1xx the call itself, 2xx the system, 3xx keys and
 * signatures, 4xx trust, 5xx loading, 6xx routing, 7xx plugins, 9xx the library. A code never changes its meaning.
 */
public enum Status {
    /** The call did what it says. */
    OK(0),
    /** An argument is NULL, too long, not UTF-8, out of range or of another kind than asked for. */
    INVALID_ARGUMENT(100),
    /** The handle was freed, or its engine was. */
    CLOSED(101),
    /** No service, version, symbol, key or file of that name. */
    NOT_FOUND(102),
    /** The thing exists already or is in use; nothing was changed. */
    BUSY(103),
    /** The call would wait for itself: it was made from inside a plugin call of the same version. */
    DEADLOCK(104),
    /** A limit was reached (leases in flight, versions of a service, sizes). */
    LIMIT_EXCEEDED(105),
    /** The caller's own callback asked to stop; the state is as before the call. */
    CANCELLED(106),
    /** The operating system refused a read, a write, a mapping or a lock. */
    IO(200),
    /** This kernel, architecture or build lacks what the call needs. */
    UNSUPPORTED(201),
    /** The audit trail is not what was written: a record is missing, moved or altered; the message says where. */
    AUDIT_BROKEN(202),
    /** A key could not be read: wrong format, wrong password, wrong curve, off the curve. */
    KEY_INVALID(300),
    /** The signature does not belong to these bytes, this key and this user id. */
    SIGNATURE_INVALID(301),
    /** The private key stayed behind in the process that was forked: read it again in this one. */
    KEY_LOST_AFTER_FORK(302),
    /** The token or device that keeps the private key refused: not there, wrong PIN, no such key or mechanism. */
    CUSTODY_FAILED(303),
    /** The artifact carries no signature at all. */
    UNSIGNED(400),
    /** The artifact's bytes are not those that were signed. */
    MODIFIED(401),
    /** More than one reading of the artifact's signature is possible (two sections, a section and a file). */
    AMBIGUOUS(402),
    /** The validity of the statement, the key or the trust document has ended. */
    EXPIRED(403),
    /** The validity of the statement, the key or the trust document has not begun. */
    NOT_YET_VALID(404),
    /** Too few signatures by keys that the trust document names. */
    UNTRUSTED_KEY(405),
    /** The statement is for another service, version or architecture than asked for. */
    WRONG_SERVICE(406),
    /** The statement's epoch is below the floor. */
    BELOW_FLOOR(407),
    /** The trust directory or its document is missing, malformed, unsafe or not signed by the root keys. */
    TRUST_INVALID(408),
    /** The artifact, or a key that signed it, stands on the deny-list. */
    REVOKED(409),
    /** The clock stands before a time that was seen already, or jumped ahead too far to be believed. */
    CLOCK_REFUSED(410),
    /** The bill of materials is missing where it is asked for, malformed, or not the one that was signed. */
    SBOM_INVALID(411),
    /** A component of the artifact is denied by the trust document or has a known vulnerability. */
    COMPONENT_DENIED(412),
    /** The update package is malformed, was altered, or is not encrypted for the key at hand. */
    PACKAGE_INVALID(420),
    /** The update package is meant for another host. */
    WRONG_AUDIENCE(421),
    /** The update package was installed before, or a later one was. */
    REPLAYED(422),
    /**
     * The file is not an ELF image that may be loaded: malformed, truncated, of another architecture, or with a
     * feature that is refused (RPATH, executable stack, text relocations).
     */
    IMAGE_REJECTED(500),
    /** The dynamic linker refused the image, or it mapped something else than was verified. */
    LOAD_FAILED(501),
    /** The version stays mapped by necessity; the message and the listing name the reason. */
    PINNED(502),
    /**
     * The preflight refused the version: in its child process it crashed, hung, exited or answered wrong. The
     * message says in which stage, and how it ended.
     */
    PREFLIGHT_FAILED(503),
    /**
     * An update was taken back: the new version did not pass a step, which the message names; the old one serves.
     */
    UPDATE_FAILED(504),
    /** The route policy is malformed or contradicts what is loaded; the message says where. */
    ROUTE_POLICY_INVALID(600),
    /** No version can serve the request. */
    NO_VERSION(601),
    /** The lease was released before, or never handed out. */
    LEASE_GONE(602),
    /** Every version that could serve the request has an open breaker. */
    BREAKER_OPEN(603),
    /** The plugin answered with a failure, or broke its contract. */
    PLUGIN_FAILED(700),
    /**
     * The plugin's code crashed in the call, which was given up; the version never serves again. Only with {@code
     * contain_crashes}.
     */
    PLUGIN_CRASHED(701),
    /** A fault inside sogov; the state is as before the call. Please report it. */
    INTERNAL(900),
    /** One that this release does not know. */
    UNKNOWN(-1);

    private final int number;

    Status(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }

    static Status of(int number) {
        for (Status one : values()) {
            if (one.number == number) {
                return one;
            }
        }
        return UNKNOWN;
    }
}

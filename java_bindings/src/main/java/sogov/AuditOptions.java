package sogov;

/**
 * How an engine records what it does, in machine/audit of its state directory, which it needs then. docs/audit.md says what is
 * recorded, and what a trail is worth.
 *
 * @param required whether a change is refused, before it happens, when it cannot be recorded; otherwise that is logged
 * @param checkpointKey signs checkpoints; it may be closed once the engine is open. Null: there are none
 * @param checkpointEvery after how many records a checkpoint is signed; 0: 256
 * @param segmentSize bytes after which a new file begins, 64 KiB to 64 MiB; 0: 4 MiB
 * @param totalSize bytes of all files together, beyond which the oldest are removed; 0: 64 times {@code segmentSize}
 * @param pseudonymKey actors and reasons are recorded as HMAC-SHA256 codes under these 16 to 1,024 bytes; null: in clear
 */
public record AuditOptions(
        boolean required, PrivateKey checkpointKey, int checkpointEvery, long segmentSize, long totalSize,
        byte[] pseudonymKey) {
    /** Nothing is required, signed or hidden, and the sizes are the defaults. */
    public static final AuditOptions DEFAULT = new AuditOptions(false, null, 0, 0, 0, null);

    /**
     * The same, with changes refused that cannot be recorded.
     *
     * @return other options
     */
    public AuditOptions require() {
        return new AuditOptions(true, checkpointKey, checkpointEvery, segmentSize, totalSize, pseudonymKey);
    }

    /**
     * The same, with checkpoints.
     *
     * @param key signs them
     * @return other options
     */
    public AuditOptions signedBy(PrivateKey key) {
        return new AuditOptions(required, key, checkpointEvery, segmentSize, totalSize, pseudonymKey);
    }

    /**
     * The same, with codes in place of actors and reasons.
     *
     * @param key 16 to 1,024 bytes
     * @return other options
     */
    public AuditOptions pseudonymsBy(byte[] key) {
        return new AuditOptions(required, checkpointKey, checkpointEvery, segmentSize, totalSize, key);
    }

    /** What engine.c reads; the key's address is good until the key is left. */
    void pack(Packer packer, long key) {
        packer.flag(required).number(key).number(checkpointEvery).number(segmentSize).number(totalSize)
                .data(pseudonymKey);
    }
}

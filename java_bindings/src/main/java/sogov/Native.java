package sogov;

import java.nio.ByteBuffer;

/**
 * The functions of the natives, and what they call back. Handles are addresses; bytes that come and go are packed by
 * {@link Packer} and read by {@link Unpacker}. What fails throws.
 */
final class Native {
    static {
        Natives.load();
    }

    private Native() {}

    // The library.

    static native int headerVersion();

    static native int libraryVersion();

    static native String versionText();

    static native String statusName(int status);

    static native byte[] processInfo();

    static native byte[] auditHead(long engine, boolean checkpoint);

    static native byte[] auditVerify(byte[] arguments);

    // Engines.

    static native long engineOpen(long context, byte[] options);

    static native void engineFree(long engine);

    static native byte[] loadVersioned(long engine, byte[] arguments);

    static native void applyRoutePolicy(long engine, byte[] arguments);

    static native byte[] promote(long engine, byte[] arguments);

    static native byte[] rollback(long engine, byte[] arguments);

    static native void unload(long engine, byte[] arguments);

    static native byte[] update(long engine, byte[] arguments, Object follower);

    static native byte[] trustRefresh(long engine, byte[] arguments);

    static native long trustConfirmTime(long engine, byte[] arguments);

    static native byte[] versions(long engine, byte[] service);

    static native byte[] fileVerify(long engine, byte[] arguments);

    // Services and leases.

    static native long serviceOpen(long engine, byte[] name);

    static native void serviceFree(long service);

    /**
     * One request. The input is an array or a direct buffer, and so is the room for the answer; offsets and lengths are not
     * checked. An answer that is longer than its room is not written to it, but put into {@code longer}, where that is not
     * null. {@code label} takes the version's label and a zero.
     *
     * @return the answer's length, and why it was this version in the upper half
     */
    static native long call(
            long service, byte[] about,
            byte[] input, ByteBuffer directInput, int inputOffset, int inputLength,
            byte[] room, ByteBuffer directRoom, int roomOffset, int roomLength,
            byte[][] longer, byte[] label);

    static native long route(long service, byte[] about);

    static native byte[] leaseVersion(long lease);

    static native long leaseSymbol(long lease, byte[] arguments);

    static native long[] leasePlugin(long lease);

    /** Answers the status. */
    static native int leaseRelease(long lease, int outcome);

    // Keys and signatures.

    static native long keyGenerate(byte[] scheme);

    static native long keyLoadPrivate(byte[] arguments);

    static native long keyLoadPublic(byte[] file);

    static native long keyLoadRaw(byte[] arguments);

    static native long keyOpen(byte[] uri);

    static native int keyCustody(long key);

    static native void keyMemoryPolicy(int policy);

    static native long keyPublic(long key);

    static native byte[] keyId(long key);

    static native byte[] keyIdParse(byte[] text);

    static native byte[] keyExport(long key, byte[] arguments);

    static native void keyPrepare(long key);

    static native void keyFree(long key);

    static native void preparedKeysLimit(long bytes);

    static native byte[] sign(long key, byte[] array, ByteBuffer direct, int offset, int length, byte[] options);

    static native void verify(long key, byte[] array, ByteBuffer direct, int offset, int length, byte[] arguments);

    static native byte[] digest(int algorithm, byte[] array, ByteBuffer direct, int offset, int length);

    /** Null when every signature is valid; why not otherwise, with the status of each item in {@code results}. */
    static native byte[] verifyBatch(byte[] arguments, int[] results);

    static native byte[] signBatch(byte[] arguments);

    static native byte[] fileSign(long key, byte[] arguments);

    static native void fileAddSignature(long key, byte[] arguments);

    // Packages.

    static native long recipientRead(byte[] file);

    static native void recipientFree(long recipient);

    static native long recipientKeyRead(byte[] arguments);

    static native void recipientKeyFree(long key);

    static native byte[] pack(byte[] arguments);

    static native byte[] install(long engine, long key, byte[] arguments);

    static native int packageCheck(long engine, byte[] arguments);

    // Schemes.

    static native void schemeRegister(long context, int number, byte[] name);

    static native void schemeUnregister(byte[] name);

    // Verifiers.

    static native long verifierOpen(long context, int threads, int maxWaitUs, long capacity);

    static native void verifierSubmit(
            long verifier, long ticket, long key, byte[] array, ByteBuffer direct, int offset, int length,
            byte[] arguments);

    static native void verifierFree(long verifier);

    // What C calls; nothing is thrown by those of listeners.

    private static RuntimeException failure(int status, byte[] message) {
        return Failures.of(status, Unpacker.text(message));
    }

    private static RuntimeException callFailure(
            int status, byte[] message, int pluginStatus, byte[] answer, byte[] version, int reason) {
        return Failures.ofCall(
                status, Unpacker.text(message), pluginStatus, answer, Unpacker.text(version), RouteReason.of(reason));
    }

    private static void log(long context, int level, byte[] line) {
        Listeners.log(context, level, line);
    }

    private static void event(long context, int kind, byte[] service, byte[] version, byte[] detail) {
        Listeners.event(context, kind, service, version, detail);
    }

    private static boolean progress(Object follower, byte[] progress) {
        return ((Follower) follower).tell(progress);
    }

    private static boolean schemeVerify(long context, byte[] key, byte[] message, byte[] signature) {
        return Schemes.verify(context, key, message, signature);
    }

    private static byte[] schemeSign(long context, byte[] key, byte[] message) {
        return Schemes.sign(context, key, message);
    }

    private static void schemeRelease(long context) {
        Schemes.release(context);
    }

    private static void verified(long context, long[] tickets, int[] statuses) {
        Verifier.complete(context, tickets, statuses);
    }
}

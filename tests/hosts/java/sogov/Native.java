package sogov;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;

/**
 * The functions of sogov_jni.c. Texts are UTF-8 bytes; handles and leases are numbers that any thread may use. What fails
 * throws {@link SogovException}.
 */
final class Native {
    static {
        System.loadLibrary("sogov_jni");
    }

    /** Bytes of a label, with the zero behind it. */
    static final int LABEL_SIZE = 65;

    private Native() {}

    /** With {@code containCrashes} a crash of a plugin ends its call alone; the handlers for that stay installed. */
    static native long open(byte[] trustDirectory, boolean containCrashes);

    static native void close(long engine);

    static native void load(long engine, byte[] service, byte[] version, byte[] path);

    static native void promote(long engine, byte[] service, byte[] version);

    static native void rollback(long engine, byte[] service);

    static native void unload(long engine, byte[] service, byte[] version, int drainMs);

    /** Of all versions of a service together: calls, failures, leases in flight. */
    static native long[] counts(long engine, byte[] service);

    static native long service(long engine, byte[] name);

    static native void closeService(long service);

    /**
     * One request. The answer goes into {@code room}; the version's label, ended by a zero, into {@code version}, 65
     * bytes or null.
     *
     * @return the answer's length; -1 when {@code room} was too small for it
     */
    static int call(long service, byte[] request, int length, byte[] room, byte[] version) {
        Objects.checkFromIndexSize(0, length, request.length);
        checkLabel(version);
        return callArrays(service, request, length, room, room.length, version);
    }

    /** The same between direct buffers, from their beginnings. */
    static int callDirect(long service, ByteBuffer request, int length, ByteBuffer room, byte[] version) {
        if (!request.isDirect() || !room.isDirect()) {
            throw new IllegalArgumentException("expected direct buffers");
        }
        Objects.checkFromIndexSize(0, length, request.capacity());
        checkLabel(version);
        return callBuffers(service, request, length, room, room.capacity(), version);
    }

    private static void checkLabel(byte[] version) {
        if (version != null) {
            Objects.checkFromIndexSize(0, LABEL_SIZE, version.length);
        }
    }

    private static native int callArrays(
            long service, byte[] request, int length, byte[] room, int capacity, byte[] version);

    private static native int callBuffers(
            long service, ByteBuffer request, int length, ByteBuffer room, int capacity, byte[] version);

    static native long route(long service);

    static native void leaseVersion(long lease, byte[] version);

    static native void release(long lease, boolean ok);

    /** The address of a C function that takes the number of a {@link #register registered} body and runs it. */
    static native long callback();

    /** Runs a registered body on threads that attach, detach and end; answers how many failed. At most 64. */
    static native int onNativeThreads(int count, long number);

    /** For the bench: loads a plugin without sogov, whose function is then called as {@link #call} would. */
    static native boolean crossingOpen(byte[] path);

    static native int crossingArrays(byte[] request, int length, byte[] room, int capacity);

    static native int crossingBuffers(ByteBuffer request, int length, ByteBuffer room, int capacity);

    private static final Map<Long, IntSupplier> BODIES = new ConcurrentHashMap<>();
    private static final AtomicLong NEXT = new AtomicLong(1);

    /** Makes a body known to C by the number that is returned. */
    static long register(IntSupplier body) {
        long number = NEXT.getAndIncrement();
        BODIES.put(number, body);
        return number;
    }

    /** Called from C: the status that the body answers, 0 for success. */
    private static int run(long number) {
        return BODIES.get(number).getAsInt();
    }
}

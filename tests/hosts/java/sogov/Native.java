package sogov;

import java.nio.ByteBuffer;
import java.util.Map;
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

    private Native() {}

    static native long open(byte[] trustDirectory);

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
    static native int call(long service, byte[] request, int length, byte[] room, byte[] version);

    /** The same between direct buffers, from their beginnings. */
    static native int callDirect(long service, ByteBuffer request, int length, ByteBuffer room, byte[] version);

    static native long route(long service);

    static native void leaseVersion(long lease, byte[] version);

    static native void release(long lease, boolean ok);

    /** The address of a C function that takes the number of a {@link #register registered} body and runs it. */
    static native long callback();

    /** Runs a registered body on threads that attach, detach and end; answers how many failed. At most 64. */
    static native int onNativeThreads(int count, long number);

    /** Copies as a call does, without sogov: for the bench. */
    static native int crossing(byte[] request, int length, byte[] room);

    static native int crossingDirect(ByteBuffer request, int length, ByteBuffer room);

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

package hosts;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;

/** The functions of host_jni.c: threads that the JVM did not make, calls back into Java, and the bench's crossings. */
final class Native {
    static {
        System.loadLibrary("host_jni");
    }

    private static final Map<Long, IntSupplier> BODIES = new ConcurrentHashMap<>();
    private static final AtomicLong NEXT = new AtomicLong(1);

    private Native() {}

    /** The address of a C function that takes the number of a {@link #register registered} body and runs it. */
    static native long callback();

    /** Runs a registered body on threads that attach, detach and end; answers how many failed. At most 64. */
    static native int onNativeThreads(int count, long number);

    // The bench: crossings to a plugin through a bare pointer. The answer's length, or -1.

    static native boolean crossingOpen(byte[] path);

    static native int crossingArrays(byte[] request, int length, byte[] room, int capacity);

    static native int crossingBuffers(ByteBuffer request, int length, ByteBuffer room, int capacity);

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

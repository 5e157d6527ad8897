package hosts;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntSupplier;

/**
 * What a call through sogov costs a JVM, over a JNI crossing that sends the same request to the same function through a
 * bare pointer and copies its answer: arrays by Get/SetByteArrayRegion, and direct buffers. Prints a line of JSON for
 * each; the first is the figure. The second also makes what a caller gets who brings no room: array, label and reason.
 */
public final class Bench {
    private static final int LENGTH = 64;
    /** Many short rounds: most of them are not interrupted, however busy the machine is. */
    private static final int ROUNDS = 501;
    private static final int WARM_UP = 100;
    private static final int TURNS = 4_000;

    private Bench() {}

    public static void main(String[] arguments) {
        try (Host host = new Host("copy", "v1")) {
            if (!Native.crossingOpen(host.file("v1").toString().getBytes(UTF_8))) {
                throw new AssertionError("the plugin cannot be loaded");
            }
            byte[] request = new byte[LENGTH];
            byte[] room = new byte[2 * LENGTH];
            ByteBuffer in = ByteBuffer.allocateDirect(LENGTH);
            ByteBuffer out = ByteBuffer.allocateDirect(2 * LENGTH);
            ByteBuffer requestBuffer = ByteBuffer.wrap(request);
            ByteBuffer roomBuffer = ByteBuffer.wrap(room);
            report("call_overhead_java",
                    () -> host.service.call(requestBuffer, roomBuffer.clear(), null),
                    () -> Native.crossingArrays(request, LENGTH, room, room.length));
            report("call_overhead_java_answer",
                    () -> host.service.call(request).data().length,
                    () -> Native.crossingArrays(request, LENGTH, room, room.length));
            report("call_overhead_java_direct",
                    () -> host.service.call(in, out.clear(), null),
                    () -> Native.crossingBuffers(in, LENGTH, out, out.capacity()));
        }
    }

    /** In turns, so that what disturbs the machine disturbs both; the first rounds are for the compiler. */
    private static void report(String key, IntSupplier call, IntSupplier crossing) {
        double[] calls = new double[ROUNDS];
        double[] crossings = new double[ROUNDS];
        for (int round = -WARM_UP; round < ROUNDS; round++) {
            double one = nanoseconds(call);
            double other = nanoseconds(crossing);
            if (round >= 0) {
                calls[round] = one;
                crossings[round] = other;
            }
        }
        Arrays.sort(calls);
        Arrays.sort(crossings);
        double ns = calls[ROUNDS / 2];
        double baseline = crossings[ROUNDS / 2];
        System.out.printf(Locale.ROOT, "{\"key\": \"%s\", \"ns\": %.1f, \"baseline_ns\": %.1f, \"over_ns\": %.1f, "
                + "\"ratio\": %.3f, \"least\": [%.1f, %.1f]}%n",
                key, ns, baseline, ns - baseline, ns / baseline, calls[0], crossings[0]);
    }

    private static double nanoseconds(IntSupplier work) {
        long begin = System.nanoTime();
        for (int turn = 0; turn < TURNS; turn++) {
            if (work.getAsInt() != LENGTH) {
                throw new AssertionError("an answer of another length");
            }
        }
        return (System.nanoTime() - begin) / (double) TURNS;
    }
}

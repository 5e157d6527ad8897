package sogov;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.IntSupplier;

/**
 * What a call through sogov costs a JVM, over a JNI crossing that copies the same request and answer: arrays by
 * Get/SetByteArrayRegion, and direct buffers. Prints a line of JSON for each; the first is the figure.
 */
public final class Bench {
    private static final int LENGTH = 64;
    private static final int ROUNDS = 31;
    private static final int TURNS = 50_000;

    private Bench() {}

    public static void main(String[] arguments) {
        try (Host host = new Host("copy", "v1")) {
            byte[] request = new byte[LENGTH];
            byte[] room = new byte[2 * LENGTH];
            ByteBuffer in = ByteBuffer.allocateDirect(LENGTH);
            ByteBuffer out = ByteBuffer.allocateDirect(2 * LENGTH);
            report("call_overhead_java",
                    () -> Native.call(host.handle, request, LENGTH, room, null),
                    () -> Native.crossing(request, LENGTH, room));
            report("call_overhead_java_direct",
                    () -> Native.callDirect(host.handle, in, LENGTH, out, null),
                    () -> Native.crossingDirect(in, LENGTH, out));
        }
    }

    /** In turns, so that what disturbs the machine disturbs both; the first rounds are for the compiler. */
    private static void report(String key, IntSupplier call, IntSupplier crossing) {
        double[] calls = new double[ROUNDS];
        double[] crossings = new double[ROUNDS];
        for (int round = -10; round < ROUNDS; round++) {
            double one = nanoseconds(call);
            double other = nanoseconds(crossing);
            if (round >= 0) {
                calls[round] = one;
                crossings[round] = other;
            }
        }
        double ns = median(calls);
        double baseline = median(crossings);
        System.out.printf(Locale.ROOT, "{\"key\": \"%s\", \"ns\": %.1f, \"baseline_ns\": %.1f, \"ratio\": %.3f}%n",
                key, ns, baseline, ns / baseline);
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

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}

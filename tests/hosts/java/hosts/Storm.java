package hosts;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import sogov.Lease;

/**
 * Eight callers, each a sequence of threads that end with a lease left behind, while versions are loaded, promoted, rolled
 * back and unloaded and the garbage collector runs. Every answer is checked; afterwards the process holds what it held
 * before. With {@code -Dsogov.contain=true} a plugin crashes besides, after every tenth version. SOGOV_STORM_CYCLES is how
 * many versions come and go (100); with SOGOV_STORM_SECONDS it runs for so long.
 */
public final class Storm {
    private static final int CALLERS = 8;
    private static final int CALLS_OF_A_THREAD = 500;
    private static final String[] LABELS = {"v1", "v2", "v3", "v4", "v5", "v6"};
    private static final int DEADLINE_S = 60;
    /** The JVM starts and ends compiler and collector threads as it likes. */
    private static final int THREADS_OF_THE_JVM = 8;

    private final Host host = new Host("stamp", LABELS[0]);
    private final AtomicLong calls = new AtomicLong();
    private final AtomicReference<Lease> leftLease = new AtomicReference<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private volatile boolean over;

    private Storm() {}

    public static void main(String[] arguments) throws Exception {
        new Storm().run(20, 0);
        Census before = Census.take();
        new Storm().run(setting("SOGOV_STORM_CYCLES", 100), setting("SOGOV_STORM_SECONDS", 0));
        before.expect();
    }

    private void run(long cycles, long seconds) throws Exception {
        List<Thread> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            Thread caller = new Thread(this::replaceThreads);
            caller.start();
            callers.add(caller);
        }
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        int cycle = 0;
        while (failure.get() == null && (seconds == 0 ? cycle < cycles : System.nanoTime() < end)) {
            change(cycle++);
        }
        over = true;
        for (Thread caller : callers) {
            caller.join();
        }
        if (failure.get() != null) {
            throw new AssertionError(failure.get());
        }
        giveBack();
        host.close();
        System.out.printf("storm of Java: %d versions, %d calls%n", cycle, calls.get());
    }

    private void replaceThreads() {
        while (!over) {
            Thread thread = new Thread(this::callAndLeave);
            thread.start();
            try {
                thread.join();
            } catch (InterruptedException never) {
                throw new AssertionError(never);
            }
        }
    }

    private void callAndLeave() {
        try {
            Host.Caller caller = host.new Caller();
            for (int i = 0; i < CALLS_OF_A_THREAD && !over; i++) {
                caller.call();
                calls.incrementAndGet();
                Faults.check();
            }
            Lease other = leftLease.getAndSet(host.service.route(null));
            if (other != null) {
                Host.release(other);
            }
        } catch (Throwable thrown) {
            failure.compareAndSet(null, thrown);
            over = true;
        }
    }

    private void change(int cycle) {
        String old = LABELS[cycle % LABELS.length];
        String next = LABELS[(cycle + 1) % LABELS.length];
        host.load(next);
        host.promote(next);
        awaitACall();
        host.rollback();
        awaitACall();
        host.promote(next);
        if (cycle % 10 == 0) {
            System.gc();
            if (Host.CONTAINS_CRASHES) {
                Crash.of(cycle / 10);
            }
        }
        giveBack();
        host.unload(old, Duration.ofSeconds(DEADLINE_S));
    }

    private void giveBack() {
        Lease lease = leftLease.getAndSet(null);
        if (lease != null) {
            Host.release(lease);
        }
    }

    private void awaitACall() {
        long seen = calls.get();
        while (calls.get() == seen && !over) {
            Thread.onSpinWait();
        }
    }

    private static long setting(String variable, long otherwise) {
        String value = System.getenv(variable);
        return value == null || value.isEmpty() ? otherwise : Long.parseLong(value);
    }

    /** What the process holds. */
    private static final class Census {
        private final long plugins;
        private final int descriptors;
        private final int threads;

        private Census(long plugins, int descriptors, int threads) {
            this.plugins = plugins;
            this.descriptors = descriptors;
            this.threads = threads;
        }

        static Census take() throws IOException {
            // What crashed stays mapped.
            long plugins = maps().stream()
                    .filter(line -> line.contains("/memfd:") && !line.contains("/memfd:" + Crash.NAME)).count();
            return new Census(plugins, entries("/proc/self/fd"), entries("/proc/self/task"));
        }

        /** Threads and versions may take a moment to go. */
        void expect() throws Exception {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
            Census after = take();
            while (after.plugins > plugins || after.descriptors > descriptors
                    || after.threads > threads + THREADS_OF_THE_JVM) {
                if (System.nanoTime() > end) {
                    maps().forEach(System.err::println);
                    throw new AssertionError("expected " + this + " as before, found " + after);
                }
                Thread.sleep(10);
                after = take();
            }
        }

        @Override
        public String toString() {
            return plugins + " plugin mappings, " + descriptors + " descriptors, " + threads + " threads";
        }

        private static List<String> maps() throws IOException {
            return Files.readAllLines(Path.of("/proc/self/maps"));
        }

        private static int entries(String directory) {
            return new File(directory).list().length;
        }
    }
}

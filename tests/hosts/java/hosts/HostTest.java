package hosts;

import java.lang.reflect.Method;
import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import sogov.BusyException;
import sogov.Lease;
import sogov.PluginException;

/**
 * What a JVM does to a library and its plugins, and they must not do to it: run with and without {@code
 * -Dsogov.contain=true}. Exit status 0: everything held.
 */
public final class HostTest {
    private static final int CALLERS = 8;
    private static final int DEADLINE_S = 60;

    private HostTest() {}

    @FunctionalInterface
    private interface Body {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        test("answers across promotions and rollbacks", HostTest::answersAcrossPromotions);
        test("short-lived threads and the garbage collector", HostTest::shortLivedThreads);
        test("native threads that attach and detach", HostTest::nativeThreads);
        test("null checks, stack overflows, divisions", HostTest::faultsOfJava);
        test("leases on other threads", HostTest::leases);
        test("direct buffers and arrays of any size", HostTest::buffers);
        test("failures are exceptions", HostTest::failures);
        if (Host.CONTAINS_CRASHES) {
            test("crashes end their calls alone", HostTest::crashes);
        }
        leaveWithCallsInFlight();
    }

    private static void test(String what, Body body) throws Exception {
        long begin = System.nanoTime();
        body.run();
        System.out.printf("ok %s (%d ms)%n", what, (System.nanoTime() - begin) / 1_000_000);
    }

    /** Eight callers; no call is lost, and all are counted. */
    private static void answersAcrossPromotions() throws Exception {
        try (Host host = new Host("stamp", "v1", "v2")) {
            AtomicLong calls = new AtomicLong();
            switchWhile(host, CALLERS, () -> {
                Host.Caller caller = host.new Caller();
                for (int i = 0; i < 20_000; i++) {
                    caller.call();
                }
                calls.addAndGet(caller.calls);
            });
            expect(new long[] {calls.get(), 0, 0}, host.counts());
        }
    }

    /** Thousands of threads that call a few times and end, virtual ones where there are any, while memory moves. */
    private static void shortLivedThreads() throws Exception {
        try (Host host = new Host("stamp", "v1", "v2")) {
            AtomicInteger failed = new AtomicInteger();
            AtomicInteger started = new AtomicInteger();
            switchWhile(host, 2, () -> {
                for (int wave = 0; wave < 50; wave++) {
                    List<Thread> threads = new ArrayList<>();
                    for (int i = 0; i < 20; i++) {
                        threads.add(start(started.getAndIncrement(), () -> {
                            Host.Caller caller = host.new Caller();
                            for (int call = 0; call < 20; call++) {
                                caller.call();
                            }
                        }, failed));
                    }
                    System.gc();
                    for (Thread thread : threads) {
                        thread.join();
                    }
                }
            });
            check(failed.get() == 0, failed + " threads failed");
            check(host.counts()[0] == started.get() * 20L, "expected every call to be counted");
        }
    }

    /** A virtual thread where the JVM has them, and every second time; an ordinary one otherwise. */
    private static Thread start(int number, Runnable body, AtomicInteger failed) throws Exception {
        Runnable counted = () -> {
            try {
                body.run();
            } catch (Throwable failure) {
                failure.printStackTrace();
                failed.incrementAndGet();
            }
        };
        if (number % 2 == 0) {
            try {
                Method virtual = Thread.class.getMethod("startVirtualThread", Runnable.class);
                return (Thread) virtual.invoke(null, counted);
            } catch (NoSuchMethodException | java.lang.reflect.InvocationTargetException none) {
                // Before Java 21.
            }
        }
        Thread thread = new Thread(counted);
        thread.start();
        return thread;
    }

    /** Threads that the JVM did not make: each attaches, calls, leaves a lease behind, detaches and ends. */
    private static void nativeThreads() throws Exception {
        try (Host host = new Host("stamp", "v1", "v2")) {
            AtomicReference<Lease> left = new AtomicReference<>();
            AtomicLong calls = new AtomicLong();
            long body = Native.register(() -> {
                Host.Caller caller = host.new Caller();
                for (int i = 0; i < 20; i++) {
                    caller.call();
                }
                calls.addAndGet(20);
                Lease other = left.getAndSet(host.service.route(null));
                if (other != null) {
                    Host.release(other);
                    calls.incrementAndGet();
                }
                return 0;
            });
            switchWhile(host, 2, () -> {
                for (int wave = 0; wave < 50; wave++) {
                    check(Native.onNativeThreads(CALLERS, body) == 0, "a native thread failed");
                    System.gc();
                }
            });
            Host.release(left.get());
            expect(new long[] {calls.get() + 1, 0, 0}, host.counts());
        }
    }

    /** The JVM's own signals: implicit null checks, stack banging, integer division; also inside of plugin calls. */
    private static void faultsOfJava() throws Exception {
        try (Host host = new Host("stamp", "v1", "v2"); Host reentrant = new Host("reentrant", "v1")) {
            switchWhile(host, CALLERS, () -> {
                Host.Caller caller = host.new Caller();
                for (int i = 0; i < 3_000; i++) {
                    caller.call();
                    Faults.check();
                }
                Faults.checkOverflow();
                long inside = Native.register(() -> {
                    caller.call();
                    Faults.check();
                    Faults.checkOverflow();
                    return 0;
                });
                byte[] request = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder())
                        .putLong(Native.callback()).putLong(inside).array();
                for (int i = 0; i < 20; i++) {
                    check(reentrant.service.call(request).data().length == 0, "a call back into Java");
                }
            });
            long throwing = Native.register(() -> {
                throw new IllegalStateException("thrown inside of a plugin call");
            });
            byte[] request = ByteBuffer.allocate(16).order(ByteOrder.nativeOrder())
                    .putLong(Native.callback()).putLong(throwing).array();
            try {
                reentrant.service.call(request);
                throw new AssertionError("expected the exception of the callback");
            } catch (IllegalStateException expected) {
                host.new Caller().call();
            }
        }
    }

    /** One thread crashes while the others call and make faults of their own, and the garbage collector stops them. */
    private static void crashes() throws Exception {
        AtomicBoolean crashing = new AtomicBoolean();
        AtomicBoolean over = new AtomicBoolean();
        try (Host host = new Host("stamp", "v1", "v2")) {
            switchWhile(host, CALLERS, () -> {
                if (crashing.compareAndSet(false, true)) {
                    try {
                        Crash.ofEachKind();
                        Faults.checkOverflow();
                    } finally {
                        over.set(true);
                    }
                    return;
                }
                Host.Caller caller = host.new Caller();
                while (!over.get()) {
                    caller.call();
                    Faults.check();
                    if (caller.calls % 1000 == 0) {
                        Faults.checkOverflow();
                        System.gc();
                    }
                }
            });
        }
    }

    /** A lease is released on another thread than it was taken on, once; an unload waits for it. */
    private static void leases() throws Exception {
        ExecutorService takers = Executors.newFixedThreadPool(4);
        try (Host host = new Host("stamp", "v1", "v2")) {
            for (int i = 0; i < 1000; i++) {
                Lease lease = takers.submit(() -> host.service.route(null)).get();
                check(lease.version().equals("v1"), "a lease on v1");
                Host.release(lease);
                throwing(IllegalStateException.class, lease::version);
            }
            Lease lease = takers.submit(() -> host.service.route(null)).get();
            host.promote("v2");
            throwing(BusyException.class, () -> host.unload("v1", Duration.ofMillis(1)));
            Future<?> unloaded = takers.submit(() -> host.unload("v1", Duration.ofSeconds(DEADLINE_S)));
            Host.release(lease);
            unloaded.get(DEADLINE_S, TimeUnit.SECONDS);
        } finally {
            takers.shutdown();
        }
    }

    private static void buffers() throws Exception {
        try (Host host = new Host("copy", "v1")) {
            for (int size : new int[] {0, 1, 64, 4096, 4097, 1 << 20}) {
                byte[] request = new byte[size];
                Arrays.fill(request, (byte) 'x');
                check(Arrays.equals(request, host.service.call(request).data()), "an answer in an array");
                ByteBuffer in = ByteBuffer.allocateDirect(size).put(request).flip();
                ByteBuffer out = ByteBuffer.allocateDirect(size + 1).position(1);
                check(host.service.call(in, out, null) == size, "the length of an answer");
                check(in.remaining() == size && !out.hasRemaining(), "positions");
                check(out.position(1).equals(in), "an answer in a direct buffer");
                if (size > 0) {
                    ByteBuffer small = ByteBuffer.allocate(size - 1);
                    throwing(BufferOverflowException.class, () -> host.service.call(in, small, null));
                    check(small.position() == 0, "the position of a room that was too small");
                }
            }
        }
    }

    private static void failures() throws Exception {
        Host closed = new Host("slow", "v1");
        try {
            closed.service.call(new byte[1]);
            throw new AssertionError("expected a failure of the plugin, found none");
        } catch (PluginException failure) {
            check(failure.version().equals("v1"), "the label of the version that failed");
        }
        closed.close();
        throwing(IllegalStateException.class, () -> closed.service.call(new byte[1]));
        throwing(IllegalStateException.class, closed::rollback);
    }

    /** The last test: the JVM ends while daemon threads are inside of plugins and the engine is open. */
    private static void leaveWithCallsInFlight() throws Exception {
        Host host = new Host("stamp", "v1", "v2");
        AtomicInteger calling = new AtomicInteger();
        for (int i = 0; i < CALLERS; i++) {
            Thread thread = new Thread(() -> {
                Host.Caller caller = host.new Caller();
                calling.incrementAndGet();
                while (true) {
                    caller.call();
                }
            });
            thread.setDaemon(true);
            thread.start();
        }
        while (calling.get() < CALLERS) {
            Thread.onSpinWait();
        }
    }

    /** Runs a body on several threads, and promotes and rolls back until all are done. */
    private static void switchWhile(Host host, int threads, Body body) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(threads);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                running.add(pool.submit((Callable<Void>) () -> {
                    body.run();
                    return null;
                }));
            }
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
            while (!running.stream().allMatch(Future::isDone)) {
                host.promote("v2");
                host.rollback();
                check(System.nanoTime() < end, "the callers are not done in time");
            }
            for (Future<?> one : running) {
                one.get();
            }
        } catch (ExecutionException failure) {
            throw new AssertionError(failure.getCause());
        } finally {
            pool.shutdown();
        }
    }

    private static void throwing(Class<? extends RuntimeException> expected, Body body) throws Exception {
        try {
            body.run();
        } catch (RuntimeException thrown) {
            check(expected.isInstance(thrown), "expected " + expected + ", found " + thrown);
            return;
        }
        throw new AssertionError("expected " + expected + ", found none");
    }

    private static void expect(long[] expected, long[] found) {
        check(Arrays.equals(expected, found),
                "expected calls, failures, leases " + Arrays.toString(expected) + ", found " + Arrays.toString(found));
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}

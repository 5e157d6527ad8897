package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Closing while others use what is closed, and never closing. */
class CloseTest {
    private static final int THREADS = 8;
    private static final int DEADLINE_S = 60;

    private final ExecutorService threads = Executors.newCachedThreadPool();

    @AfterEach
    void shutdown() {
        threads.shutdown();
    }

    @Test
    void anEngineIsClosedUnderFire(@TempDir Path directory) throws Exception {
        try (Release release = new Release(directory)) {
            for (int round = 0; round < 8; round++) {
                Engine engine = release.builder().preflight(Preflight.OFF).open();
                release.loadFee(engine);
                Service service = engine.service("fee");
                CountDownLatch calling = new CountDownLatch(THREADS);
                List<Future<Long>> callers = start(THREADS, () -> {
                    long calls = 0;
                    while (true) {
                        try {
                            assertEquals(Release.PRICE_V1, service.call(Release.PRICE).text());
                            service.route(null).close();
                            if (++calls == 1) {
                                calling.countDown();
                            }
                        } catch (IllegalStateException closed) {
                            return calls;
                        }
                    }
                });
                assertTrue(calling.await(DEADLINE_S, TimeUnit.SECONDS));
                List<Future<Void>> closers = start(2, () -> {
                    engine.close(Duration.ofSeconds(DEADLINE_S));
                    return null;
                });
                for (Future<Void> closer : closers) {
                    closer.get(DEADLINE_S, TimeUnit.SECONDS);
                }
                for (Future<Long> caller : callers) {
                    assertTrue(caller.get(DEADLINE_S, TimeUnit.SECONDS) > 0);
                }
            }
        }
    }

    @Test
    void aKeyIsClosedUnderFire() throws Exception {
        byte[] message = new byte[100];
        for (int round = 0; round < 10; round++) {
            PrivateKey key = PrivateKey.generate();
            byte[] signature = key.sign(message);
            CountDownLatch using = new CountDownLatch(THREADS);
            List<Future<Void>> users = start(THREADS, () -> {
                for (boolean first = true;; first = false) {
                    try {
                        key.verify(message, signature);
                        Batch.verify(List.of(new Verification(key, message, signature)));
                    } catch (IllegalStateException closed) {
                        return null;
                    } finally {
                        if (first) {
                            using.countDown();
                        }
                    }
                }
            });
            assertTrue(using.await(DEADLINE_S, TimeUnit.SECONDS));
            key.close();
            for (Future<Void> user : users) {
                user.get(DEADLINE_S, TimeUnit.SECONDS);
            }
        }
    }

    @Test
    void aVerifierIsClosedUnderFire() throws Exception {
        byte[] message = new byte[10];
        try (PrivateKey key = PrivateKey.generate()) {
            byte[] signature = key.sign(message);
            for (int round = 0; round < 20; round++) {
                Verifier verifier = Verifier.builder().threads(2).open();
                CountDownLatch submitting = new CountDownLatch(4);
                List<Future<Void>> users = start(4, () -> {
                    boolean first = true;
                    while (true) {
                        try {
                            var valid = verifier.submit(new Verification(key, message, signature));
                            assertTrue(valid.get(DEADLINE_S, TimeUnit.SECONDS));
                        } catch (IllegalStateException closed) {
                            return null;
                        } finally {
                            if (first) {
                                submitting.countDown();
                            }
                            first = false;
                        }
                    }
                });
                assertTrue(submitting.await(DEADLINE_S, TimeUnit.SECONDS));
                verifier.close();
                for (Future<Void> user : users) {
                    user.get(DEADLINE_S, TimeUnit.SECONDS);
                }
            }
        }
    }

    @Test
    void anInterruptEndsTheWait(@TempDir Path directory) throws Exception {
        try (Release release = new Release(directory); Engine engine = release.feeEngine();
                Lease lease = engine.service("fee").route(null)) {
            Thread.currentThread().interrupt();
            assertThrows(BusyException.class, () -> engine.close(Duration.ofDays(1000)));
            assertTrue(Thread.interrupted());
            assertEquals("v1", lease.version());
        }
    }

    /** An engine that nobody refers to is ended: its version is unmapped. */
    @Test
    void aForgottenEngineIsEnded(@TempDir Path directory) throws Exception {
        try (Release release = new Release(directory)) {
            long before = Sogov.process().versionsMapped();
            release.feeEngine();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_S);
            while (Sogov.process().versionsMapped() > before && System.nanoTime() < end) {
                System.gc();
            }
            assertEquals(before, Sogov.process().versionsMapped());
        }
    }

    private <T> List<Future<T>> start(int count, Callable<T> body) {
        List<Future<T>> started = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            started.add(threads.submit(body));
        }
        return started;
    }
}

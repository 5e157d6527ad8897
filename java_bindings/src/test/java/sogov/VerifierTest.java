package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Verifying in the background. */
class VerifierTest {
    private static final byte[] MESSAGE = "payment 1".getBytes();
    private static final int DEADLINE_S = 60;

    private final PrivateKey key = PrivateKey.generate();
    private final byte[] signature = key.sign(MESSAGE);

    @AfterEach
    void close() {
        key.close();
    }

    @Test
    void everySignatureComesBackOnce() throws Exception {
        try (Verifier verifier = Verifier.builder().threads(2).maxWait(Duration.ofMillis(1)).open()) {
            ExecutorService callers = Executors.newFixedThreadPool(4);
            List<CompletableFuture<List<CompletableFuture<Boolean>>>> all = new ArrayList<>();
            for (int caller = 0; caller < 4; caller++) {
                all.add(CompletableFuture.supplyAsync(() -> {
                    List<CompletableFuture<Boolean>> mine = new ArrayList<>();
                    for (int i = 0; i < 500; i++) {
                        byte[] given = i % 2 == 0 ? signature.clone() : new byte[i % 70];
                        mine.add(verifier.submit(new Verification(key, MESSAGE, given)));
                    }
                    return mine;
                }, callers));
            }
            for (CompletableFuture<List<CompletableFuture<Boolean>>> one : all) {
                List<CompletableFuture<Boolean>> mine = one.get(DEADLINE_S, TimeUnit.SECONDS);
                for (int i = 0; i < mine.size(); i++) {
                    assertEquals(i % 2 == 0, mine.get(i).get(DEADLINE_S, TimeUnit.SECONDS));
                }
            }
            callers.shutdown();
        }
    }

    @Test
    void closingWaitsForEveryResult() {
        List<CompletableFuture<Boolean>> results = new ArrayList<>();
        Verifier verifier = Verifier.builder().open();
        for (int i = 0; i < 300; i++) {
            results.add(verifier.submit(new Verification(key, MESSAGE, signature)));
        }
        verifier.close();
        verifier.close();
        assertTrue(results.stream().allMatch(CompletableFuture::isDone));
        assertThrows(IllegalStateException.class,
                () -> verifier.submit(new Verification(key, MESSAGE, signature)));
    }

    @Test
    void thereIsNoMoreRoomThanAskedFor() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        try (Verifier verifier = Verifier.builder().threads(1).capacity(2).executor(body -> {
            entered.countDown();
            await(leave);
            body.run();
        }).open()) {
            // Its result is told, and so its room is free, but the only thread does not verify on.
            CompletableFuture<Boolean> held = verifier.submit(new Verification(key, MESSAGE, signature));
            await(entered);
            verifier.submit(new Verification(key, MESSAGE, signature));
            verifier.submit(new Verification(key, MESSAGE, signature));
            assertThrows(BusyException.class, () -> verifier.submit(new Verification(key, MESSAGE, signature)));
            leave.countDown();
            assertTrue(held.get(DEADLINE_S, TimeUnit.SECONDS));
        }
    }

    @Test
    void anExecutorCompletes() throws Exception {
        Set<String> threads = ConcurrentHashMap.newKeySet();
        ExecutorService executor = Executors.newSingleThreadExecutor(body -> new Thread(body, "mine"));
        CountDownLatch submitted = new CountDownLatch(1);
        executor.execute(() -> await(submitted));
        List<CompletableFuture<Void>> told = new ArrayList<>();
        try (Verifier verifier = Verifier.builder().executor(executor).open()) {
            for (int i = 0; i < 10; i++) {
                told.add(verifier.submit(new Verification(key, MESSAGE, signature))
                        .thenAccept(valid -> threads.add(Thread.currentThread().getName())));
            }
        }
        submitted.countDown();
        for (CompletableFuture<Void> one : told) {
            one.get(DEADLINE_S, TimeUnit.SECONDS);
        }
        assertEquals(Set.of("mine"), threads);
        executor.shutdown();
    }

    /** On a thread of the pool: a daemon, on which everything may be used, and which may close the verifier. */
    @Test
    void dependentsRunOnThePoolAndMayCloseIt() throws Exception {
        CountDownLatch depends = new CountDownLatch(1);
        Verifier verifier = Verifier.builder().threads(1).executor(body -> {
            await(depends);
            body.run();
        }).open();
        AtomicInteger after = new AtomicInteger();
        CompletableFuture<Boolean> daemon = verifier.submit(new Verification(key, MESSAGE, signature))
                .thenApply(valid -> {
                    key.verify(MESSAGE, signature);
                    verifier.close();
                    after.incrementAndGet();
                    return Thread.currentThread().isDaemon();
                });
        depends.countDown();
        assertTrue(daemon.get(DEADLINE_S, TimeUnit.SECONDS));
        assertEquals(1, after.get());
        assertThrows(IllegalStateException.class,
                () -> verifier.submit(new Verification(key, MESSAGE, signature)));
    }

    @Test
    void aDependentThatThrowsHarmsNobody() throws Exception {
        try (Verifier verifier = Verifier.builder().threads(1).open()) {
            CompletableFuture<Void> fails = verifier.submit(new Verification(key, MESSAGE, signature))
                    .thenAccept(valid -> {
                        throw new IllegalStateException("of the host");
                    });
            assertThrows(Exception.class, () -> fails.get(DEADLINE_S, TimeUnit.SECONDS));
            assertFalse(verifier.submit(new Verification(key, new byte[1], signature))
                    .get(DEADLINE_S, TimeUnit.SECONDS));
        }
    }

    /** As where there is no thread for it. What the executor throws goes to the thread's handler. */
    @Test
    void anExecutorThatFailsLosesNoResult() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        CountDownLatch submitted = new CountDownLatch(1);
        List<CompletableFuture<Boolean>> results = new ArrayList<>();
        try (Verifier verifier = Verifier.builder().threads(1).executor(body -> {
            await(submitted);
            if (asked.incrementAndGet() % 2 == 1) {
                throw new OutOfMemoryError("of the host");
            }
            body.run();
        }).open()) {
            for (int i = 0; i < 10; i++) {
                results.add(verifier.submit(new Verification(key, MESSAGE, signature)));
            }
            submitted.countDown();
            for (CompletableFuture<Boolean> one : results) {
                assertTrue(one.get(DEADLINE_S, TimeUnit.SECONDS));
            }
        }
        assertEquals(10, asked.get());
    }

    @Test
    void numbersBeyondTheirLimitsAreRefused() {
        Verifier.Builder builder = Verifier.builder();
        assertThrows(IllegalArgumentException.class, () -> builder.threads(1025));
        assertThrows(IllegalArgumentException.class, () -> builder.capacity(-1));
        assertThrows(IllegalArgumentException.class, () -> builder.maxWait(Duration.ofSeconds(2)));
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(DEADLINE_S, TimeUnit.SECONDS));
        } catch (InterruptedException never) {
            throw new AssertionError(never);
        }
    }
}

package sogov;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A pool of threads that verifies signatures in the background. They go in from any number of threads, and each comes back
 * once, in any order, by a future.
 *
 * <pre>{@code
 * try (Verifier verifier = Verifier.builder().open()) {
 *     verifier.submit(new Verification(key, payment, signature)).thenAccept(valid -> ...);
 * }
 * }</pre>
 *
 * <p>What depends on a future runs on a thread of the pool, which the JVM knows as a daemon, or by the executor of {@link
 * Builder#executor}. On the pool it must not wait for other signatures: it may be its own thread that has to verify them.
 */
public final class Verifier implements AutoCloseable {
    private static final Map<Long, Pending> ALL = new ConcurrentHashMap<>();
    private static final AtomicLong NEXT = new AtomicLong(1);
    /** Set while a thread of a pool tells results. */
    private static final ThreadLocal<Boolean> TELLING = new ThreadLocal<>();

    private final Handle handle;
    private final Pending pending;
    private final Cleaner.Cleanable abandoned;

    private Verifier(Handle handle, Pending pending) {
        this.handle = handle;
        this.pending = pending;
        abandoned = Natives.CLEANER.register(this, handle);
    }

    /**
     * Begins a verifier with the defaults.
     *
     * @return a builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Hands in a signature by the default user id, in the raw encoding; see {@link #submit(Verification,
     * SignatureOptions)}.
     *
     * @param item the signature
     * @return whether it is valid
     */
    public CompletableFuture<Boolean> submit(Verification item) {
        return submit(item, SignatureOptions.DEFAULT);
    }

    /**
     * Hands in a signature to be verified; never waits. All that is given is copied: it may change, and the key may be
     * closed, when this returns.
     *
     * @param item key, message of at most 16 MiB, signature and perhaps user id
     * @param options encoding, and the user id of an item that has none
     * @return whether the signature is valid: false for one that is malformed too; exceptionally for a fault inside sogov
     * @throws BusyException if as many are in flight as may be: try again later, or verify directly
     */
    public CompletableFuture<Boolean> submit(Verification item, SignatureOptions options) {
        Data message = Data.of(item.message());
        byte[] arguments = options.pack(new Packer().data(item.signature()), item.userId()).done();
        CompletableFuture<Boolean> result = new CompletableFuture<>();
        long ticket = NEXT.getAndIncrement();
        long verifier = handle.enter();
        boolean accepted = false;
        try {
            pending.results.put(ticket, result);
            item.key().use(key -> Native.verifierSubmit(
                    verifier, ticket, key, message.array(), message.direct(), message.offset(), message.length(),
                    arguments));
            accepted = true;
        } finally {
            if (!accepted) {
                pending.results.remove(ticket);
            }
            handle.leave();
            Reference.reachabilityFence(this);
            Reference.reachabilityFence(item);
        }
        return result;
    }

    /**
     * Takes no more signatures, waits until every future is complete, or handed to the executor, and ends the threads. A
     * second time does nothing. Among what depends on a future, on a thread of a pool, it does not wait.
     */
    @Override
    public void close() {
        abandoned.clean();
        if (TELLING.get() == null) {
            pending.awaitEnd();
        }
    }

    /** Called by the pool. */
    static void complete(long number, long[] tickets, int[] statuses) {
        Pending pending = ALL.get(number);
        Boolean outer = TELLING.get();
        TELLING.set(true);
        try {
            pending.complete(tickets, statuses);
        } catch (Throwable thrown) {
            Listeners.report(thrown);
        } finally {
            if (outer == null) {
                TELLING.remove();
            }
        }
    }

    /** What is in flight; apart from the verifier, so that it can be freed when the verifier is gone. */
    private static final class Pending {
        private final long number;
        private final Executor executor;
        private final Map<Long, CompletableFuture<Boolean>> results = new ConcurrentHashMap<>();
        private final CountDownLatch ended = new CountDownLatch(1);

        Pending(long number, Executor executor) {
            this.number = number;
            this.executor = executor;
        }

        void complete(long[] tickets, int[] statuses) {
            for (int i = 0; i < tickets.length; i++) {
                CompletableFuture<Boolean> result = results.remove(tickets[i]);
                int status = statuses[i];
                try {
                    executor.execute(() -> settle(result, status));
                } catch (RejectedExecutionException shut) {
                    settle(result, status);
                } catch (Throwable thrown) {
                    // Such as for want of a thread. Nobody else would complete this one, and the others are to be told too.
                    settle(result, status);
                    Listeners.report(thrown);
                }
            }
            forget();
        }

        /** Frees the verifier, whose threads have ended then, unless this is one of them. */
        void free(long address) {
            Native.verifierFree(address);
            if (TELLING.get() == null) {
                // Nothing is told any more: what is left was lost, as where Java had no memory to hear of it.
                results.values().forEach(result -> result.completeExceptionally(
                        new IllegalStateException("verifier: the result was lost")));
                results.clear();
            }
            ended.countDown();
            forget();
        }

        /** Once it was freed, nothing is told but what is in flight yet. */
        private void forget() {
            if (ended.getCount() == 0 && results.isEmpty()) {
                ALL.remove(number);
            }
        }

        void awaitEnd() {
            boolean interrupted = false;
            while (true) {
                try {
                    ended.await();
                    break;
                } catch (InterruptedException again) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }

        private static void settle(CompletableFuture<Boolean> result, int status) {
            if (status == Status.OK.number() || status == Status.SIGNATURE_INVALID.number()) {
                result.complete(status == Status.OK.number());
            } else {
                result.completeExceptionally(Failures.of(status, "verifier: found a fault"));
            }
        }
    }

    /** How a verifier works. For one thread. */
    public static final class Builder {
        private static final long MOST_MICROSECONDS = 1_000_000;

        private int threads;
        private long capacity;
        private long maxWaitUs;
        private Executor executor = Runnable::run;

        private Builder() {}

        /**
         * Says how many threads there are.
         *
         * @param threads at most 1,024; 0: one for each processor that the process may use
         * @return this
         */
        public Builder threads(int threads) {
            this.threads = range("threads", threads, 1024);
            return this;
        }

        /**
         * Says how many signatures may be in flight.
         *
         * @param signatures at most 1,048,576; 0: 4,096
         * @return this
         */
        public Builder capacity(int signatures) {
            capacity = range("signatures", signatures, 1 << 20);
            return this;
        }

        /**
         * Says how long a signature waits for others to be verified with.
         *
         * @param time at most a second, in whole microseconds, rounded up; zero: 50 microseconds
         * @return this
         */
        public Builder maxWait(Duration time) {
            if (time.isNegative() || time.compareTo(Duration.ofSeconds(1)) > 0) {
                throw new IllegalArgumentException("time: expected 0 to 1 s, found " + time);
            }
            maxWaitUs = Math.min(MOST_MICROSECONDS, (time.toNanos() + 999) / 1000);
            return this;
        }

        /**
         * Says where futures are completed, and so where what depends on them runs.
         *
         * @param executor the threads of the pool, unless this says otherwise; they complete where it refuses
         * @return this
         */
        public Builder executor(Executor executor) {
            this.executor = Objects.requireNonNull(executor, "executor");
            return this;
        }

        /**
         * Opens the verifier and starts its threads, named "sogov-verify".
         *
         * @return a verifier, to be closed; {@link SogovException} with {@link Status#IO} when a thread cannot be started
         */
        public Verifier open() {
            Pending pending = new Pending(NEXT.getAndIncrement(), executor);
            ALL.put(pending.number, pending);
            long address = 0;
            try {
                address = Native.verifierOpen(pending.number, threads, (int) maxWaitUs, capacity);
            } finally {
                if (address == 0) {
                    ALL.remove(pending.number);
                }
            }
            return new Verifier(new Handle("verifier", address, pending::free), pending);
        }

        private static int range(String what, int number, int most) {
            if (number < 0 || number > most) {
                throw new IllegalArgumentException(what + ": expected 0 to " + most + ", found " + number);
            }
            return number;
        }
    }
}

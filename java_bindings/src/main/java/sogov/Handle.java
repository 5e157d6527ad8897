package sogov;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * A handle of the library that is freed once it was closed and nobody uses it: by {@link #close}, or by the last user. It
 * holds nothing of the object that it belongs to, so that a Cleaner can close it.
 */
final class Handle implements Runnable {
    /** Beside the count of users. */
    private static final long CLOSED = 1L << 62;
    private static final long FREED = 1L << 61;

    private final String name;
    private final long address;
    private final LongConsumer free;
    private final AtomicLong state = new AtomicLong();

    Handle(String name, long address, LongConsumer free) {
        this.name = name;
        this.address = address;
        this.free = free;
    }

    /** The address, good until {@link #leave}. IllegalStateException after the close. */
    long enter() {
        if (state.getAndIncrement() >= CLOSED) {
            leave();
            throw new IllegalStateException(name + ": was closed");
        }
        return address;
    }

    void leave() {
        // Back at zero users: 0 is an open handle, CLOSED one to be freed, by one thread.
        if (state.decrementAndGet() == CLOSED) {
            freeOnce();
        }
    }

    boolean isClosed() {
        return state.get() >= CLOSED;
    }

    /** A second time does nothing. */
    void close() {
        long before = state.getAndUpdate(now -> now >= CLOSED ? now : now + CLOSED);
        if (before == 0) {
            freeOnce();
        }
    }

    @Override
    public void run() {
        close();
    }

    /** One who meets a closed handle counts up and down too, so this may be reached again. */
    private void freeOnce() {
        if (state.compareAndSet(CLOSED, CLOSED | FREED)) {
            free.accept(address);
        }
    }
}

package sogov;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who is inside an object at this moment, so that closing it can be refused.
 *
 * <p>Entering takes no lock: it counts up in a cell that few other threads share, and looks at {@code shutting} afterwards.
 * Shutting sets the flag before it looks at the cells, so one of the two sees the other. Who meets a shutting gate waits
 * for its outcome, and is turned away only if the gate was shut for good.
 */
final class Gate {
    /** As many as threads are likely to call at once; a power of two. */
    private static final int CELLS = 16;
    /** Longs of a cell: two cache lines, as processors fetch them in pairs. */
    private static final int STRIDE = 16;

    private final String name;
    private final AtomicLongArray inside = new AtomicLongArray(CELLS * STRIDE);
    private final ReentrantLock lock = new ReentrantLock();
    private volatile boolean shutting;
    private volatile boolean shut;
    private volatile Thread waiting;

    Gate(String name) {
        this.name = name;
    }

    /** Comes in, and answers what to {@link #leave} with, on any thread. IllegalStateException where the gate is shut. */
    int enter() {
        int cell = ((int) Thread.currentThread().getId() & CELLS - 1) * STRIDE;
        inside.getAndIncrement(cell);
        if (shutting) {
            waitForOutcome(cell);
        }
        return cell;
    }

    void leave(int cell) {
        inside.getAndDecrement(cell);
        if (shutting) {
            LockSupport.unpark(waiting);
        }
    }

    boolean isShut() {
        return shut;
    }

    /**
     * Shuts for good; BusyException when after the timeout somebody is inside, or when the thread is interrupted. False
     * when it was shut before.
     */
    boolean shut(Duration timeout) {
        lock.lock();
        try {
            if (shut) {
                return false;
            }
            waiting = Thread.currentThread();
            shutting = true;
            shut = isEmptyWithin(timeout);
            if (!shut) {
                throw new BusyException(name + ": expected nobody inside, found it in use");
            }
            return true;
        } finally {
            shutting = shut;
            waiting = null;
            lock.unlock();
        }
    }

    private void waitForOutcome(int cell) {
        // Out again first: whoever shuts the gate must not take this thread for a user.
        leave(cell);
        lock.lock();
        try {
            if (shut) {
                throw new IllegalStateException(name + ": was closed");
            }
            inside.getAndIncrement(cell);
        } finally {
            lock.unlock();
        }
    }

    private boolean isEmptyWithin(Duration timeout) {
        long begin = System.nanoTime();
        long patience = nanoseconds(timeout);
        while (!isEmpty()) {
            long left = patience - (System.nanoTime() - begin);
            // isInterrupted: the caller is to see it too.
            if (left <= 0 || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(this, left);
        }
        return true;
    }

    /** Cell by cell: nobody comes in any more, and who is inside leaves the cell that he came by. */
    private boolean isEmpty() {
        for (int cell = 0; cell < CELLS * STRIDE; cell += STRIDE) {
            if (inside.get(cell) != 0) {
                return false;
            }
        }
        return true;
    }

    private static long nanoseconds(Duration timeout) {
        try {
            return timeout.toNanos();
        } catch (ArithmeticException long_) {
            return Long.MAX_VALUE;
        }
    }
}

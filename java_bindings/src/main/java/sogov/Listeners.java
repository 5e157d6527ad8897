package sogov;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * What engines tell their hosts, on any thread. An engine knows its listeners by a number, for which they are found here: a
 * line may still be on its way when the engine is closed.
 */
record Listeners(BiConsumer<LogLevel, String> log, Consumer<Event> event) {
    private static final Map<Long, Listeners> ALL = new ConcurrentHashMap<>();
    private static final AtomicLong NEXT = new AtomicLong(1);
    /** The engine whose listener runs on this thread, by its number. */
    private static final ThreadLocal<Long> TELLING = new ThreadLocal<>();

    static long add(Listeners listeners) {
        long number = NEXT.getAndIncrement();
        ALL.put(number, listeners);
        return number;
    }

    static void remove(long number) {
        ALL.remove(number);
    }

    /** Whether this thread is inside of a listener of the engine. */
    static boolean isTelling(long number) {
        Long telling = TELLING.get();
        return telling != null && telling == number;
    }

    static void log(long number, int level, byte[] line) {
        Listeners of = ALL.get(number);
        if (of != null && of.log != null) {
            tell(number, () -> of.log.accept(LogLevel.of(level), Unpacker.text(line)));
        }
    }

    static void event(long number, int kind, byte[] service, byte[] version, byte[] detail) {
        Listeners of = ALL.get(number);
        if (of != null && of.event != null) {
            tell(number, () -> of.event.accept(new Event(
                    EventKind.of(kind), Unpacker.text(service), Unpacker.text(version), Unpacker.text(detail))));
        }
    }

    private static void tell(long number, Runnable listener) {
        // A listener that uses its engine causes lines inside of lines.
        Long outer = TELLING.get();
        TELLING.set(number);
        try {
            listener.run();
        } catch (Throwable thrown) {
            report(thrown);
        } finally {
            if (outer == null) {
                TELLING.remove();
            } else {
                TELLING.set(outer);
            }
        }
    }

    /** What code of the host threw where nobody can catch it goes where the JVM sends such exceptions. */
    static void report(Throwable thrown) {
        Thread thread = Thread.currentThread();
        try {
            thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown);
        } catch (Throwable ignored) {
            // As of the JVM's own calls of the handler.
        }
    }
}

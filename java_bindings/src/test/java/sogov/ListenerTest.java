package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Lines of the log and events. */
class ListenerTest {
    @TempDir
    private Path directory;
    private Release release;

    @BeforeEach
    void open() throws Exception {
        release = new Release(directory);
    }

    @AfterEach
    void close() {
        release.close();
    }

    @Test
    void linesAndEventsReachTheHost() {
        List<String> lines = new ArrayList<>();
        List<Event> events = new ArrayList<>();
        try (Engine engine = release.builder().log((level, line) -> lines.add(level + " " + line))
                .event(events::add).open()) {
            release.loadFee(engine);
            engine.promote("fee", "v2", Change.by("tests").because("\u00e9prouv\u00e9"));
            engine.unload("fee", "v1");
        }
        assertTrue(lines.contains("INFO promote fee: v2 by tests (\u00e9prouv\u00e9)"), lines.toString());
        Event unmapped = events.get(0);
        assertEquals(List.of(EventKind.UNMAPPED, "fee", "v1"),
                List.of(unmapped.kind(), unmapped.service(), unmapped.version()));
    }

    @Test
    void anExceptionOfAListenerGoesToTheThreadsHandler() {
        AtomicInteger reported = new AtomicInteger();
        Thread.currentThread().setUncaughtExceptionHandler((thread, thrown) -> reported.incrementAndGet());
        try (Engine engine = release.builder().log((level, line) -> {
            throw new AssertionError("of the host");
        }).open()) {
            release.loadFee(engine);
            assertEquals(Release.PRICE_V1, engine.service("fee").call(Release.PRICE).text());
        } finally {
            Thread.currentThread().setUncaughtExceptionHandler(null);
        }
        assertTrue(reported.get() > 0);
    }

    @Test
    void aListenerMayUseItsEngineButNotCloseIt() {
        AtomicReference<Engine> own = new AtomicReference<>();
        AtomicReference<Throwable> refusal = new AtomicReference<>();
        try (Engine engine = release.builder().log((level, line) -> {
            if (own.get() != null && !own.get().isClosed()) {
                own.get().versions();
                refusal.set(assertThrows(BusyException.class, () -> own.get().close()));
            }
        }).open()) {
            own.set(engine);
            release.loadFee(engine);
        }
        assertTrue(refusal.get() instanceof BusyException, String.valueOf(refusal.get()));
    }

    /** Threads of the host and of the library tell while the garbage collector runs and listeners throw. */
    @Test
    void listenersUnderFire() throws Exception {
        ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();
        AtomicInteger lines = new AtomicInteger();
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (Engine engine = release.builder().log((level, line) -> {
            if (lines.incrementAndGet() % 7 == 0) {
                System.gc();
            }
        }).event(events::add).open()) {
            List<Future<?>> running = new ArrayList<>();
            for (int thread = 0; thread < 4; thread++) {
                String service = "s" + thread;
                Path plugin = release.signed(Release.zoo("plain_level1"), service, "v1");
                running.add(threads.submit(() -> {
                    for (int i = 0; i < 20; i++) {
                        engine.loadVersioned(service, "v1", plugin);
                        engine.unload(service, "v1");
                    }
                }));
            }
            for (Future<?> one : running) {
                one.get(120, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdown();
        }
        assertEquals(80, events.stream().filter(event -> event.kind() == EventKind.UNMAPPED).count());
        assertTrue(lines.get() >= 160);
    }
}

package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Leases, their symbols and outcomes. */
class LeaseTest {
    @TempDir
    private Path directory;
    private Release release;
    private Engine engine;

    @BeforeEach
    void open() throws Exception {
        release = new Release(directory);
        engine = release.feeEngine();
    }

    @AfterEach
    void close() {
        engine.close(Duration.ofSeconds(60));
        release.close();
    }

    @Test
    void aLeaseKeepsItsVersionAndLooksUpSymbols() {
        Path plain = release.signed(Release.zoo("plain_v1"), "plain", "v1");
        engine.loadVersioned("plain", "v1", plain);
        engine.promote("plain", "v1");
        Service service = engine.service("plain");
        try (Lease lease = service.route(Request.user("user-7"))) {
            assertSame(service, lease.service());
            assertEquals("v1", lease.version());
            assertNotEquals(0, lease.symbol("answer"));
            SogovException none = assertThrows(SogovException.class, () -> lease.symbol("nothing"));
            assertEquals(Status.NOT_FOUND, none.status());
            assertEquals(Status.UNSUPPORTED, assertThrows(SogovException.class, lease::plugin).status());
            assertThrows(IllegalArgumentException.class, () -> lease.symbol("answer", ""));
        }
    }

    /** The call is the last use of the lease, which the garbage collector may take for forgotten. */
    @Test
    void aLeaseIsHeldAsLongAsItIsAsked() throws Exception {
        Service service = engine.service("fee");
        String nothing = "x".repeat(60_000);
        AtomicBoolean over = new AtomicBoolean();
        Thread collector = new Thread(() -> {
            while (!over.get()) {
                System.gc();
            }
        });
        try {
            for (int i = 0; i < 3600; i++) {
                // Compiled code knows what is used last.
                if (i == 3500) {
                    collector.start();
                }
                SogovException none =
                        assertThrows(SogovException.class, () -> service.route(null).symbol(nothing));
                assertEquals(Status.NOT_FOUND, none.status());
            }
            // While somebody collects what was forgotten.
            engine.close(Duration.ofSeconds(60));
        } finally {
            over.set(true);
            collector.join();
        }
    }

    @Test
    void symbolVersionsAreToldApart() {
        engine.loadVersioned("sym", "v1", release.signed(Release.zoo("versioned_symbol"), "sym", "v1"));
        engine.promote("sym", "v1");
        try (Lease lease = engine.service("sym").route(null)) {
            long byDefault = lease.symbol("answer");
            assertEquals(byDefault, lease.symbol("answer", "V2"));
            assertNotEquals(byDefault, lease.symbol("answer", "V1"));
        }
    }

    @Test
    void aLevel1PluginHasADescriptor() {
        try (Lease lease = engine.service("fee").route(null)) {
            assertNotEquals(0, lease.plugin().descriptor());
        }
    }

    @Test
    void outcomesAreCounted() {
        for (Outcome outcome : Outcome.values()) {
            try (Lease lease = engine.service("fee").route(null)) {
                lease.outcome(outcome);
            }
        }
        engine.service("fee").route(null).close();
        VersionInfo info = engine.versions("fee").get(0);
        assertEquals(2, info.calls());
        assertEquals(1, info.failures());
        assertEquals(0, info.inFlight());
    }

    @Test
    void aReleasedLeaseIsOfNoUse() {
        Lease lease = engine.service("fee").route(null);
        lease.close();
        lease.close();
        assertTrue(lease.isReleased());
        assertThrows(IllegalStateException.class, lease::version);
        assertThrows(IllegalStateException.class, () -> lease.symbol("sogov_plugin_descriptor"));
        assertThrows(IllegalStateException.class, lease::plugin);
        assertThrows(IllegalStateException.class, () -> lease.outcome(Outcome.SUCCESS));
    }

    /** What nobody closed is given back by the garbage collector: the engine can be closed then. */
    @Test
    void aForgottenLeaseIsGivenBack() {
        engine.service("fee").route(null);
        long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (engine.versions("fee").get(0).inFlight() > 0 && System.nanoTime() < end) {
            System.gc();
        }
        assertEquals(0, engine.versions("fee").get(0).inFlight());
    }
}

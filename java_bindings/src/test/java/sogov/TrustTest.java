package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The trust directory while an engine runs. */
class TrustTest {
    @TempDir
    private Path directory;

    @Test
    void whatIsRevokedLeavesService() throws Exception {
        Queue<Event> events = new ConcurrentLinkedQueue<>();
        // Without root keys, so that the deny-list needs no signature.
        EngineBuilder options = Engine.builder().event(events::add).trustCheck(Duration.ZERO);
        try (Release release = new Release(directory); Engine engine = options.trust(release.trust()).open()) {
            release.loadFee(engine);
            VersionInfo second = engine.promote("fee", "v2");
            TrustInfo before = engine.refreshTrust();
            assertEquals(List.of(0L, 0L, 0L), List.of(before.denylistNumber(), before.rootSet(), before.revoked()));
            assertFalse(before.durable());
            Files.writeString(release.trust().resolve("denylist.json"), """
                    {"schema": 1, "number": 3, "artifacts": [{"digest": "sm3:%s", "reason": "CVE-2026-1"}]}"""
                    .formatted(second.digest()));
            TrustInfo after = engine.refreshTrust(Change.by("tests").because("a finding"));
            assertEquals(List.of(3L, 0L), List.of(after.denylistNumber(), after.revokedServing()));
            assertEquals(ClockVerdict.BELIEVED, after.clock());
            assertTrue(Duration.between(after.time(), Instant.now()).abs().toHours() < 1);
            assertEquals(Standing.STABLE, engine.versions("fee").get(0).standing());
            Event revoked = events.stream().filter(event -> event.kind() == EventKind.REVOKED).findAny().orElseThrow();
            assertEquals("v2", revoked.version());
            assertTrue(revoked.detail().contains("CVE-2026-1"));
            // NOT_FOUND where the housekeeping has unloaded it meanwhile.
            SogovException refused = assertThrows(SogovException.class, () -> engine.promote("fee", "v2"));
            assertTrue(List.of(Status.REVOKED, Status.NOT_FOUND).contains(refused.status()), refused::getMessage);

            assertThrows(SogovException.class, () -> engine.confirmTime(Change.UNNAMED));
            assertFalse(engine.confirmTime(Change.by("tests").because("to see")).isBefore(after.time()));
        }
    }

    @Test
    void soManyRootKeysHaveToSign() throws Exception {
        try (Release release = new Release(directory); PrivateKey other = PrivateKey.generate()) {
            EngineBuilder options = release.builder().rootKey(other.id());
            try (Engine engine = options.open()) {
                assertEquals(1, engine.refreshTrust().rootSet());
            }
            assertEquals(Status.TRUST_INVALID, assertThrows(TrustException.class, options.rootSet(2, 1)::open).status());
        }
    }
}

package sogov;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trust, versions and what changes them. */
class EngineTest {
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
        engine.close();
        release.close();
    }

    @Test
    void versionsArePromotedAndRolledBack() {
        assertEquals("v1", answeredBy());
        VersionInfo promoted = engine.promote("fee", "v2", Change.by("tests").because("it is time"));
        assertEquals(List.of("v2", Standing.STABLE), List.of(promoted.version(), promoted.standing()));
        assertEquals("v2", answeredBy());
        assertEquals("v1", engine.rollback("fee").version());
        assertEquals("v1", answeredBy());
        VersionInfo v1 = engine.versions("fee").get(0);
        assertEquals(List.of("fee", "v1", Standing.STABLE, 1L, 2L, 0L, 0L, Breaker.CLOSED, "", false, false),
                List.of(v1.service(), v1.version(), v1.standing(), v1.epoch(), v1.calls(), v1.failures(), v1.inFlight(),
                        v1.breaker(), v1.pinReason(), v1.isolated(), v1.development()));
        assertEquals(engine.verifyFile("fee", "v1", directory.resolve("fee-v1.so")), v1.digest());
        assertEquals(engine.versions(), engine.versions("fee"));
    }

    @Test
    void aPolicySplitsTheUsers() {
        engine.applyRoutePolicy("fee", """
                {"version": "try-v2", "stable": "v1", "weight": {"v1": 80, "v2": 20},
                 "rules": [{"id": "testers", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}]}""");
        Set<String> met = new HashSet<>();
        for (int user = 0; user < 200; user++) {
            Request about = Request.user("user-" + user);
            String version = engine.service("fee").call(Release.PRICE, about).version();
            met.add(version);
            assertEquals(version, engine.service("fee").call(Release.PRICE, about).version());
        }
        assertEquals(Set.of("v1", "v2"), met);
        Answer tester = engine.service("fee").call(Release.PRICE, Request.UNKNOWN.header("X-Env", "gray"));
        assertEquals(List.of("v2", RouteReason.RULE, Release.PRICE_V2),
                List.of(tester.version(), tester.reason(), tester.text()));
        SogovException refusal =
                assertThrows(SogovException.class, () -> engine.applyRoutePolicy("fee", "{\"version\": 1}"));
        assertEquals(Status.ROUTE_POLICY_INVALID, refusal.status());
    }

    @Test
    void whatIsNotTrustedIsRefused() throws Exception {
        TrustException unsigned =
                assertThrows(TrustException.class, () -> engine.loadVersioned("fee", "v3", Release.fee("v3")));
        assertEquals(Status.UNSIGNED, unsigned.status());
        assertEquals(400, unsigned.code());
        assertTrue(unsigned.getMessage().endsWith(unsigned.reason() + " (SOGOV_STATUS_UNSIGNED)"));

        Path changed = directory.resolve("changed.so");
        byte[] bytes = Files.readAllBytes(release.signed(Release.fee("v3"), "fee", "v3"));
        bytes[4352] ^= 1;
        Files.write(changed, bytes);
        assertEquals(Status.MODIFIED,
                assertThrows(TrustException.class, () -> engine.loadVersioned("fee", "v3", changed)).status());
        assertEquals(Status.WRONG_SERVICE, assertThrows(TrustException.class,
                () -> engine.verifyFile("other", "v3", directory.resolve("fee-v3.so"))).status());

        try (PrivateKey stranger = PrivateKey.generate()) {
            assertThrows(TrustException.class,
                    () -> Engine.builder().trust(release.trust()).rootKey(stranger.id()).open());
        }
        assertThrows(BusyException.class,
                () -> engine.loadVersioned("fee", "v1", directory.resolve("fee-v1.so")));
    }

    @Test
    void detachedSignaturesAreFoundOrNamed() throws Exception {
        Path plugin = directory.resolve("plain.so");
        Files.copy(Release.fee("v3"), plugin);
        Path signature = directory.resolve("elsewhere.sogsig");
        Digest digest =
                release.key.signFile(plugin, signature, FileFacts.builder("fee", "v3").epoch(7).detached().build());
        LoadOptions options = LoadOptions.DEFAULT.signature(signature).change(Change.by("tests"));
        VersionInfo loaded = engine.loadVersioned("fee", "", plugin, options);
        assertEquals(List.of("v3", digest, 7L), List.of(loaded.version(), loaded.digest(), loaded.epoch()));

        Files.move(signature, directory.resolve("plain.so.sogsig"), StandardCopyOption.ATOMIC_MOVE);
        assertEquals(digest, engine.verifyFile("fee", "v3", plugin));
    }

    @Test
    void aBillOfMaterialsIsBoundAndAskedFor() throws Exception {
        Path sbom = directory.resolve("fee.cdx.json");
        Files.writeString(sbom, "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"components\":[]}");
        Path first = directory.resolve("bill-v1.so");
        Path second = directory.resolve("bill-v2.so");
        release.key.signFile(Release.fee("v1"), first, FileFacts.builder("bill", "v1").sbom(sbom).build());
        release.key.signFile(Release.fee("v2"), second, FileFacts.builder("bill", "v2").sbom(sbom).build());
        assertEquals(Status.SBOM_INVALID,
                assertThrows(TrustException.class, () -> engine.loadVersioned("bill", "v1", first)).status());
        engine.loadVersioned("bill", "v1", first, LoadOptions.DEFAULT.sbom(sbom));
        engine.promote("bill", "v1");
        assertEquals(Status.SBOM_INVALID, assertThrows(TrustException.class,
                () -> engine.update("bill", "v2", second, UpdateOptions.DEFAULT)).status());
        engine.update("bill", "v2", second, UpdateOptions.builder().sbom(sbom).build());
        Files.writeString(sbom, "{}");
        FileFacts facts = FileFacts.builder("bill", "v3").sbom(sbom).build();
        assertEquals(Status.SBOM_INVALID, assertThrows(TrustException.class,
                () -> release.key.signFile(Release.fee("v1"), directory.resolve("x.so"), facts)).status());
    }

    @Test
    void anIsolatedVersionHasANamespaceOfItsOwn() {
        Path plugin = release.signed(Release.fee("v1"), "alone", "v1");
        assertTrue(engine.loadVersioned("alone", "v1", plugin, LoadOptions.DEFAULT.isolated()).isolated());
        engine.promote("alone", "v1");
        assertEquals(Release.PRICE_V1, engine.service("alone").call(Release.PRICE).text());
    }

    @Test
    void unloadingWaitsForLeasesOrGivesUp() {
        UnloadOptions soon = UnloadOptions.DEFAULT.drain(Duration.ofMillis(1)).change(Change.by("tests"));
        assertThrows(BusyException.class, () -> engine.unload("fee", "v1"));
        try (Lease lease = engine.service("fee").route(null)) {
            engine.promote("fee", "v2");
            assertThrows(BusyException.class, () -> engine.unload("fee", "v1", soon));
            assertEquals("v1", lease.version());
        }
        engine.unload("fee", "v1");
        assertEquals(List.of("v2"), engine.versions("fee").stream().map(VersionInfo::version).toList());
        assertThrows(IllegalArgumentException.class, () -> UnloadOptions.DEFAULT.drain(Duration.ZERO));
    }

    @Test
    void aStateDirectoryBringsTheStableVersionBack() {
        Path state = directory.resolve("state");
        try (Engine first = release.builder().state(state).open()) {
            release.loadFee(first);
            first.promote("fee", "v2", Change.UNNAMED.durable());
        }
        try (Engine second = release.builder().state(state).open()) {
            assertEquals(Release.PRICE_V2, second.service("fee").call(Release.PRICE).text());
        }
    }

    @Test
    void withoutPreflightVersionsAreLoadedAtOnce() {
        Path stops = release.signed(Release.zoo("constructor_exits"), "exits", "v1");
        SogovException refusal =
                assertThrows(SogovException.class, () -> engine.loadVersioned("exits", "v1", stops));
        assertEquals(Status.PREFLIGHT_FAILED, refusal.status());
        try (Engine bold = release.builder().preflight(Preflight.OFF)
                .preflightLimits(Duration.ofSeconds(1), 64, Duration.ofSeconds(1)).open()) {
            release.loadFee(bold);
        }
    }

    @Test
    void servicesAreTheSameObject() {
        assertSame(engine.service("fee"), engine.service("fee"));
        assertEquals("fee", engine.service("fee").name());
        assertEquals(Status.INVALID_ARGUMENT,
                assertThrows(SogovException.class, () -> engine.service(".hidden")).status());
        assertEquals(Status.NO_VERSION,
                assertThrows(SogovException.class, () -> engine.service("new").call(new byte[0])).status());
        assertEquals(Status.NOT_FOUND, assertThrows(SogovException.class, () -> engine.versions("none")).status());
        assertThrows(IllegalArgumentException.class, () -> engine.service("\ud800"));
        assertThrows(NullPointerException.class, () -> engine.service(null));
    }

    @Test
    void theProcessCountsWhatIsMapped() {
        ProcessInfo before = Sogov.process();
        engine.loadVersioned("fee", "v3", release.signed(Release.fee("v3"), "fee", "v3"));
        ProcessInfo after = Sogov.process();
        assertEquals(before.versionsMapped() + 1, after.versionsMapped());
        assertTrue(after.bytesMapped() > before.bytesMapped());
        assertTrue(after.restartReason().isEmpty() && after.taintReason().isEmpty());
        assertNotEquals("", Sogov.version());
    }

    @Test
    void closingIsRefusedWhileInUseAndThenFinal() {
        Service service = engine.service("fee");
        Lease lease = service.route(null);
        assertThrows(BusyException.class, engine::close);
        assertThrows(BusyException.class, () -> engine.close(Duration.ofMillis(5)));
        assertFalse(engine.isClosed());
        assertArrayEquals(Release.PRICE_V1.getBytes(), service.call(Release.PRICE).data());
        lease.close();
        engine.close();
        engine.close();
        assertTrue(engine.isClosed());
        assertThrows(IllegalStateException.class, () -> service.call(Release.PRICE));
        assertThrows(IllegalStateException.class, () -> service.route(null));
        assertThrows(IllegalStateException.class, () -> engine.promote("fee", "v2"));
        assertThrows(IllegalStateException.class, engine::versions);
    }

    private String answeredBy() {
        return engine.service("fee").call(Release.PRICE).version();
    }
}

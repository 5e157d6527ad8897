package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The audit trail of an engine: what is in it, and what is found when it was edited. */
class AuditTest {
    @TempDir
    private Path directory;

    @Test
    void aChangeIsRecordedAndAnEditedRecordIsFound() throws Exception {
        Path state = directory.resolve("state");
        try (Release release = new Release(directory);
                PrivateKey key = PrivateKey.generate();
                PrivateKey stranger = PrivateKey.generate()) {
            AuditOptions audit = AuditOptions.DEFAULT.require().signedBy(key).pseudonymsBy(new byte[32]);
            AuditPosition kept;
            try (Engine engine = release.builder().state(state).audit(audit).open()) {
                release.loadFee(engine);
                engine.promote("fee", "v2", Change.by("alice").because("release 7"));
                kept = engine.auditHead(true);
            }
            AuditReport report = Audit.verify(state, List.of(key), kept);
            assertEquals(1, report.first());
            assertTrue(kept.record() > 0 && report.head().record() > kept.record());
            assertEquals(report.head().record(), report.signedUpTo());
            Path segment = state.resolve("machine/audit/00000000000000000001.ndjson");
            String text = Files.readString(segment);
            assertFalse(text.contains("alice"));
            assertTrue(text.contains("\"actor\":\"hmac-sha256:"));
            refused(state, List.of(stranger));
            Files.writeString(segment, text.replaceFirst("\"v2\"", "\"v1\""));
            refused(state, List.of());
        }
    }

    private static void refused(Path state, List<PrivateKey> keys) {
        SogovException refusal = assertThrows(SogovException.class, () -> Audit.verify(state, keys, null));
        assertEquals(Status.AUDIT_BROKEN, refusal.status());
    }
}

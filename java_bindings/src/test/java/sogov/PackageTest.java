package sogov;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Update packages, from who makes them to who installs them. */
class PackageTest {
    @TempDir
    Path directory;

    @Test
    void aPackageGoesFromItsPackerToItsHost() throws Exception {
        try (PrivateKey host = PrivateKey.generate()) {
            roundTrip(host.toPem(), host.publicKey().toPem());
        }
    }

    @Test
    void soDoesOneOfRsa() throws Exception {
        Path key = directory.resolve("rsa.pem");
        Path certificate = directory.resolve("rsa.crt");
        Release.run("openssl", "req", "-x509", "-newkey", "rsa:3072", "-nodes", "-keyout", key.toString(), "-out",
                certificate.toString(), "-subj", "/CN=host-1");
        roundTrip(Files.readAllBytes(key), Files.readAllBytes(certificate));
    }

    private void roundTrip(byte[] hostKey, byte[] hostPublic) throws Exception {
        try (Release release = new Release(directory);
                Recipient recipient = Recipient.load(hostPublic);
                RecipientKey key = RecipientKey.load(hostKey);
                PrivateKey receipts = PrivateKey.generate("hmac-sha256")) {
            Path plugin = release.signed(Release.fee("v1"), "fee", "v1");
            Path target = directory.resolve("fee.sogpkg");
            Path note = Files.writeString(directory.resolve("fee.sbom.json"), "{}");
            PackageFacts facts = new PackageFacts().plugin(plugin).file(note).audience("host-1").key(release.key).epoch(5);
            assertEquals(Status.INVALID_ARGUMENT, status(() -> Sogov.pack(target, facts)));
            String id = Sogov.pack(target, facts.recipient(recipient));
            assertEquals(32, id.length());

            EngineBuilder builder = release.builder().state(directory.resolve("state"));
            try (Engine engine = builder.open()) {
                assertEquals(Status.INVALID_ARGUMENT, status(() -> engine.install(target, key, "host-1")));
            }
            try (Engine engine = builder.receiptKey(receipts).open()) {
                assertEquals(Status.WRONG_AUDIENCE, status(() -> engine.install(target, key, "host-2")));
                Path installed = engine.install(target, key, "host-1", Change.by("tests").because("first"));
                assertEquals("fee-5-" + id, installed.getFileName().toString());
                assertEquals(Status.REPLAYED, status(() -> engine.install(target, key, "host-1")));
                Path there = installed.resolve(plugin.getFileName());
                assertArrayEquals(Files.readAllBytes(plugin), Files.readAllBytes(there));
                assertEquals(PackageStanding.UNTOUCHED, engine.checkPackage(there));
                assertEquals("v1", engine.loadVersioned("fee", "", there).version());
                assertEquals(Status.NOT_FOUND, status(() -> engine.checkPackage(plugin)));
                Path noteThere = Files.writeString(installed.resolve("fee.sbom.json"), "[]");
                assertEquals(PackageStanding.REPLACED, engine.checkPackage(noteThere));
                RecipientKey closedKey = RecipientKey.load(hostKey);
                closedKey.close();
                assertThrows(IllegalStateException.class, () -> engine.install(target, closedKey, "host-1"));
            }
            Recipient closed = Recipient.load(hostPublic);
            closed.close();
            assertThrows(IllegalStateException.class, () -> Sogov.pack(target, facts.recipient(closed)));
        }
        assertEquals(Status.KEY_INVALID, status(() -> Recipient.load(new byte[3])));
        assertEquals(Status.KEY_INVALID, status(() -> RecipientKey.load(new byte[3])));
    }

    private static Status status(org.junit.jupiter.api.function.Executable what) {
        return assertThrows(SogovException.class, what).status();
    }
}

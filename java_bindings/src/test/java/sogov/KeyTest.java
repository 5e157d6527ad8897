package sogov;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys, messages, files and digests. */
class KeyTest {
    private static final byte[] MESSAGE = "pay 1.00 to bob".getBytes();
    private static final Path FILES = Release.ROOT.resolve("tests/vectors/keys");

    private final PrivateKey key = PrivateKey.generate();

    @AfterEach
    void close() {
        key.close();
    }

    @Test
    void keysAreOpenedByUrisAndSayWhereTheyAre(@TempDir Path directory) throws Exception {
        Path password = Files.writeString(directory.resolve("password"), "secret\n");
        Path file = FILES.resolve("encrypted_aes-256-cbc.pem").toAbsolutePath().normalize();
        try (PrivateKey opened = PrivateKey.open("file:" + file + "?pin-source=file:" + password);
                PublicKey half = opened.publicKey()) {
            assertTrue(List.of(Custody.UNLOCKED, Custody.LOCKED, Custody.SECRET).contains(opened.custody()));
            assertEquals(Custody.NONE, half.custody());
            half.verify(MESSAGE, opened.sign(MESSAGE));
        }
        assertRefused(Status.KEY_INVALID, "file:" + file);
        assertRefused(Status.INVALID_ARGUMENT, "other:key");
        assertRefused(Status.NOT_FOUND, "pkcs11:object=k?module-path=/no/such/module.so");
        assertRefused(Status.CUSTODY_FAILED, "pkcs11:object=k?module-path=" + file);
        assertRefused(Status.NOT_FOUND, "sdf:library=/no/such/library.so;index=1");
        Sogov.keyMemoryPolicy(KeyMemory.REQUIRE);
        Sogov.keyMemoryPolicy(KeyMemory.DEGRADE);
    }

    private static void assertRefused(Status expected, String uri) {
        RuntimeException refused = assertThrows(RuntimeException.class, () -> PrivateKey.open(uri));
        if (refused instanceof SogovException failure) {
            assertEquals(expected, failure.status());
        } else {
            assertEquals(Status.INVALID_ARGUMENT, expected);
        }
    }

    @Test
    void messagesAreSignedAndVerified() {
        ByteBuffer direct = ByteBuffer.allocateDirect(MESSAGE.length + 2).position(1).put(MESSAGE).flip().position(1);
        try (PublicKey other = key.publicKey()) {
            other.prepare();
            for (SignatureEncoding encoding : SignatureEncoding.values()) {
                for (byte[] id : new byte[][] {null, {}, "alice".getBytes()}) {
                    SignatureOptions options = SignatureOptions.DEFAULT.encoding(encoding);
                    options = id == null ? options : options.userId(id);
                    byte[] signature = key.sign(MESSAGE, options);
                    other.verify(MESSAGE, signature, options);
                    other.verify(direct, signature, options);
                    other.verify(MESSAGE, key.sign(direct, options), options);
                    assertTrue(key.isValid(MESSAGE, signature, options));
                    signature[signature.length - 1] ^= 1;
                    assertFalse(other.isValid(MESSAGE, signature, options));
                }
            }
            assertEquals(64, key.sign(MESSAGE).length);
            other.verify(MESSAGE, key.sign(MESSAGE));
            assertThrows(SignatureException.class, () -> other.verify(MESSAGE, new byte[3]));
            byte[] vouches = "sogov.sig.v1\0".getBytes();
            assertEquals(Status.INVALID_ARGUMENT,
                    assertThrows(SogovException.class, () -> key.sign(vouches)).status());
        }
    }

    @Test
    void keysAreWrittenAndRead() {
        byte[] password = "correct horse".getBytes();
        for (byte[] file : List.of(key.toPem(), key.toDer(), key.toPem(password))) {
            try (PrivateKey read = PrivateKey.load(file, password)) {
                assertEquals(key.id(), read.id());
            }
        }
        SogovException wrong =
                assertThrows(SogovException.class, () -> PrivateKey.load(key.toPem(password), new byte[] {1}));
        assertEquals(Status.KEY_INVALID, wrong.status());
        assertThrows(SogovException.class, () -> PrivateKey.load(key.toPem(password)));
        try (PublicKey half = key.publicKey()) {
            for (byte[] file : List.of(half.toPem(), half.toDer())) {
                try (PublicKey read = PublicKey.load(file)) {
                    assertEquals(half.id(), read.id());
                    assertArrayEquals(half.toDer(), read.toDer());
                }
            }
            assertEquals(key.id(), half.id());
        }
    }

    @Test
    void identifiersHaveATextForm() {
        KeyId id = key.id();
        assertEquals(id, KeyId.parse(id.toString()));
        assertEquals(id.hashCode(), KeyId.parse(id.toString()).hashCode());
        assertTrue(id.toString().matches("sm3:[0-9a-f]{64}"));
        try (PublicKey half = key.publicKey()) {
            assertArrayEquals(id.bytes(), Digest.sm3(half.toDer()).bytes());
        }
        assertEquals(Status.INVALID_ARGUMENT,
                assertThrows(SogovException.class, () -> KeyId.parse("sm3:xyz")).status());
    }

    @Test
    void filesOfOthersAreReadOrRefused() throws Exception {
        KeyId expected;
        try (PrivateKey pkcs8 = PrivateKey.load(Files.readAllBytes(FILES.resolve("pkcs8.pem")))) {
            expected = pkcs8.id();
        }
        for (String name : List.of("pkcs8.der", "sec1.der", "sec1_ec_label.pem", "sec1_sm2_label.pem")) {
            try (PrivateKey read = PrivateKey.load(Files.readAllBytes(FILES.resolve(name)))) {
                assertEquals(expected, read.id(), name);
            }
        }
        for (String name : List.of("ed25519.pem", "certificate.pem", "legacy_encrypted.pem")) {
            byte[] file = Files.readAllBytes(FILES.resolve(name));
            assertEquals(Status.KEY_INVALID,
                    assertThrows(SogovException.class, () -> PrivateKey.load(file), name).status());
        }
    }

    @Test
    void pluginFilesAreSignedTwice(@TempDir Path directory) throws Exception {
        Path signed = directory.resolve("fee.so");
        FileFacts facts = FileFacts.builder("fee", "v1").epoch(-1).name("pkg:generic/fee@1.0.0").semver("1.0.0")
                .issuer("tests").notBefore(Instant.ofEpochSecond(1)).notAfter(Instant.parse("2999-01-01T00:00:00Z"))
                .build();
        key.signFile(Release.fee("v1"), signed, facts);
        assertThrows(BusyException.class, () -> key.signFile(signed, null, facts));
        assertThrows(BusyException.class, () -> key.addSignature(signed));
        try (PrivateKey second = PrivateKey.generate()) {
            second.addSignature(signed, "bob".getBytes());
        }
        String inspected = Release.run(System.getProperty("sogov.test.program"), "inspect", "--json", signed.toString());
        for (String fact : List.of("pkg:generic/fee@1.0.0", "1.0.0", "tests", "18446744073709551615")) {
            assertTrue(inspected.contains(fact), inspected);
        }
        Path text = Files.write(directory.resolve("text"), "no plugin".getBytes(StandardCharsets.US_ASCII));
        assertEquals(Status.IMAGE_REJECTED,
                assertThrows(SogovException.class, () -> key.signFile(text, null, facts)).status());
        assertEquals(Status.UNSIGNED,
                assertThrows(TrustException.class, () -> key.addSignature(Release.fee("v1"))).status());
    }

    @Test
    void digestsAreThoseOfTheStandard() {
        byte[] abc = "abc".getBytes();
        String expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0";
        assertEquals(expected, Digest.sm3(abc).toString());
        assertEquals(Digest.sm3(abc), Digest.sm3(ByteBuffer.allocateDirect(3).put(abc).flip()));
        assertEquals(Digest.sm3Tree(abc), Digest.sm3Tree(ByteBuffer.wrap(abc)));
    }

    @Test
    void aClosedKeyIsOfNoUse() {
        key.close();
        key.close();
        assertTrue(key.isClosed());
        assertThrows(IllegalStateException.class, () -> key.sign(MESSAGE));
        assertThrows(IllegalStateException.class, () -> key.verify(MESSAGE, new byte[64]));
        assertThrows(IllegalStateException.class, key::id);
        assertThrows(IllegalStateException.class, key::publicKey);
        assertThrows(IllegalStateException.class, key::toPem);
        assertThrows(IllegalStateException.class, () -> Batch.sign(List.of(new Signing(key, MESSAGE))));
        assertEquals("PrivateKey, closed", key.toString());
    }
}

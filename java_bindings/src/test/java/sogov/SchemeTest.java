package sogov;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;

/** Schemes of the host's, and keys of other schemes than SM2. */
class SchemeTest {
    private static final byte[] KEY = bytes("key");
    private static final byte[] MESSAGE = bytes("message");

    /** Signatures are the key and the message. */
    private static final SignatureScheme JOINED = new SignatureScheme() {
        @Override
        public boolean verify(byte[] key, byte[] message, byte[] signature) {
            if (Arrays.equals(message, bytes("throw"))) {
                throw new IllegalStateException("no signature");
            }
            return Arrays.equals(signature, sign(key, message));
        }

        @Override
        public byte[] sign(byte[] key, byte[] message) {
            byte[] joined = Arrays.copyOf(key, key.length + message.length);
            System.arraycopy(message, 0, joined, key.length, message.length);
            return joined;
        }
    };

    @Test
    void aSchemeSignsAndVerifies() {
        Sogov.registerScheme("x-java", 240, JOINED);
        try (PrivateKey key = PrivateKey.ofRaw("x-java", KEY, KEY);
                PublicKey verifies = key.publicKey()) {
            assertEquals(key.id(), verifies.id());
            byte[] signature = key.sign(MESSAGE);
            assertArrayEquals(bytes("keymessage"), signature);
            verifies.verify(MESSAGE, signature);
            assertThrows(SignatureException.class, () -> verifies.verify(bytes("another"), signature));
            assertEquals(Status.CUSTODY_FAILED, refused(() -> key.sign(new byte[9000])));

            List<Throwable> reported = new ArrayList<>();
            Thread.currentThread().setUncaughtExceptionHandler((thread, thrown) -> reported.add(thrown));
            assertThrows(SignatureException.class, () -> verifies.verify(bytes("throw"), signature));
            Thread.currentThread().setUncaughtExceptionHandler(null);
            assertEquals(List.of("no signature"), reported.stream().map(Throwable::getMessage).toList());

            Sogov.unregisterScheme("x-java");
            assertEquals(Status.UNSUPPORTED, refused(() -> verifies.verify(MESSAGE, signature)));
            assertEquals(Status.NOT_FOUND, refused(() -> Sogov.unregisterScheme("x-java")));
        }
    }

    @Test
    void aSchemeThatVerifiesOnlySignsNothing() {
        Sogov.registerScheme("x-java-verify", 241, (key, message, signature) -> true);
        try (PrivateKey key = PrivateKey.ofRaw("x-java-verify", KEY, KEY)) {
            key.verify(MESSAGE, MESSAGE);
            assertEquals(Status.CUSTODY_FAILED, refused(() -> key.sign(MESSAGE)));
        } finally {
            Sogov.unregisterScheme("x-java-verify");
        }
    }

    @Test
    void aSchemeIsReplacedWhileThreadsVerify() throws Exception {
        Sogov.registerScheme("x-java-replaced", 242, JOINED);
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            threads.add(new Thread(() -> {
                try (PublicKey key = PublicKey.ofRaw("x-java-replaced", KEY)) {
                    for (int j = 0; j < 500; j++) {
                        key.verify(MESSAGE, bytes("keymessage"));
                    }
                } catch (Throwable failure) {
                    failures.add(failure);
                }
            }));
        }
        threads.forEach(Thread::start);
        while (threads.stream().anyMatch(Thread::isAlive)) {
            Sogov.registerScheme("x-java-replaced", 242, JOINED);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Sogov.unregisterScheme("x-java-replaced");
        assertEquals(List.of(), List.copyOf(failures));
    }

    @Test
    void keysOfOtherSchemesSignAndVerify() {
        try (PrivateKey p256 = PrivateKey.generate("ecdsa-p256");
                PrivateKey secret = PrivateKey.ofRaw("hmac-sha256", null, new byte[32])) {
            p256.verify(MESSAGE, p256.sign(MESSAGE));
            secret.verify(MESSAGE, secret.sign(MESSAGE));
            assertTrue(secret.sign(MESSAGE).length == 32);
            assertThrows(SignatureException.class, () -> secret.verify(MESSAGE, p256.sign(MESSAGE)));
            assertEquals(Status.INVALID_ARGUMENT, refused(secret::publicKey));
        }
        assertEquals(Status.KEY_INVALID, refused(() -> PrivateKey.ofRaw("hmac-sha256", null, new byte[8])));
        assertEquals(Status.INVALID_ARGUMENT, refused(() -> Sogov.registerScheme("sm2-sm3", 240, JOINED)));
        assertEquals(Status.INVALID_ARGUMENT, refused(() -> Sogov.registerScheme("x-java", 1, JOINED)));
    }

    private static Status refused(Runnable call) {
        return assertThrows(SogovException.class, call::run).status();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}

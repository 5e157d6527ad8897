package sogov;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Many signatures in one call. */
class BatchTest {
    @Test
    void batchesAreSignedAndVerified() {
        try (PrivateKey one = PrivateKey.generate(); PrivateKey other = PrivateKey.generate()) {
            for (SignatureEncoding encoding : SignatureEncoding.values()) {
                SignatureOptions options = SignatureOptions.DEFAULT.encoding(encoding);
                List<Signing> signings = new ArrayList<>();
                for (int i = 0; i < 100; i++) {
                    ByteBuffer message = ByteBuffer.allocateDirect(i).limit(i);
                    signings.add(new Signing(i % 2 == 0 ? one : other, message, i % 3 == 0 ? new byte[] {7} : null));
                }
                List<byte[]> signatures = Batch.sign(signings, options);
                List<Verification> items = new ArrayList<>();
                for (int i = 0; i < 100; i++) {
                    Signing of = signings.get(i);
                    items.add(new Verification(of.key(), of.message(), signatures.get(i), of.userId()));
                }
                Batch.verify(items, options);

                signatures.get(42)[5] ^= 1;
                items.set(7, new Verification(other, items.get(7).message(), new byte[2], null));
                BatchException invalid = assertThrows(BatchException.class, () -> Batch.verify(items, options));
                for (int i = 0; i < 100; i++) {
                    assertEquals(i == 42 || i == 7 ? Status.SIGNATURE_INVALID : Status.OK, invalid.results().get(i));
                }
            }
            Batch.verify(List.of());
            assertEquals(List.of(), Batch.sign(List.of()));
        }
    }

    /** Sharing a buffer is a mistake, which must not reach the other items. */
    @Test
    void aMessageThatAnotherThreadMovesHarmsNoOther() throws Exception {
        ByteBuffer shared = ByteBuffer.allocate(4000);
        AtomicBoolean over = new AtomicBoolean();
        Thread mover = new Thread(() -> {
            while (!over.get()) {
                shared.position(0).position(3999);
            }
        });
        mover.start();
        try (PrivateKey key = PrivateKey.generate()) {
            byte[] signature = key.sign(new byte[1]);
            Verification moved = new Verification(key, shared, new byte[64], null);
            List<Verification> items = List.of(moved, new Verification(key, new byte[1], signature));
            for (int i = 0; i < 10_000; i++) {
                BatchException invalid = assertThrows(BatchException.class, () -> Batch.verify(items));
                assertEquals(List.of(Status.SIGNATURE_INVALID, Status.OK), invalid.results());
            }
        } finally {
            over.set(true);
            mover.join();
        }
    }

    @Test
    void aBatchIsSignedWholeOrNot() {
        try (PrivateKey key = PrivateKey.generate()) {
            List<Signing> items =
                    List.of(new Signing(key, new byte[1]), new Signing(key, "sogov.trust.v1\0".getBytes()));
            assertEquals(Status.INVALID_ARGUMENT,
                    assertThrows(SogovException.class, () -> Batch.sign(items)).status());
        }
    }
}

package sogov;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Requests and answers, in arrays and buffers. */
class CallTest {
    @TempDir
    private Path directory;
    private Release release;
    private Engine engine;
    private Service echo;

    @BeforeEach
    void open() throws Exception {
        release = new Release(directory);
        engine = release.builder().open();
        engine.loadVersioned("echo", "v1", release.signed(Release.zoo("plain_level1"), "echo", "v1"));
        engine.promote("echo", "v1");
        echo = engine.service("echo");
    }

    @AfterEach
    void close() {
        engine.close();
        release.close();
    }

    /** Longer and shorter ones in turn: each has room of its own length. */
    @Test
    void answersOfAnyLengthComeBackWhole() {
        Random dice = new Random(1);
        for (int length : new int[] {0, 1, 64, 63, 4096, 4097, 0, 70_000, 1 << 20, 3, (1 << 21) + 1, 70_000, 12}) {
            byte[] input = new byte[length];
            dice.nextBytes(input);
            assertArrayEquals(input, echo.call(input).data());
            for (IntFunction<ByteBuffer> in : kinds()) {
                ByteBuffer request = in.apply(length + 3).position(2).put(input).flip().position(2);
                ByteBuffer kept = request.asReadOnlyBuffer();
                assertArrayEquals(input, echo.call(request, null).data());
                assertArrayEquals(input, echo.call(kept, Request.user("u")).data());
                for (IntFunction<ByteBuffer> out : kinds()) {
                    ByteBuffer answer = out.apply(length + 5).position(1);
                    assertEquals(length, echo.call(request, answer, null));
                    assertEquals(length, echo.call(kept, answer.duplicate().position(1), null));
                    assertEquals(List.of(2, 2 + length, 1 + length), List.of(
                            request.position(), request.limit(), answer.position()));
                    assertEquals(ByteBuffer.wrap(input), answer.flip().position(1));
                }
            }
        }
    }

    @Test
    void aRoomThatIsTooSmallIsLeftAlone() {
        byte[] input = {1, 2, 3};
        for (IntFunction<ByteBuffer> out : kinds()) {
            ByteBuffer answer = out.apply(2);
            assertThrows(BufferOverflowException.class, () -> echo.call(ByteBuffer.wrap(input), answer, null));
            assertEquals(ByteBuffer.allocate(2), answer);
            assertThrows(ReadOnlyBufferException.class,
                    () -> echo.call(ByteBuffer.wrap(input), answer.asReadOnlyBuffer(), null));
        }
    }

    /** Sharing a buffer is a mistake, which must not lead out of its memory. */
    @Test
    void aBufferThatAnotherThreadMovesIsNotLeft() throws Exception {
        ByteBuffer memory = ByteBuffer.allocateDirect(3 * 64);
        for (int i = 0; i < 64; i++) {
            memory.put(i, (byte) 7).put(2 * 64 + i, (byte) 7);
        }
        ByteBuffer shared = memory.slice(64, 64);
        ByteBuffer input = ByteBuffer.allocate(60);
        AtomicBoolean over = new AtomicBoolean();
        Thread mover = new Thread(() -> {
            while (!over.get()) {
                shared.position(0).position(60);
            }
        });
        mover.start();
        for (int i = 0; i < 50_000; i++) {
            for (byte one : echo.call(shared, null).data()) {
                assertEquals(0, one);
            }
            try {
                echo.call(input, shared, null);
            } catch (BufferOverflowException moved) {
                // There was no room at that moment.
            }
        }
        over.set(true);
        mover.join();
        for (int i = 0; i < 64; i++) {
            assertEquals(List.of((byte) 7, (byte) 7), List.of(memory.get(i), memory.get(2 * 64 + i)));
        }
    }

    @Test
    void aFailureTellsWhatThePluginSaid() {
        engine.loadVersioned("fee", "v3", release.signed(Release.fee("v3"), "fee", "v3"));
        engine.promote("fee", "v3");
        PluginException failure = assertThrows(PluginException.class,
                () -> engine.service("fee").call("amount=9999999.00 currency=CNY".getBytes()));
        assertEquals(List.of(Status.PLUGIN_FAILED, 1, "v3", RouteReason.STABLE),
                List.of(failure.status(), failure.pluginStatus(), failure.version(), failure.routeReason()));
        assertEquals(0, failure.answer().length);
        assertEquals(1, engine.versions("fee").get(0).failures());
    }

    @Test
    void headersAreAtMost64() {
        Request about = Request.user(new byte[] {0, (byte) 0xff});
        for (int i = 0; i < 64; i++) {
            about = about.header("name-" + i, new byte[i]);
        }
        assertEquals(2, echo.call(new byte[2], about).data().length);
        Request full = about;
        assertThrows(IllegalArgumentException.class, () -> full.header("one", "more"));
    }

    @Test
    void moreVersionsThanAreRememberedKeepTheirNames() {
        for (int i = 0; i < 12; i++) {
            String label = "v1" + i;
            engine.loadVersioned("echo", label, release.signed(Release.zoo("plain_level1"), "echo", label));
            engine.promote("echo", label);
            assertEquals(label, echo.call(new byte[0]).version());
            assertEquals(label, echo.call(new byte[0]).version());
        }
    }

    private static List<IntFunction<ByteBuffer>> kinds() {
        // The third one's array begins before the buffer.
        return List.of(
                ByteBuffer::allocate, ByteBuffer::allocateDirect,
                length -> ByteBuffer.allocate(length + 7).position(7).slice());
    }
}

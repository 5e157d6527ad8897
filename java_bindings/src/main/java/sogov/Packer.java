package sogov;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;

/** Packs arguments for the natives: numbers as they lie in memory, texts and data behind their length. */
final class Packer {
    private static final int NULL = -1;
    private static final int MOST = Integer.MAX_VALUE - 16;

    private byte[] bytes = new byte[256];
    private ByteBuffer view = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());

    static byte[] of(String... texts) {
        Packer packer = new Packer();
        for (String text : texts) {
            packer.text(text);
        }
        return packer.done();
    }

    Packer number(long number) {
        room(Long.BYTES);
        view.putLong(number);
        return this;
    }

    Packer flag(boolean flag) {
        return number(flag ? 1 : 0);
    }

    /** Milliseconds, rounded up so that a short time is not none, in 32 bits. */
    Packer milliseconds(Duration duration) {
        return number(millisecondsOf(duration));
    }

    /** Null stands for null. */
    Packer data(byte[] data) {
        if (data == null) {
            return number(NULL);
        }
        number(data.length);
        room(data.length);
        view.put(data);
        return this;
    }

    /** What lies between position and limit, which stay. */
    Packer data(ByteBuffer data) {
        // A length that another thread cannot change any more: the natives trust it.
        ByteBuffer mine = data.duplicate();
        number(mine.remaining());
        room(mine.remaining());
        view.put(mine);
        return this;
    }

    Packer text(String text) {
        return text == null ? number(NULL) : data(utf8(text));
    }

    Packer path(Path path) {
        return text(path == null ? null : path.toString());
    }

    byte[] done() {
        return Arrays.copyOf(bytes, view.position());
    }

    /** The same, for what holds a secret: nothing of it is left here. The caller wipes what it gets. */
    byte[] doneWithSecret() {
        byte[] packed = done();
        Arrays.fill(bytes, (byte) 0);
        return packed;
    }

    /** UTF-8; a text with half of a character in it is refused, rather than sent with a question mark. */
    static byte[] utf8(String text) {
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            return Arrays.copyOfRange(encoded.array(), 0, encoded.limit());
        } catch (CharacterCodingException lone) {
            throw new IllegalArgumentException("a text: expected whole characters, found an unpaired surrogate", lone);
        }
    }

    static long millisecondsOf(Duration duration) {
        long most = 0xffff_ffffL;
        if (duration.isNegative() || duration.compareTo(Duration.ofMillis(most)) > 0) {
            throw new IllegalArgumentException("a duration: expected 0 to " + most + " ms, found " + duration);
        }
        return duration.plusNanos(999_999).toMillis();
    }

    private void room(int more) {
        if (more <= view.remaining()) {
            return;
        }
        long wanted = (long) view.position() + more;
        if (wanted > MOST) {
            throw new IllegalArgumentException("expected less than 2 GiB in one call, found " + wanted + " bytes");
        }
        byte[] small = bytes;
        int position = view.position();
        bytes = Arrays.copyOf(small, (int) Math.min(MOST, Math.max(wanted, 2L * small.length)));
        Arrays.fill(small, (byte) 0);
        view = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).position(position);
    }
}

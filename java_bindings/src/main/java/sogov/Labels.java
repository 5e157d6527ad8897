package sogov;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The labels of the versions that answered lately, so that not each answer makes its own String. */
final class Labels {
    /** Bytes of a label, with the zero behind it. */
    static final int SIZE = 65;
    /** More versions than these rarely serve at the same time; others are made anew each time. */
    private static final int KNOWN = 8;

    private record Label(byte[] bytes, String text) {}

    private volatile Label[] known = {};

    /** The text of a label, in an array of which all the rest is zero. */
    String of(byte[] bytes) {
        for (Label label : known) {
            if (Arrays.equals(label.bytes, bytes)) {
                return label.text;
            }
        }
        int length = 0;
        while (bytes[length] != 0) {
            length++;
        }
        Label made = new Label(bytes, new String(bytes, 0, length, StandardCharsets.US_ASCII));
        remember(made);
        return made.text;
    }

    /** The newest first. Of two threads that remember at the same time one may lose. */
    private void remember(Label made) {
        Label[] before = known;
        Label[] after = new Label[Math.min(KNOWN, before.length + 1)];
        System.arraycopy(before, 0, after, 1, after.length - 1);
        after[0] = made;
        known = after;
    }
}

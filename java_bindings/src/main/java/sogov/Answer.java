package sogov;

import java.nio.charset.StandardCharsets;

/**
 * What a plugin answered.
 *
 * @param data the answer's bytes, the caller's own
 * @param version the label of the version that answered
 * @param reason why it was this version
 */
public record Answer(byte[] data, String version, RouteReason reason) {
    /**
     * The answer as text.
     *
     * @return the bytes read as UTF-8
     */
    public String text() {
        return new String(data, StandardCharsets.UTF_8);
    }

    /**
     * The answer for people.
     *
     * @return how long it is, and where it came from
     */
    @Override
    public String toString() {
        return "Answer[" + data.length + " bytes of " + version + ", " + reason + "]";
    }
}

package sogov;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What the route policy may look at: the user, and headers (or gRPC metadata). Immutable, and quick to use again.
 *
 * <pre>{@code fee.call(payment, Request.user("user-7").header("x-env", "gray"))}</pre>
 */
public final class Request {
    /** Nothing is known. */
    public static final Request UNKNOWN = new Request(null, List.of());

    private static final int MOST_HEADERS = 64;

    private final byte[] userKey;
    private final List<Map.Entry<String, byte[]>> headers;
    /** What request.c reads; null where nothing is known. */
    private final byte[] packed;

    private Request(byte[] userKey, List<Map.Entry<String, byte[]>> headers) {
        if (headers.size() > MOST_HEADERS) {
            throw new IllegalArgumentException("headers: expected at most 64, found " + headers.size());
        }
        this.userKey = userKey;
        this.headers = headers;
        this.packed = userKey == null && headers.isEmpty() ? null : pack();
    }

    /**
     * A request of a user.
     *
     * @param key what identifies the user, sent as UTF-8; empty counts as unknown
     * @return a request without headers
     */
    public static Request user(String key) {
        return new Request(Packer.utf8(key), List.of());
    }

    /**
     * A request of a user.
     *
     * @param key what identifies the user; copied; empty counts as unknown
     * @return a request without headers
     */
    public static Request user(byte[] key) {
        return new Request(key.clone(), List.of());
    }

    /**
     * The same with one header more.
     *
     * @param name compared without regard to ASCII case
     * @param value sent as UTF-8
     * @return another request, of at most 64 headers
     */
    public Request header(String name, String value) {
        return header(name, Packer.utf8(value));
    }

    /**
     * The same with one header more.
     *
     * @param name compared without regard to ASCII case
     * @param value any bytes; copied
     * @return another request, of at most 64 headers
     */
    public Request header(String name, byte[] value) {
        List<Map.Entry<String, byte[]>> all = new ArrayList<>(headers);
        all.add(Map.entry(Objects.requireNonNull(name, "name"), value.clone()));
        return new Request(userKey, all);
    }

    /**
     * The request for people.
     *
     * @return the user and the names of the headers, whose values may be secret
     */
    @Override
    public String toString() {
        String user = userKey == null ? "nobody known" : new String(userKey, StandardCharsets.UTF_8);
        return "Request of " + user + ", headers " + headers.stream().map(Map.Entry::getKey).toList();
    }

    /** Null where nothing is known. */
    static byte[] packed(Request about) {
        return about == null ? null : about.packed;
    }

    private byte[] pack() {
        Packer packer = new Packer().data(userKey).number(headers.size());
        headers.forEach(header -> packer.text(header.getKey()).data(header.getValue()));
        return packer.done();
    }
}

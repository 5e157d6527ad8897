package sogov;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/** An engine over the release that run.sh made, with one service; closing it frees both. */
final class Host implements AutoCloseable {
    /** Whether the engines of this process contain crashes: of all, since the handlers stay. */
    static final boolean CONTAINS_CRASHES = Boolean.getBoolean("sogov.contain");

    private static final String RELEASE = System.getenv("SOGOV_HOSTS");

    final long engine;
    final long handle;
    private final byte[] service;

    /** Loads these versions of a service; the first is stable. */
    Host(String service, String... versions) {
        this.service = service.getBytes(UTF_8);
        engine = Native.open((RELEASE + "/trust").getBytes(UTF_8), CONTAINS_CRASHES);
        for (String version : versions) {
            load(version);
        }
        promote(versions[0]);
        handle = Native.service(engine, this.service);
    }

    void load(String version) {
        Native.load(engine, service, version.getBytes(UTF_8), file(version));
    }

    /** The path of a version's plugin. */
    byte[] file(String version) {
        return (RELEASE + "/" + new String(service, UTF_8) + "-" + version + ".so").getBytes(UTF_8);
    }

    void promote(String version) {
        Native.promote(engine, service, version.getBytes(UTF_8));
    }

    void rollback() {
        Native.rollback(engine, service);
    }

    void unload(String version, int drainMs) {
        Native.unload(engine, service, version.getBytes(UTF_8), drainMs);
    }

    /** Calls, failures and leases in flight, of all versions. */
    long[] counts() {
        return Native.counts(engine, service);
    }

    static String leaseVersion(long lease) {
        byte[] label = new byte[Native.LABEL_SIZE];
        Native.leaseVersion(lease, label);
        return text(label);
    }

    @Override
    public void close() {
        Native.close(engine);
        Native.closeService(handle);
    }

    /** Calls the plugin stamp; each answer must be that of the version which the call names. For one thread. */
    final class Caller {
        private final byte[] room = new byte[128];
        private final byte[] label = new byte[Native.LABEL_SIZE];
        long calls;

        void call() {
            byte[] request = ("request " + calls++).getBytes(UTF_8);
            int length = Native.call(handle, request, request.length, room, label);
            String answer = new String(room, 0, length, UTF_8);
            String expected = text(label) + ":" + new String(request, UTF_8);
            if (!answer.equals(expected)) {
                throw new AssertionError("expected the answer " + expected + ", found " + answer);
            }
        }
    }

    static String text(byte[] label) {
        int end = 0;
        while (label[end] != 0) {
            end++;
        }
        return new String(Arrays.copyOf(label, end), UTF_8);
    }
}

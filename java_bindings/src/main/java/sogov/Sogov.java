package sogov;

/** The library and the process as a whole. */
public final class Sogov {
    private Sogov() {}

    /**
     * The version of libsogov that is loaded.
     *
     * @return such as "0.1.0"
     */
    public static String version() {
        return Native.versionText();
    }

    /**
     * Tells what is mapped, and whether the process should be restarted when there is an occasion.
     *
     * @return the process as it stands now
     */
    public static ProcessInfo process() {
        return ProcessInfo.read(new Unpacker(Native.processInfo()));
    }

    /**
     * Changes how much memory the tables of prepared keys may take in this process; see {@link Key#prepare}. Verifying goes
     * on in any case, more slowly by keys without tables.
     *
     * @param bytes 64 MiB unless set, which is room for about 250 keys; 0: no key is prepared
     */
    public static void preparedKeysLimit(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("bytes: expected 0 or more, found " + bytes);
        }
        Native.preparedKeysLimit(bytes);
    }
}

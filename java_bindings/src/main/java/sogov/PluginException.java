package sogov;

/**
 * The plugin answered with a failure, crashed or broke its contract: the statuses of the 7xx. After a call that reached a
 * version it tells what the plugin said.
 */
public final class PluginException extends SogovException {
    private static final long serialVersionUID = 1;

    /** What invoke returned. */
    private final int pluginStatus;
    /** What the plugin had written. */
    private final byte[] answer;
    /** The version's label. */
    private final String version;
    /** Why it was this version. */
    private final RouteReason routeReason;

    PluginException(int code, String reason, int pluginStatus, byte[] answer, String version, RouteReason routeReason) {
        super(code, reason);
        this.pluginStatus = pluginStatus;
        this.answer = answer;
        this.version = version;
        this.routeReason = routeReason;
    }

    /**
     * What the plugin's {@code invoke} returned.
     *
     * @return a number other than 0 when it failed; 0 where it was not reached or crashed
     */
    public int pluginStatus() {
        return pluginStatus;
    }

    /**
     * What the plugin had written before it failed.
     *
     * @return a copy; empty where there is nothing
     */
    public byte[] answer() {
        return answer.clone();
    }

    /**
     * The version that failed.
     *
     * @return its label; empty where none was reached
     */
    public String version() {
        return version;
    }

    /**
     * Why it was this version.
     *
     * @return {@link RouteReason#NONE} where none was reached
     */
    public RouteReason routeReason() {
        return routeReason;
    }
}

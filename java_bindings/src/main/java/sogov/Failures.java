package sogov;

/** Which exception a status is. */
final class Failures {
    private static final int HUNDRED = 100;
    private static final int TRUST = 4;
    private static final int PLUGIN = 7;

    private Failures() {}

    static RuntimeException of(int status, String message) {
        return ofCall(status, message, 0, new byte[0], "", RouteReason.NONE);
    }

    static RuntimeException ofCall(
            int status, String message, int pluginStatus, byte[] answer, String version, RouteReason reason) {
        if (status / HUNDRED == TRUST) {
            return new TrustException(status, message);
        }
        if (status / HUNDRED == PLUGIN) {
            return new PluginException(status, message, pluginStatus, answer, version, reason);
        }
        return switch (Status.of(status)) {
            case CLOSED, LEASE_GONE -> new IllegalStateException(message);
            case BUSY -> new BusyException(message);
            case SIGNATURE_INVALID -> new SignatureException(message);
            default -> new SogovException(status, message);
        };
    }
}

package sogov;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** The host's schemes by the number that the library knows them by, until it is done with them. */
final class Schemes {
    private static final Map<Long, SignatureScheme> ALL = new ConcurrentHashMap<>();
    private static final AtomicLong NEXT = new AtomicLong(1);

    private Schemes() {}

    static void register(String name, int number, SignatureScheme scheme) {
        long context = NEXT.getAndIncrement();
        ALL.put(context, scheme);
        try {
            Native.schemeRegister(context, number, Packer.of(name));
        } catch (Throwable refused) {
            ALL.remove(context);
            throw refused;
        }
    }

    static boolean verify(long context, byte[] key, byte[] message, byte[] signature) {
        try {
            return ALL.get(context).verify(key, message, signature);
        } catch (Throwable thrown) {
            Listeners.report(thrown);
            return false;
        }
    }

    static byte[] sign(long context, byte[] key, byte[] message) {
        try {
            return ALL.get(context).sign(key, message);
        } catch (Throwable thrown) {
            Listeners.report(thrown);
            return null;
        }
    }

    static void release(long context) {
        ALL.remove(context);
    }
}

package sogov;

import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Objects;

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
     * Says what happens to private keys where memory cannot be locked, for those that are made and read from now on.
     *
     * @param policy {@link KeyMemory#DEGRADE} unless set
     */
    public static void keyMemoryPolicy(KeyMemory policy) {
        Native.keyMemoryPolicy(policy.number());
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

    /**
     * Registers a signature scheme in this process, or replaces one of the same name and number. Calls that verify meanwhile end
     * by the scheme that they began with. For plugins it counts only where the signed trust document names it.
     *
     * @param name "x-" and 1 to 30 of a-z 0-9 . - _
     * @param number the number in signed bytes, 128 to 254, the same for as long as signatures are to be valid; {@link
     *     BusyException} when the name has another number, or the number another name
     * @param scheme kept until the last call that uses it has ended
     */
    public static void registerScheme(String name, int number, SignatureScheme scheme) {
        Schemes.register(name, number, Objects.requireNonNull(scheme, "scheme"));
    }

    /**
     * Removes a scheme that was registered. Later verifications by it are refused with {@link Status#UNSUPPORTED}.
     *
     * @param name its name; {@link SogovException} with {@link Status#NOT_FOUND} when it is not registered
     */
    public static void unregisterScheme(String name) {
        Native.schemeUnregister(Packer.of(name));
    }

    /**
     * Puts signed plugins and other files into an update package, which appears whole or not at all; {@link Engine#install}
     * installs it.
     *
     * @param target where the package goes
     * @param facts what goes in
     * @return the package's number, 32 hexadecimal digits; {@link SogovException} with {@link Status#INVALID_ARGUMENT} where
     *     something is missing, or for a file's name that a package cannot have; {@link TrustException} with {@link
     *     Status#UNSIGNED} or {@link Status#WRONG_SERVICE} for a plugin
     */
    public static String pack(Path target, PackageFacts facts) {
        return HexFormat.of().formatHex(facts.pack(target));
    }
}

package sogov;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** What goes into an update package. For one thread. */
public final class PackageFacts {
    private final List<Path> plugins = new ArrayList<>();
    private final List<Path> files = new ArrayList<>();
    private final List<String> audiences = new ArrayList<>();
    private final List<PrivateKey> keys = new ArrayList<>();
    private final List<Recipient> recipients = new ArrayList<>();
    private String service = "";
    private String issuer = "";
    private byte[] userId;
    private long epoch;
    private long notAfter;

    /** Begins with nothing. */
    public PackageFacts() {}

    /**
     * Puts a plugin in, which is signed already; a signature file beside it, its path with ".sogsig" behind it, goes with it.
     *
     * @param path the plugin; the last part is its name in the package
     * @return this
     */
    public PackageFacts plugin(Path path) {
        plugins.add(Objects.requireNonNull(path, "path"));
        return this;
    }

    /**
     * Puts another file in, such as a bill of materials.
     *
     * @param path the file
     * @return this
     */
    public PackageFacts file(Path path) {
        files.add(Objects.requireNonNull(path, "path"));
        return this;
    }

    /**
     * Names a host that may install it.
     *
     * @param host what it calls itself when it installs
     * @return this
     */
    public PackageFacts audience(String host) {
        audiences.add(Objects.requireNonNull(host, "host"));
        return this;
    }

    /**
     * Adds a key that signs the manifest; the trust directory of the hosts says how many.
     *
     * @param key open until the package is made
     * @return this
     */
    public PackageFacts key(PrivateKey key) {
        keys.add(Objects.requireNonNull(key, "key"));
        return this;
    }

    /**
     * Adds whom it is encrypted for; all of RSA or all of SM2.
     *
     * @param recipient open until the package is made
     * @return this
     */
    public PackageFacts recipient(Recipient recipient) {
        recipients.add(Objects.requireNonNull(recipient, "recipient"));
        return this;
    }

    /**
     * Says the service of the plugins.
     *
     * @param name that of the first plugin, unless this says otherwise
     * @return this
     */
    public PackageFacts service(String name) {
        service = Objects.requireNonNull(name, "name");
        return this;
    }

    /**
     * Says the epoch, which must not fall from one package of a service to the next.
     *
     * @param epoch unsigned; 0 unless said
     * @return this
     */
    public PackageFacts epoch(long epoch) {
        this.epoch = epoch;
        return this;
    }

    /**
     * Says until when it can be installed.
     *
     * @param time after 1970; 30 days from now, unless this says otherwise
     * @return this
     */
    public PackageFacts notAfter(Instant time) {
        if (time.getEpochSecond() < 1) {
            throw new IllegalArgumentException("time: expected one after 1970, found " + time);
        }
        notAfter = time.getEpochSecond();
        return this;
    }

    /**
     * Says who issues it.
     *
     * @param issuer for people
     * @return this
     */
    public PackageFacts issuer(String issuer) {
        this.issuer = Objects.requireNonNull(issuer, "issuer");
        return this;
    }

    /**
     * Says the SM2 user id of the keys.
     *
     * @param userId at most 8,191 bytes; the default, unless this says otherwise
     * @return this
     */
    public PackageFacts userId(byte[] userId) {
        this.userId = userId.clone();
        return this;
    }

    /** Makes the package, all keys and recipients being kept open meanwhile. */
    byte[] pack(Path target) {
        Packer arguments = new Packer().path(target).text(service).text(issuer).data(userId).number(epoch).number(notAfter);
        arguments.number(plugins.size());
        plugins.forEach(arguments::path);
        arguments.number(files.size());
        files.forEach(arguments::path);
        arguments.number(audiences.size());
        audiences.forEach(arguments::text);
        int keysEntered = 0;
        int recipientsEntered = 0;
        try {
            arguments.number(keys.size());
            for (PrivateKey key : keys) {
                arguments.number(key.enter());
                keysEntered++;
            }
            arguments.number(recipients.size());
            for (Recipient recipient : recipients) {
                arguments.number(recipient.enter());
                recipientsEntered++;
            }
            return Native.pack(arguments.done());
        } finally {
            keys.subList(0, keysEntered).forEach(PrivateKey::leave);
            recipients.subList(0, recipientsEntered).forEach(Recipient::leave);
        }
    }
}

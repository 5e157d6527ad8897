package sogov;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;

/**
 * Governs the plugins of a process: trust, services and versions. Usually there is one. Any number of threads may use it at
 * once.
 *
 * <pre>{@code
 * try (Engine engine = Engine.builder().trust(Path.of("/etc/fee/trust")).rootKey(root).open()) {
 *     engine.loadVersioned("fee", "v1", Path.of("/opt/plugins/fee-v1.so"));
 *     engine.promote("fee", "v1");
 *     Answer answer = engine.service("fee").call(payment);
 * }
 * }</pre>
 *
 * <p>{@link #close} ends it, and so does the garbage collector where nobody did, at a time of its own. Every other use of a
 * closed engine is an IllegalStateException. Names of services and labels of versions are 1 to 64 characters out of A-Z a-z
 * 0-9 . _ -, no dot in front; paths are sent as UTF-8.
 */
public final class Engine implements AutoCloseable {
    private final Gate gate = new Gate("engine");
    private final Map<String, Service> services = new ConcurrentHashMap<>();
    private final Held held;
    private final Cleaner.Cleanable abandoned;

    private Engine(long address, long listeners) {
        held = new Held(address, listeners);
        abandoned = Natives.CLEANER.register(this, held);
    }

    /**
     * Begins an engine with the defaults.
     *
     * @return a builder, whose {@link EngineBuilder#open} opens it
     */
    public static EngineBuilder builder() {
        return new EngineBuilder();
    }

    /** Opens one; the builder's options are those that engine.c reads. */
    static Engine open(byte[] options, Listeners listeners) {
        long number = Listeners.add(listeners);
        long address = 0;
        try {
            address = Native.engineOpen(number, options);
        } finally {
            if (address == 0) {
                Listeners.remove(number);
            }
        }
        return new Engine(address, number);
    }

    /**
     * A service of this engine, always the same object; it comes into being where it is new. Look it up once and use it for
     * every request.
     *
     * @param name the service
     * @return the service; {@link SogovException} with {@link Status#LIMIT_EXCEEDED} beyond 4,096
     */
    public Service service(String name) {
        return inside(address -> services.computeIfAbsent(name, missing -> {
            long handle = Native.serviceOpen(address, Packer.utf8(missing));
            held.services.add(handle);
            return new Service(this, gate, missing, handle);
        }));
    }

    /**
     * Loads a plugin file with the default options; see {@link #loadVersioned(String, String, Path, LoadOptions)}.
     *
     * @param service the service
     * @param version the label
     * @param path the plugin
     * @return what is known of the version
     */
    public VersionInfo loadVersioned(String service, String version, Path path) {
        return loadVersioned(service, version, path, LoadOptions.DEFAULT);
    }

    /**
     * Loads a plugin file: its signatures must meet the trust policy, and exactly the verified bytes are mapped. The version
     * then stands beside those already there and serves nobody until it is promoted or a route policy names it.
     *
     * <p>{@link BusyException} when the label is in use; {@link TrustException}, {@link PluginException} and {@link
     * SogovException} of loading (5xx), after which nothing is loaded.
     *
     * @param service the service; it comes into being where it is new
     * @param version the label, which must be the statement's; empty takes the statement's
     * @param path the plugin
     * @param options actor and reason, signature file, bill of materials, isolated
     * @return what is known of the version
     */
    public VersionInfo loadVersioned(String service, String version, Path path, LoadOptions options) {
        byte[] arguments = options.pack(new Packer().text(service).text(version).path(path)).done();
        return info(address -> Native.loadVersioned(address, arguments));
    }

    /**
     * Replaces the stable version of a service by a plugin file, step by step, on this thread: verify, preflight, load,
     * import the state, self test, shadow calls, gray shares, handover, probation, promote. Each step can fail, and leaves
     * the old version serving everybody; the new one is unloaded then.
     *
     * <p>{@link SogovException} with {@link Status#UPDATE_FAILED} or {@link Status#CANCELLED}, which name the step; the
     * exceptions of loading up to the step "load"; {@link BusyException} during another update, while gray versions serve,
     * or when somebody else changed what serves; {@link Status#NO_VERSION} without a stable version, {@link
     * Status#DEADLOCK} from inside a call of the service.
     *
     * @param service the service, which has a stable version and no gray one
     * @param version the label, which must be the statement's; empty takes the statement's
     * @param path the plugin
     * @param options which steps there are, and how they go
     * @return what is known of the new stable version
     */
    public VersionInfo update(String service, String version, Path path, UpdateOptions options) {
        byte[] arguments = options.pack(new Packer().text(service).text(version).path(path)).done();
        Follower follower = options.follower();
        try {
            return info(address -> Native.update(address, arguments, follower));
        } finally {
            if (follower != null) {
                follower.rethrow();
            }
        }
    }

    /**
     * Puts a route policy in force; see {@link #applyRoutePolicy(String, String, Change)}.
     *
     * @param service the service
     * @param document the policy
     */
    public void applyRoutePolicy(String service, String document) {
        applyRoutePolicy(service, document, Change.UNNAMED);
    }

    /**
     * Puts a route policy in force for a service, whole, or refuses it and changes nothing.
     *
     * @param service the service; it comes into being where it is new
     * @param document JSON, at most 1 MiB; docs/conventions.md has its fields. {@link SogovException} with {@link
     *     Status#ROUTE_POLICY_INVALID} has the place and the reason
     * @param change who asks, why, and whether durably
     */
    public void applyRoutePolicy(String service, String document, Change change) {
        byte[] arguments = change.pack(new Packer().text(service).text(document)).done();
        perform(address -> Native.applyRoutePolicy(address, arguments));
    }

    /**
     * Makes a version the stable one; see {@link #promote(String, String, Change)}.
     *
     * @param service the service
     * @param version the label
     * @return what is known of the version
     */
    public VersionInfo promote(String service, String version) {
        return promote(service, version, Change.UNNAMED);
    }

    /**
     * Makes a loaded, gray or retired version the stable one, for everybody: the route policy in force ends. Calls in flight
     * end where they began; the next request goes to the new version.
     *
     * @param service the service
     * @param version the label; {@link SogovException} with {@link Status#NOT_FOUND} when no such version is loaded, with
     *     {@link Status#PINNED} when it was stopped already
     * @param change who asks, why, and whether durably
     * @return what is known of the version
     */
    public VersionInfo promote(String service, String version, Change change) {
        byte[] arguments = change.pack(new Packer().text(service).text(version)).done();
        return info(address -> Native.promote(address, arguments));
    }

    /**
     * Takes back the newest exposure; see {@link #rollback(String, Change)}.
     *
     * @param service the service
     * @return what is known of the version that serves now
     */
    public VersionInfo rollback(String service) {
        return rollback(service, Change.UNNAMED);
    }

    /**
     * Takes back the newest exposure: while gray versions serve, they are withdrawn; otherwise the stable version gives way
     * to the one before it. Calls in flight end where they began, none is lost. Afterwards, route policies with the epoch
     * that was in force, or a lower one, are refused.
     *
     * @param service the service; {@link SogovException} with {@link Status#NOT_FOUND} when there is nothing to go back to
     * @param change who asks, why, and whether durably
     * @return what is known of the version that serves now
     */
    public VersionInfo rollback(String service, Change change) {
        byte[] arguments = change.pack(new Packer().text(service)).done();
        return info(address -> Native.rollback(address, arguments));
    }

    /**
     * Unloads a version with the default options; see {@link #unload(String, String, UnloadOptions)}.
     *
     * @param service the service
     * @param version the label
     */
    public void unload(String service, String version) {
        unload(service, version, UnloadOptions.DEFAULT);
    }

    /**
     * Waits until no lease is on a loaded or retired version, stops it, unmaps it and proves that it is gone.
     *
     * <p>{@link BusyException} while it is stable or gray, or when leases were left: then it stands as before. {@link
     * SogovException} with {@link Status#DEADLOCK} from inside a call of it, with {@link Status#PINNED} when it was stopped,
     * or given up by force, but has to stay mapped.
     *
     * @param service the service
     * @param version the label
     * @param options actor and reason, how long to wait, whether to give up on the version
     */
    public void unload(String service, String version, UnloadOptions options) {
        byte[] arguments = options.pack(new Packer().text(service).text(version)).done();
        perform(address -> Native.unload(address, arguments));
    }

    /**
     * The versions of all services, in the order in which they were loaded.
     *
     * @return as they stand now
     */
    public List<VersionInfo> versions() {
        return listed("");
    }

    /**
     * The versions of one service, in the order in which they were loaded.
     *
     * @param service the service; {@link SogovException} with {@link Status#NOT_FOUND} for one that is not known
     * @return as they stand now
     */
    public List<VersionInfo> versions(String service) {
        if (service.isEmpty()) {
            throw new IllegalArgumentException("service: expected a name, found nothing");
        }
        return listed(service);
    }

    /**
     * Decides over a plugin file as {@link #loadVersioned(String, String, Path)} would, and loads nothing.
     *
     * @param service the service that it would be loaded for
     * @param version the label that it would be loaded as; empty takes any
     * @param path the plugin; a signature file beside it is found by itself
     * @return the artifact's digest; {@link TrustException} and others where loading would throw
     */
    public Digest verifyFile(String service, String version, Path path) {
        byte[] arguments = new Packer().text(service).text(version).path(path).done();
        return inside(address -> new Digest(Native.fileVerify(address, arguments)));
    }

    /**
     * Installs an update package; see {@link #install(Path, RecipientKey, String, Change)}.
     *
     * @param path the package
     * @param key that of this host
     * @param audience the name of this host
     * @return the directory that its files are in
     */
    public Path install(Path path, RecipientKey key, String audience) {
        return install(path, key, audience, Change.UNNAMED);
    }

    /**
     * Decrypts an update package, verifies all of it, and installs it into the state directory: its files appear together, or not
     * at all. The engine needs a receipt key.
     *
     * @param path the package
     * @param key that of this host
     * @param audience the name of this host
     * @param change who asks, and why
     * @return the directory that its files are in; {@link TrustException} with {@link Status#PACKAGE_INVALID} for what was
     *     altered, has another form or is not for this key, {@link Status#WRONG_AUDIENCE}, {@link Status#REPLAYED} for a
     *     package that was installed before or is older than the last one of its service; and others as loading throws
     */
    public Path install(Path path, RecipientKey key, String audience, Change change) {
        byte[] arguments = new Packer().path(path).text(audience).text(change.actor()).text(change.reason()).done();
        byte[] directory = inside(engine -> key.using(address -> Native.install(engine, address, arguments)));
        return Path.of(new String(directory, StandardCharsets.UTF_8));
    }

    /**
     * Whether an installed file is the one that was installed.
     *
     * @param path a file of an installed package
     * @return how it stands; {@link SogovException} with {@link Status#NOT_FOUND} for a file that no package brought,
     *     {@link TrustException} with {@link Status#MODIFIED} when the receipt itself was altered
     */
    public PackageStanding checkPackage(Path path) {
        byte[] arguments = new Packer().path(path).done();
        return inside(address -> PackageStanding.of(Native.packageCheck(address, arguments)));
    }

    /**
     * The last record of the audit trail, to be kept where nobody who can write the state directory can write: {@link
     * Audit#verify} finds by it what was cut off.
     *
     * @param checkpoint whether what was recorded is signed and made durable first
     * @return the place; {@link SogovException} with {@link Status#NOT_FOUND} when the engine records nothing
     */
    public AuditPosition auditHead(boolean checkpoint) {
        return inside(address -> AuditPosition.read(new Unpacker(Native.auditHead(address, checkpoint))));
    }

    /**
     * Looks at the trust directory; see {@link #refreshTrust(Change)}.
     *
     * @return how trust stands
     */
    public TrustInfo refreshTrust() {
        return refreshTrust(Change.UNNAMED);
    }

    /**
     * Looks at the trust directory now, and takes out of service what it revokes. Loads do the same, and so does a background
     * thread ({@link EngineBuilder#trustCheck}).
     *
     * @param change who asks, and why
     * @return how trust stands; {@link TrustException} where the directory is unsound, older than what was accepted before, or
     *     where the clock would decide and is not believed
     */
    public TrustInfo refreshTrust(Change change) {
        byte[] arguments = change.pack(new Packer()).done();
        return TrustInfo.read(new Unpacker(inside(address -> Native.trustRefresh(address, arguments))));
    }

    /**
     * Takes the machine's clock as it stands for right, after it jumped ahead by more than a day.
     *
     * @param change who says so, and why; both are required, logged, and kept in the trust state
     * @return the time; {@link TrustException} with {@link Status#CLOCK_REFUSED} for a clock that is behind what was seen or
     *     signed
     */
    public Instant confirmTime(Change change) {
        byte[] arguments = change.pack(new Packer()).done();
        return Instant.ofEpochSecond(inside(address -> Native.trustConfirmTime(address, arguments)));
    }

    /**
     * Whether this engine was closed.
     *
     * @return true after {@link #close}
     */
    public boolean isClosed() {
        return gate.isShut();
    }

    /**
     * Ends the engine at once; see {@link #close(Duration)}.
     *
     * @throws BusyException if something is in use
     */
    @Override
    public void close() {
        close(Duration.ZERO);
    }

    /**
     * Ends the engine: what is on its way to the disk gets there, and its versions are stopped and unmapped. A second time
     * does nothing.
     *
     * @param timeout how long to wait for what is in use; newcomers wait for the outcome meanwhile. An interrupt ends the
     *     wait
     * @throws BusyException if a call, a lease or another method is in use then, or if this is a listener of the engine; the
     *     engine goes on
     */
    public void close(Duration timeout) {
        Objects.requireNonNull(timeout, "timeout");
        if (Listeners.isTelling(held.listeners)) {
            throw new BusyException("engine: expected nobody inside, found one of its own listeners");
        }
        if (gate.shut(timeout)) {
            abandoned.clean();
        }
    }

    /**
     * The engine for people.
     *
     * @return whether it is closed
     */
    @Override
    public String toString() {
        return isClosed() ? "Engine, closed" : "Engine";
    }

    private List<VersionInfo> listed(String service) {
        byte[] arguments = Packer.of(service);
        Unpacker infos = new Unpacker(inside(address -> Native.versions(address, arguments)));
        int count = infos.index();
        List<VersionInfo> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(VersionInfo.read(infos));
        }
        return list;
    }

    private VersionInfo info(LongFunction<byte[]> change) {
        return VersionInfo.read(new Unpacker(inside(change)));
    }

    private void perform(LongConsumer body) {
        inside(address -> {
            body.accept(address);
            return null;
        });
    }

    private <T> T inside(LongFunction<T> body) {
        int cell = gate.enter();
        try {
            return body.apply(held.address);
        } finally {
            gate.leave(cell);
            Reference.reachabilityFence(this);
        }
    }

    /** What an engine holds of the library; apart from it, so that it can be freed when the engine is gone. */
    private static final class Held implements Runnable {
        private final long address;
        private final long listeners;
        private final Queue<Long> services = new ConcurrentLinkedQueue<>();

        Held(long address, long listeners) {
            this.address = address;
            this.listeners = listeners;
        }

        @Override
        public void run() {
            Native.engineFree(address);
            services.forEach(Native::serviceFree);
            Listeners.remove(listeners);
        }
    }
}

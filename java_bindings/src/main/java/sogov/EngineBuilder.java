package sogov;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongFunction;

/** What an engine needs to know; from {@link Engine#builder}. For one thread. */
public final class EngineBuilder {
    private static final long NEVER_MS = 0xffff_ffffL;

    private Path trust;
    private final List<KeyId> roots = new ArrayList<>();
    private Path state;
    private BiConsumer<LogLevel, String> log;
    private Consumer<Event> event;
    private long parkedVersions;
    private long parkedBytes;
    private Preflight preflight = Preflight.REQUIRED;
    private Duration preflightTime = Duration.ZERO;
    private int preflightMemoryMib;
    private Duration preflightCpu = Duration.ZERO;
    private SymbolCollisions symbolCollisions = SymbolCollisions.REFUSE;
    private boolean containsCrashes;
    private PrivateKey receiptKey;
    private AuditOptions audit;
    private int rootThreshold;
    private long rootSet;
    private long trustCheckMs;

    EngineBuilder() {}

    /**
     * Opens the engine. With a state directory, the last stable version of every service is verified again, loaded and put
     * back into service.
     *
     * @return an engine, to be closed; {@link TrustException} for an unsound trust directory, {@link SogovException} with
     *     {@link Status#IO} or {@link Status#NOT_FOUND} for directories that cannot be opened
     */
    public Engine open() {
        byte[] ids = new byte[roots.size() * Digest.LENGTH];
        for (int i = 0; i < roots.size(); i++) {
            System.arraycopy(roots.get(i).bytes(), 0, ids, i * Digest.LENGTH, Digest.LENGTH);
        }
        // The keys stay open while the engine is opened; 0 stands for one that is not given.
        PrivateKey checkpointKey = audit == null ? null : audit.checkpointKey();
        return using(receiptKey, receipt -> using(checkpointKey, checkpoint -> open(ids, receipt, checkpoint)));
    }

    private static Engine using(PrivateKey key, LongFunction<Engine> open) {
        return key == null ? open.apply(0) : key.using(open);
    }

    private Engine open(byte[] ids, long receipt, long checkpoint) {
        Packer options = new Packer()
                .path(trust).data(ids).path(state).flag(log != null).flag(event != null)
                .number(parkedVersions).number(parkedBytes)
                .number(preflight.number()).milliseconds(preflightTime).number(preflightMemoryMib)
                .milliseconds(preflightCpu)
                .number(symbolCollisions.number()).flag(containsCrashes).number(receipt)
                .flag(audit != null);
        if (audit != null) {
            audit.pack(options, checkpoint);
        }
        options.number(rootThreshold).number(trustCheckMs).number(rootSet);
        return Engine.open(options.doneWithSecret(), new Listeners(log, event));
    }

    /**
     * Names the trust directory: trust.json, its signature trust.json.sogsig, and public keys in keys/. Without one no
     * plugin can be loaded.
     *
     * @param directory the directory
     * @return this
     */
    public EngineBuilder trust(Path directory) {
        trust = Objects.requireNonNull(directory, "directory");
        return this;
    }

    /**
     * Names one more root key, one of which must have signed trust.json. Without any, the engine is in the development mode,
     * in which trust.json needs no signature; every {@link VersionInfo} says so.
     *
     * @param id the key; it comes with the program, not from the trust directory
     * @return this
     */
    public EngineBuilder rootKey(KeyId id) {
        roots.add(Objects.requireNonNull(id, "id"));
        return this;
    }

    /**
     * Says how many of the root keys must have signed trust.json, and which set of root keys they are.
     *
     * @param threshold how many; 0: 1
     * @param number the number of the set, later ones of which stand in the trust directory; 0: 1
     * @return this
     */
    public EngineBuilder rootSet(int threshold, long number) {
        if (threshold < 0 || number < 0) {
            throw new IllegalArgumentException("rootSet: expected 0 or more, found " + threshold + " and " + number);
        }
        rootThreshold = threshold;
        rootSet = number;
        return this;
    }

    /**
     * Says how often a background thread looks at the trust directory for what is revoked, from the first load on: every 10
     * seconds where there is a state directory and otherwise never, unless this says so. Loads and {@link
     * Engine#refreshTrust()} look in any case.
     *
     * @param interval at least a millisecond; zero: never
     * @return this
     */
    public EngineBuilder trustCheck(Duration interval) {
        long milliseconds = interval.toMillis();
        if (interval.isNegative() || !interval.isZero() && milliseconds == 0 || milliseconds >= NEVER_MS) {
            throw new IllegalArgumentException("trustCheck: expected a millisecond to 49 days, found " + interval);
        }
        trustCheckMs = interval.isZero() ? NEVER_MS : milliseconds;
        return this;
    }

    /**
     * Names the state directory, made where it is missing. Without one nothing outlives the process.
     *
     * @param directory the directory
     * @return this
     */
    public EngineBuilder state(Path directory) {
        state = Objects.requireNonNull(directory, "directory");
        return this;
    }

    /**
     * Takes each line of the log, on any thread: that of the call which causes the line, or one of the library's, which the
     * JVM then knows as a daemon. It may use the engine, but not close it. An exception in it goes to the thread's handler
     * of uncaught exceptions. The library itself never prints.
     *
     * @param listener takes a line and how much it matters
     * @return this
     */
    public EngineBuilder log(BiConsumer<LogLevel, String> listener) {
        log = Objects.requireNonNull(listener, "listener");
        return this;
    }

    /**
     * Takes each event, such as a breaker that opens, under the rules of {@link #log}; it should be quick, as a request may
     * be waiting for it.
     *
     * @param listener takes an event
     * @return this
     */
    public EngineBuilder event(Consumer<Event> listener) {
        event = Objects.requireNonNull(listener, "listener");
        return this;
    }

    /**
     * Says how many retired versions of each service stay mapped for an immediate way back, and how much address space
     * their images may take together.
     *
     * @param versions 0: 2
     * @param bytes 0: 256 MiB
     * @return this
     */
    public EngineBuilder parked(int versions, long bytes) {
        if (versions < 0 || bytes < 0) {
            throw new IllegalArgumentException("parked: expected 0 or more, found " + versions + " and " + bytes);
        }
        parkedVersions = versions;
        parkedBytes = bytes;
        return this;
    }

    /**
     * Says whether each version is loaded and started in a child process first, and refused where that fails.
     *
     * @param preflight required, unless this says otherwise
     * @return this
     */
    public EngineBuilder preflight(Preflight preflight) {
        this.preflight = Objects.requireNonNull(preflight, "preflight");
        return this;
    }

    /**
     * Limits what a preflight may take.
     *
     * @param time how long it may last; zero: 5 seconds
     * @param memoryMib how many MiB of private memory its process may use; 0: 512
     * @param cpu how much processor time, rounded up to seconds; zero: a second more than it may last
     * @return this
     */
    public EngineBuilder preflightLimits(Duration time, int memoryMib, Duration cpu) {
        if (memoryMib < 0) {
            throw new IllegalArgumentException("memoryMib: expected 0 or more, found " + memoryMib);
        }
        preflightTime = Objects.requireNonNull(time, "time");
        preflightMemoryMib = memoryMib;
        preflightCpu = Objects.requireNonNull(cpu, "cpu");
        return this;
    }

    /**
     * Says what becomes of a plugin that uses symbols of its own which the program defines too.
     *
     * @param collisions such a plugin is refused, unless this says otherwise
     * @return this
     */
    public EngineBuilder symbolCollisions(SymbolCollisions collisions) {
        symbolCollisions = Objects.requireNonNull(collisions, "collisions");
        return this;
    }

    /**
     * Lets a crash of a plugin, in a call or in another of its functions, end that alone, with {@link PluginException} and
     * {@link Status#PLUGIN_CRASHED}, instead of the process; its version is never used again. Installs handlers for SIGSEGV,
     * SIGBUS, SIGFPE and SIGILL, which stay, and hand on what is the JVM's own.
     *
     * @return this
     */
    public EngineBuilder containCrashes() {
        containsCrashes = true;
        return this;
    }

    /**
     * Gives the key that codes the receipts of installed packages; without one no package is installed. It must not lie in the
     * state directory.
     *
     * @param key of hmac-sha256, open until the engine is; the engine keeps what it needs of it
     * @return this
     */
    public EngineBuilder receiptKey(PrivateKey key) {
        receiptKey = Objects.requireNonNull(key, "key");
        return this;
    }

    /**
     * Has what is done recorded in the audit trail of the state directory.
     *
     * @param options how
     * @return this
     */
    public EngineBuilder audit(AuditOptions options) {
        audit = Objects.requireNonNull(options, "options");
        return this;
    }
}

package hosts;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.time.Duration;
import sogov.Answer;
import sogov.Engine;
import sogov.EngineBuilder;
import sogov.Lease;
import sogov.Outcome;
import sogov.Service;
import sogov.UnloadOptions;
import sogov.VersionInfo;

/** An engine over the release that run.sh made, with one service. */
final class Host implements AutoCloseable {
    /** Whether the engines of this process contain crashes: of all, since the handlers stay. */
    static final boolean CONTAINS_CRASHES = Boolean.getBoolean("sogov.contain");

    private static final Path RELEASE = Path.of(System.getenv("SOGOV_HOSTS"));
    private static final Duration DEADLINE = Duration.ofSeconds(60);

    final Engine engine;
    final Service service;
    private final String name;

    /** Loads these versions of a service; the first is stable. */
    Host(String name, String... versions) {
        this.name = name;
        EngineBuilder builder = Engine.builder().trust(RELEASE.resolve("trust"));
        engine = (CONTAINS_CRASHES ? builder.containCrashes() : builder).open();
        for (String version : versions) {
            load(version);
        }
        promote(versions[0]);
        service = engine.service(name);
    }

    void load(String version) {
        engine.loadVersioned(name, version, file(version));
    }

    /** The path of a version's plugin. */
    Path file(String version) {
        return RELEASE.resolve(name + "-" + version + ".so");
    }

    void promote(String version) {
        engine.promote(name, version);
    }

    void rollback() {
        engine.rollback(name);
    }

    void unload(String version, Duration drain) {
        engine.unload(name, version, UnloadOptions.DEFAULT.drain(drain));
    }

    /** Calls, failures and leases in flight, of all versions. */
    long[] counts() {
        long[] sums = new long[3];
        for (VersionInfo info : engine.versions(name)) {
            sums[0] += info.calls();
            sums[1] += info.failures();
            sums[2] += info.inFlight();
        }
        return sums;
    }

    static void release(Lease lease) {
        lease.outcome(Outcome.SUCCESS);
        lease.close();
    }

    @Override
    public void close() {
        engine.close(DEADLINE);
    }

    /** Calls the plugin stamp; each answer must be that of the version which the call names. For one thread. */
    final class Caller {
        long calls;

        void call() {
            String request = "request " + calls++;
            Answer answer = service.call(request.getBytes(UTF_8));
            String expected = answer.version() + ":" + request;
            if (!answer.text().equals(expected)) {
                throw new AssertionError("expected the answer " + expected + ", found " + answer.text());
            }
        }
    }
}

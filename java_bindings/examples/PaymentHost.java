import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import sogov.Change;
import sogov.Engine;
import sogov.EngineBuilder;
import sogov.KeyId;
import sogov.LoadOptions;
import sogov.Request;
import sogov.RouteReason;
import sogov.Service;
import sogov.Sogov;
import sogov.SogovException;
import sogov.Status;
import sogov.UnloadOptions;
import sogov.VersionInfo;

/**
 * A payment host that prices transactions through the plugin "fee", up to the rollback of a bad version.
 *
 * <pre>java -cp sogov-0.1.0.jar:. PaymentHost [-v] DIRECTORY</pre>
 *
 * <p>DIRECTORY holds what a release team hands over: trust/ (trust.json, its signature, public keys), root.id (the root key's
 * identifier as text), the signed plugins fee-v1.so, fee-v2.so and fee-v3.so, and two files that must not run:
 * fee-tampered.so and fee-unsigned.so. -v shows the engine's log on stderr.
 *
 * <p>Exit status 0: every count was as it must be.
 */
public final class PaymentHost {
    private static final int CALLS = 100_000;
    private static final int USERS = 50_000;
    private static final int RULE_CALLS = 1_000;
    private static final int GRAY_PERCENT = 20;
    private static final String ACTOR = "PaymentHost";
    private static final String TRY_V2 = """
            {"version": "try-v2", "epoch": 1, "stable": "v1", "weight": {"v1": 80, "v2": 20},
             "rules": [{"id": "testers", "priority": 1, "when": {"header": "x-env", "eq": "gray"}, "to": "v2"}]}""";
    private static final String TRY_V3 = """
            {"version": "try-v3", "epoch": 2, "stable": "v2", "weight": {"v2": 80, "v3": 20}}""";

    private final Engine engine;
    private final Service service;
    private final Path directory;
    private final PaymentReport report;
    private final PaymentTraffic.Tally total = new PaymentTraffic.Tally();

    private PaymentHost(Engine engine, Path directory, PaymentReport report) {
        this.engine = engine;
        this.service = engine.service("fee");
        this.directory = directory;
        this.report = report;
    }

    /** Tells the story, and ends with status 0 if every count was as it must be. */
    public static void main(String[] arguments) throws Exception {
        boolean verbose = arguments.length == 2 && arguments[0].equals("-v");
        if (arguments.length != (verbose ? 2 : 1)) {
            System.err.println("usage: PaymentHost [-v] DIRECTORY");
            System.exit(2);
        }
        Path directory = Path.of(arguments[arguments.length - 1]);
        PaymentReport report = new PaymentReport();
        try (Engine engine = open(directory, verbose)) {
            report.say("open", "sogov " + Sogov.version() + "; trust.json is signed by the root key");
            new PaymentHost(engine, directory, report).tell();
        }
        report.say("close", "the engine is closed");
        report.say("end", report.isGood() ? "every count is as it must be" : "something is WRONG, see above");
        System.exit(report.isGood() ? 0 : 1);
    }

    /**
     * An engine that trusts what the root key has signed. The root key's identifier comes with the program, not from the
     * trust directory: whoever can change the directory must not be able to say whom to trust.
     */
    private static Engine open(Path directory, boolean verbose) throws IOException {
        KeyId root = KeyId.parse(Files.readString(directory.resolve("root.id")).strip());
        EngineBuilder builder = Engine.builder().trust(directory.resolve("trust")).rootKey(root);
        if (verbose) {
            builder.log((level, line) -> System.err.println("log " + level.name().toLowerCase(Locale.ROOT) + ": " + line));
        }
        return builder.open();
    }

    private void tell() throws Exception {
        refuse("fee-tampered.so", Status.MODIFIED);
        refuse("fee-unsigned.so", Status.UNSIGNED);

        load("v1");
        promote("v1", "first release");
        load("v2");
        applyPolicy(TRY_V2, "v1 80%, v2 " + GRAY_PERCENT + "%; x-env: gray goes to v2");
        checkSplit();
        checkHeaderRule();
        promote("v2", "a day without failures");

        load("v3");
        exposeAndRollBack(() -> applyPolicy(TRY_V3, "v2 80%, v3 20%"));
        exposeAndRollBack(() -> promote("v3", "somebody insists"));

        checkCounts();
        unload("v3");
        unload("v1");
    }

    /** A file that must not run; the refusal says why. */
    private void refuse(String file, Status expected) {
        try {
            engine.loadVersioned("fee", "v1", directory.resolve(file));
            report.must(false, file + ": expected a refusal, and it was loaded");
        } catch (SogovException refusal) {
            report.say("refuse", file + ": " + refusal.getMessage());
            report.must(refusal.status() == expected, file + ": expected " + expected);
        }
    }

    /** Loads a version beside those already there. */
    private void load(String version) {
        AtomicReference<VersionInfo> loaded = new AtomicReference<>();
        String time = PaymentReport.timed(() -> loaded.set(engine.loadVersioned(
                "fee", version, directory.resolve("fee-" + version + ".so"),
                LoadOptions.DEFAULT.change(because("release")))));
        VersionInfo info = loaded.get();
        report.say("load", info.version() + " in " + time + ": digest " + info.digest().toString().substring(0, 8)
                + "..., epoch " + info.epoch());
        report.must(!info.development(), "the engine is in development mode");
    }

    /** Makes a version the stable one, for everybody. */
    private void promote(String version, String reason) {
        String time = PaymentReport.timed(() -> engine.promote("fee", version, because(reason)));
        report.say("promote", version + " in " + time);
    }

    /** Puts a route policy in force. */
    private void applyPolicy(String policy, String what) {
        String time = PaymentReport.timed(() -> engine.applyRoutePolicy("fee", policy, because(what)));
        report.say("policy", what + ": in force after " + time);
    }

    /** 100,000 calls: the share of v2, and that every user stays where the first call went. */
    private void checkSplit() {
        PaymentTraffic.Tally tally = new PaymentTraffic.Tally();
        Map<String, String> first = new HashMap<>();
        int[] found = new int[2];
        String time = PaymentReport.timed(() -> {
            for (int number = 0; number < CALLS; number++) {
                String user = "user-" + number % USERS;
                String version = PaymentTraffic.price(service, number, Request.user(user), tally).version();
                found[0] += version.equals("v2") ? 1 : 0;
                String before = first.putIfAbsent(user, version);
                found[1] += before == null || before.equals(version) ? 0 : 1;
            }
        });
        double percent = 100.0 * found[0] / CALLS;
        report.say("split", String.format(Locale.ROOT, "%d calls by %d users in %s: asked %d%% on v2, found %.2f%%",
                CALLS, USERS, time, GRAY_PERCENT, percent));
        report.say("sticky", found[1] + " of " + USERS + " users changed their version");
        report.must(Math.abs(percent - GRAY_PERCENT) < 1, "split: expected within one point of " + GRAY_PERCENT + "%");
        report.must(found[1] == 0, "sticky: expected no user to change");
        total.add(tally);
    }

    /** Testers, who send a header, are on v2 whatever their bucket is. */
    private void checkHeaderRule() {
        PaymentTraffic.Tally tally = new PaymentTraffic.Tally();
        PaymentTraffic.Met expected = new PaymentTraffic.Met("v2", RouteReason.RULE);
        int byRule = 0;
        for (int number = 0; number < RULE_CALLS; number++) {
            Request tester = Request.user("user-" + number).header("x-env", "gray");
            byRule += PaymentTraffic.price(service, number, tester, tally).equals(expected) ? 1 : 0;
        }
        report.say("header", RULE_CALLS + " calls with x-env: gray: " + byRule + " on v2");
        report.must(byRule == RULE_CALLS, "header: expected all of them on v2");
        total.add(tally);
    }

    /** Threads call without a pause while v3 is put into service, fails, and is taken back. */
    private void exposeAndRollBack(Runnable expose) throws Exception {
        PaymentTraffic traffic = new PaymentTraffic(service);
        expose.run();
        boolean hasFailed = traffic.awaitFailure();
        report.say("failing", "v3 fails; rolling back under load");
        AtomicReference<VersionInfo> restored = new AtomicReference<>();
        String time = PaymentReport.timed(
                () -> restored.set(engine.rollback("fee", because("v3 fails on large amounts"))));
        PaymentTraffic.Tally tally = traffic.end();

        String version = restored.get().version();
        report.say("rollback", version + " restored in " + time + " under the load of " + PaymentTraffic.THREADS
                + " threads");
        report.say("traffic", tally.calls + " calls: " + tally.right + " right, " + tally.knownDefect
                + " failed by v3's defect, " + tally.lost + " lost");
        report.say("after", tally.afterRollback + " calls began after the rollback: " + tally.tooLate + " met v3");
        report.must(hasFailed, "v3: expected a failure to be seen");
        report.must(version.equals("v2"), "rollback: expected v2");
        report.must(tally.tooLate == 0, "rollback: expected no later call on v3");
        total.add(tally);
    }

    /** The engine's own counts must be those of the callers. */
    private void checkCounts() {
        List<VersionInfo> infos = engine.versions("fee");
        for (VersionInfo info : infos) {
            report.say("version", info.version() + ": " + info.standing().name().toLowerCase(Locale.ROOT) + ", "
                    + info.calls() + " calls, " + info.failures() + " failures");
        }
        report.say("total", total.calls + " calls, " + total.right + " of them right, lost calls: " + total.lost);
        report.must(total.lost == 0, "expected no lost call");
        List<Long> expected = List.of(total.calls, total.knownDefect, 0L);
        List<Long> counted = List.of(
                infos.stream().mapToLong(VersionInfo::calls).sum(),
                infos.stream().mapToLong(VersionInfo::failures).sum(),
                infos.stream().mapToLong(VersionInfo::inFlight).sum());
        report.must(counted.equals(expected), "expected the engine to count " + expected
                + " (calls, failures, in flight), found " + counted);
    }

    /** The engine proves that the image is gone; this host looks into its memory map too. */
    private void unload(String version) throws IOException {
        boolean wasMapped = isMapped(version);
        UnloadOptions options = UnloadOptions.DEFAULT.change(because("no longer needed"));
        String time = PaymentReport.timed(() -> engine.unload("fee", version, options));
        boolean gone = !isMapped(version);
        report.say("unload", version + " in " + time + ": it was " + (wasMapped ? "mapped" : "not mapped") + ", and is "
                + (gone ? "mapped no more" : "mapped still"));
        report.must(wasMapped && gone, version + ": expected its image to go");
    }

    /** Whether an image of that name is mapped: the engine names its mappings service@version. */
    private static boolean isMapped(String version) throws IOException {
        return Files.readString(Path.of("/proc/self/maps")).contains("/memfd:fee@" + version + " ");
    }

    private static Change because(String reason) {
        return Change.by(ACTOR).because(reason);
    }
}

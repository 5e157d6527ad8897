package sogov;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** What a release team hands over: a trust directory signed by a root key, one release key, and signed plugins. */
final class Release implements AutoCloseable {
    static final Path ROOT = Path.of(System.getProperty("sogov.test.root")).toAbsolutePath().normalize();
    static final byte[] PRICE = "amount=1234.56 currency=CNY".getBytes();
    static final String PRICE_V1 = "fee=6.17 currency=CNY tariff=v1";
    static final String PRICE_V2 = "fee=5.56 currency=CNY tariff=v2";

    private static final Path OUTPUT = Path.of(System.getProperty("sogov.test.output"));
    private static final Path FEE = built("SOGOV_TEST_PLUGINS", "plugins", "make", "-s", "-C",
            ROOT + "/c_examples/plugins", "OUT=" + OUTPUT.resolve("plugins"));
    private static final Path ZOO =
            built("SOGOV_TEST_ZOO", "zoo", "sh", ROOT + "/tests/zoo/build.sh", OUTPUT.resolve("zoo").toString());

    final Path directory;
    final PrivateKey key = PrivateKey.generate();
    final PrivateKey root = PrivateKey.generate();

    Release(Path directory) throws Exception {
        this.directory = directory;
        Files.write(directory.resolve("root.pem"), root.toPem());
        Files.write(directory.resolve("release.pub.pem"), key.publicKey().toPem());
        run(System.getProperty("sogov.test.program"), "trust", "init", "--dir", trust().toString(),
                "--root", directory.resolve("root.pem").toString(),
                "--key", directory.resolve("release.pub.pem") + ":*");
    }

    Path trust() {
        return directory.resolve("trust");
    }

    /** An engine that trusts this release. */
    EngineBuilder builder() {
        return Engine.builder().trust(trust()).rootKey(root.id());
    }

    /** An engine with the service fee: v1 stable, v2 loaded. */
    Engine feeEngine() {
        Engine engine = builder().open();
        loadFee(engine);
        return engine;
    }

    void loadFee(Engine engine) {
        for (String version : new String[] {"v1", "v2"}) {
            engine.loadVersioned("fee", version, signed(fee(version), "fee", version));
        }
        engine.promote("fee", "v1");
    }

    /** A signed copy of a plugin. */
    Path signed(Path plugin, String service, String version) {
        Path target = directory.resolve(service + "-" + version + ".so");
        key.signFile(plugin, target, FileFacts.builder(service, version).epoch(1).build());
        return target;
    }

    /** The unsigned plugin fee: v1, v2 or v3. */
    static Path fee(String version) {
        return FEE.resolve("libfee_" + version + ".so");
    }

    /** A plugin of tests/zoo. */
    static Path zoo(String name) {
        return ZOO.resolve(name + ".so");
    }

    static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IOException(Arrays.toString(command) + ": " + printed);
        }
        return printed;
    }

    @Override
    public void close() {
        key.close();
        root.close();
    }

    private static Path built(String variable, String kind, String... command) {
        String given = System.getenv(variable);
        if (given != null) {
            return Path.of(given);
        }
        try {
            run(command);
        } catch (IOException | InterruptedException failure) {
            throw new AssertionError(failure);
        }
        return OUTPUT.resolve(kind);
    }
}
